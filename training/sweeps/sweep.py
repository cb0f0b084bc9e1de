"""Runs a sweep: its trainings one after the other, each an MLflow run under that of the sweep."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from omegaconf import DictConfig, OmegaConf
from rich.console import Console

from training.annotations.near_duplicates import Likeness
from training.corpus import fingerprint, read_corpus
from training.folds import folds_by_story, write_fold
from training.provenance import git_state
from training.resumption import CONFIG
from training.script import ScriptError
from training.settings import SettingsError, settings
from training.sweeps.child import Child, ChildScores, trained_child
from training.sweeps.report import summary_scores, sweep_record, sweep_table
from training.sweeps.search import Search, search
from training.tracking import plain, tracked_run

log = logging.getLogger(__name__)


@dataclass
class Seeds:
    """Trainings that differ in their seed; explained in configs/sweep/seeds.yaml."""

    kind: str
    seeds: list[int]

    def __post_init__(self) -> None:
        if not self.seeds or len(set(self.seeds)) < len(self.seeds):
            raise ValueError(f"seeds is {self.seeds}; expected at least one number, each once")


@dataclass
class Folds:
    """Trainings over folds of the articles; explained in configs/sweep/kfold.yaml."""

    kind: str
    folds: int
    near_duplicates: Likeness
    seed: int

    def __post_init__(self) -> None:
        if self.folds < 2:
            raise ValueError(f"folds is {self.folds}; expected at least 2")


KINDS = {"seeds": Seeds, "kfold": Folds, "search": Search}


def sweep(config: DictConfig, score: str) -> list[ChildScores]:
    """Trains as often as a sweep wants and records what that gave.

    Args:
        config: The configuration of finetune, with a ``sweep``.
        score: Name of the dev score that trainings are judged by.

    Returns:
        What each training reached, in the order of the trainings.

    Raises:
        SettingsError: If a setting has a wrong name, type or value.
        ScriptError: If the folder holds a sweep that nobody wants to resume, or one of other settings or articles.
    """
    kind = config.sweep.get("kind")
    if kind not in KINDS:
        raise SettingsError(f"sweep.kind is {kind}; expected one of {', '.join(KINDS)}")
    wanted = settings(KINDS[kind], config.sweep, "sweep")
    output = Path(config.output_dir)
    if (output / CONFIG).is_file() and not config.resume:
        raise ScriptError(
            f"{output} already holds a sweep; add resume=true to go on with it, or give another output_dir"
        )
    output.mkdir(parents=True, exist_ok=True)
    trained: list[ChildScores] = []
    with tracked_run(config.tracking, output) as tracking:
        if not (output / CONFIG).is_file():
            OmegaConf.save(config, output / CONFIG, resolve=True)
        tracking.parameters(plain(config))
        tracking.tags({"sweep": kind, **git_state()})
        for place, reached in enumerate(_trainings(wanted, config, output, score), start=1):
            trained.append(reached)
            log.info("%s: %s %.4f", reached.child.name, score, reached.scores[score])
            tracking.metrics({f"child/{name}": value for name, value in reached.scores.items()}, step=place)
        if kind == "seeds" and len({each.learnt_from for each in trained}) > 1:
            log.warning("The corpus was changed during the sweep: its trainings did not learn from the same articles")
        best = max(trained, key=lambda each: each.scores[score])
        tracking.metrics({**summary_scores(trained), f"best/{score}": best.scores[score]}, step=len(trained))
        tracking.tags({"sweep.best": best.child.name, "sweep.best.run_id": str(best.run_id)})
        table = sweep_table(trained, kind)
        (output / "sweep.txt").write_text(table, encoding="utf-8")
        record = json.dumps(sweep_record(trained), ensure_ascii=False, indent=2)
        (output / "sweep.json").write_text(record + "\n", encoding="utf-8")
        for name in ("sweep.txt", "sweep.json"):
            tracking.artifact(output / name)
    Console().print(table, markup=False, highlight=False, soft_wrap=True)
    if kind == "search":
        found = " ".join(f"{name}={value}" for name, value in best.child.settings.items())
        log.info("Best is %s: python -m training.finetune %s", best.child.name, found)
    return trained


def _trainings(wanted: Seeds | Folds | Search, config: DictConfig, output: Path, score: str) -> Iterator[ChildScores]:
    if isinstance(wanted, Search):
        yield from search(wanted, output, score, lambda child, more: trained_child(config, child, output, more))
        return
    if isinstance(wanted, Seeds):
        children = [Child(f"seed-{seed}", {"seed": seed}) for seed in wanted.seeds]
    else:
        children = _folds(wanted, config, output)
    for child in children:
        yield trained_child(config, child, output)


def _folds(wanted: Folds, config: DictConfig, output: Path) -> list[Child]:
    corpus = read_corpus(**config.corpus, splits=("train", "dev"))
    texts = {str(document.id): document.text for document in corpus.documents}
    try:
        parts = folds_by_story(texts, wanted.folds, wanted.near_duplicates, seed=wanted.seed)
    except ValueError as error:
        raise SettingsError(f"sweep.{error}") from error
    log.info("%d folds of %s articles", len(parts), ", ".join(str(len(part)) for part in parts))
    splits = Path(config.corpus.path) / config.corpus.splits_folder
    # the articles of the test split are left where they are, and not opened
    others = {
        path.name: path.read_text(encoding="utf-8")
        for path in sorted(splits.glob("*.txt"))
        if path.stem not in ("train", "dev")
    }
    children = []
    for place, part in enumerate(parts, start=1):
        name = f"fold-{place}-of-{len(parts)}"
        folder = (output / "splits" / name).absolute()
        if not write_fold(folder, part, parts, others):
            raise ScriptError(
                f"{folder} holds another division than the corpus gives now (articles changed since: fingerprint "
                f"{fingerprint(corpus.documents)[:12]}); begin another sweep in another output_dir"
            )
        children.append(Child(name, {"corpus.splits_folder": str(folder)}))
    return children
