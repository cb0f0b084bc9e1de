"""Articles packed into rows of one length: no padding, so that no computation is spent on it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hadath.text import segment
from hadath.tokens import WordTokenizer

Rows = npt.NDArray[np.uint32]

_WORD_START = np.uint32(1 << 31)
"""Set in the number of a subword that begins a word; special subwords begin none."""


@dataclass
class Packed:
    """Rows of subwords, a dataset for torch's loaders.

    Attributes:
        rows: [N, L]; the highest bit tells whether a subword begins a word.
        epoch: How often they have all been read; loaders set it.
    """

    rows: Rows
    epoch: int = 0

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> tuple[Rows, int, int]:
        """Returns a row, its place and the epoch: what is hidden of it depends on nothing else."""
        return self.rows[index], index, self.epoch

    def set_epoch(self, epoch: int) -> None:
        """Tells how often the rows have all been read."""
        self.epoch = epoch

    @classmethod
    def load(cls, path: Path) -> Packed:
        """Opens what ``save`` wrote, without reading it into memory."""
        return cls(np.load(path, mmap_mode="r"))

    def save(self, path: Path) -> None:
        """Writes the rows, whole or not at all."""
        unfinished = path.with_name(f"{path.name}.part")
        with open(unfinished, "wb") as stream:
            np.save(stream, self.rows)
            stream.flush()
            os.fsync(stream.fileno())
        unfinished.replace(path)


def pack(texts: Iterable[str], tokenizer: WordTokenizer, length: int) -> Packed:
    """Packs articles one behind the other into rows.

    Args:
        texts: Articles.
        tokenizer: The encoder's.
        length: Subwords in a row, the special ones around it counted. An article goes on in the next row; what is left
            at the end of all of them fills no row and is left out.

    Returns:
        The rows; between two articles stands the subword that ends a text.
    """
    prefix, suffix = (np.array(ids, np.uint32) for ids in (tokenizer.prefix_ids, tokenizer.suffix_ids))
    inner = length - len(prefix) - len(suffix)
    rows = [
        np.concatenate([prefix, part, suffix])
        for part in _parts((_marked(text, tokenizer) for text in texts), suffix[-1:], inner)
    ]
    return Packed(np.stack(rows) if rows else np.zeros((0, length), np.uint32))


def parts_of(rows: Rows) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Returns the subword ids of rows and which of them begin a word, [B, L] each."""
    return (rows & ~_WORD_START).astype(np.int64), (rows & _WORD_START).astype(bool)


def _marked(text: str, tokenizer: WordTokenizer) -> Rows:
    pieces = tokenizer.encode(segment(text))
    ids = pieces.ids.astype(np.uint32)
    ids[np.cumsum(pieces.counts) - pieces.counts] |= _WORD_START
    return ids


def _parts(articles: Iterable[Rows], between: Rows, size: int) -> Iterator[Rows]:
    waiting: list[Rows] = []
    held = 0
    for article in articles:
        waiting += [article, between]
        held += len(article) + len(between)
        if held < size:
            continue
        joined = np.concatenate(waiting)
        whole = held // size * size
        yield from joined[:whole].reshape(-1, size)
        waiting, held = [joined[whole:]], held - whole
