"""Strict scores of what was found against what was annotated.

A span is right if it has the same words and the same type: seqeval's ``mode="strict", scheme=IOB2``. The
scores that are reported come from seqeval itself; ``span_counts`` counts the same on sets of spans, fast
enough for every epoch and document by document, as the bootstrap needs them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from seqeval.metrics import classification_report
from seqeval.scheme import IOB2

from hadath.document import Document, Event
from hadath.schema import Schema
from training.alignment import KINDS, AlignedDocument, Kind, WordSpans, align

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
Numbers = IntArray | FloatArray

METHOD = "seqeval mode=strict, scheme=IOB2"

ARGUMENT_SCORES = ("arguments", "arguments_untyped", "arguments_given_spans")
"""Names of the scores of arguments: all types right; spans and roles right; among the annotated spans."""


@dataclass(frozen=True)
class Scores:
    """Precision, recall and F1, 0 to 1, and what they were counted on.

    Attributes:
        precision: Share of what was predicted that is right; 0 where nothing was predicted.
        recall: Share of what was annotated that was found; 0 where nothing was annotated.
        f1: Their harmonic mean; 0 where both are 0.
        support: Number annotated.
        predicted: Number predicted.
    """

    precision: float
    recall: float
    f1: float
    support: int
    predicted: int


@dataclass(frozen=True)
class GroupScores:
    """Scores of several types of one kind.

    Attributes:
        types: Scores of each type of the schema.
        micro: Scores of all types together.
        macro: Mean over the types that were annotated or predicted at all.
    """

    types: Mapping[str, Scores]
    micro: Scores
    macro: Scores


@dataclass(frozen=True)
class ModalityScores:
    """How well modality was recognised.

    Attributes:
        accuracy: Share of right values; 0 where there are no triggers to judge.
        macro_f1: Mean F1 over the values that were annotated or predicted.
        values: Scores of each value.
        support: Number of triggers judged.
    """

    accuracy: float
    macro_f1: float
    values: Mapping[str, Scores]
    support: int


@dataclass(frozen=True)
class Metrics:
    """All scores of one model on one set of documents.

    Attributes:
        documents: Number of documents.
        entities: Strict span scores of entities.
        events: Strict span scores of triggers.
        modality: On triggers that are right in span and type; None where the schema has no modalities.
        modality_end_to_end: On all annotated triggers, whatever type was predicted for the span; a trigger
            that was not found counts as wrong. None where the schema has no modalities.
        arguments: Of each role; right if role, entity span and type, trigger span and event type are. None where
            not scored.
        arguments_untyped: Likewise, whatever the entity's and the event's type.
        arguments_given_spans: Likewise, where the annotated entities and triggers were given and the roles alone
            were to be found. None where that was not tried.
    """

    documents: int
    entities: GroupScores
    events: GroupScores
    modality: ModalityScores | None = None
    modality_end_to_end: ModalityScores | None = None
    arguments: GroupScores | None = None
    arguments_untyped: GroupScores | None = None
    arguments_given_spans: GroupScores | None = None

    def to_dict(self) -> dict[str, float]:
        """Returns the scores under flat names that MLflow accepts.

        Types that were neither annotated nor predicted have no scores and are left out.

        Example:
            >>> nothing = Scores(0.0, 0.0, 0.0, 0, 0)
            >>> gpe = Scores(1.0, 0.5, 2 / 3, 2, 1)
            >>> entities = GroupScores({"PER": nothing, "GPE": gpe}, micro=gpe, macro=gpe)
            >>> values = Metrics(1, entities, events=GroupScores({}, nothing, nothing)).to_dict()
            >>> values["entities/GPE/recall"], "entities/PER/recall" in values
            (0.5, False)
        """
        values: dict[str, float] = {"documents": self.documents}
        for name in ("entities", "events", *ARGUMENT_SCORES):
            group: GroupScores | None = getattr(self, name)
            if group is not None:
                values.update(_flat_group(group, name))
        for name in ("modality", "modality_end_to_end"):
            modality: ModalityScores | None = getattr(self, name)
            if modality is not None:
                values[f"{name}/accuracy"] = modality.accuracy
                values[f"{name}/f1_macro"] = modality.macro_f1
                values[f"{name}/support"] = modality.support
                values.update(_flat_types(modality.values, name))
        return values


@dataclass(frozen=True)
class Counts:
    """Right, spurious and missed spans of each document and type: what every score is made of.

    Attributes:
        types: Names of the types.
        values: True positives, false positives, false negatives, [documents, types, 3].
    """

    types: tuple[str, ...]
    values: IntArray = field(repr=False)

    @property
    def total(self) -> IntArray:
        """Sum over the documents, [types, 3]."""
        return np.asarray(self.values.sum(axis=0))


def score(
    documents: Sequence[AlignedDocument],
    schema: Schema,
    *,
    arguments: bool = False,
    linked: Sequence[AlignedDocument] | None = None,
) -> Metrics:
    """Scores predictions.

    Args:
        documents: Texts as annotated and as tagged, from ``alignment.align``.
        schema: Types, roles and modalities.
        arguments: Whether to score arguments even where none is predicted. Otherwise they are scored where
            both annotation and prediction have some.
        linked: The same texts as annotated, and with the arguments that were found among what is annotated.

    Returns:
        The scores. A span that is not made of whole words matches nothing: it counts as missed or spurious.

    Example:
        >>> from hadath.document import Entity
        >>> schema = Schema(("GPE",), (), {})
        >>> text = "عادت الحياة إلى غدامس وسبها"
        >>> gold = Document(text, (Entity(16, 21, "GPE", "غدامس"), Entity(22, 27, "GPE", "وسبها")))
        >>> found = Document(text, (Entity(16, 21, "GPE", "غدامس"),))
        >>> score(align([gold], [found], schema), schema).entities.micro
        Scores(precision=1.0, recall=0.5, f1=0.6666666666666666, support=2, predicted=1)
    """
    modality = modality_end_to_end = None
    if schema.modalities:
        matched, end_to_end = modality_confusions(documents, schema)
        modality = modality_scores(matched.sum(axis=0), schema.modalities)
        modality_end_to_end = modality_scores(end_to_end.sum(axis=0), schema.modalities)
    groups = {
        name: group_scores(counts)
        for name, counts in argument_groups(documents, schema, arguments=arguments, linked=linked).items()
    }
    return Metrics(
        len(documents),
        seqeval_scores(documents, schema.entity_types, "entities"),
        seqeval_scores(documents, schema.event_types, "events"),
        modality,
        modality_end_to_end,
        **groups,
    )


def selection_scores(
    gold: Sequence[Document],
    predicted: Sequence[Document],
    schema: Schema,
    linked: Sequence[Document] | None = None,
) -> dict[str, float]:
    """Scores by which the best epoch is chosen, from counts alone.

    Args:
        gold: The annotated documents.
        predicted: What was found in the same texts, in the same order.
        schema: Types and modalities.
        linked: The annotated documents with the arguments that were found among what is annotated.

    Returns:
        ``mean_f1``, the mean of the micro F1 of the kinds that the schema has, then ``entities/f1``,
        ``events/f1`` and ``modality/accuracy`` where it has them; and the F1 of arguments where there are any,
        ``arguments/f1`` and, with ``linked``, ``arguments_given_spans/f1``.

    Raises:
        AlignmentError: If the documents are not of the same texts.
    """
    documents = align(gold, predicted, schema)
    scores: dict[str, float] = {}
    for kind in KINDS:
        types = types_of(schema, kind)
        if types:
            scores[f"{kind}/f1"] = float(np.nan_to_num(micro_f1(span_counts(documents, types, kind).total)))
    selected = {"mean_f1": float(np.mean(list(scores.values()))), **scores}
    if schema.modalities:
        matched, _ = modality_confusions(documents, schema)
        selected["modality/accuracy"] = float(np.nan_to_num(accuracy(matched.sum(axis=0))))
    answers = None if linked is None else align(gold, linked, schema)
    for name, counts in argument_groups(documents, schema, linked=answers).items():
        if name != "arguments_untyped":
            selected[f"{name}/f1"] = float(np.nan_to_num(micro_f1(counts.total)))
    return selected


def types_of(schema: Schema, kind: Kind) -> tuple[str, ...]:
    """Returns the schema's types of a kind."""
    return schema.entity_types if kind == "entities" else schema.event_types


