"""Everything wrong or doubtful in a corpus: ``python -m training.annotations check corpus.path=FOLDER``."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from omegaconf import DictConfig, OmegaConf
from rich.console import Console
from rich.table import Table
from rich.text import Text

from hadath.document import Document
from hadath.text import segment
from training.annotations.checks.arguments import far_arguments
from training.annotations.checks.composition import (
    UNSPLIT,
    LabelCounts,
    label_counts,
    missing_labels,
    outlying_densities,
)
from training.annotations.checks.consistency import Thresholds, inconsistencies
from training.annotations.checks.duplicates import duplicates
from training.annotations.checks.finding import ArticleFiles, Finding, Level, by_weight
from training.annotations.checks.label_errors import Disagreement, label_errors
from training.annotations.checks.listing import print_findings, print_summary, write_findings
from training.annotations.checks.page import findings_page, write_findings_page
from training.annotations.checks.problems import problem_findings
from training.annotations.near_duplicates import Likeness
from training.corpus import ExaminedCorpus, examine_corpus
from training.networks import NetworkError
from training.script import ScriptError, script
from training.settings import SettingsError, settings

EXIT_FINDINGS = 1


@dataclass
class Checks:
    """What is looked for; each field is explained in configs/annotations_check.yaml."""

    unsplit: str
    density_deviations: float
    argument_sentences: int | None
    disagreement: bool
    consistency: Thresholds
    near_duplicates: Likeness
    label_errors: Disagreement

    def __post_init__(self) -> None:
        levels = [Level.ERROR.value, Level.DOUBT.value]
        if self.unsplit not in levels:
            raise ValueError(f"unsplit is {self.unsplit!r}; expected {' or '.join(levels)}")
        if self.density_deviations <= 0:
            raise ValueError(f"density_deviations is {self.density_deviations}; expected a number above 0")


@dataclass(frozen=True)
class CheckedCorpus:
    """What came of checking a corpus.

    Attributes:
        findings: Everything wrong or doubtful, errors first, then what is likeliest to need mending.
        counts: Labels by split; None where there is no schema to count by.
        articles: Number of articles of each split.
    """

    findings: Sequence[Finding]
    counts: LabelCounts | None
    articles: Mapping[str, int]

    @property
    def errors(self) -> int:
        """Number of findings that are wrong, not only doubtful."""
        return sum(finding.level is Level.ERROR for finding in self.findings)


def check_corpus(config: DictConfig) -> CheckedCorpus:
    """Checks a corpus.

    Args:
        config: The composed configuration.

    Raises:
        SettingsError: If an option has a wrong name or value.
        ScriptError: If models are asked for their opinion and cannot be.
    """
    checks = settings(
        Checks, OmegaConf.masked_copy(config, [name for name in config if name in Checks.__dataclass_fields__]), ""
    )
    examined = examine_corpus(**config.corpus)
    files = ArticleFiles(Path(config.corpus.path) / config.corpus.articles_folder)
    findings = list(problem_findings(examined.problems, unsplit=Level(checks.unsplit)))
    if examined.corpus is None:
        return CheckedCorpus(by_weight(findings), None, {})
    splits = _splits(examined)
    documents = [document for group in splits.values() for document in group]
    schema = examined.corpus.schema
    counts = label_counts(splits, schema)
    findings += missing_labels(counts)
    words = [segment(document.text) for document in documents]
    findings += inconsistencies(documents, words, files, checks.consistency)
    findings += outlying_densities(documents, words, schema, files, deviations=checks.density_deviations)
    findings += duplicates(
        splits,
        words,
        files,
        threshold=checks.near_duplicates.threshold,
        shingle_words=checks.near_duplicates.shingle_words,
    )
    if checks.argument_sentences is not None:
        findings += far_arguments(documents, files, sentences=checks.argument_sentences)
    if checks.disagreement:
        if any(finding.level is Level.ERROR for finding in findings):
            raise ScriptError(
                "models cannot judge a corpus in which something is wrong; run check without disagreement=true, mend "
                "the errors, then ask again"
            )
        findings += label_errors(examined.corpus, files, checks.label_errors, config.corpus)
    return CheckedCorpus(by_weight(findings), counts, {name: len(group) for name, group in splits.items()})


def _splits(examined: ExaminedCorpus) -> dict[str, tuple[Document, ...]]:
    assert examined.corpus is not None
    splits = dict(examined.corpus.splits)
    if examined.unsplit:
        splits[UNSPLIT] = examined.unsplit
    return splits


def check(config: DictConfig) -> CheckedCorpus:
    """Checks a corpus as configs/annotations_check.yaml says, and reports.

    Args:
        config: The composed configuration.

    Returns:
        What was found.
    """
    if config.show < 0:
        raise SettingsError(f"show is {config.show}; expected a number from 0 on")
    checked = check_corpus(config)
    console = Console(soft_wrap=True, highlight=False)
    if checked.counts is not None:
        console.print(_split_table(checked))
    print_summary(checked.findings, console)
    print_findings(checked.findings, console, most=config.show)
    if config.html is not None:
        tables = _page_tables(checked)
        write_findings_page(
            Path(config.html), findings_page(checked.findings, f"Check of {config.corpus.path}", tables=tables)
        )
    if config.table is not None:
        write_findings(checked.findings, Path(config.table))
    doubts = len(checked.findings) - checked.errors
    written = " and ".join(str(path) for path in (config.html, config.table) if path is not None)
    console.print(
        Text(f"{checked.errors:,} errors, {doubts:,} doubts in {config.corpus.path}")
        + Text(f"; all of them are in {written}" if written else "")
    )
    return checked


def _split_table(checked: CheckedCorpus) -> Table:
    table = Table("", *checked.articles, box=None, pad_edge=False)
    for column in table.columns[1:]:
        column.justify = "right"
    table.add_row("articles", *(f"{number:,}" for number in checked.articles.values()))
    assert checked.counts is not None
    for group, labels in checked.counts.groups.items():
        sums = [sum(numbers) for numbers in zip(*labels.values(), strict=True)]
        if any(sums):
            table.add_row(group if group == "modality" else f"{group}s", *(f"{number:,}" for number in sums))
    return table


def _page_tables(checked: CheckedCorpus) -> list[tuple[str, list[list[str]]]]:
    if checked.counts is None:
        return []
    return [
        (
            f"{group} by split",
            [
                [group, *checked.counts.splits],
                *([label, *(f"{number:,}" for number in numbers)] for label, numbers in labels.items()),
            ],
        )
        for group, labels in checked.counts.groups.items()
        if labels
    ]


@script("annotations_check", NetworkError, OSError)
def main(config: DictConfig) -> None:
    """Checks a corpus; the exit status is 1 where something is wrong."""
    checked = check(config)
    if checked.errors or (config.strict and checked.findings):
        sys.exit(EXIT_FINDINGS)


if __name__ == "__main__":
    main()
