"""One training of a sweep: done, half done or not begun, as its folder tells."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf
from transformers import TrainerCallback

from training.provenance import read_provenance
from training.resumption import CHECKPOINTS, CONFIG, NETWORK, check_same_settings, checkpoint_to_resume
from training.script import ScriptError

SCORES = "scores.json"
"""Written into a training's folder when it is done."""


@dataclass(frozen=True)
class Child:
    """A training of a sweep.

    Attributes:
        name: Name of its folder, made of what is its own.
        settings: What is its own: values by the full names of settings.
    """

    name: str
    settings: Mapping[str, Any]


@dataclass(frozen=True)
class ChildScores:
    """What a training of a sweep reached.

    Attributes:
        child: The training.
        directory: Its folder.
        scores: Its scores on dev.
        run_id: Its MLflow run; None where nothing is recorded.
        learnt_from: Fingerprint of its articles.
    """

    child: Child
    directory: Path
    scores: Mapping[str, float]
    run_id: str | None
    learnt_from: str


def trained_child(
    config: DictConfig, child: Child, output: Path, callbacks: Sequence[TrainerCallback] = ()
) -> ChildScores:
    """Trains what a sweep wants next, or finds that it is done already.

    A training that was killed goes on from its last checkpoint, in the same MLflow run. Its checkpoints are removed
    when it is done.

    Args:
        config: The sweep's configuration.
        child: The training.
        output: The sweep's folder, in which it has its own.
        callbacks: Further callbacks of the Trainer.

    Returns:
        Its scores.

    Raises:
        ScriptError: If its folder holds a training with other settings.
    """
    # here, because finetune starts sweeps
    from training.finetune import finetune

    directory = output / child.name
    own = child_config(config, child, directory)
    if (directory / CONFIG).is_file():
        check_same_settings(own, directory)
    if not (directory / SCORES).is_file():
        own.resume = _can_go_on(directory)
        result = finetune(own, callbacks)
        origin = read_provenance(result.directory)
        done = {
            "scores": result.scores,
            "run_id": result.run_id,
            "learnt_from": origin["corpus_fingerprint"],
            "settings": dict(child.settings),
        }
        written = directory / f"{SCORES}.part"
        written.write_text(json.dumps(done, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
        os.replace(written, directory / SCORES)
    shutil.rmtree(directory / CHECKPOINTS, ignore_errors=True)
    done = json.loads((directory / SCORES).read_text(encoding="utf-8"))
    return ChildScores(child, directory, done["scores"], done["run_id"], done["learnt_from"])


def child_config(config: DictConfig, child: Child, directory: Path) -> DictConfig:
    """Returns the configuration of a training of a sweep.

    Raises:
        ScriptError: If it sets what is no setting of finetune.
    """
    own: DictConfig = OmegaConf.create(OmegaConf.to_container(config, resolve=True))
    own.pop("sweep", None)
    own.output_dir = str(directory)
    own.tracking.run_name = child.name
    for name, value in child.settings.items():
        if OmegaConf.select(own, name, default=...) is ...:
            raise ScriptError(f"sweep sets {name}, which is no setting of configs/finetune.yaml; check its name")
        OmegaConf.update(own, name, value)
    return own


def _can_go_on(directory: Path) -> bool:
    try:
        return checkpoint_to_resume(directory, resume=True) is not None
    except ScriptError:
        # killed before its first checkpoint: it begins anew
        shutil.rmtree(directory / NETWORK, ignore_errors=True)
        return False
