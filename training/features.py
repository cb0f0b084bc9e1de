"""From annotated articles to what the network learns from: windows with word labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from datasets import Dataset

from hadath.document import Document, Entity, Event
from hadath.reading import Reading, Windowing, read, sequences
from hadath.schema import Schema
from hadath.text import Words
from hadath.tokens import WordTokenizer
from training.model import IGNORED, HeadSpec

IntArray = npt.NDArray[np.int64]


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


def word_range(words: Words, start: int, end: int) -> tuple[int, int]:
    """Returns the first word that a span of characters touches and the word after the last one."""
    first = int(np.searchsorted(words.ends, start, side="right"))
    return first, int(np.searchsorted(words.starts, end, side="left"))


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
        context, and that another one keeps, carry no label.
    """
    rows: list[dict[str, Any]] = []
    for document in documents:
        reading = read(document.text, tokenizer, windowing)
        labels = {
            name: word_labels(document, reading.words, spec, schema)
            for name, spec in heads.items()
            if spec.labels(schema)
        }
        rows.extend(_window_rows(reading, labels, tokenizer))
    return Dataset.from_list(rows)


def _window_rows(reading: Reading, labels: Mapping[str, IntArray], tokenizer: WordTokenizer) -> list[dict[str, Any]]:
    return [
        {
            "input_ids": sequence.ids.tolist(),
            "word_starts": sequence.word_starts.tolist(),
            "word_ends": sequence.word_ends.tolist(),
            **{f"labels_{name}": ids[sequence.kept].tolist() for name, ids in labels.items()},
            "length": len(sequence.ids),
        }
        for sequence in sequences(reading, tokenizer)
    ]


def label_counts(dataset: Dataset, schema: Schema, heads: Mapping[str, HeadSpec]) -> dict[str, torch.Tensor]:
    """Returns for each head how often each label occurs, [labels]."""
    counts = {}
    for name, spec in heads.items():
        size = len(spec.labels(schema))
        if size:
            ids = np.concatenate([np.asarray(row) for row in dataset[f"labels_{name}"]])
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

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Returns the arguments of ``JointTagger.forward``."""
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
        return {
            "input_ids": input_ids,
            "attention_mask": attention_mask,
            **words,
            "labels": {
                name: torch.cat([torch.as_tensor(row[f"labels_{name}"]) for row in rows]) for name in self.heads
            },
        }
