from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig

from hadath.errors import HadathError
from training.script import CONFIGS, EXIT_BAD_INPUT, ScriptError, script
from training.settings import SettingsError


class Expected(Exception):
    """An error that a script announces."""


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., int]]:
    """Runs a function as the command evaluate, in this process, and returns the exit code."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level

    def exit_code(body: Callable[[DictConfig], Any], *arguments: str) -> int:
        GlobalHydra.instance().clear()
        monkeypatch.setattr(sys, "argv", ["evaluate", *arguments])
        try:
            script("evaluate", Expected)(body)()
        except SystemExit as left:
            return int(left.code or 0)
        return 0

    yield exit_code
    root.handlers[:], root.level = handlers, level


def test_a_script_gets_its_composed_configuration(command: Callable[..., int]) -> None:
    seen: list[DictConfig] = []
    assert command(seen.append, "model=a/b", "seed=3", "output_dir=out") == 0
    assert (seen[0].model, seen[0].seed, seen[0].output_dir, seen[0].corpus.path) == ("a/b", 3, "out", "data")
    assert (CONFIGS / "evaluate.yaml").is_file()


@pytest.mark.parametrize("kind", [HadathError, ScriptError, SettingsError, Expected])
def test_expected_errors_are_sentences(
    command: Callable[..., int], capfd: pytest.CaptureFixture[str], kind: type[Exception]
) -> None:
    def body(config: DictConfig) -> None:
        raise kind("no [model] in " + "a/very/long/path/" * 20)

    assert command(body, "model=a") == EXIT_BAD_INPUT
    # brackets are no markup, and long lines are left to the terminal
    assert capfd.readouterr().err.strip() == "error: no [model] in " + "a/very/long/path/" * 20


def test_a_missing_option_is_named(command: Callable[..., int], capfd: pytest.CaptureFixture[str]) -> None:
    assert command(lambda config: config.model, "model=???") == EXIT_BAD_INPUT
    assert capfd.readouterr().err.strip() == "error: model is missing; add model=VALUE, see configs/evaluate.yaml"


def test_other_errors_keep_their_traceback(
    command: Callable[..., int], capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def body(config: DictConfig) -> None:
        raise ZeroDivisionError("a mistake of the programmer")

    assert command(body, "model=a") == 1
    assert "ZeroDivisionError: a mistake of the programmer" in capfd.readouterr().err


def test_each_job_of_a_multirun_has_a_folder_of_its_own(
    command: Callable[..., int], tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    seen: list[str | None] = []
    places = ["--multirun", "model=a", "seed=1,2", "hydra.sweep.dir=sweep"]
    assert command(lambda config: seen.append(config.output_dir), *places, "output_dir=out") == 0
    assert command(lambda config: seen.append(config.output_dir), *places) == 0
    assert seen == ["out/0", "out/1", None, None]
