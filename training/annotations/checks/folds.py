"""Models that have each not learnt a part of the train split: k trainings of ``training.finetune``."""

from __future__ import annotations

import hashlib
import logging
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from omegaconf import DictConfig

from training.corpus import Corpus, fingerprint
from training.provenance import FILE as PROVENANCE
from training.resumption import CHECKPOINTS, NETWORK
from training.script import ScriptError

log = logging.getLogger(__name__)

_BEGUN_WITH = "begun_with.txt"
_SPLITS = "splits"


def fold_models(
    corpus: Corpus, folds: int, output: Path, training: Sequence[str], corpus_config: DictConfig
) -> list[Path]:
    """Trains a model for each fold of the train split, without that fold.

    Articles of dev choose the best epoch, as ever; those of the other splits are not read by any training. What is
    there already is taken, and a training that was stopped goes on.

    Args:
        corpus: The corpus.
        folds: Number of folds.
        output: Where the trainings are written, each in a folder ``fold-N``.
        training: Further settings of ``training.finetune``.
        corpus_config: Where the corpus is.

    Returns:
        The networks' folders.

    Raises:
        ScriptError: If a training fails, if the corpus has no train or dev split, or if ``output`` holds models of
            another state of the corpus, other folds or other settings.
    """
    missing = [split for split in ("train", "dev") if not corpus.splits.get(split)]
    if missing:
        raise ScriptError(f"training needs articles in {' and '.join(missing)}; divide the corpus with split first")
    if len(corpus.splits["train"]) < folds:
        raise ScriptError(f"{len(corpus.splits['train'])} articles in train make no {folds} folds; ask for fewer")
    _check_state(output, " ".join([f"corpus={fingerprint(corpus.documents)}", f"folds={folds}", *training]))
    names = {split: [str(document.id) for document in documents] for split, documents in corpus.splits.items()}
    ordered = sorted(names["train"], key=lambda name: hashlib.sha1(name.encode()).digest())
    models = []
    for number in range(folds):
        folder = output / f"fold-{number}"
        held_out = set(ordered[number::folds])
        parts = {
            **names,
            "train": [name for name in names["train"] if name not in held_out],
            "held_out": [name for name in names["train"] if name in held_out],
        }
        _write_splits(folder / _SPLITS, parts)
        model = folder / NETWORK
        # written last
        if not (model / PROVENANCE).is_file():
            _train(folder, training, corpus_config, f"fold {number + 1} of {folds}")
        models.append(model)
    return models


def _check_state(output: Path, state: str) -> None:
    path = output / _BEGUN_WITH
    if path.is_file() and path.read_text(encoding="utf-8").strip() != state:
        raise ScriptError(
            f"{output} holds models of another state of the corpus, other folds or other settings; give another "
            "label_errors.output_dir, or remove it"
        )
    output.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{state}\n", encoding="utf-8")


def _write_splits(folder: Path, parts: dict[str, list[str]]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for split, names in parts.items():
        (folder / f"{split}.txt").write_text("".join(f"{name}\n" for name in names), encoding="utf-8")


def _train(folder: Path, training: Sequence[str], corpus_config: DictConfig, what: str) -> None:
    settings: dict[str, object] = {
        **{f"corpus.{name!s}": value for name, value in corpus_config.items()},
        "corpus.splits_folder": (folder / _SPLITS).resolve(),
        "output_dir": folder,
    }
    started = any((folder / CHECKPOINTS).glob("checkpoint-*"))
    command = [
        *(f"{name}={_quoted(value)}" for name, value in settings.items()),
        *training,
        *(["resume=true"] if started else []),
    ]
    log.info("Training %s …", what)
    begun = time.perf_counter()
    # a process of its own: what one training leaves in memory is no burden to the next
    done = subprocess.run([sys.executable, "-m", "training.finetune", *command])
    if done.returncode:
        raise ScriptError(f"the training of {what} failed; its message stands above")
    log.info("Trained %s in %.0f s", what, time.perf_counter() - begun)


def _quoted(value: object) -> str:
    """A value as Hydra's command line reads it."""
    if value is None:
        return "null"
    escaped = str(value).replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
