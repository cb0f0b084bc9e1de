"""How far two annotators agree: ``python -m training.annotations agree first=FOLDER second=FOLDER``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from omegaconf import DictConfig
from rich.console import Console
from rich.table import Table
from rich.text import Text

from hadath.document import Document
from hadath.schema import Schema
from training.annotations.agreement_scores import GroupAgreement, LabelAgreement, Measure, Pair, agreement
from training.annotations.checks.finding import ArticleFiles, Finding
from training.annotations.checks.listing import print_findings, write_findings
from training.annotations.checks.page import findings_page, write_findings_page
from training.annotations.disagreements import FIRST, SECOND, disagreements
from training.brat import Problem, ProblemKind, Severity, parse_document, read_text
from training.corpus import CorpusError, read_schema
from training.script import ScriptError, script
from training.settings import SettingsError

_MEASURES = {
    "f1": "F1",
    "spans": "F1 of spans",
    "overlap": "F1 of overlaps",
    "given": "F1 of shared ends",
    "kappa": "kappa",
    "alpha": "alpha",
}


@dataclass(frozen=True)
class Compared:
    """Two annotators' versions of the same articles.

    Attributes:
        pairs: Each article as both have it.
        only: Names of the articles that only one has, by ``first`` and ``second``.
        groups: Agreement by group.
        disagreements: Every place at which they differ.
    """

    pairs: Sequence[Pair]
    only: Mapping[str, Sequence[str]]
    groups: Mapping[str, GroupAgreement]
    disagreements: Sequence[Finding]


def compare_annotators(first: Path, second: Path, schema: Schema, *, replicates: int, seed: int = 0) -> Compared:
    """Compares two annotators.

    Args:
        first: A folder of ``NAME.txt`` and ``NAME.ann``, or of a corpus, by the one annotator.
        second: The same by the other one; texts that are missing there are the first one's.
        schema: What they annotate.
        replicates: Number of bootstrap replicates.
        seed: Seed of the bootstrap.

    Raises:
        CorpusError: With everything that is wrong: annotations that cannot be read, texts that differ.
        ScriptError: If the two have no article in common.
    """
    folders = [_articles(folder) for folder in (first, second)]
    names = [{path.stem for path in folder.glob("*.ann") if not path.name.startswith(".")} for folder in folders]
    shared = sorted(names[0] & names[1])
    if not shared:
        raise ScriptError(
            f"{folders[0]} ({len(names[0])} articles) and {folders[1]} ({len(names[1])}) have no NAME.ann in common; "
            "give two folders with annotations of the same articles"
        )
    problems: list[Problem] = []
    pairs = [pair for name in shared if (pair := _pair(name, folders, schema, problems)) is not None]
    if problems:
        raise CorpusError(second, problems)
    files = [ArticleFiles(folder) for folder in folders]
    return Compared(
        pairs,
        {FIRST: sorted(names[0] - names[1]), SECOND: sorted(names[1] - names[0])},
        agreement(pairs, schema, replicates=replicates, seed=seed),
        disagreements(pairs, *files),
    )


def _articles(folder: Path) -> Path:
    """The folder of the articles: that of a corpus, or the folder itself."""
    if not folder.is_dir():
        message = "is no folder; expected NAME.txt and NAME.ann of an annotator, or a corpus"
        raise CorpusError(folder, [Problem(folder, 0, message, kind=ProblemKind.FILE)])
    return folder / "articles" if (folder / "articles").is_dir() else folder


def _pair(name: str, folders: Sequence[Path], schema: Schema, problems: list[Problem]) -> Pair | None:
    own = [folder / f"{name}.txt" for folder in folders]
    there = [path for path in own if path.is_file()] or own[:1]
    texts = [read_text(path, problems) for path in there]
    if None in texts:
        return None
    if len(set(texts)) > 1:
        problems.append(
            Problem(own[1], 0, _difference(str(texts[0]), str(texts[1]), own[0]), kind=ProblemKind.MISALIGNED)
        )
        return None
    documents: list[Document] = []
    for folder in folders:
        path = folder / f"{name}.ann"
        annotations = read_text(path, problems)
        if annotations is None:
            continue
        document, found = parse_document(str(texts[0]), annotations.removeprefix("\ufeff"), schema, path, name)
        # spans that overlap or cut words can be compared all the same
        problems += [problem for problem in found if problem.severity is Severity.BROKEN]
        if document is not None:
            documents.append(document)
    return (documents[0], documents[1]) if len(documents) == len(folders) else None


def _difference(first: str, second: str, other: Path) -> str:
    place = next(
        (i for i, (a, b) in enumerate(zip(first, second, strict=False)) if a != b), min(len(first), len(second))
    )
    shown = [repr(text[max(0, place - 10) : place + 20]) for text in (first, second)]
    return (
        f"differs from {other} from character {place} on: {shown[1]}, not {shown[0]}; both must annotate the "
        "same text, character by character"
    )


def agree(config: DictConfig) -> Compared:
    """Compares two annotators as configs/annotations_agree.yaml says, and reports.

    Args:
        config: The composed configuration.

    Returns:
        What came of it.
    """
    if config.replicates < 1 or config.show < 0:
        raise SettingsError(
            f"replicates is {config.replicates} and show {config.show}; expected numbers above 0 and from 0 on"
        )
    first, second = Path(config.first), Path(config.second)
    schema = _schema(config, first, second)
    compared = compare_annotators(first, second, schema, replicates=config.replicates, seed=config.seed)
    console = Console(soft_wrap=True, highlight=False)
    console.print(
        Text(f"{first} and {second}: {len(compared.pairs):,} articles, 95 % intervals by bootstrap over articles")
    )
    for which, names in compared.only.items():
        if names:
            listed = ", ".join(names[:5]) + (f" and {len(names) - 5:,} more" if len(names) > 5 else "")
            console.print(Text(f"left out, for only the {which} has them: {listed}", "yellow"))
    for name, group in compared.groups.items():
        console.print(_table(name, group))
    counts = Counter(finding.kind for finding in compared.disagreements)
    console.print(Text(f"{len(compared.disagreements):,} disagreements", "bold"))
    for kind, number in counts.most_common():
        console.print(Text(f"  {number:>6,}  {kind}"))
    print_findings(compared.disagreements, console, most=config.show)
    if config.html is not None:
        html = findings_page(
            compared.disagreements,
            f"Agreement of {first.name} and {second.name}",
            legend={FIRST: f"first: {first.name}", SECOND: f"second: {second.name}"},
            tables=[(name, _rows(name, group)) for name, group in compared.groups.items()],
        )
        write_findings_page(Path(config.html), html)
    if config.table is not None:
        write_findings(compared.disagreements, Path(config.table))
    return compared


def _schema(config: DictConfig, first: Path, second: Path) -> Schema:
    """That of the configuration, or the one that lies with the annotations, or that of the corpus."""
    name = config.corpus.schema_file
    places = [Path(config.schema)] if config.schema is not None else [first / name, second / name]
    path = next((place for place in places if place.is_file()), None)
    if path is None:
        path = places[0] if config.schema is not None else Path(config.corpus.path) / name
    problems: list[Problem] = []
    schema = read_schema(path, problems)
    if schema is None:
        raise CorpusError(path, problems)
    return schema


def _table(name: str, group: GroupAgreement) -> Table:
    head, *rows = _rows(name, group)
    table = Table(*head, box=None, pad_edge=False)
    for column in table.columns[1:]:
        column.justify = "right"
    # what is narrow is broken in the heads, not in names and intervals
    for index in (0, 3):
        table.columns[index].no_wrap = True
    for row in rows:
        # of the other scores the page tells the intervals
        table.add_row(*row[:4], *(cell.partition(" [")[0] for cell in row[4:]))
    return table


def _rows(name: str, group: GroupAgreement) -> list[list[str]]:
    measures = [key for key in _MEASURES if key in group.total.measures]
    rows = [[name, "first", "second", *(_MEASURES[key] for key in measures)]]
    for label, values in {"all": group.total, **group.labels}.items():
        if values.first or values.second:
            rows.append(_row(label, values, measures))
    return rows


def _row(label: str, values: LabelAgreement, measures: Sequence[str]) -> list[str]:
    return [
        label,
        f"{values.first:,}",
        f"{values.second:,}",
        *(_shown(values.measures.get(key, Measure(None))) for key in measures),
    ]


def _shown(measure: Measure) -> str:
    if measure.value is None:
        return "–"
    bounds = measure.interval
    return f"{measure.value:.3f}" + (f" [{bounds.low:.3f}, {bounds.high:.3f}]" if bounds is not None else "")


@script("annotations_agree", CorpusError, OSError)
def main(config: DictConfig) -> None:
    """Compares two annotators."""
    agree(config)


if __name__ == "__main__":
    main()
