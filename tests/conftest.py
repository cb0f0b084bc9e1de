"""What all tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

# before the hub's library reads it: no test reaches for the network, on a machine that has one as on one that has none
os.environ["HF_HUB_OFFLINE"] = "1"

from tests.fixtures.tiny_model import write_tiny_model


@pytest.fixture(scope="session")
def tiny_model_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A complete model directory with a tiny random network over the types of the tiny corpus."""
    return write_tiny_model(tmp_path_factory.mktemp("models") / "tiny")
