"""Two models on the same articles: how much better the second one is, score by score, and how sure that is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import numpy as np

from hadath.document import Document
from hadath.schema import Schema
from training.alignment import KINDS, AlignedDocument, align
from training.bootstrap import (
    REPLICATES,
    FloatArray,
    IntArray,
    PairedDifference,
    Statistic,
    paired_difference,
)
from training.metrics import (
    accuracy,
    argument_counts,
    confusion_counts,
    f1,
    has_arguments,
    macro_f1,
    metric_name,
    micro_f1,
    modality_confusions,
    span_counts,
    types_of,
)

MEAN_F1 = "mean_f1"
"""Name of the score that one model is better than another by: the mean of the micro F1 of what both find."""


@dataclass(frozen=True)
class ScoreDifference:
    """One score of two models.

    Attributes:
        name: The score, named as in ``metrics.Metrics.to_dict``: ``entities/f1``, ``events/AID/f1``.
        first: The first model's; NaN where there was nothing to find and nothing found.
        second: The second model's.
        support: Number annotated of what the score is about.
        paired: The difference with its interval and p-value.
        of_type: Whether the score is of a single type, role or modality.
    """

    name: str
    first: float
    second: float
    support: int
    paired: PairedDifference
    of_type: bool


@dataclass(frozen=True)
class Comparison:
    """All scores of two models on the same articles.

    Attributes:
        documents: Number of articles.
        scores: The scores, ``MEAN_F1`` first, then by kind.
        replicates: Number of bootstrap replicates.
        seed: Seed of the bootstrap.
    """

    documents: int
    scores: tuple[ScoreDifference, ...]
    replicates: int
    seed: int

    def __getitem__(self, name: str) -> ScoreDifference:
        """Returns a score by its name.

        Raises:
            KeyError: If there is none of that name.
        """
        for score in self.scores:
            if score.name == name:
                return score
        raise KeyError(name)

    def falls(self, margin: float, support: int) -> tuple[ScoreDifference, ...]:
        """Returns the types in which the second model is worse by more than a margin.

        Args:
            margin: Greatest loss of F1 that is borne.
            support: Least number annotated of a type for it to count.
        """
        counted = (score for score in self.scores if score.of_type and score.support >= support)
        return tuple(score for score in counted if score.paired.difference < -margin)


def compare(
    gold: Sequence[Document],
    first: Sequence[Document],
    second: Sequence[Document],
    schema: Schema,
    *,
    replicates: int = REPLICATES,
    seed: int = 0,
) -> Comparison:
    """Compares what two models found in the same articles, by paired document-level bootstrap.

    Args:
        gold: The annotated articles.
        first: What the first model found in them, in the same order.
        second: What the second one found.
        schema: Types, roles and modalities to score.
        replicates: Number of times that the articles are drawn anew.
        seed: Seed of the draws.

    Returns:
        The mean of the micro F1 of entities, events and, where both models find some, arguments; then for each kind
        micro, macro and per-type F1, and the accuracy of modality.

    Raises:
        AlignmentError: If the articles are not the same or have types that are not in the schema.

    Example:
        >>> from hadath.document import Entity
        >>> schema = Schema(("GPE",), (), {})
        >>> text = "عادت الحياة إلى غدامس وسبها"
        >>> both = (Entity(16, 21, "GPE", "غدامس"), Entity(22, 27, "GPE", "وسبها"))
        >>> gold, less = Document(text, both), Document(text, both[:1])
        >>> score = compare([gold], [less], [gold], schema)["entities/f1"]
        >>> round(score.first, 2), score.second, round(score.paired.difference, 2), score.support
        (0.67, 1.0, 0.33, 2)
    """
    pairs = align(gold, first, schema), align(gold, second, schema)
    tested = partial(paired_difference, replicates=replicates, seed=seed)
    scores = tuple(
        ScoreDifference(name, *(float(statistic(counts.sum(axis=0))) for counts in both), support, paired, of_type)
        for name, both, statistic, support, of_type in _scores(pairs, schema)
        for paired in (tested(*both, statistic),)
    )
    return Comparison(len(gold), scores, replicates, seed)


Both = tuple[IntArray, IntArray]
_Score = tuple[str, Both, Statistic, int, bool]


def _scores(pairs: tuple[list[AlignedDocument], list[AlignedDocument]], schema: Schema) -> Iterator[_Score]:
    groups: dict[str, tuple[tuple[str, ...], Both]] = {}
    for kind in KINDS:
        types = types_of(schema, kind)
        if types:
            first, second = (span_counts(side, types, kind).values for side in pairs)
            groups[kind] = types, (first, second)
    found = [has_arguments(side) for side in pairs]
    if any(found):
        first, second = (argument_counts(side, schema).values for side in pairs)
        groups["arguments"] = schema.role_names, (first, second)
    # a model that cannot find arguments is not worse at what both do
    averaged = [both for name, (_, both) in groups.items() if name != "arguments" or all(found)]
    yield MEAN_F1, *_mean_of_micro_f1(averaged), False
    for name, (types, both) in groups.items():
        yield f"{name}/f1", both, micro_f1, _support(both[0]), False
        yield f"{name}/f1_macro", both, macro_f1, _support(both[0]), False
        for column, type_name in enumerate(types):
            of_type = both[0][:, column], both[1][:, column]
            yield metric_name(f"{name}/{type_name}/f1"), of_type, f1, _support(of_type[0]), True
    if schema.modalities and schema.event_types:
        matched, end_to_end = zip(*(modality_confusions(side, schema) for side in pairs), strict=True)
        for name, both in (("modality", matched), ("modality_end_to_end", end_to_end)):
            yield f"{name}/accuracy", both, accuracy, int(both[0].sum()), False
        values = confusion_counts(end_to_end[0]), confusion_counts(end_to_end[1])
        for column, value in enumerate(schema.modalities):
            of_value = values[0][:, column], values[1][:, column]
            yield metric_name(f"modality_end_to_end/{value}/f1"), of_value, f1, _support(of_value[0]), True


def _support(counts: IntArray) -> int:
    """Number annotated: what was found and what was missed, of counts [..., 3]."""
    return int(counts[..., 0].sum() + counts[..., 2].sum())


def _mean_of_micro_f1(groups: Sequence[Both]) -> tuple[Both, Statistic, int]:
    """Counts of several groups side by side, and the statistic that takes them apart again."""
    widths = np.cumsum([0, *(first.shape[1] for first, _ in groups)])
    sides = np.concatenate([both[0] for both in groups], axis=1), np.concatenate([both[1] for both in groups], axis=1)

    def mean(counts: FloatArray) -> FloatArray:
        parts = [micro_f1(counts[..., start:end, :]) for start, end in pairwise(widths)]
        return np.asarray(np.mean(np.nan_to_num(parts), axis=0))

    return sides, mean, _support(sides[0])