def metric_name(name: str) -> str:
    """Returns a name with characters that MLflow refuses replaced by underscores.

    Example:
        >>> metric_name("events/رفض (قول)/f1")
        'events/رفض _قول_/f1'
    """
    return re.sub(r"[^\w\-. :/]", "_", name)


def seqeval_scores(documents: Sequence[AlignedDocument], types: Sequence[str], kind: Kind) -> GroupScores:
    """Scores spans with seqeval, ``mode="strict", scheme=IOB2``, over the words of whole documents."""
    ids = {name: str(index) for index, name in enumerate(types)}
    gold, predicted = [], []
    for document in documents:
        gold_tags = _tags(document.gold_spans[kind], document.word_count, ids)
        predicted_tags = _tags(document.predicted_spans[kind], document.word_count, ids)
        # what tags of words cannot express gets a word of its own, in which the other side has nothing
        lost = [f"B-{ids[span.type]}" for span in document.gold_spans[kind].untagged]
        false = [f"B-{ids[span.type]}" for span in document.predicted_spans[kind].untagged]
        gold.append([*gold_tags, *lost, *("O" for _ in false)])
        predicted.append([*predicted_tags, *("O" for _ in lost), *false])
    number_predicted = [_number(documents, name, kind) for name in types]
    report: Mapping[str, Mapping[str, Any]] = {}
    # seqeval fails to average over nothing
    if any(tag != "O" for tags in (*gold, *predicted) for tag in tags):
        report = classification_report(gold, predicted, mode="strict", scheme=IOB2, zero_division=0, output_dict=True)
    return GroupScores(
        {name: _of_report(report, ids[name], count) for name, count in zip(types, number_predicted, strict=True)},
        _of_report(report, "micro avg", sum(number_predicted)),
        _of_report(report, "macro avg", sum(number_predicted)),
    )


