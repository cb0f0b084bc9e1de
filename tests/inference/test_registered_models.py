"""Models of an MLflow registry, with a stand-in for MLflow; the real one is used in tests/training/test_promote.py."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import hadath
from hadath.errors import ModelError
from hadath.model_directory import find


class Registry:
    """One registered model, in two versions, and where its files lie."""

    def __init__(self, folder: Path) -> None:
        self.artifacts = SimpleNamespace(download_artifacts=self.download)
        self.folder = folder

    def download(self, artifact_uri: str) -> str:
        if artifact_uri != "models:/hadath@champion":
            raise LookupError(f"no {artifact_uri}\nand more lines")
        return str(self.folder)

    def get_registry_uri(self) -> str:
        return "sqlite:///mlflow.db"

    def MlflowClient(self) -> Any:
        return SimpleNamespace(
            search_registered_models=lambda: [SimpleNamespace(name="hadath", aliases={"champion": "2"})],
            search_model_versions=lambda query: [SimpleNamespace(version=version) for version in ("10", "2")],
        )


@pytest.fixture
def registry(tiny_model_directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    (tmp_path / "artifacts").mkdir()
    (tmp_path / "artifacts" / "package").symlink_to(tiny_model_directory, target_is_directory=True)
    known = Registry(tmp_path)
    monkeypatch.setitem(sys.modules, "mlflow", known)  # type: ignore[arg-type]
    return known


def test_a_registered_model_is_loaded(registry: Registry, tiny_model_directory: Path) -> None:
    (registry.folder / "artifacts" / "package").unlink()
    (registry.folder / "deep" / "package").mkdir(parents=True)
    for file in tiny_model_directory.iterdir():
        (registry.folder / "deep" / "package" / file.name).write_bytes(file.read_bytes())
    assert find("models:/hadath@champion") == registry.folder / "deep" / "package"
    text = "زار وزير تونس اليوم"
    assert hadath.load("models:/hadath@champion")(text) == hadath.load(tiny_model_directory)(text)


@pytest.mark.parametrize(
    ("address", "message"),
    [
        (
            "models:/hadath@latest",
            "models:/hadath@latest cannot be had from the registry sqlite:///mlflow.db: no models:/hadath@latest\n"
            "hadath has the versions 2, 10 and the aliases @champion (version 2)",
        ),
        ("models:/other/1", "Registered are: hadath. Another registry: MLFLOW_TRACKING_URI"),
    ],
)
def test_what_is_not_registered_is_refused_with_what_is(registry: Registry, address: str, message: str) -> None:
    with pytest.raises(ModelError) as raised:
        hadath.load(address)
    assert message in str(raised.value)
    assert "more lines" not in str(raised.value)


def test_a_registered_model_of_another_kind_is_refused(registry: Registry) -> None:
    (registry.folder / "artifacts" / "package").unlink()
    with pytest.raises(ModelError, match=r"is in the registry, but is no hadath model: it holds no model\.onnx"):
        hadath.load("models:/hadath@champion")


def test_a_registry_that_cannot_be_read_is_said(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable() -> Any:
        raise ConnectionError("no route to the server")

    monkeypatch.setattr(registry, "MlflowClient", unreachable)
    with pytest.raises(ModelError, match="The registry cannot be read: no route to the server"):
        hadath.load("models:/hadath@latest")


def test_without_mlflow_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(ModelError, match=r"MLflow is not installed; install it \(pip install mlflow\)"):
        hadath.load("models:/hadath@champion")
