"""Texts made ready for the encoder: words, subwords and windows, and windows filled into batches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hadath.errors import ModelError
from hadath.text import Words, segment
from hadath.tokens import Pieces, WordTokenizer
from hadath.windows import Window, windows

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Windowing:
    """How long texts are cut; kept in the model's config.json, for a model reads best what it was trained on.

    Attributes:
        max_length: Most subwords in a window, special ones counted.
        overlap: Subwords that two neighbouring windows share.
        pieces_per_word: Most subwords kept of one word.
    """

    max_length: int = 256
    overlap: int = 48
    pieces_per_word: int = 16

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Windowing:
        """Makes the setting of a config.json.

        Raises:
            ModelError: If a name is unknown or the numbers cannot be used together.
        """
        try:
            windowing = cls(**values)
        except TypeError as error:
            raise ModelError(f"windowing {values!r}: {error}; expected max_length, overlap, pieces_per_word") from None
        if any(type(number) is not int for number in vars(windowing).values()):
            raise ModelError(f"windowing {values!r}: expected whole numbers for max_length, overlap, pieces_per_word")
        needed = windowing.overlap + windowing.pieces_per_word + 8
        if windowing.overlap < 0 or windowing.pieces_per_word < 1 or windowing.max_length <= needed:
            raise ModelError(
                f"windowing {values!r}: overlap and pieces_per_word leave no room in max_length; make it larger"
            )
        return windowing


@dataclass(frozen=True)
class Reading:
    """A text made ready for the encoder.

    Attributes:
        text: The text as given.
        words: Its words.
        pieces: Their subwords.
        windows: The windows that together read every word.
    """

    text: str
    words: Words
    pieces: Pieces
    windows: list[Window]


def read(text: str, tokenizer: WordTokenizer, windowing: Windowing) -> Reading:
    """Segments a text and cuts it into windows.

    Raises:
        InvalidTextError: If it is not a string or not valid Unicode.
    """
    words = segment(text)
    pieces = tokenizer.encode(words)
    capacity = windowing.max_length - tokenizer.special_count
    return Reading(text, words, pieces, windows(pieces.counts, capacity, windowing.overlap))


@dataclass(frozen=True)
class Sequence:
    """A window as the encoder reads it.

    Attributes:
        ids: Subword ids, special ones included, [S].
        word_starts: Place in ``ids`` of the first subword of each word that is kept from this window, [N].
        word_ends: Place of each one's last subword, [N].
        kept: These words among those of the text.
    """

    ids: IntArray
    word_starts: IntArray
    word_ends: IntArray
    kept: slice


def sequences(reading: Reading, tokenizer: WordTokenizer) -> Iterator[Sequence]:
    """Yields a text's windows as the encoder reads them.

    Args:
        reading: The text.
        tokenizer: The one it was read with.
    """
    ends = np.cumsum(reading.pieces.counts)
    begins = ends - reading.pieces.counts
    for window in reading.windows:
        pieces = reading.pieces.ids[begins[window.first] : ends[window.last - 1]]
        ids = np.concatenate([tokenizer.prefix_ids, pieces, tokenizer.suffix_ids]).astype(np.int64)
        kept = slice(window.keep_first, window.keep_last)
        shift = len(tokenizer.prefix_ids) - begins[window.first]
        yield Sequence(ids, begins[kept] + shift, ends[kept] - 1 + shift, kept)


@dataclass(frozen=True)
class Batch:
    """Windows that the encoder reads together.

    Attributes:
        input_ids: Subword ids, padded, [B, S].
        attention_mask: 1 for a subword, 0 for padding, [B, S].
        word_starts: Place of each word's first subword in the flattened [B * S], the kept words of each window one
            window after the other, [N].
        word_ends: Place of each word's last subword, likewise, [N].
        targets: Place of each of these words among the words of all texts, [N].
    """

    input_ids: IntArray
    attention_mask: IntArray
    word_starts: IntArray
    word_ends: IntArray
    targets: IntArray


def batches(readings: Iterable[Reading], tokenizer: WordTokenizer, batch_tokens: int) -> Iterator[Batch]:
    """Fills the windows of many texts into batches, windows of like length together.

    Args:
        readings: The texts.
        tokenizer: The one they were read with.
        batch_tokens: Most subwords in a batch, padding counted; a longer window makes a batch of its own.

    Yields:
        Batches that together hold every word exactly once.
    """
    read_windows: list[Sequence] = []
    targets: list[IntArray] = []
    first_word = 0
    for reading in readings:
        for sequence in sequences(reading, tokenizer):
            read_windows.append(sequence)
            targets.append(np.arange(sequence.kept.start, sequence.kept.stop) + first_word)
        first_word += len(reading.words)
    lengths = np.array([len(sequence.ids) for sequence in read_windows], dtype=np.int64)
    for group in _groups(lengths, batch_tokens):
        width = int(lengths[group].max())
        input_ids = np.full((len(group), width), tokenizer.pad_id, dtype=np.int64)
        for row, member in enumerate(group):
            input_ids[row, : lengths[member]] = read_windows[member].ids
        yield Batch(
            input_ids,
            (np.arange(width) < lengths[group][:, None]).astype(np.int64),
            np.concatenate([read_windows[member].word_starts + row * width for row, member in enumerate(group)]),
            np.concatenate([read_windows[member].word_ends + row * width for row, member in enumerate(group)]),
            np.concatenate([targets[member] for member in group]),
        )


def _groups(lengths: IntArray, batch_tokens: int) -> Iterator[IntArray]:
    """Positions of the sequences, longest first, cut where the padded batch would grow past ``batch_tokens``."""
    order = np.argsort(-lengths, kind="stable")
    position = 0
    while position < len(order):
        size = max(1, batch_tokens // int(lengths[order[position]]))
        yield order[position : position + size]
        position += size
