"""Scores that mean what they say: of the spans reported with a score of 0.8, eight in ten are right."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass, fields, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hadath.document import Document, Entity, Event
from hadath.reading import read
from hadath.tagger import Tagger

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

KINDS = ("entities", "events", "arguments")

BINS = 10

_COOLEST, _HOTTEST = 0.25, 4.0
_ROUNDS = 18


@dataclass(frozen=True)
class Reliability:
    """How scores compare with the share that is right.

    Attributes:
        counts: Number of predictions in each of ``BINS`` bins of equal width, [BINS].
        scores: Mean score in each bin, 0 where it is empty.
        right: Share of each bin that is right, 0 where it is empty.
    """

    counts: npt.NDArray[np.int64]
    scores: FloatArray
    right: FloatArray

    @property
    def error(self) -> float:
        """Expected calibration error: the mean distance of score and share, weighted by the bins' counts."""
        total = int(self.counts.sum())
        return float((self.counts * np.abs(self.scores - self.right)).sum() / total) if total else 0.0


def reliability(scores: FloatArray, correct: BoolArray) -> Reliability:
    """Sorts predictions into bins by their scores (Guo et al. 2017, On Calibration of Modern Neural Networks).

    Args:
        scores: Of each prediction, 0 to 1, [N].
        correct: Whether it is right, [N].

    Example:
        >>> found = reliability(np.array([0.9, 0.9, 0.3]), np.array([True, False, False]))
        >>> round(found.error, 3)  # two thirds of 0.4, and a third of 0.3
        0.367
    """
    bins = np.minimum((scores * BINS).astype(np.int64), BINS - 1)
    counts = np.bincount(bins, minlength=BINS)
    filled = np.maximum(counts, 1)
    return Reliability(
        counts,
        np.bincount(bins, weights=scores, minlength=BINS) / filled,
        np.bincount(bins, weights=correct.astype(np.float64), minlength=BINS) / filled,
    )


def scored(kind: str, gold: Sequence[Document], found: Sequence[Document]) -> tuple[FloatArray, BoolArray]:
    """Returns the scores of what was found and whether each is right.

    A span is right with its type; an argument with its role and the spans and types of both its ends.

    Args:
        kind: ``entities``, ``events`` or ``arguments``.
        gold: Annotated texts.
        found: The same texts as tagged.
    """
    scores: list[float] = []
    correct: list[bool] = []
    for annotated, tagged in zip(gold, found, strict=True):
        right = {key for key, _ in _keyed(kind, annotated)}
        for key, score in _keyed(kind, tagged):
            scores.append(score)
            correct.append(key in right)
    return np.array(scores, np.float64), np.array(correct, np.bool_)


def _keyed(kind: str, document: Document) -> list[tuple[tuple[object, ...], float]]:
    if kind == "entities":
        return [(_place(span), span.score) for span in document.entities]
    if kind == "events":
        return [(_place(span), span.score) for span in document.events]
    return [
        ((*_place(event), argument.role, *_place(argument.entity)), argument.score)
        for event in document.events
        for argument in event.arguments
    ]


def _place(span: Entity | Event) -> tuple[int, int, str]:
    return span.start, span.end, span.type


def fitted_temperatures(tagger: Tagger, gold: Sequence[Document]) -> dict[str, float]:
    """Finds the temperature of each head with which a tagger's scores fit how often it is right.

    The network runs once; its logits are then divided by temperatures and decoded again, and for each head in turn the
    temperature with the least logarithmic loss of the scores is kept.

    Args:
        tagger: The tagger; its own temperatures and least scores are not looked at.
        gold: Annotated articles that it was not trained on.

    Returns:
        Temperatures by head, those of heads that found nothing left out.
    """
    readings = [read(document.text, tagger.tokenizer, tagger.windowing) for document in gold]
    logits = tagger.logits(readings)
    temperatures: dict[str, float] = {}
    for kind in KINDS:

        def loss(temperature: float, kind: str = kind) -> float:
            trial = replace(tagger, temperatures={**temperatures, kind: temperature}, min_scores={})
            # a role's own score is that of annotated spans: those that are found bring their scores along
            found = (
                trial.decode_arguments(readings, logits, gold)
                if kind == "arguments"
                else trial.decode(readings, logits)
            )
            scores, correct = scored(kind, gold, found)
            if not len(scores):
                return math.inf
            kept = np.clip(scores, 1e-6, 1 - 1e-6)
            return float(-np.log(np.where(correct, kept, 1 - kept)).mean())

        if loss(1.0) < math.inf:
            temperatures[kind] = round(_lowest(loss), 3)
    return temperatures


def _lowest(loss: Callable[[float], float]) -> float:
    """The temperature with the least loss, by golden-section search over its logarithm."""
    golden = (math.sqrt(5) - 1) / 2
    low, high = math.log(_COOLEST), math.log(_HOTTEST)
    left, right = high - golden * (high - low), low + golden * (high - low)
    at_left, at_right = loss(math.exp(left)), loss(math.exp(right))
    for _ in range(_ROUNDS):
        if at_left <= at_right:
            high, right, at_right = right, left, at_left
            left = high - golden * (high - low)
            at_left = loss(math.exp(left))
        else:
            low, left, at_left = left, right, at_right
            right = low + golden * (high - low)
            at_right = loss(math.exp(right))
    return math.exp((low + high) / 2)


@dataclass(frozen=True)
class TradeOff:
    """What a least score costs and brings.

    Attributes:
        least: The least score of what is reported.
        precision: Share of what is reported that is right.
        recall: Share of what was annotated that is reported.
        f1: Their harmonic mean.
    """

    least: float
    precision: float
    recall: float
    f1: float


def trade_offs(kind: str, gold: Sequence[Document], found: Sequence[Document]) -> list[TradeOff]:
    """Returns precision and recall for least scores of 0, 0.1, … 0.9.

    Args:
        kind: ``entities``, ``events`` or ``arguments``.
        gold: Annotated texts.
        found: The same texts, tagged with no least score.
    """
    scores, correct = scored(kind, gold, found)
    annotated = sum(len(_keyed(kind, document)) for document in gold)
    rows = []
    for least in np.arange(10) / 10:
        kept = scores >= least
        hits = int(correct[kept].sum())
        reported = int(kept.sum())
        precision, recall = hits / reported if reported else 0.0, hits / annotated if annotated else 0.0
        rows.append(TradeOff(float(least), precision, recall, 2 * hits / max(1, reported + annotated)))
    return rows


def write_trade_offs(gold: Sequence[Document], found: Sequence[Document], directory: Path) -> Path:
    """Writes ``trade_offs`` of all kinds as a table, least_scores.csv, and returns the file.

    Args:
        gold: Annotated texts.
        found: The same texts, tagged with no least score.
        directory: Where to; made if it does not exist.
    """
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / "least_scores.csv"
    with open(path, "w", encoding="utf-8", newline="") as stream:
        table = csv.writer(stream)
        table.writerow(["kind", *(column.name for column in fields(TradeOff))])
        for kind in KINDS:
            for row in trade_offs(kind, gold, found):
                table.writerow([kind, *(round(value, 4) for value in astuple(row))])
    return path
