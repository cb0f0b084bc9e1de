"""What a person sees while a network trains: a bar where there is a terminal, and a line for each epoch."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from transformers import TrainerCallback


class EpochLines(TrainerCallback):  # type: ignore[misc]
    """Shows the progress of a training.

    Args:
        console: Where to; a bar is drawn only on a terminal.
    """

    def __init__(self, console: Console) -> None:
        self.console = console
        self.loss = float("nan")
        self._progress: Progress | None = None
        self._task: TaskID | None = None
        self._started = time.perf_counter()

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Draws the bar."""
        self._started = time.perf_counter()
        if self.console.is_terminal:
            columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
            self._progress = Progress(*columns, console=self.console, transient=True)
            self._task = self._progress.add_task("steps", total=state.max_steps, completed=state.global_step)
            self._progress.start()

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Moves the bar."""
        if self._progress is not None and self._task is not None:
            self._progress.update(self._task, completed=state.global_step)

    def on_log(self, args: Any, state: Any, control: Any, logs: Mapping[str, Any] | None = None, **_: Any) -> None:
        """Remembers the loss."""
        self.loss = (logs or {}).get("loss", self.loss)

    def on_evaluate(
        self, args: Any, state: Any, control: Any, metrics: Mapping[str, float] | None = None, **_: Any
    ) -> None:
        """Writes the epoch's line."""
        names = (
            ("eval_entities/f1", "entities F1"),
            ("eval_events/f1", "events F1"),
            ("eval_modality/accuracy", "modality"),
            ("eval_arguments/f1", "arguments F1"),
            ("eval_arguments_given_spans/f1", "of given spans"),
        )
        found = metrics or {}
        scores = "  ".join(f"{shown} {found[name]:.3f}" for name, shown in names if name in found)
        minutes, seconds = divmod(int(time.perf_counter() - self._started), 60)
        epoch = f"epoch {state.epoch or 0:.0f}/{args.num_train_epochs:.0f}"
        self.console.print(
            f"{epoch:<12} loss {self.loss:6.3f}  dev: {scores}  ({minutes}:{seconds:02})",
            highlight=False,
            markup=False,
            soft_wrap=True,
        )

    def __enter__(self) -> EpochLines:
        return self

    def __exit__(self, *_: object) -> None:
        """Takes the bar away, also where the training broke off: the terminal's cursor is hidden behind it."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None
