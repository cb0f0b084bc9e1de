"""Going on with an interrupted training: from its last whole checkpoint, with the same settings, or not at all."""

from __future__ import annotations

import json
from pathlib import Path

from omegaconf import DictConfig, OmegaConf
from transformers import TrainerState

from training.script import ScriptError
from training.settings import leaves

CHECKPOINTS, NETWORK, CONFIG = "checkpoints", "model", "config.yaml"
"""What a training writes into its output directory."""

# what may differ between a training and its continuation
_FREE = (
    "resume",
    "output_dir",
    "tracking",
    "log_network",
    "optimization.log_steps",
    "log_steps",
    "max_minutes",
    "workers",
)

_STATE = "trainer_state.json"


def checkpoint_to_resume(output: Path, resume: bool) -> Path | None:
    """Returns the checkpoint that a training goes on from.

    Args:
        output: The training's output directory.
        resume: Whether the user wants to go on.

    Returns:
        The last checkpoint that was written to its end; None for a new training.

    Raises:
        ScriptError: If there is nothing to resume, or the directory holds a training that nobody wants to resume.
    """
    folder = output / CHECKPOINTS
    # the state is written last: a checkpoint without it was interrupted
    whole = [path for path in folder.glob("checkpoint-*") if _step(path) >= 0 and _state(path) is not None]
    if not resume and (whole or (output / NETWORK).exists()):
        raise ScriptError(
            f"{output} already holds a training; add resume=true to go on with it, or give another output_dir"
        )
    if resume and not whole:
        raise ScriptError(
            f"nothing to resume: {folder} holds no checkpoint; give output_dir=DIRECTORY of the run that was "
            "interrupted, or leave resume=true out"
        )
    return max(whole, key=_step, default=None)


def check_same_settings(config: DictConfig, output: Path) -> None:
    """Checks that a training is resumed with the settings that it was begun with.

    Args:
        config: The configuration to go on with.
        output: The training's output directory.

    Raises:
        ScriptError: With every setting that differs.
    """
    path = output / CONFIG
    begun, now = (
        dict(leaves(OmegaConf.to_container(values, resolve=True))) for values in (OmegaConf.load(path), config)
    )
    different = [
        f"  {name}: was {begun.get(name, 'not there')}, is {now.get(name, 'not there')}"
        for name in dict.fromkeys((*begun, *now))
        if begun.get(name) != now.get(name) and not any(name == free or name.startswith(f"{free}.") for free in _FREE)
    ]
    if different:
        listed = "\n".join(different)
        raise ScriptError(
            f"the training in {output} was begun with other settings:\n{listed}\n"
            f"Resume it with those in {path}, or begin another one in another output_dir"
        )


def epochs_without_progress(checkpoint: Path) -> int:
    """Returns for how many epochs the dev score had not risen when a checkpoint was written."""
    state = _state(checkpoint)
    callbacks = state.stateful_callbacks if state is not None else {}
    return int(callbacks["EarlyStoppingCallback"]["attributes"]["early_stopping_patience_counter"])


def epochs_done(checkpoint: Path) -> int:
    """Returns how many epochs had been trained when a checkpoint was written."""
    state = _state(checkpoint)
    return round(state.epoch) if state is not None and state.epoch else 0


def _step(checkpoint: Path) -> int:
    step = checkpoint.name.removeprefix("checkpoint-")
    return int(step) if step.isdecimal() else -1


def _state(checkpoint: Path) -> TrainerState | None:
    try:
        return TrainerState.load_from_json(str(checkpoint / _STATE))
    except (OSError, json.JSONDecodeError):
        return None
