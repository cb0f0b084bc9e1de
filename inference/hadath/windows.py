"""Windows over long articles: every word is read, none is cut, each is judged where it has most context."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Window:
    """A run of words that the encoder reads at once.

    Attributes:
        first: First word read.
        last: Word after the last one read.
        keep_first: First word whose scores are taken from this window.
        keep_last: Word after the last one whose scores are taken from this window.
    """

    first: int
    last: int
    keep_first: int
    keep_last: int


def windows(counts: npt.NDArray[np.int64], capacity: int, overlap: int) -> list[Window]:
    """Cuts a text into windows of about equal length that overlap.

    Two neighbours share about ``overlap`` subwords; each shared word is kept from the window in which it stands
    further from the edge, so every word is kept exactly once.

    Args:
        counts: Number of subwords of each word, [W].
        capacity: Most subwords in a window, special ones not counted.
        overlap: Subwords that neighbouring windows share, less than half of ``capacity``.

    Returns:
        The windows in the order of the text; none for a text without words.

    Raises:
        ValueError: If ``capacity`` cannot hold the overlap and the longest word.

    Example:
        >>> windows(np.ones(10, dtype=np.int64), capacity=6, overlap=2)
        [Window(first=0, last=6, keep_first=0, keep_last=5), Window(first=4, last=10, keep_first=5, keep_last=10)]
    """
    words = len(counts)
    if words == 0:
        return []
    ends = np.cumsum(counts)
    starts = ends - counts
    total = int(ends[-1])
    if total <= capacity:
        return [Window(0, words, 0, words)]
    longest = int(counts.max())
    # a window's first word may begin up to one word before its nominal place
    usable = capacity - (longest - 1)
    if not 0 <= overlap < usable:
        raise ValueError(
            f"windows of {capacity} subwords cannot overlap by {overlap} where a word has {longest} subwords; "
            "give a larger capacity or a smaller overlap"
        )
    number = -(-(total - overlap) // (usable - overlap))
    size = -(-(total + (number - 1) * overlap) // number)
    nominal = np.arange(number) * (size - overlap)
    firsts = np.searchsorted(starts, nominal, side="right") - 1
    lasts = np.searchsorted(ends, nominal + size, side="right")
    lasts[-1] = words
    # words under two windows are shared out at the middle of what both read
    middles = (firsts[1:] + lasts[:-1] + 1) // 2
    keeps = [0, *(int(middle) for middle in middles), words]
    # where words are long and windows short, a window may hold no whole word of its own
    return [
        Window(int(first), int(last), keep_first, keep_last)
        for first, last, keep_first, keep_last in zip(firsts, lasts, keeps[:-1], keeps[1:], strict=True)
        if keep_first < keep_last
    ]
