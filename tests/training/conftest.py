"""What the tests of training share: tiny encoders, the tiny corpus's schema, and an MLflow store."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from hadath.schema import Schema
from tests.fixtures.tiny_encoder import write_tiny_encoder


@pytest.fixture(scope="session")
def tiny_corpus() -> Path:
    """The folder of the tiny corpus."""
    return Path(__file__).parents[1] / "fixtures" / "corpus"


@pytest.fixture(scope="session")
def tiny_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A local directory with a tiny BERT and a SentencePiece-like tokenizer, as ``mini`` is one."""
    return write_tiny_encoder(tmp_path_factory.mktemp("encoders") / "tiny")


@pytest.fixture(scope="session")
def tiny_schema(tiny_corpus: Path) -> Schema:
    """The schema of the tiny corpus."""
    return Schema.from_brat((tiny_corpus / "annotation.conf").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new MLflow database: its tables take seconds to make, so tests take copies."""
    path = tmp_path_factory.mktemp("store") / "mlflow.db"
    import mlflow

    mlflow.MlflowClient(f"sqlite:///{path}").search_experiments()
    return path


@pytest.fixture
def mlflow_store(empty_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of an empty MLflow database; the files of its runs go to the test's folder too."""
    import mlflow

    # files of runs lie beside the working directory
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    shutil.copy(empty_store, tmp_path / "work" / "mlflow.db")
    yield f"sqlite:///{tmp_path / 'work' / 'mlflow.db'}"
    while mlflow.active_run():
        mlflow.end_run()
