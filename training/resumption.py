"""Going on with an interrupted training: from its last whole checkpoint, with the same settings, or not at all."""

from __future__ import annotations

import json
from pathlib import Path

from omegaconf import DictConfig, OmegaConf
from transformers import EarlyStoppingCallback, TrainerState, TrainingArguments

from training.script import ScriptError
from training.settings import leaves
from training.tracking import RUN_ID_FILE

CHECKPOINTS, NETWORK, CONFIG = "checkpoints", "model", "config.yaml"
"""What a training writes into its output directory."""

ARTICLES = "corpus_fingerprint.txt"
"""What a training also writes there: what identifies the annotated articles that it reads."""

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


def checkpoint_with_settings(config: DictConfig, output: Path, resume: bool) -> Path | None:
    """Returns the checkpoint that a training goes on from, if its settings are those that it was begun with.

    Where a training begins, the MLflow run of one that was killed before its first checkpoint is not gone on with: its
    settings may have been others.

    Args:
        config: The configuration.
        output: The training's output directory.
        resume: Whether the user wants to go on.

    Raises:
        ScriptError: As of ``checkpoint_to_resume`` and ``check_same_settings``.
    """
    checkpoint = checkpoint_to_resume(output, resume)
    if checkpoint is None:
        (output / RUN_ID_FILE).unlink(missing_ok=True)
    else:
        check_same_settings(config, output)
    return checkpoint


def keep_settings(config: DictConfig, output: Path, articles: str = "") -> None:
    """Writes what a training begins with, by which it is known when it is resumed.

    Args:
        config: The configuration.
        output: The training's output directory, made if it does not exist.
        articles: Fingerprint of the annotated articles that it reads; empty where it reads none.
    """
    output.mkdir(parents=True, exist_ok=True)
    OmegaConf.save(config, output / CONFIG, resolve=True)
    if articles:
        (output / ARTICLES).write_text(f"{articles}\n", encoding="utf-8")


def check_same_articles(articles: str, output: Path) -> None:
    """Checks that a training is resumed with the annotated articles that it was begun with.

    Args:
        articles: Fingerprint of those to go on with.
        output: The training's output directory.

    Raises:
        ScriptError: If they differ.
    """
    path = output / ARTICLES
    if path.is_file() and path.read_text(encoding="utf-8").strip() != articles:
        raise ScriptError(
            f"the articles or annotations have changed since the training in {output} was begun; resume it with the "
            "corpus as it was, or begin another one in another output_dir"
        )


def check_same_settings(config: DictConfig, output: Path) -> None:
    """Checks that a training is resumed with the settings that it was begun with.

    Args:
        config: The configuration to go on with.
        output: The training's output directory.

    Raises:
        ScriptError: With every setting that differs.
    """
    path = output / CONFIG
    different = different_settings(config, path)
    if different:
        listed = "\n".join(f"  {difference}" for difference in different)
        raise ScriptError(
            f"the training in {output} was begun with other settings:\n{listed}\n"
            f"Resume it with those in {path}, or begin another one in another output_dir"
        )


def different_settings(config: DictConfig, begun_with: Path) -> list[str]:
    """Returns in words which settings of a training differ from those that it was begun with.

    Args:
        config: The configuration.
        begun_with: The file that the training kept its own in.
    """
    begun, now = (
        dict(leaves(OmegaConf.to_container(values, resolve=True))) for values in (OmegaConf.load(begun_with), config)
    )
    return [
        f"{name}: was {begun.get(name, 'not there')}, is {now.get(name, 'not there')}"
        for name in dict.fromkeys((*begun, *now))
        if begun.get(name) != now.get(name) and not any(name == free or name.startswith(f"{free}.") for free in _FREE)
    ]


def early_stopping(patience: int, checkpoint: Path | None, arguments: TrainingArguments) -> EarlyStoppingCallback:
    """Returns what ends a training that makes no progress, counting from before it was interrupted.

    Args:
        patience: Epochs without a better dev score after which it ends.
        checkpoint: What it goes on from; None where it begins.
        arguments: The Trainer's; where it had ended already, no epoch is added.
    """
    callback = EarlyStoppingCallback(patience)
    if checkpoint is not None:
        # the Trainer itself would count the epochs without progress anew, and train on where it had stopped early
        callback.early_stopping_patience_counter = epochs_without_progress(checkpoint)
        if callback.early_stopping_patience_counter >= patience:
            arguments.num_train_epochs = epochs_done(checkpoint)
    return callback


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
