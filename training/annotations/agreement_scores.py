"""How far two annotators agree, with intervals: F1 of spans, Cohen's kappa, Krippendorff's alpha, per type.

F1 takes neither annotator for right and is the same both ways. Kappa (Cohen 1960) judges the types of spans that both
have, alpha (Krippendorff 2004, nominal) the label of each word, "nothing" being one of them; both are 1 where all is
alike and 0 where it is as chance would have it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from hadath.document import Document, Event
from hadath.schema import Schema
from hadath.text import segment
from training.alignment import KINDS, Kind, Span
from training.bootstrap import REPLICATES, Interval, Statistic, interval
from training.metrics import Numbers, accuracy, f1, types_of

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

_Estimate = Callable[[IntArray, Statistic], "Measure"]

Pair = tuple[Document, Document]
"""One article as the first and as the second annotator has it."""


@dataclass(frozen=True)
class Measure:
    """A score.

    Attributes:
        value: The score; None where there is nothing to judge.
        interval: Its 95 % interval by bootstrap over articles.
    """

    value: float | None
    interval: Interval | None = None


@dataclass(frozen=True)
class LabelAgreement:
    """Agreement on one label, or on all of a group.

    Attributes:
        first: Number that the first annotator has.
        second: Number that the second one has.
        measures: Scores by name: ``f1`` and, as far as they are defined for the group, ``overlap``, ``kappa``,
            ``alpha``, ``given``.
    """

    first: int
    second: int
    measures: Mapping[str, Measure]


@dataclass(frozen=True)
class GroupAgreement:
    """Agreement on all labels of a group.

    Attributes:
        total: All labels together.
        labels: Each label of the schema.
    """

    total: LabelAgreement
    labels: Mapping[str, LabelAgreement]


def agreement(
    pairs: Sequence[Pair], schema: Schema, *, replicates: int = REPLICATES, seed: int = 0
) -> dict[str, GroupAgreement]:
    """Measures agreement.

    Args:
        pairs: Articles, each as both have it.
        schema: Types, roles and modalities.
        replicates: Number of times that the articles are drawn anew for the intervals.
        seed: Seed of the draws.

    Returns:
        By group:

        - ``entities``, ``events``: ``f1`` of spans with their type, ``spans`` (in total only) of spans whatever their
          type, ``overlap`` where touching the other's span of the same type is enough, ``kappa`` and ``alpha``.
        - ``modality``: of events that both have, ``f1`` (in total the share that is alike), ``kappa`` and ``alpha``.
        - ``arguments``: ``f1``, and ``given``, that of arguments between events and entities that both have; ``kappa``
          of the roles of what both link.

    Example:
        >>> from hadath.document import Entity
        >>> document = Document("في تونس", (Entity(3, 7, "GPE", "تونس"),))
        >>> scores = agreement([(document, document)], Schema(("GPE", "PER"), (), {}))
        >>> scores["entities"].total.measures["f1"].value
        1.0
    """
    estimate = partial(_measure, replicates=replicates, seed=seed)
    groups: dict[str, GroupAgreement] = {
        kind: _spans(pairs, types_of(schema, kind), kind, estimate) for kind in KINDS if types_of(schema, kind)
    }
    if schema.modalities:
        groups["modality"] = _modality(pairs, schema.modalities, estimate)
    if schema.role_names:
        groups["arguments"] = _arguments(pairs, schema.role_names, estimate)
    return groups


def kappa(confusion: Numbers) -> FloatArray:
    """Cohen's kappa of confusion matrices, [...] of [..., K, K]; NaN where they are empty.

    Example:
        >>> float(kappa(np.array([[20, 5], [10, 15]])))
        0.4
    """
    total = confusion.sum(axis=(-2, -1))
    rows, columns = confusion.sum(axis=-1), confusion.sum(axis=-2)
    agreed = np.trace(confusion, axis1=-2, axis2=-1)
    by_chance = (rows * columns).sum(axis=-1)
    return _corrected(agreed * total, by_chance, total * total)


def alpha(confusion: Numbers) -> FloatArray:
    """Krippendorff's alpha of nominal labels by two annotators, [...] of [..., K, K]; NaN where they are empty.

    Example:
        >>> round(float(alpha(np.array([[20, 5], [10, 15]]))), 3)
        0.4
    """
    coincidences = confusion + np.swapaxes(confusion, -1, -2)
    values = coincidences.sum(axis=(-2, -1))
    alike = np.trace(coincidences, axis1=-2, axis2=-1)
    by_chance = (coincidences.sum(axis=-1) * (coincidences.sum(axis=-1) - 1)).sum(axis=-1)
    return _corrected(alike * (values - 1), by_chance, values * (values - 1))


def same_label(span: Span) -> tuple[int, int, str]:
    """Returns what makes two spans the same."""
    return span.start, span.end, span.type


def _corrected(agreed: Numbers, by_chance: Numbers, most: Numbers) -> FloatArray:
    """Agreement beyond chance; 1 where there is nothing but agreement, also where chance could give nothing else."""
    agreed, by_chance, most = (np.asarray(value, float) for value in (agreed, by_chance, most))
    result = np.full(np.shape(agreed), np.nan)
    np.divide(agreed - by_chance, most - by_chance, out=result, where=most > by_chance)
    return np.where((most > 0) & (agreed == most), 1.0, result)


def _measure(counts: IntArray, statistic: Statistic, *, replicates: int, seed: int) -> Measure:
    value = float(statistic(counts.sum(axis=0)))
    if np.isnan(value):
        return Measure(None)
    return Measure(value, interval(counts, statistic, replicates=replicates, seed=seed))


def _share(counts: Numbers) -> FloatArray:
    """F1 of [..., 2]: spans that match something on the other side, counted on both sides, and all spans."""
    matched, total = counts[..., 0], counts[..., 1]
    result = np.full(np.shape(total), np.nan)
    return np.divide(matched, total, out=result, where=np.asarray(total) > 0)


def _micro(counts: Numbers) -> FloatArray:
    return f1(counts.sum(axis=-2))


def _spans(pairs: Sequence[Pair], types: Sequence[str], kind: Kind, estimate: _Estimate) -> GroupAgreement:
    ids = {name: index for index, name in enumerate(types)}
    exact = np.zeros((len(pairs), len(types), 3), np.int64)
    places = np.zeros((len(pairs), 3), np.int64)
    overlap = np.zeros((len(pairs), len(types), 2), np.int64)
    matched = np.zeros((len(pairs), len(types), len(types)), np.int64)
    words = np.zeros((len(pairs), len(types) + 1, len(types) + 1), np.int64)
    for row, (first, second) in enumerate(pairs):
        ours: set[tuple[int, int, str]] = {same_label(span) for span in getattr(first, kind)}
        theirs: set[tuple[int, int, str]] = {same_label(span) for span in getattr(second, kind)}
        for column, spans in enumerate((ours & theirs, theirs - ours, ours - theirs)):
            for _, _, name in spans:
                exact[row, ids[name], column] += 1
        here, there = {span[:2] for span in ours}, {span[:2] for span in theirs}
        places[row] = len(here & there), len(there - here), len(here - there)
        for spans, others in ((ours, theirs), (theirs, ours)):
            for span in spans:
                touched = any(other[2] == span[2] and other[0] < span[1] and span[0] < other[1] for other in others)
                overlap[row, ids[span[2]]] += (touched, 1)
        for one, other in _same_place(ours, theirs):
            matched[row, ids[one], ids[other]] += 1
        cut = segment(first.text)
        np.add.at(words[row], (_word_labels(ours, cut.starts, ids), _word_labels(theirs, cut.starts, ids)), 1)
    labels = {
        name: LabelAgreement(
            *_numbers(exact[:, index]),
            {
                "f1": estimate(exact[:, index], f1),
                "overlap": estimate(overlap[:, index], _share),
                "kappa": estimate(_against_rest(matched, index), kappa),
                "alpha": estimate(_against_rest(words, index + 1), alpha),
            },
        )
        for index, name in enumerate(types)
    }
    total = LabelAgreement(
        *_numbers(exact.sum(axis=1)),
        {
            "f1": estimate(exact, _micro),
            "spans": estimate(places, f1),
            "overlap": estimate(overlap.sum(axis=1), _share),
            "kappa": estimate(matched, kappa),
            "alpha": estimate(words, alpha),
        },
    )
    return GroupAgreement(total, labels)


def _modality(pairs: Sequence[Pair], values: Sequence[str], estimate: _Estimate) -> GroupAgreement:
    ids = {name: index for index, name in enumerate(values)}
    confusion = np.zeros((len(pairs), len(values), len(values)), np.int64)
    for row, (first, second) in enumerate(pairs):
        for one, other in same_events(first, second):
            confusion[row, ids[one.modality], ids[other.modality]] += 1
    rows, columns = confusion.sum(axis=(0, 2)), confusion.sum(axis=(0, 1))
    labels = {}
    for index, name in enumerate(values):
        binary = _against_rest(confusion, index)
        counts = np.stack([binary[:, 0, 0], binary[:, 1, 0], binary[:, 0, 1]], axis=-1)
        labels[name] = LabelAgreement(
            int(rows[index]),
            int(columns[index]),
            {"f1": estimate(counts, f1), "kappa": estimate(binary, kappa), "alpha": estimate(binary, alpha)},
        )
    total = int(confusion.sum())
    measures = {
        "f1": estimate(confusion, accuracy),
        "kappa": estimate(confusion, kappa),
        "alpha": estimate(confusion, alpha),
    }
    return GroupAgreement(LabelAgreement(total, total, measures), labels)


def _arguments(pairs: Sequence[Pair], roles: Sequence[str], estimate: _Estimate) -> GroupAgreement:
    ids = {name: index for index, name in enumerate(roles)}
    exact = np.zeros((len(pairs), len(roles), 3), np.int64)
    given = np.zeros((len(pairs), len(roles), 3), np.int64)
    linked = np.zeros((len(pairs), len(roles), len(roles)), np.int64)
    for row, (first, second) in enumerate(pairs):
        ours, theirs = set(arguments_of(first)), set(arguments_of(second))
        events, entities = (
            {same_label(span) for span in getattr(first, kind)} & {same_label(span) for span in getattr(second, kind)}
            for kind in ("events", "entities")
        )
        for column, found in enumerate((ours & theirs, theirs - ours, ours - theirs)):
            for role, event, entity in found:
                exact[row, ids[role], column] += 1
                if event in events and entity in entities:
                    given[row, ids[role], column] += 1
        by_link: dict[tuple[object, object], str] = {(event, entity): role for role, event, entity in sorted(theirs)}
        for role, event, entity in sorted(ours):
            if (event, entity) in by_link:
                linked[row, ids[role], ids[by_link[event, entity]]] += 1
    labels = {
        name: LabelAgreement(
            *_numbers(exact[:, index]),
            {
                "f1": estimate(exact[:, index], f1),
                "given": estimate(given[:, index], f1),
                "kappa": estimate(_against_rest(linked, index), kappa),
            },
        )
        for index, name in enumerate(roles)
    }
    measures = {"f1": estimate(exact, _micro), "given": estimate(given, _micro), "kappa": estimate(linked, kappa)}
    return GroupAgreement(LabelAgreement(*_numbers(exact.sum(axis=1)), measures), labels)


def arguments_of(document: Document) -> Iterator[tuple[str, tuple[int, int, str], tuple[int, int, str]]]:
    """Yields each argument as its role, its event and its entity."""
    for event in document.events:
        for argument in event.arguments:
            yield argument.role, same_label(event), same_label(argument.entity)


def same_events(first: Document, second: Document) -> Iterator[tuple[Event, Event]]:
    """Yields the events that both have, with the same trigger and type."""
    theirs = {same_label(event): event for event in second.events}
    for event in first.events:
        if same_label(event) in theirs:
            yield event, theirs[same_label(event)]


def _same_place(ours: set[tuple[int, int, str]], theirs: set[tuple[int, int, str]]) -> Iterator[tuple[str, str]]:
    """Types of spans that both have in one place; where one of them has several there, the same types first."""
    at: dict[tuple[int, int], list[str]] = {}
    for start, end, name in theirs:
        at.setdefault((start, end), []).append(name)
    mine: dict[tuple[int, int], list[str]] = {}
    for start, end, name in ours:
        mine.setdefault((start, end), []).append(name)
    for place in mine.keys() & at.keys():
        shared = set(mine[place]) & set(at[place])
        yield from ((name, name) for name in shared)
        yield from zip(sorted(set(mine[place]) - shared), sorted(set(at[place]) - shared), strict=False)


def _word_labels(spans: set[tuple[int, int, str]], starts: IntArray, ids: Mapping[str, int]) -> IntArray:
    """The label of each word: 0 for none, of spans that overlap the one that begins first, the longer one of these."""
    labels = np.zeros(len(starts), np.int64)
    for start, end, name in sorted(spans, key=lambda span: (-span[0], span[1], span[2])):
        labels[np.searchsorted(starts, start) : np.searchsorted(starts, end)] = ids[name] + 1
    return labels


def _against_rest(confusion: IntArray, index: int) -> IntArray:
    """One label against all others, [..., 2, 2] of [..., K, K]."""
    both = confusion[..., index, index]
    first, second = confusion[..., index, :].sum(axis=-1) - both, confusion[..., :, index].sum(axis=-1) - both
    rest = confusion.sum(axis=(-2, -1)) - both - first - second
    return np.stack([np.stack([both, first], axis=-1), np.stack([second, rest], axis=-1)], axis=-2)


def _numbers(counts: IntArray) -> tuple[int, int]:
    """How many the first and the second annotator have, of [articles, 3]."""
    both, second, first = (int(number) for number in counts.sum(axis=0))
    return both + first, both + second
