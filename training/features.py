"""From annotated articles to what the network learns from: windows with labels of words and of pairs of words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from datasets import Dataset

from hadath.arguments import Pairs, allowed_roles, candidate_pairs, sentence_numbers, word_range, word_spans
from hadath.decode import Spans
from hadath.document import Document, Entity, Event
from hadath.reading import Reading, Windowing, read, sequences
from hadath.schema import Schema
from hadath.text import Words
from hadath.tokens import WordTokenizer
from training.heads import HeadSpec
from training.model import IGNORED

IntArray = npt.NDArray[np.int64]

PAIR_PREFIX = "pair_"
"""What the names of a dataset's columns that describe pairs begin with."""

PLACES = ("pair_trigger", "pair_entity")
"""Of these, the places of words."""


def word_labels(document: Document, words: Words, spec: HeadSpec, schema: Schema) -> IntArray:
    """Returns the label ids of a text's words for one head.

    Args:
        document: The annotated text.
        words: Its words.
        spec: The head.
        schema: Types and modalities.

    Returns:
        Label ids, [W]: BIO tags for a head of spans; for a head of triggers the class at each trigger's first word and
        ``IGNORED`` elsewhere.
    """
    labels = {name: position for position, name in enumerate(spec.labels(schema))}
    if spec.kind == "spans":
        ids = np.zeros(len(words), np.int64)
        spans: Sequence[Entity | Event] = document.entities if spec.source == "entity_types" else document.events
        for span in spans:
            first, last = word_range(words, span.start, span.end)
            # no word at all where a mark or a space alone was annotated
            ids[first:last] = labels[f"I-{span.type}"]
            ids[first : min(first + 1, last)] = labels[f"B-{span.type}"]
        return ids
    ids = np.full(len(words), IGNORED, np.int64)
    for event in document.events:
        first, last = word_range(words, event.start, event.end)
        ids[first : min(first + 1, last)] = labels[event.modality]
    return ids


@dataclass(frozen=True)
class LabelledPairs:
    """Pairs of a trigger and an entity of a text, and the role of the entity.

    Attributes:
        pairs: The pairs.
        triggers: The triggers.
        entities: The entities.
        labels: Label id of each pair, [P]; 0 where the entity has no role.
    """

    pairs: Pairs
    triggers: Spans
    entities: Spans
    labels: IntArray

    def columns(self, first: int, last: int) -> dict[str, IntArray]:
        """Returns what describes the pairs whose two first words are both from ``first`` to before ``last``.

        Returns:
            By name, [P] each: see ``ArgumentHead.pair_logits``; places of words are counted from ``first``, and
            ``labels`` are the labels.
        """
        trigger, entity = self.triggers.first[self.pairs.trigger], self.entities.first[self.pairs.entity]
        within = (np.minimum(trigger, entity) >= first) & (np.maximum(trigger, entity) < last)
        chosen = self.pairs.select(within)
        return {
            **vars(chosen),
            "trigger": trigger[within] - first,
            "entity": entity[within] - first,
            "event_type": self.triggers.type[chosen.trigger],
            "entity_type": self.entities.type[chosen.entity],
            "labels": self.labels[within],
        }


def labelled_pairs(document: Document, words: Words, spec: HeadSpec, schema: Schema) -> LabelledPairs:
    """Pairs each trigger of an annotated text with the entities that could be its arguments.

    An entity that fills two roles of one event (four do in 440 articles) counts for the one that the schema names
    first: a pair has one label. An argument that stands further off than the head reaches, or whose type the schema
    does not allow, is not learnt.

    Args:
        document: The annotated text.
        words: Its words.
        spec: The head of arguments.
        schema: Types and roles.
    """
    events, triggers = word_spans(document.events, words, schema.event_types)
    entities, mentions = word_spans(document.entities, words, schema.entity_types)
    allowed = allowed_roles(schema)
    sentences = sentence_numbers(document.text, words.starts)
    pairs = candidate_pairs(triggers, mentions, sentences, [len(words)], spec.reach, allowed)
    ids = {name: number for number, name in enumerate(spec.labels(schema))}
    roles: dict[tuple[int, Entity], int] = {}
    for number, event in enumerate(events):
        for argument in event.arguments:
            role = ids[argument.role]
            roles[number, argument.entity] = min(role, roles.get((number, argument.entity), role))
    labels = np.array(
        [
            roles.get((trigger, entities[entity]), 0)
            for trigger, entity in zip(pairs.trigger.tolist(), pairs.entity.tolist(), strict=True)
        ],
        dtype=np.int64,
    )
    types = triggers.type[pairs.trigger], mentions.type[pairs.entity]
    forbidden = (labels > 0) & ~allowed[types][np.arange(len(labels)), labels - 1]
    return LabelledPairs(pairs, triggers, mentions, np.where(forbidden, 0, labels))


