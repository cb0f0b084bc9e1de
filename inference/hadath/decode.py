"""From scores of words to spans: the best tag sequence that is well-formed BIO and in which nothing overlaps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Spans:
    """Spans over words, in the order of the text.

    Attributes:
        first: First word of each span, [S].
        last: Word after the last one, [S].
        type: Index of the span's type, [S].
        score: Probability of the span's least certain tag, 0 to 1, [S].
    """

    first: IntArray
    last: IntArray
    type: IntArray
    score: FloatArray

    def __len__(self) -> int:
        return len(self.first)

    def select(self, mask: npt.NDArray[np.bool_]) -> Spans:
        """Returns the spans for which ``mask`` is true."""
        return Spans(self.first[mask], self.last[mask], self.type[mask], self.score[mask])


def log_softmax(logits: FloatArray) -> FloatArray:
    """Returns log-probabilities over the last axis."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    result: FloatArray = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return result


def exclusive_emissions(log_probabilities: Sequence[FloatArray]) -> FloatArray:
    """Joins several BIO heads into one in which a word has at most one of their labels.

    A word's score for label *l* of head *h* is log p_h(l) plus log p(O) of every other head, so the best path over
    the joint labels is the most probable combination in which spans of different heads do not overlap.

    Args:
        log_probabilities: For each head, [N, 1 + 2 K_h], labels in the order O, B-*, I-*.

    Returns:
        [N, 1 + 2 K] with K the sum of K_h; types of the first head come first.
    """
    outside = sum(head[:, :1] for head in log_probabilities)
    sizes = [(head.shape[1] - 1) // 2 for head in log_probabilities]
    others = [outside - head[:, :1] for head in log_probabilities]
    begin = [head[:, 1 : 1 + size] + other for head, size, other in zip(log_probabilities, sizes, others, strict=True)]
    inside = [head[:, 1 + size :] + other for head, size, other in zip(log_probabilities, sizes, others, strict=True)]
    return np.concatenate([outside, *begin, *inside], axis=1)


def best_paths(emissions: FloatArray, lengths: Sequence[int]) -> IntArray:
    """Finds, for each text, the best-scored tag sequence that is well-formed BIO.

    I-x may follow only B-x or I-x. Where the best label of each word on its own already is well-formed it is the
    answer; only the other texts are searched (Viterbi, all of them side by side).

    Args:
        emissions: Scores of the labels O, B-*, I-* for the words of all texts, one text after the other, [N, 1 + 2 K].
        lengths: Number of words of each text; their sum is N.

    Returns:
        The label of each word, [N].

    Example:
        >>> scores = np.array([[2.0, 1.0, 0.0], [0.0, 0.5, 3.0]], dtype=np.float32)  # O, B-X, I-X
        >>> best_paths(scores, [2]).tolist()  # O I-X is not well-formed
        [1, 2]
    """
    labels: IntArray = emissions.argmax(axis=1)
    types = (emissions.shape[1] - 1) // 2
    ends = np.cumsum(np.asarray(lengths, dtype=np.int64))
    starts = ends - np.asarray(lengths, dtype=np.int64)
    before = np.empty_like(labels)
    before[1:] = labels[:-1]
    before[starts[starts < len(labels)]] = 0
    ill_formed = (labels > types) & (before != labels) & (before != labels - types)
    if ill_formed.any():
        texts = np.unique(np.searchsorted(ends, np.flatnonzero(ill_formed), side="right"))
        for text, path in zip(
            texts, _viterbi([emissions[starts[text] : ends[text]] for text in texts], types), strict=True
        ):
            labels[starts[text] : ends[text]] = path
    return labels


def spans_of(labels: IntArray, scores: FloatArray, types: int) -> Spans:
    """Reads the spans off well-formed BIO labels.

    Args:
        labels: Label of each word of all texts, [N], as from ``best_paths``.
        scores: Probability of that label, [N].
        types: Number of types, K.

    Returns:
        Spans, with word positions counted over all texts.

    Example:
        >>> spans = spans_of(np.array([1, 3, 0, 2]), np.array([0.9, 0.8, 1.0, 0.7], dtype=np.float32), types=2)
        >>> spans.first.tolist(), spans.last.tolist(), spans.type.tolist()
        ([0, 3], [2, 4], [0, 1])
    """
    begins = (labels > 0) & (labels <= types)
    inside = labels > types
    first = np.flatnonzero(begins)
    ends_here = (begins | inside) & ~np.append(inside[1:], False)
    last = np.flatnonzero(ends_here) + 1
    if not len(first):
        return Spans(first, last, first, np.zeros(0, np.float32))
    score = np.minimum.reduceat(np.where(labels > 0, scores, np.float32(1.0)), first)
    return Spans(first, last, labels[first] - 1, score.astype(np.float32))


def _viterbi(texts: Sequence[FloatArray], types: int) -> list[IntArray]:
    lengths = np.array([len(text) for text in texts])
    longest = int(lengths.max())
    count = len(texts)
    padded = np.zeros((longest, count, 1 + 2 * types), dtype=np.float32)
    for position, text in enumerate(texts):
        padded[: len(text), position] = text
    rows = np.arange(count)
    best = padded[0].copy()
    best[:, 1 + types :] = -np.inf
    # into[t, text, label]: the label before it on the best path that has this label at t
    into = np.zeros((longest, count, 1 + 2 * types), dtype=np.int16)
    begin_labels = np.arange(1, 1 + types, dtype=np.int16)
    for step in range(1, longest):
        any_label = best.argmax(axis=1)
        from_begin, from_inside = best[:, 1 : 1 + types], best[:, 1 + types :]
        into[step, :, : 1 + types] = any_label[:, None]
        into[step, :, 1 + types :] = np.where(from_begin >= from_inside, begin_labels, begin_labels + types)
        now = padded[step].copy()
        now[:, : 1 + types] += best[rows, any_label][:, None]
        now[:, 1 + types :] += np.maximum(from_begin, from_inside)
        # past its end a text stays as it was
        best = np.where((step < lengths)[:, None], now, best)
    paths = []
    final = best.argmax(axis=1)
    for position, text in enumerate(texts):
        path = np.zeros(len(text), dtype=np.int64)
        label = int(final[position])
        for step in range(len(text) - 1, -1, -1):
            path[step] = label
            label = int(into[step, position, label])
        paths.append(path)
    return paths
