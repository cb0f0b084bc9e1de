"""Search for better settings with Optuna: a study in a database, so that a search that was killed goes on."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from training.script import ScriptError
from training.sweeps.child import Child, ChildScores

STUDY = "optuna.db"

log = logging.getLogger(__name__)

Train = Callable[[Child, list[TrainerCallback]], ChildScores]


@dataclass
class Search:
    """What is searched; each field is explained in configs/sweep/search.yaml."""

    kind: str
    trials: int
    space: dict[str, Any]
    seed: int
    pruning: bool

    def __post_init__(self) -> None:
        if self.trials < 1:
            raise ValueError(f"trials is {self.trials}; expected at least 1")
        if not self.space:
            raise ValueError("space is empty; expected settings of configs/finetune.yaml with their ranges")
        for name, values in self.space.items():
            if not _is_choice(values) and not _is_range(values):
                raise ValueError(
                    f"space.{name} is {values}; expected {{choices: [...]}} or {{low: NUMBER, high: NUMBER}} with a "
                    "greater high, and log: true to search by orders of magnitude"
                )


class Pruning(TrainerCallback):  # type: ignore[misc]
    """Ends a training that is worse after an epoch than most were.

    Args:
        trial: The Optuna trial of the training.
        score: Name of the dev score that it is judged by.
    """

    def __init__(self, trial: Any, score: str) -> None:
        self.trial = trial
        self.score = score
        # a resumed training comes by epochs that it told of before
        self._told = set(trial.study.trials[trial.number].intermediate_values)

    def on_evaluate(
        self, args: Any, state: Any, control: Any, metrics: Mapping[str, float] | None = None, **_: Any
    ) -> None:
        """Tells Optuna of the epoch and stops where it says so."""
        epoch = round(state.epoch or 0)
        if epoch not in self._told:
            self.trial.report((metrics or {})[f"eval_{self.score}"], epoch)
        if self.trial.should_prune():
            control.should_training_stop = True


def search(settings: Search, output: Path, score: str, train: Train) -> Iterator[ChildScores]:
    """Tries settings out and yields what each training reached.

    The same settings are tried in the same order whether a search was interrupted or not.

    Args:
        settings: What to search.
        output: The sweep's folder, which keeps the study.
        score: Name of the dev score to raise.
        train: Trains with some settings.

    Raises:
        ScriptError: If Optuna is not installed.
    """
    try:
        optuna: Any = importlib.import_module("optuna")
    except ImportError as error:
        raise ScriptError(
            "a search needs Optuna, which is not installed; install it: pip install 'hadath[sweep]'"
        ) from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    output.mkdir(parents=True, exist_ok=True)
    study = optuna.create_study(
        storage=f"sqlite:///{output / STUDY}",
        study_name="search",
        direction="maximize",
        load_if_exists=True,
        pruner=optuna.pruners.MedianPruner() if settings.pruning else optuna.pruners.NopPruner(),
    )
    for number in range(settings.trials):
        # seeded by the trial: a search that goes on would else try again what it tried first
        study.sampler = optuna.samplers.TPESampler(seed=settings.seed + number)
        known = study.trials
        trial = study.ask() if number >= len(known) else optuna.trial.Trial(study, known[number]._trial_id)
        child = Child(
            f"trial-{number:03}", {name: _suggested(trial, name, each) for name, each in settings.space.items()}
        )
        reached = train(child, [Pruning(trial, score)] if settings.pruning else [])
        if not known[number:] or not known[number].state.is_finished():
            if settings.pruning and trial.should_prune():
                log.info("%s was ended early: others were better after as many epochs", child.name)
                study.tell(trial, state=optuna.trial.TrialState.PRUNED)
            else:
                study.tell(trial, reached.scores[score])
        yield reached


def _suggested(trial: Any, name: str, values: Mapping[str, Any]) -> Any:
    if _is_choice(values):
        return trial.suggest_categorical(name, values["choices"])
    low, high, log_scale = values["low"], values["high"], bool(values.get("log", False))
    if isinstance(low, int) and isinstance(high, int):
        return trial.suggest_int(name, low, high, log=log_scale)
    return trial.suggest_float(name, low, high, log=log_scale)


def _is_choice(values: Any) -> bool:
    return isinstance(values, dict) and set(values) == {"choices"} and isinstance(values["choices"], list)


def _is_range(values: Any) -> bool:
    if not isinstance(values, dict) or not {"low", "high"} <= set(values) <= {"low", "high", "log"}:
        return False
    numbers = [values["low"], values["high"]]
    right = all(isinstance(number, (int, float)) and not isinstance(number, bool) for number in numbers)
    return right and numbers[0] < numbers[1] and (numbers[0] > 0 or not values.get("log"))
