"""Annotated and tagged texts side by side: which predicted span answers which annotated one."""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Literal

from hadath.document import Document, Entity, Event
from hadath.schema import Schema
from hadath.text import Words, segment

Kind = Literal["entities", "events"]
KINDS: tuple[Kind, ...] = ("entities", "events")

Span = Entity | Event
WordRange = tuple[int, int]
"""First word of a span and the word after its last one."""


class AlignmentError(ValueError):
    """Gold and predicted documents that are not about the same texts or the same types."""


@dataclass(frozen=True)
class WordSpans:
    """Spans of one document, as far as tags of words can express them.

    Attributes:
        tagged: Spans made of whole words, none of which overlaps another, by their words.
        untagged: The others: they cut a word, or overlap a span before them. Nothing matches them.
    """

    tagged: Mapping[WordRange, Span]
    untagged: tuple[Span, ...]

    @property
    def located(self) -> dict[tuple[int, int, str], WordRange]:
        """The words of each tagged span, by its start and end in the text and its type."""
        return {(span.start, span.end, span.type): words for words, span in self.tagged.items()}

    def __len__(self) -> int:
        return len(self.tagged) + len(self.untagged)


@dataclass(frozen=True)
class AlignedDocument:
    """A text as annotated and as tagged.

    Attributes:
        name: The document's id, or its place in the sequence where it has none.
        gold: The annotated document.
        predicted: The tagged document.
        word_count: Number of words of the text.
        gold_spans: Annotated entities and events in words.
        predicted_spans: Predicted entities and events in words.
    """

    name: str
    gold: Document
    predicted: Document
    word_count: int
    gold_spans: Mapping[Kind, WordSpans]
    predicted_spans: Mapping[Kind, WordSpans]


class Relation(str, Enum):
    """How a predicted span answers a gold one."""

    CORRECT = "correct"
    WRONG_TYPE = "wrong_type"
    """The same words, another type."""
    WRONG_SPAN = "wrong_span"
    """Overlapping words, the same type."""
    WRONG_SPAN_AND_TYPE = "wrong_span_and_type"
    """Overlapping words, another type."""
    MISSED = "missed"
    """Nothing predicted there."""
    SPURIOUS = "spurious"
    """Nothing annotated there."""


@dataclass(frozen=True)
class SpanPair:
    """A gold span and the predicted one that answers it.

    Attributes:
        relation: How they differ.
        gold: The gold span; None where the predicted one is spurious.
        predicted: The predicted span; None where the gold one is missed.
    """

    relation: Relation
    gold: Span | None
    predicted: Span | None


def align(gold: Sequence[Document], predicted: Sequence[Document], schema: Schema) -> list[AlignedDocument]:
    """Lays annotated and tagged documents side by side.

    Args:
        gold: The annotated documents.
        predicted: What was found in the same texts, in the same order.
        schema: Types and modalities.

    Returns:
        For each text both versions, spans located in its words.

    Raises:
        AlignmentError: If the texts differ in number, order or content, or a type, role or modality is not in
            the schema.

    Example:
        >>> schema = Schema(("GPE",), (), {})
        >>> text = "عادت الحياة إلى غدامس"
        >>> gold = Document(text, (Entity(16, 21, "GPE", "غدامس"),), id="a1")
        >>> document = align([gold], [Document(text, id="a1")], schema)[0]
        >>> list(document.gold_spans["entities"].tagged), len(document.predicted_spans["entities"])
        ([(3, 4)], 0)
    """
    if len(gold) != len(predicted):
        raise AlignmentError(f"{len(gold)} gold documents but {len(predicted)} predicted ones; expected one for each")
    aligned = []
    for place, (gold_document, found) in enumerate(zip(gold, predicted, strict=True), start=1):
        name = gold_document.id if gold_document.id is not None else f"document {place}"
        if found.id is not None and gold_document.id is not None and found.id != gold_document.id:
            raise AlignmentError(
                f"document {place} is {gold_document.id} in gold but {found.id} in the predictions; "
                "give both in the same order"
            )
        if found.text != gold_document.text:
            raise AlignmentError(
                f"{name}: gold and prediction differ in their text; tag the text exactly as it was annotated"
            )
        _check_labels(gold_document, schema, f"{name} (gold)")
        _check_labels(found, schema, f"{name} (predicted)")
        words = segment(gold_document.text)
        aligned.append(
            AlignedDocument(
                name,
                gold_document,
                found,
                len(words.starts),
                {
                    "entities": word_spans(gold_document.entities, words),
                    "events": word_spans(gold_document.events, words),
                },
                {"entities": word_spans(found.entities, words), "events": word_spans(found.events, words)},
            )
        )
    return aligned