def span_counts(documents: Sequence[AlignedDocument], types: Sequence[str], kind: Kind) -> Counts:
    """Counts right, spurious and missed spans of each document and type."""
    ids = {name: index for index, name in enumerate(types)}
    values = np.zeros((len(documents), len(types), 3), np.int64)
    for document, counts in zip(documents, values, strict=True):
        gold, predicted = document.gold_spans[kind], document.predicted_spans[kind]
        for words, span in gold.tagged.items():
            found = predicted.tagged.get(words)
            counts[ids[span.type], 0 if found is not None and found.type == span.type else 2] += 1
        for words, span in predicted.tagged.items():
            annotated = gold.tagged.get(words)
            if annotated is None or annotated.type != span.type:
                counts[ids[span.type], 1] += 1
        for span in gold.untagged:
            counts[ids[span.type], 2] += 1
        for span in predicted.untagged:
            counts[ids[span.type], 1] += 1
    return Counts(tuple(types), values)


def modality_confusions(documents: Sequence[AlignedDocument], schema: Schema) -> tuple[IntArray, IntArray]:
    """Counts annotated against predicted modality, document by document.

    Args:
        documents: Texts as annotated and as tagged.
        schema: A schema with M modalities.

    Returns:
        On triggers right in span and type, [documents, M, M], and on all annotated triggers,
        [documents, M, M + 1], where the last column counts those for whose span no trigger was predicted.
    """
    ids = {name: index for index, name in enumerate(schema.modalities)}
    size = len(ids)
    matched = np.zeros((len(documents), size, size), np.int64)
    end_to_end = np.zeros((len(documents), size, size + 1), np.int64)
    for place, document in enumerate(documents):
        gold, predicted = document.gold_spans["events"], document.predicted_spans["events"]
        for words, event in gold.tagged.items():
            found = predicted.tagged.get(words)
            assert isinstance(event, Event)
            if isinstance(found, Event):
                end_to_end[place, ids[event.modality], ids[found.modality]] += 1
                if found.type == event.type:
                    matched[place, ids[event.modality], ids[found.modality]] += 1
            else:
                end_to_end[place, ids[event.modality], size] += 1
        for event in gold.untagged:
            assert isinstance(event, Event)
            end_to_end[place, ids[event.modality], size] += 1
    return matched, end_to_end


