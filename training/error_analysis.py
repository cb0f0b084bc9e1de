"""What a model gets wrong: every error with its place in the text, and which types are taken for which."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hadath.document import Event
from hadath.schema import Schema
from hadath.sentences import sentence_at, sentence_spans
from training.alignment import KINDS, AlignedDocument, Kind, Relation, Span, span_pairs
from training.metrics import types_of

IntArray = npt.NDArray[np.int64]

WRONG_MODALITY = "wrong_modality"
ERROR_KINDS = (*(relation.value for relation in Relation if relation is not Relation.CORRECT), WRONG_MODALITY)

NONE = "none"
"""Name of the row and column of spans that have no counterpart."""

_CONTEXT = 200


@dataclass(frozen=True)
class TaggingError:
    """One span that is wrong.

    Attributes:
        document: Name of the document.
        kind: ``entities`` or ``events``.
        error: One of ``ERROR_KINDS``.
        gold: The annotated span; None where the predicted one is spurious.
        predicted: The predicted span; None where the annotated one is missed.
        context: The sentence, the annotated span in ⟦…⟧, the predicted one in ⟪…⟫ unless it is the same.
    """

    document: str
    kind: Kind
    error: str
    gold: Span | None
    predicted: Span | None
    context: str

    def to_dict(self) -> dict[str, Any]:
        """Returns the error as plain JSON values."""
        return {
            "document": self.document,
            "kind": self.kind,
            "error": self.error,
            "gold": _span_values(self.gold),
            "predicted": _span_values(self.predicted),
            "context": self.context,
        }


def find_errors(documents: Sequence[AlignedDocument]) -> list[TaggingError]:
    """Lists all errors; each annotated and each predicted span is in at most one of them.

    Args:
        documents: Texts as annotated and as tagged, from ``alignment.align``.

    Returns:
        The errors in the order of the documents and their texts, entities first. A trigger that is right but
        for its modality is an error too; one with a wrong span or type is not counted again for its modality.

    Example:
        >>> from hadath.document import Document, Entity
        >>> from training.alignment import align
        >>> text = "وصلت السفينة. عادت إلى ميناء طبرق ليلا."
        >>> gold = Document(text, (Entity(23, 33, "FAC", "ميناء طبرق"),), id="a1")
        >>> found = Document(text, (Entity(29, 33, "GPE", "طبرق"),), id="a1")
        >>> error = find_errors(align([gold], [found], Schema(("FAC", "GPE"), (), {})))[0]
        >>> error.error, error.context
        ('wrong_span_and_type', 'عادت إلى ⟦ميناء ⟪طبرق⟫⟧ ليلا.')
    """
    return [
        TaggingError(
            document.name,
            kind,
            error,
            pair.gold,
            pair.predicted,
            marked_context(document.gold.text, pair.gold, pair.predicted),
        )
        for document in documents
        for kind in KINDS
        for pair in span_pairs(document, kind)
        if (error := _error(pair.relation, pair.gold, pair.predicted)) is not None
    ]


def error_counts(errors: Iterable[TaggingError]) -> dict[str, int]:
    """Counts errors of each kind, under names for MLflow.

    Example:
        >>> error_counts([])["errors/entities/missed"]
        0
    """
    counts = Counter(f"errors/{error.kind}/{error.error}" for error in errors)
    return {
        name: counts[name]
        for kind in KINDS
        for error in ERROR_KINDS
        if (kind, error) != ("entities", WRONG_MODALITY)
        for name in (f"errors/{kind}/{error}",)
    }


def write_errors(errors: Iterable[TaggingError], path: Path) -> None:
    """Writes errors as JSON lines, one error a line, in UTF-8."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for error in errors:
            file.write(json.dumps(error.to_dict(), ensure_ascii=False) + "\n")


def confusion(documents: Sequence[AlignedDocument], schema: Schema, kind: Kind) -> IntArray:
    """Counts which type was predicted for which, over spans that are the same or overlap.

    Args:
        documents: Texts as annotated and as tagged.
        schema: A schema with K types of the kind.
        kind: Entities or events.

    Returns:
        Annotated by predicted types, [K + 1, K + 1]; the last row counts spurious spans, the last column
        missed ones.
    """
    types = types_of(schema, kind)
    ids: Mapping[str | None, int] = {None: len(types), **{name: index for index, name in enumerate(types)}}
    matrix = np.zeros((len(ids), len(ids)), np.int64)
    for document in documents:
        for pair in span_pairs(document, kind):
            gold = pair.gold.type if pair.gold else None
            predicted = pair.predicted.type if pair.predicted else None
            matrix[ids[gold], ids[predicted]] += 1
    return matrix


def marked_context(text: str, gold: Span | None, predicted: Span | None) -> str:
    """Returns the sentence of a span, or of two that overlap, with the spans marked.

    Args:
        text: The document's text.
        gold: The annotated span, if any; in ⟦…⟧.
        predicted: The predicted span, if any; in ⟪…⟫ unless it is the same as the annotated one.
    """
    spans = [span for span in (gold, predicted) if span is not None]
    start, end = min(span.start for span in spans), max(span.end for span in spans)
    first, last = _sentence(text, start, end)
    marks = []
    if gold is not None:
        marks.append((gold.start, gold.end, "⟦", "⟧"))
    if predicted is not None and (gold is None or (predicted.start, predicted.end) != (gold.start, gold.end)):
        marks.append((predicted.start, predicted.end, "⟪", "⟫"))
    # at one place what closes stands before what opens; the longer span opens first and closes last
    inserted = sorted(
        [(end, 0, -start, closing) for start, end, _, closing in marks]
        + [(start, 1, -end, opening) for start, end, opening, _ in marks]
    )
    parts = []
    written = first
    for place, _, _, mark in inserted:
        parts += [text[written:place], mark]
        written = place
    return "".join([*parts, text[written:last]])


def _error(relation: Relation, gold: Span | None, predicted: Span | None) -> str | None:
    if relation is not Relation.CORRECT:
        return str(relation.value)
    if isinstance(gold, Event) and isinstance(predicted, Event) and gold.modality != predicted.modality:
        return WRONG_MODALITY
    return None


def _sentence(text: str, start: int, end: int) -> tuple[int, int]:
    first, last = sentence_at(sentence_spans(text), start, end)
    # a text without full stops is no sentence to read
    return max(first, start - _CONTEXT), min(last, end + _CONTEXT)


def _span_values(span: Span | None) -> dict[str, Any] | None:
    if span is None:
        return None
    values: dict[str, Any] = {
        "start": span.start,
        "end": span.end,
        "type": span.type,
        "text": span.text,
        "score": round(span.score, 4),
    }
    if isinstance(span, Event):
        values["modality"] = span.modality
    return values
