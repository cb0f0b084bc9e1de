"""Writes a corpus in the form of another tool or format: ``python -m training.annotations export format=NAME``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from omegaconf import DictConfig, OmegaConf
from rich.console import Console

from training.annotations.articles import CorpusArticle, Findings, SourceError
from training.annotations.import_report import note_lines, totals
from training.annotations.importing import format_options
from training.corpus import CorpusError, read_corpus
from training.script import script
from training.settings import settings


@dataclass
class Export:
    """The settings outside of all groups; each is explained in configs/annotations_export.yaml."""

    to: str
    splits: list[str] | None = None


@dataclass(frozen=True)
class Exported:
    """What an export gives.

    Attributes:
        articles: The articles that were written.
        notes: What the format has no room for, with counts.
    """

    articles: Sequence[CorpusArticle]
    notes: Mapping[str, int]


def export_annotations(config: DictConfig) -> Exported:
    """Exports a corpus as configs/annotations_export.yaml says.

    Args:
        config: The composed configuration.

    Returns:
        What was written.

    Raises:
        CorpusError: If anything is wrong in the corpus.
        SourceError: If there is something where the export is to be written, or the format cannot hold an article.
        SettingsError: If a setting has a wrong name, type or value.
    """
    to = Path(config.to)
    # a format also brings rules for imports
    groups = ("corpus", "format", "misaligned", "overlaps")
    wanted = settings(Export, OmegaConf.masked_copy(config, [name for name in config if name not in groups]), "")
    form, options = format_options(config.format)
    refuse_existing(to)
    corpus = read_corpus(**config.corpus, splits=wanted.splits or splits_of(config.corpus))
    articles = [
        CorpusArticle(document, corpus.metadata.get(str(document.id), {}), split)
        for split, documents in corpus.splits.items()
        for document in documents
    ]
    findings = Findings()
    form.write(articles, corpus.schema, to, options, findings)
    findings.refuse("the export")
    return Exported(articles, dict(findings.notes))


def refuse_existing(to: Path) -> None:
    """Refuses to write where something is already.

    Raises:
        SourceError: If there is a file, or a folder that is not empty.
    """
    if to.exists() and not (to.is_dir() and not any(to.iterdir())):
        raise SourceError(f"{to} is there already; expected a new name, so that nothing is written over")


def splits_of(config: DictConfig) -> list[str]:
    """Returns the names of all splits of a corpus: train, dev, test, then others."""
    folder = Path(config.path) / config.splits_folder
    return sorted((path.stem for path in folder.glob("*.txt")), key=_usual_order)


def _usual_order(split: str) -> tuple[int, str]:
    usual = ("train", "dev", "test")
    return (usual.index(split) if split in usual else len(usual), split)


@script("annotations_export", CorpusError)
def main(config: DictConfig) -> None:
    """Exports, and tells what was written."""
    exported = export_annotations(config)
    lines = [f"{config.to}: {totals(exported.articles)}", *note_lines(exported.notes)]
    Console(soft_wrap=True).print("\n".join(lines), markup=False, highlight=False)
