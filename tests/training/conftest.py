"""What the tests of training share: tiny encoders, and the tiny corpus's schema."""

from __future__ import annotations

from pathlib import Path

import pytest

from hadath.schema import Schema
from tests.fixtures.tiny_encoder import write_tiny_encoder

CORPUS = Path(__file__).parents[1] / "fixtures" / "corpus"


@pytest.fixture(scope="session")
def tiny_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A local directory with a tiny BERT and a SentencePiece-like tokenizer, as ``mini`` is one."""
    return write_tiny_encoder(tmp_path_factory.mktemp("encoders") / "tiny")


@pytest.fixture(scope="session")
def tiny_schema() -> Schema:
    """The schema of the tiny corpus."""
    return Schema.from_brat((CORPUS / "annotation.conf").read_text(encoding="utf-8"))