def word_spans(spans: Sequence[Span], words: Words) -> WordSpans:
    """Locates spans in the words of their text.

    Args:
        spans: Spans of one kind, in any order; one that is given twice counts once.
        words: The words of the text.

    Returns:
        The spans by their words, and those that tags of words cannot express.
    """
    first_words = {start: word for word, start in enumerate(words.starts.tolist())}
    last_words = {end: word for word, end in enumerate(words.ends.tolist(), start=1)}
    # of two spans that overlap the first counts, and of two that begin together the longer one
    unique = {(span.start, -span.end, span.type): span for span in reversed(spans)}
    tagged: dict[WordRange, Span] = {}
    untagged = []
    free_from = 0
    for _, span in sorted(unique.items()):
        first, last = first_words.get(span.start), last_words.get(span.end)
        if first is None or last is None or first < free_from:
            untagged.append(span)
        else:
            tagged[first, last] = span
            free_from = last
    return WordSpans(tagged, tuple(untagged))


def span_pairs(document: AlignedDocument, kind: Kind) -> list[SpanPair]:
    """Pairs each gold span with the predicted one that answers it best.

    Spans of the same words belong together; of the rest, those of the same type that overlap most, then those
    of different types. Every span is in exactly one pair.

    Args:
        document: A text as annotated and as tagged.
        kind: Entities or events.

    Returns:
        The pairs, in the order of the text.
    """
    gold, predicted = document.gold_spans[kind], document.predicted_spans[kind]
    pairs = []
    for words, span in gold.tagged.items():
        answer = predicted.tagged.get(words)
        if answer is not None:
            relation = Relation.CORRECT if answer.type == span.type else Relation.WRONG_TYPE
            pairs.append(SpanPair(relation, span, answer))
    same_words = gold.tagged.keys() & predicted.tagged.keys()
    open_gold, open_predicted = _rest(gold, same_words), _rest(predicted, same_words)
    answers = _best_overlaps(open_gold, open_predicted)
    for index, span in enumerate(open_gold):
        answer = open_predicted[answers[index]] if index in answers else None
        if answer is None:
            relation = Relation.MISSED
        else:
            relation = Relation.WRONG_SPAN if answer.type == span.type else Relation.WRONG_SPAN_AND_TYPE
        pairs.append(SpanPair(relation, span, answer))
    spurious = set(range(len(open_predicted))) - set(answers.values())
    pairs.extend(SpanPair(Relation.SPURIOUS, None, open_predicted[index]) for index in spurious)
    return sorted(pairs, key=_place)


def _rest(spans: WordSpans, taken: set[WordRange]) -> list[Span]:
    rest = [span for words, span in spans.tagged.items() if words not in taken]
    return sorted([*rest, *spans.untagged], key=lambda span: (span.start, span.end))


def _best_overlaps(gold: Sequence[Span], predicted: Sequence[Span]) -> dict[int, int]:
    """Which predicted span answers which gold one: the same type first, then the larger share in common."""
    starts = [span.start for span in predicted]
    longest = max((span.end - span.start for span in predicted), default=0)
    candidates = []
    for gold_index, span in enumerate(gold):
        first, last = bisect.bisect_left(starts, span.start - longest), bisect.bisect_left(starts, span.end)
        for index, answer in enumerate(predicted[first:last], start=first):
            shared = min(span.end, answer.end) - max(span.start, answer.start)
            if shared > 0:
                union = max(span.end, answer.end) - min(span.start, answer.start)
                candidates.append((span.type != answer.type, -shared / union, gold_index, index))
    answers: dict[int, int] = {}
    taken: set[int] = set()
    for _, _, gold_index, index in sorted(candidates):
        if gold_index not in answers and index not in taken:
            answers[gold_index] = index
            taken.add(index)
    return answers


def _place(pair: SpanPair) -> tuple[int, int, bool]:
    span = pair.gold or pair.predicted
    assert span is not None
    return span.start, span.end, pair.gold is None


def _check_labels(document: Document, schema: Schema, name: str) -> None:
    problems = [
        *_unknown("entity type", (entity.type for entity in document.entities), schema.entity_types),
        *_unknown("event type", (event.type for event in document.events), schema.event_types),
        *_unknown(
            "role",
            (argument.role for event in document.events for argument in event.arguments),
            schema.role_names,
        ),
    ]
    if schema.modalities:
        problems += _unknown("modality", (event.modality for event in document.events), schema.modalities)
    if problems:
        raise AlignmentError(f"{name}: {'; '.join(problems)}; annotations and model must share one schema")


def _unknown(what: str, names: Iterable[str], known: Sequence[str]) -> list[str]:
    return [
        f"{what} {name} is not in the schema ({', '.join(known) or 'it has none'})"
        for name in sorted(set(names) - set(known))
    ]
