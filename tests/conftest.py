"""What all tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# before the hub's library reads it: no test reaches for the network, on a machine that has one as on one that has none
os.environ["HF_HUB_OFFLINE"] = "1"

from tests.fixtures.tiny_model import write_tiny_model

# how long an example takes says more of what else the machine is doing than of the code
settings.register_profile("hadath", deadline=None)
settings.load_profile("hadath")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "slow: takes minutes; run only when asked for with -m slow")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if "slow" not in config.getoption("markexpr"):
        for item in items:
            if item.get_closest_marker("slow"):
                item.add_marker(pytest.mark.skip(reason="takes minutes; run it with -m slow"))


@pytest.fixture(scope="session")
def tiny_model_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A complete model directory with a tiny random network over the types of the tiny corpus."""
    return write_tiny_model(tmp_path_factory.mktemp("models") / "tiny")
