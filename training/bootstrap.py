"""How sure a score is: intervals and comparisons by resampling documents.

Documents, not spans, are drawn, with replacement: spans of one article are not independent. The intervals are
percentiles of the replicates (Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13); two
models are compared on the same draws (Koehn, Statistical Significance Tests for Machine Translation
Evaluation, EMNLP 2004).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from hadath.schema import Schema
from training.alignment import KINDS, AlignedDocument
from training.metrics import (
    Counts,
    accuracy,
    argument_groups,
    confusion_counts,
    f1,
    macro_f1,
    metric_name,
    micro_f1,
    modality_confusions,
    span_counts,
    types_of,
)

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

Statistic = Callable[[FloatArray], FloatArray]
"""From counts summed over the documents of each replicate, [replicates, ...], to a score, [replicates]."""

REPLICATES = 2000

# numbers drawn at once: bounds the memory that many documents take
_DRAWN_AT_ONCE = 4_000_000


@dataclass(frozen=True)
class Interval:
    """A 95 % interval of a score.

    Attributes:
        low: Its lower end.
        high: Its upper end.
    """

    low: float
    high: float


@dataclass(frozen=True)
class PairedDifference:
    """How much better the second of two models is than the first.

    Attributes:
        difference: Score of the second less that of the first.
        interval: Of the difference; None where there is nothing to compare.
        p_value: Two-sided: how often chance would give a difference so far from 0 if there were none.
    """

    difference: float
    interval: Interval | None
    p_value: float


def interval(counts: IntArray, statistic: Statistic, *, replicates: int = REPLICATES, seed: int = 0) -> Interval | None:
    """Estimates a 95 % interval of a score.

    Args:
        counts: What the score is made of, for each document, [documents, ...].
        statistic: Makes scores of sums over documents, such as ``metrics.micro_f1``.
        replicates: Number of times that the documents are drawn anew.
        seed: Seed of the draws; the same seed draws the same documents.

    Returns:
        The interval, or None where the score is undefined in every replicate.

    Example:
        >>> counts = np.array([[[8, 1, 2]], [[5, 0, 5]], [[9, 1, 1]]])  # three documents, one type
        >>> found = interval(counts, micro_f1, seed=1)
        >>> round(found.low, 2), round(found.high, 2)
        (0.67, 0.9)
    """
    return _interval(statistic(resampled(counts, replicates, seed)))


def score_intervals(
    documents: Sequence[AlignedDocument],
    schema: Schema,
    *,
    arguments: bool = False,
    linked: Sequence[AlignedDocument] | None = None,
    replicates: int = REPLICATES,
    seed: int = 0,
) -> dict[str, Interval]:
    """Estimates the intervals of the scores that ``metrics.score`` returns.

    Args:
        documents: Texts as annotated and as tagged.
        schema: Types, roles and modalities.
        arguments: As of ``metrics.score``.
        linked: As of ``metrics.score``.
        replicates: Number of times that the documents are drawn anew.
        seed: Seed of the draws.

    Returns:
        Intervals by the names of ``Metrics.to_dict``: micro, macro and per-type F1 of each kind, accuracy and
        macro F1 of modality. Scores that are undefined have none.
    """
    estimate = partial(interval, replicates=replicates, seed=seed)
    found: dict[str, Interval | None] = {}
    groups: dict[str, Counts] = {kind: span_counts(documents, types_of(schema, kind), kind) for kind in KINDS}
    groups |= argument_groups(documents, schema, arguments=arguments, linked=linked)
    for name, counts in groups.items():
        found |= _group_intervals(counts, name, estimate)
    if schema.modalities:
        matched, end_to_end = modality_confusions(documents, schema)
        for name, confusion in (("modality", matched), ("modality_end_to_end", end_to_end)):
            found[f"{name}/accuracy"] = estimate(confusion, accuracy)
            found[f"{name}/f1_macro"] = estimate(confusion, lambda sums: macro_f1(confusion_counts(sums)))
    return {name: value for name, value in found.items() if value is not None}


def flat_intervals(intervals: Mapping[str, Interval]) -> dict[str, float]:
    """Returns intervals as metrics for MLflow.

    Example:
        >>> flat_intervals({"events/f1": Interval(0.6, 0.7)})
        {'events/f1_low': 0.6, 'events/f1_high': 0.7}
    """
    return {
        f"{name}_{end}": value
        for name, bounds in intervals.items()
        for end, value in (("low", bounds.low), ("high", bounds.high))
    }


def paired_difference(
    first: IntArray, second: IntArray, statistic: Statistic, *, replicates: int = REPLICATES, seed: int = 0
) -> PairedDifference:
    """Tests whether one model is better than another on the same documents.

    Args:
        first: Counts of the first model, [documents, ...].
        second: Counts of the second model on the same documents in the same order, of the same shape.
        statistic: Makes scores of sums over documents, such as ``metrics.micro_f1``.
        replicates: Number of times that the documents are drawn anew.
        seed: Seed of the draws.

    Returns:
        The difference, its interval and p-value. Where a score is undefined, the difference is 0 and p 1.

    Raises:
        ValueError: If the shapes differ.

    Example:
        >>> first = np.array([[[8, 1, 2]], [[5, 0, 5]], [[9, 1, 1]]])
        >>> second = np.array([[[9, 1, 1]], [[7, 0, 3]], [[9, 0, 1]]])
        >>> result = paired_difference(first, second, micro_f1)
        >>> round(result.difference, 3), result.p_value < 0.05
        (0.078, True)
    """
    if first.shape != second.shape:
        raise ValueError(
            f"counts of shape {first.shape} and {second.shape} cannot be compared; "
            "expected the same documents and types"
        )
    if not len(first):
        return PairedDifference(0.0, None, 1.0)
    difference = float(statistic(second.sum(axis=0)) - statistic(first.sum(axis=0)))
    differences = statistic(resampled(second, replicates, seed)) - statistic(resampled(first, replicates, seed))
    differences = differences[~np.isnan(differences)]
    if np.isnan(difference) or not len(differences):
        return PairedDifference(0.0, None, 1.0)
    # the smaller tail, both ways; one is added since the documents as they are count as a draw (no p is 0)
    tail = min(int((differences <= 0).sum()), int((differences >= 0).sum()))
    p_value = min(1.0, 2 * (tail + 1) / (len(differences) + 1))
    return PairedDifference(difference, _interval(differences), p_value)


def resampled(counts: IntArray, replicates: int = REPLICATES, seed: int = 0) -> FloatArray:
    """Sums counts over documents drawn with replacement.

    Args:
        counts: Counts of each document, [documents, ...].
        replicates: Number of draws of as many documents as there are.
        seed: Seed of the draws. With the same seed and number of documents the same documents are drawn.

    Returns:
        The sums of each draw, [replicates, ...].
    """
    documents = len(counts)
    flat = counts.reshape(documents, int(np.prod(counts.shape[1:]))).astype(np.float64)
    sums = np.zeros((replicates, flat.shape[1]))
    if documents:
        for part, weights in _draws(documents, replicates, seed):
            sums[part] = weights @ flat
    return sums.reshape(replicates, *counts.shape[1:])


def _draws(documents: int, replicates: int, seed: int) -> Iterator[tuple[slice, FloatArray]]:
    """How often each document is drawn, [replicates, documents], a part of the replicates at a time."""
    random = np.random.default_rng(seed)
    evenly = np.full(documents, 1 / documents)
    step = max(1, _DRAWN_AT_ONCE // documents)
    for first in range(0, replicates, step):
        part = slice(first, min(first + step, replicates))
        yield part, random.multinomial(documents, evenly, size=part.stop - first).astype(np.float64)


def _interval(scores: FloatArray) -> Interval | None:
    # a replicate in which nothing of a type was drawn says nothing about it
    defined = scores[~np.isnan(scores)]
    if not len(defined):
        return None
    low, high = np.quantile(defined, (0.025, 0.975))
    return Interval(float(low), float(high))


def _group_intervals(
    counts: Counts, prefix: str, estimate: Callable[[IntArray, Statistic], Interval | None]
) -> dict[str, Interval | None]:
    found = {
        f"{prefix}/f1": estimate(counts.values, micro_f1),
        f"{prefix}/f1_macro": estimate(counts.values, macro_f1),
    }
    for column, name in enumerate(counts.types):
        found[metric_name(f"{prefix}/{name}/f1")] = estimate(counts.values[:, column], f1)
    return found