def has_arguments(documents: Sequence[AlignedDocument]) -> bool:
    """Returns whether both annotation and prediction have arguments."""
    return any(event.arguments for document in documents for event in document.gold.events) and any(
        event.arguments for document in documents for event in document.predicted.events
    )


def argument_groups(
    documents: Sequence[AlignedDocument],
    schema: Schema,
    *,
    arguments: bool = False,
    linked: Sequence[AlignedDocument] | None = None,
) -> dict[str, Counts]:
    """Counts what each of ``ARGUMENT_SCORES`` is made of, as far as there is something to score; see ``score``."""
    groups = {}
    if arguments or has_arguments(documents):
        groups["arguments"] = argument_counts(documents, schema)
        groups["arguments_untyped"] = argument_counts(documents, schema, types=False)
    if linked is not None and (arguments or has_arguments(linked)):
        groups["arguments_given_spans"] = argument_counts(linked, schema)
    return groups


def argument_counts(documents: Sequence[AlignedDocument], schema: Schema, *, types: bool = True) -> Counts:
    """Counts right, spurious and missed arguments of each document and role.

    An argument is right if its role, its entity's words, its trigger's words and, with ``types``, the entity's and the
    event's type are.
    """
    ids = {name: index for index, name in enumerate(schema.role_names)}
    values = np.zeros((len(documents), len(ids), 3), np.int64)
    for document, counts in zip(documents, values, strict=True):
        gold = _arguments(document.gold, document.gold_spans, "gold", types)
        predicted = _arguments(document.predicted, document.predicted_spans, "predicted", types)
        for column, arguments in enumerate((gold & predicted, predicted - gold, gold - predicted)):
            for role, *_ in arguments:
                counts[ids[role], column] += 1
    return Counts(schema.role_names, values)


def group_scores(counts: Counts) -> GroupScores:
    """Scores made of counts."""
    total = counts.total
    types = {name: _of_counts(row) for name, row in zip(counts.types, total, strict=True)}
    seen = [scores for scores in types.values() if scores.support + scores.predicted]
    micro = _of_counts(total.sum(axis=0))
    macro = Scores(
        precision=sum(scores.precision for scores in seen) / max(len(seen), 1),
        recall=sum(scores.recall for scores in seen) / max(len(seen), 1),
        f1=sum(scores.f1 for scores in seen) / max(len(seen), 1),
        support=micro.support,
        predicted=micro.predicted,
    )
    return GroupScores(types, micro, macro)


def modality_scores(confusion: IntArray, modalities: Sequence[str]) -> ModalityScores:
    """Scores made of annotated against predicted modality, [M, M] or [M, M + 1]."""
    counts = confusion_counts(confusion)
    return ModalityScores(
        float(np.nan_to_num(accuracy(confusion))),
        float(np.nan_to_num(macro_f1(counts))),
        {name: _of_counts(row) for name, row in zip(modalities, counts, strict=True)},
        int(confusion.sum()),
    )


def f1(counts: Numbers) -> FloatArray:
    """F1 of counts.

    Args:
        counts: True positives, false positives, false negatives, [..., 3].

    Returns:
        F1, [...]; NaN where all three are 0.

    Example:
        >>> f1(np.array([[3, 1, 2], [0, 0, 0]])).tolist()
        [0.6666666666666666, nan]
    """
    true = 2.0 * counts[..., 0]
    whole = true + counts[..., 1] + counts[..., 2]
    return _share(true, whole)


def micro_f1(counts: Numbers) -> FloatArray:
    """F1 of all types together, [...] of counts [..., types, 3]; NaN where there is nothing."""
    return f1(counts.sum(axis=-2))


