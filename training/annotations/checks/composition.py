"""What a corpus is made of: labels in each split, and articles annotated far more densely or thinly than the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hadath.document import Document
from hadath.schema import DEFAULT_MODALITY, Schema
from hadath.text import Words
from training.alignment import KINDS, Kind
from training.annotations.checks.finding import ArticleFiles, Finding, Level

UNSPLIT = "no split"
"""Name of the column of articles that no split names."""


@dataclass(frozen=True)
class LabelCounts:
    """How often each label occurs in each split.

    Attributes:
        splits: Names of the splits, in order.
        groups: For ``entity type``, ``event type``, ``role`` and ``modality``: the number of occurrences of each label
            of the schema, one for each split.
    """

    splits: tuple[str, ...]
    groups: Mapping[str, Mapping[str, tuple[int, ...]]]


def label_counts(splits: Mapping[str, Sequence[Document]], schema: Schema) -> LabelCounts:
    """Counts labels by split.

    Args:
        splits: The articles of each split.
        schema: The labels.
    """
    counted = {name: _labels(documents) for name, documents in splits.items()}
    labels = {
        "entity type": schema.entity_types,
        "event type": schema.event_types,
        "role": schema.role_names,
        "modality": schema.modalities,
    }
    return LabelCounts(
        tuple(splits),
        {
            group: {label: tuple(counts[group, label] for counts in counted.values()) for label in names}
            for group, names in labels.items()
        },
    )


def missing_labels(counts: LabelCounts) -> Iterator[Finding]:
    """Yields a doubt for each label that a split, or the whole corpus, lacks."""
    named = [index for index, split in enumerate(counts.splits) if split != UNSPLIT]
    for group, labels in counts.groups.items():
        for label, numbers in labels.items():
            total = sum(numbers)
            lacking = [counts.splits[index] for index in named if not numbers[index]]
            if not total:
                message = f"the {group} {label} of the schema is never used; a model cannot learn it"
                yield Finding("missing label", Level.DOUBT, message, weight=0.5)
            elif lacking:
                message = f"the {group} {label} occurs {total:,} times, but never in {' and '.join(lacking)}"
                yield Finding("missing label", Level.DOUBT, message, weight=min(1.0, total / (total + 20)))


def outlying_densities(
    documents: Sequence[Document],
    words: Sequence[Words],
    schema: Schema,
    files: ArticleFiles,
    *,
    deviations: float,
) -> Iterator[Finding]:
    """Yields a doubt for each article with far more or fewer annotations than its length lets expect.

    Args:
        documents: The articles.
        words: The words of each.
        schema: A kind of which it has no types is not looked at.
        files: Where the articles are.
        deviations: Standard deviations from the expected number that are outlying. The spread is the corpus's own
            (robust, by the median), counts of short articles being allowed to differ more.
    """
    if len(documents) < _FEWEST:
        return
    lengths = np.array([len(cut) for cut in words])
    for kind in KINDS:
        if not (schema.entity_types if kind == "entities" else schema.event_types):
            continue
        numbers = np.array([len(getattr(document, kind)) for document in documents])
        expected = np.maximum(lengths * numbers.sum() / max(lengths.sum(), 1), 0.5)
        # residuals of counts on the scale of square roots have the same spread whatever the count
        residuals = 2 * (np.sqrt(numbers + 0.375) - np.sqrt(expected + 0.375))
        centre = np.median(residuals)
        spread = max(1.4826 * np.median(np.abs(residuals - centre)), 1.0)
        for index in np.flatnonzero(np.abs(residuals - centre) > deviations * spread).tolist():
            yield _outlier(
                documents[index], kind, files, float(expected[index]), abs(residuals[index] - centre) / spread
            )


_FEWEST = 10


def _outlier(document: Document, kind: Kind, files: ArticleFiles, expected: float, deviation: float) -> Finding:
    number = len(getattr(document, kind))
    words = "more" if number > expected else "fewer"
    return Finding(
        "density",
        Level.DOUBT,
        f"{document.id} has {number} {kind} where articles of its length have about {expected:.0f}: "
        f"far {words} than the others",
        str(files.folder / f"{document.id}.ann"),
        document=str(document.id),
        weight=0.6 * (1 - 1 / deviation),
    )


def _labels(documents: Sequence[Document]) -> Counter[tuple[str, str]]:
    counts: Counter[tuple[str, str]] = Counter()
    for document in documents:
        counts.update(("entity type", entity.type) for entity in document.entities)
        for event in document.events:
            counts["event type", event.type] += 1
            counts["modality", event.modality or DEFAULT_MODALITY] += 1
            counts.update(("role", argument.role) for argument in event.arguments)
    return counts
