from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

import hadath
from hadath.errors import ModelError
from hadath.model_directory import ModelConfig
from tests.fixtures.tiny_model import write_tiny_model
from training import bundle as script
from training.bundle import bundle


def test_a_model_takes_the_place_of_the_one_before(tiny_model_directory: Path, tmp_path: Path) -> None:
    into = write_tiny_model(tmp_path / "hadath" / "model", seed=3, name="old")
    (into / "README.md").write_text("the old card", encoding="utf-8")
    assert bundle(str(tiny_model_directory), into) == into
    assert ModelConfig.read(into).name == "tiny"
    text = "زار وزير تونس اليوم"
    assert hadath.load(into)(text) == hadath.load(tiny_model_directory)(text)
    # nothing of the old model stays, and nothing beside it
    assert {path.name for path in into.iterdir()} == {"model.onnx", "tokenizer.json", "config.json"}
    assert [path.name for path in into.parent.iterdir()] == ["model"]
    assert bundle(str(into), into) == into


def test_a_damaged_model_is_not_shipped(tiny_model_directory: Path, tmp_path: Path) -> None:
    damaged = Path(shutil.copytree(tiny_model_directory, tmp_path / "damaged"))
    (damaged / "model.onnx").write_bytes(b"no network")
    into = write_tiny_model(tmp_path / "hadath" / "model", name="old")
    with pytest.raises(ModelError):
        bundle(str(damaged), into)
    assert ModelConfig.read(into).name == "old"


def test_the_command_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["bundle", str(tmp_path / "nowhere")])
    assert script.main() == 2
    assert "error: no model at" in capsys.readouterr().err