def macro_f1(counts: Numbers) -> FloatArray:
    """Mean F1 of the types that occur, [...] of counts [..., types, 3]; NaN where none does."""
    scores = f1(counts)
    occurring = ~np.isnan(scores)
    number = occurring.sum(axis=-1)
    return _share(np.where(occurring, scores, 0.0).sum(axis=-1), number)


def accuracy(confusion: Numbers) -> FloatArray:
    """Share on the diagonal, [...] of a confusion matrix [..., M, N]; NaN where it is empty."""
    right = np.trace(confusion, axis1=-2, axis2=-1)
    return _share(right, confusion.sum(axis=(-2, -1)))


def confusion_counts(confusion: Numbers) -> Any:
    """True positives, false positives, false negatives of each value, [..., M, 3] of [..., M, N], N >= M."""
    size = confusion.shape[-2]
    true = np.diagonal(confusion[..., :size], axis1=-2, axis2=-1)
    predicted = confusion[..., :size].sum(axis=-2)
    annotated = confusion.sum(axis=-1)
    return np.stack([true, predicted - true, annotated - true], axis=-1)


def _share(part: Any, whole: Any) -> FloatArray:
    """Part by whole; NaN where the whole is 0."""
    shares: FloatArray = np.divide(part, whole, out=np.full(np.shape(whole), np.nan), where=whole > 0)
    return shares


def _tags(spans: WordSpans, word_count: int, ids: Mapping[str, str]) -> list[str]:
    # types by number: seqeval would take hyphens off the ends of a name
    tags = ["O"] * word_count
    for (first, last), span in spans.tagged.items():
        tags[first:last] = [f"I-{ids[span.type]}"] * (last - first)
        tags[first] = f"B-{ids[span.type]}"
    return tags


def _number(documents: Sequence[AlignedDocument], name: str, kind: Kind) -> int:
    return sum(
        span.type == name
        for document in documents
        for spans in (document.predicted_spans[kind],)
        for span in (*spans.tagged.values(), *spans.untagged)
    )


def _of_report(report: Mapping[str, Mapping[str, Any]], row: str, predicted: int) -> Scores:
    values = report.get(row, {"precision": 0.0, "recall": 0.0, "f1-score": 0.0, "support": 0})
    return Scores(
        float(values["precision"]),
        float(values["recall"]),
        float(values["f1-score"]),
        int(values["support"]),
        predicted,
    )


def _of_counts(row: IntArray) -> Scores:
    true, false, lost = (int(value) for value in row)
    return Scores(
        true / max(true + false, 1),
        true / max(true + lost, 1),
        float(np.nan_to_num(f1(row))),
        true + lost,
        true + false,
    )


def _arguments(document: Document, spans: Mapping[Kind, WordSpans], side: str, types: bool) -> set[tuple[Any, ...]]:
    entities, triggers = spans["entities"].located, spans["events"].located
    found: set[tuple[Any, ...]] = set()
    for event in document.events:
        trigger = triggers.get((event.start, event.end, event.type))
        for argument in event.arguments:
            filler = argument.entity
            entity = entities.get((filler.start, filler.end, filler.type))
            if trigger is not None and entity is not None:
                found.add((argument.role, trigger, entity, *((event.type, filler.type) if types else ())))
            else:
                # cannot be told in words: equal to nothing on the other side
                place = (event.start, event.end, filler.start, filler.end)
                found.add((argument.role, place, event.type, filler.type, side))
    return found


def _flat_group(group: GroupScores, prefix: str) -> dict[str, float]:
    values = {f"{prefix}/{name}": value for name, value in asdict(group.micro).items()}
    values |= {f"{prefix}/{name}_macro": getattr(group.macro, name) for name in ("precision", "recall", "f1")}
    return values | _flat_types(group.types, prefix)


def _flat_types(types: Mapping[str, Scores], prefix: str) -> dict[str, float]:
    return {
        metric_name(f"{prefix}/{name}/{score_name}"): value
        for name, scores in types.items()
        if scores.support + scores.predicted
        for score_name, value in asdict(scores).items()
    }