def training_windows(
    documents: Sequence[Document],
    tokenizer: WordTokenizer,
    windowing: Windowing,
    schema: Schema,
    heads: Mapping[str, HeadSpec],
) -> Dataset:
    """Cuts annotated articles into labelled windows.

    Returns:
        A dataset with, for each window, ``input_ids``, ``word_starts`` and ``word_ends`` (places in the window),
        ``labels_<head>``, one for each word, and ``length``, the number of subwords. Words that a window only reads as
        context, and that another one keeps, carry no label. With a head of arguments also ``pair_<field>``, and its
        labels are those of the pairs: see ``LabelledPairs.columns``. Pairs of words of two windows are left out.
    """
    rows: list[dict[str, Any]] = []
    for document in documents:
        reading = read(document.text, tokenizer, windowing)
        labels: dict[str, IntArray] = {}
        pairs: dict[str, LabelledPairs] = {}
        for name, spec in heads.items():
            if spec.kind == "arguments" and spec.labels(schema):
                pairs[name] = labelled_pairs(document, reading.words, spec, schema)
            elif spec.labels(schema):
                labels[name] = word_labels(document, reading.words, spec, schema)
        rows.extend(_window_rows(reading, labels, pairs, tokenizer))
    return Dataset.from_list(rows)


def _window_rows(
    reading: Reading, labels: Mapping[str, IntArray], pairs: Mapping[str, LabelledPairs], tokenizer: WordTokenizer
) -> list[dict[str, Any]]:
    rows = []
    for sequence in sequences(reading, tokenizer):
        row = {
            "input_ids": sequence.ids.tolist(),
            "word_starts": sequence.word_starts.tolist(),
            "word_ends": sequence.word_ends.tolist(),
            **{f"labels_{name}": ids[sequence.kept].tolist() for name, ids in labels.items()},
            "length": len(sequence.ids),
        }
        for name, labelled in pairs.items():
            columns = labelled.columns(sequence.kept.start, sequence.kept.stop)
            row[f"labels_{name}"] = columns.pop("labels").tolist()
            row |= {f"{PAIR_PREFIX}{field}": values.tolist() for field, values in columns.items()}
        rows.append(row)
    return rows


def label_counts(dataset: Dataset, schema: Schema, heads: Mapping[str, HeadSpec]) -> dict[str, torch.Tensor]:
    """Returns for each head how often each label occurs, [labels]."""
    counts = {}
    for name, spec in heads.items():
        size = len(spec.labels(schema))
        if size:
            # a row without pairs is empty, and empty arrays are of floats where nothing else is said
            ids = np.concatenate([np.asarray(row, dtype=np.int64) for row in dataset[f"labels_{name}"]])
            counts[name] = torch.from_numpy(np.bincount(ids[ids != IGNORED], minlength=size))
    return counts


class WindowCollator:
    """Pads windows to a batch.

    Args:
        pad_id: Subword id of the padding.
        heads: Names of the heads to give labels to.
        max_length: Most subwords that a window may have.
        multiple: Widths are rounded up to a multiple of this, ``max_length`` permitting.
    """

    def __init__(self, pad_id: int, heads: Sequence[str], max_length: int, multiple: int = 8) -> None:
        self.pad_id = pad_id
        self.heads = list(heads)
        self.max_length = max_length
        self.multiple = multiple

    def padded(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Returns the arguments of ``JointTagger.forward`` that have nothing to do with labels."""
        longest = max(len(row["input_ids"]) for row in rows)
        # an encoder may read not a subword more than max_length
        width = max(longest, min(-(-longest // self.multiple) * self.multiple, self.max_length))
        input_ids = torch.full((len(rows), width), self.pad_id, dtype=torch.long)
        attention_mask = torch.zeros((len(rows), width), dtype=torch.long)
        for position, row in enumerate(rows):
            length = len(row["input_ids"])
            input_ids[position, :length] = torch.as_tensor(row["input_ids"])
            attention_mask[position, :length] = 1
        words = {
            side: torch.cat([torch.as_tensor(row[side]) + position * width for position, row in enumerate(rows)])
            for side in ("word_starts", "word_ends")
        }
        return {"input_ids": input_ids, "attention_mask": attention_mask, **words}

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Returns the arguments of ``JointTagger.forward``."""
        batch = {**self.padded(rows), "labels": {name: _joined(rows, f"labels_{name}") for name in self.heads}}
        fields = [name for name in rows[0] if name.startswith(PAIR_PREFIX)]
        if fields:
            firsts = np.cumsum([0, *(len(row["word_starts"]) for row in rows[:-1])]).tolist()
            batch["pairs"] = {
                name.removeprefix(PAIR_PREFIX): _joined(rows, name, firsts if name in PLACES else None)
                for name in fields
            }
        return batch


def _joined(rows: Sequence[Mapping[str, Any]], name: str, firsts: Sequence[int] | None = None) -> torch.Tensor:
    """A column's values one row after the other, to which what belongs to the row is added."""
    parts = [torch.as_tensor(row[name], dtype=torch.long) for row in rows]
    return torch.cat(parts if firsts is None else [part + first for part, first in zip(parts, firsts, strict=True)])
