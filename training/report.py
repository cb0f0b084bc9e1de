"""An evaluation as a table to read, as ``metrics.json`` to compare, and its errors and pictures."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hadath.document import Document
from hadath.schema import Schema
from training.alignment import KINDS, AlignedDocument, align
from training.bootstrap import REPLICATES, Interval, flat_intervals, score_intervals
from training.error_analysis import ERROR_KINDS, TaggingError, error_counts, find_errors, write_errors
from training.error_browser import write_error_browser
from training.metrics import ARGUMENT_SCORES, METHOD, GroupScores, Metrics, ModalityScores, Scores, metric_name, score
from training.pictures import write_pictures

_WIDTH = 100
_NAME_WIDTH = 28
_GROUPS = {
    "entities": "Entities",
    "events": "Events",
    "arguments": "Arguments",
    "arguments_untyped": "Arguments, of any types",
    "arguments_given_spans": "Arguments of given spans",
}
"""Groups of scores in the order of the report, with their titles."""


@dataclass(frozen=True)
class Evaluation:
    """Everything that is reported of one model on one set of documents.

    Attributes:
        documents: Texts as annotated and as tagged.
        schema: Types, roles and modalities.
        metrics: The scores.
        intervals: 95 % intervals by the names of ``Metrics.to_dict``.
        errors: Every error.
        replicates: Number of bootstrap replicates behind the intervals.
        seed: Seed of the bootstrap.
    """

    documents: Sequence[AlignedDocument]
    schema: Schema
    metrics: Metrics
    intervals: Mapping[str, Interval]
    errors: Sequence[TaggingError]
    replicates: int
    seed: int

    def to_dict(self) -> dict[str, float]:
        """Returns scores, ends of intervals and numbers of errors under flat names that MLflow accepts."""
        return {**self.metrics.to_dict(), **flat_intervals(self.intervals), **error_counts(self.errors)}


def evaluate(
    gold: Sequence[Document],
    predicted: Sequence[Document],
    schema: Schema,
    *,
    arguments: bool = False,
    linked: Sequence[Document] | None = None,
    replicates: int = REPLICATES,
    seed: int = 0,
) -> Evaluation:
    """Measures predictions against annotations.

    Args:
        gold: The annotated documents.
        predicted: What was found in the same texts, in the same order.
        schema: Types, roles and modalities.
        arguments: Whether to score arguments even where none is predicted.
        linked: The annotated documents with the arguments that were found among what is annotated.
        replicates: Number of bootstrap replicates.
        seed: Seed of the bootstrap.

    Returns:
        Scores, intervals and errors.

    Raises:
        AlignmentError: If the documents are not of the same texts or have types that are not in the schema.
    """
    documents = align(gold, predicted, schema)
    answers = None if linked is None else align(gold, linked, schema)
    return Evaluation(
        documents,
        schema,
        score(documents, schema, arguments=arguments, linked=answers),
        score_intervals(documents, schema, arguments=arguments, linked=answers, replicates=replicates, seed=seed),
        find_errors(documents),
        replicates,
        seed,
    )


def write_report(evaluation: Evaluation, directory: Path, title: str) -> list[Path]:
    """Writes ``report.txt``, ``metrics.json``, ``errors.jsonl``, ``errors.html`` and the confusion matrices.

    Args:
        evaluation: What to report.
        directory: Where to; made if it does not exist.
        title: First line of the report: what was evaluated on what.

    Returns:
        The files.
    """
    directory.mkdir(parents=True, exist_ok=True)
    names = ("report.txt", "metrics.json", "errors.jsonl", "errors.html")
    report, metrics, errors, browser = (directory / name for name in names)
    report.write_text(report_text(evaluation, title), encoding="utf-8")
    metrics.write_text(
        json.dumps(metrics_record(evaluation, title), ensure_ascii=False, indent=2) + "\n", encoding="utf-8"
    )
    write_errors(evaluation.errors, errors)
    write_error_browser(evaluation.documents, evaluation.errors, browser, title)
    return [report, metrics, errors, browser, *write_pictures(evaluation.documents, evaluation.schema, directory)]


def metrics_record(evaluation: Evaluation, title: str) -> dict[str, Any]:
    """Returns the content of ``metrics.json``: method, scores, intervals as [low, high], error counts."""
    return {
        "title": title,
        "method": _method(evaluation),
        "metrics": evaluation.metrics.to_dict(),
        "intervals": {name: [bounds.low, bounds.high] for name, bounds in evaluation.intervals.items()},
        "errors": error_counts(evaluation.errors),
    }


def report_text(evaluation: Evaluation, title: str) -> str:
    """Returns the scores as a table of at most 100 columns.

    Args:
        evaluation: What to report.
        title: The first line.
    """
    metrics, intervals = evaluation.metrics, evaluation.intervals
    number = f"{metrics.documents} document{'' if metrics.documents == 1 else 's'}"
    blocks = [[_shortened(title, _WIDTH), f"{number}. {_method(evaluation)}"]]
    for name, shown in _GROUPS.items():
        group: GroupScores | None = getattr(metrics, name)
        if group is not None and group.types:
            blocks.append(_group_lines(name, shown, group, intervals))
    if metrics.modality is not None and metrics.modality_end_to_end is not None:
        blocks.append(_modality_lines(metrics.modality, metrics.modality_end_to_end, intervals))
    blocks.append(_error_lines(error_counts(evaluation.errors)))
    return "\n\n".join("\n".join(lines) for lines in blocks) + "\n"


def _method(evaluation: Evaluation) -> str:
    return f"{METHOD}; document bootstrap, {evaluation.replicates:,} replicates"


def _group_lines(name: str, shown: str, group: GroupScores, intervals: Mapping[str, Interval]) -> list[str]:
    title, label = f"{shown:<{_NAME_WIDTH}}", "role" if name in ARGUMENT_SCORES else "type"
    lines = [f"{title} {'P':>6} {'R':>6} {'F1':>6}  {'[95 % interval]':<16}  {'support':>7} {'predicted':>9}"]
    for type_name, scores in group.types.items():
        lines.append(_row(type_name, scores, intervals.get(metric_name(f"{name}/{type_name}/f1"))))
    lines.append(_row("micro (all)", group.micro, intervals.get(f"{name}/f1")))
    lines.append(_row(f"macro (mean of {label}s)", group.macro, intervals.get(f"{name}/f1_macro")))
    return lines


def _row(name: str, scores: Scores, bounds: Interval | None) -> str:
    shown = f"  {_shortened(name, _NAME_WIDTH - 2)}"
    if not scores.support + scores.predicted:
        return f"{shown:<{_NAME_WIDTH}} {'–':>6} {'–':>6} {'–':>6}  {'':<16}  {0:>7} {0:>9}"
    return (
        f"{shown:<{_NAME_WIDTH}} {scores.precision:6.3f} {scores.recall:6.3f} {scores.f1:6.3f}  "
        f"{_bounds(bounds):<16}  {scores.support:>7,} {scores.predicted:>9,}"
    )


def _modality_lines(
    matched: ModalityScores, end_to_end: ModalityScores, intervals: Mapping[str, Interval]
) -> list[str]:
    lines = [f"{'Modality':<{_NAME_WIDTH}} {'accuracy':>8}  {'[95 % interval]':<16} {'F1':>6}  {'support':>9}"]
    for name, shown, scores in (
        ("modality", "  of correct triggers", matched),
        ("modality_end_to_end", "  of all annotated triggers", end_to_end),
    ):
        bounds = _bounds(intervals.get(f"{name}/accuracy"))
        lines.append(
            f"{shown:<{_NAME_WIDTH}} {scores.accuracy:8.3f}  {bounds:<16} {scores.macro_f1:6.3f}  {scores.support:>9,}"
        )
        for value, single in scores.values.items():
            if single.support + single.predicted:
                indented = f"    {_shortened(value, _NAME_WIDTH - 4)}"
                lines.append(f"{indented:<{_NAME_WIDTH}} {'':26} {single.f1:6.3f}  {single.support:>9,}")
    return lines


def _error_lines(counts: Mapping[str, int]) -> list[str]:
    lines = [f"{'Errors':<{_NAME_WIDTH}} " + " ".join(f"{kind:>9}" for kind in KINDS)]
    for error in ERROR_KINDS:
        numbers = (counts.get(f"errors/{kind}/{error}") for kind in KINDS)
        cells = " ".join(f"{'' if number is None else format(number, ','):>9}" for number in numbers)
        lines.append(f"  {error.replace('_', ' '):<{_NAME_WIDTH - 2}} {cells}")
    return lines


def _bounds(bounds: Interval | None) -> str:
    return f"[{bounds.low:.3f}, {bounds.high:.3f}]" if bounds is not None else ""


def _shortened(name: str, width: int) -> str:
    return name if len(name) <= width else f"{name[: width - 1]}…"
