from __future__ import annotations

import io
from types import SimpleNamespace

import pytest
from rich.console import Console

from training.progress import EpochLines

ARGUMENTS = SimpleNamespace(num_train_epochs=3)
SCORES = {"eval_entities/f1": 0.5, "eval_events/f1": 0.25, "eval_modality/accuracy": 0.75, "eval_seconds": 2.0}


def test_a_line_is_written_for_each_epoch() -> None:
    shown = io.StringIO()
    with EpochLines(Console(file=shown, width=40)) as lines:
        lines.on_train_begin(ARGUMENTS, SimpleNamespace(max_steps=6, global_step=0), None)
        lines.on_log(ARGUMENTS, None, None, logs={"loss": 1.5})
        lines.on_log(ARGUMENTS, None, None, logs={"eval_entities/f1": 0.5})
        lines.on_step_end(ARGUMENTS, SimpleNamespace(global_step=1), None)
        lines.on_evaluate(ARGUMENTS, SimpleNamespace(epoch=1.0), None, metrics=SCORES)
        lines.on_evaluate(ARGUMENTS, SimpleNamespace(epoch=2.0), None, metrics={"eval_events/f1": 1.0})
    first, second = shown.getvalue().splitlines()
    assert first.startswith("epoch 1/3    loss  1.500  dev: entities F1 0.500  events F1 0.250  modality 0.750  (")
    assert "events F1 1.000" in second
    assert "entities" not in second


def test_the_bar_goes_away_when_a_training_breaks_off() -> None:
    shown = io.StringIO()
    state = SimpleNamespace(max_steps=6, global_step=2)

    def broken() -> None:
        with EpochLines(Console(file=shown, force_terminal=True, width=80)) as lines:
            lines.on_train_begin(ARGUMENTS, state, None)
            lines.on_step_end(ARGUMENTS, SimpleNamespace(global_step=3), None)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        broken()
    hidden, visible = "\x1b[?25l", "\x1b[?25h"
    assert hidden in shown.getvalue()
    assert shown.getvalue().rindex(visible) > shown.getvalue().rindex(hidden)
    assert "3/6" in shown.getvalue()
