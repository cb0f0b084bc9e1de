"""Texts that tell one story in nearly the same words, found among many without comparing all with all.

The likeness of two texts is the Jaccard index of their sets of word shingles. MinHash signatures (Broder, On the
resemblance and containment of documents, 1997) cut into bands (Leskovec, Rajaraman and Ullman, Mining of Massive
Datasets, chapter 3) propose pairs; each is then compared exactly, so that no pair is reported that is not alike.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from hadath.text import Words, segment

HashArray = npt.NDArray[np.uint64]
SignatureArray = npt.NDArray[np.uint32]
IntArray = npt.NDArray[np.int64]

PERMUTATIONS = 256

_SEED = 20_517
_HASHED_AT_ONCE = 1 << 20
_COMPARED_AT_ONCE = 1 << 14
# a bucket of more texts is not compared all with all: boilerplate that thousands share would cost millions of pairs
_LARGE_BUCKET = 64
# share of pairs at the threshold that the bands propose
_RECALL = 0.995
# standard errors by which an estimate may lie below the threshold before a pair is not compared exactly
_MARGIN = 4.0


@dataclass
class Likeness:
    """When two articles tell one story; each field is explained in configs/annotations_split.yaml."""

    threshold: float
    shingle_words: int

    def __post_init__(self) -> None:
        if not 0 < self.threshold <= 1:
            raise ValueError(f"near_duplicates.threshold is {self.threshold}; expected a share above 0 and at most 1")
        if self.shingle_words < 1:
            raise ValueError(f"near_duplicates.shingle_words is {self.shingle_words}; expected a number above 0")


@dataclass(frozen=True, order=True)
class NearDuplicate:
    """Two texts that are alike.

    Attributes:
        first: Index of one text.
        second: Index of the other, greater than ``first``.
        similarity: Jaccard index of their shingles, 0 to 1.
    """

    first: int
    second: int
    similarity: float


def shingles(text: str | Words, words: int = 3) -> HashArray:
    """Returns the hashes of all runs of some words of a text, each once and in order.

    Words are compared as the tagger reads them, normalised and without punctuation.

    Args:
        text: Any text, or its words.
        words: Words in a run. A text of fewer words is one run.

    Returns:
        The hashes, the same on every machine; empty for a text without words.

    Example:
        >>> bool((shingles("زار الوزيرُ تونس أمس.") == shingles("زار الوزير تونس، أمس")).all())
        True
    """
    cut = segment(text) if isinstance(text, str) else text
    forms = [form for form in cut.forms if form[0].isalnum()]
    if not forms:
        return np.zeros(0, np.uint64)
    hashes = np.array([_word_hash(form) for form in forms], np.uint64)
    runs = max(1, len(hashes) - words + 1)
    combined = np.zeros(runs, np.uint64)
    for place in range(min(words, len(hashes))):
        combined = _mixed(combined + hashes[place : place + runs])
    return np.unique(combined)


def similarity(first: HashArray, second: HashArray) -> float:
    """Returns the Jaccard index of two sets of shingles; 0 where both are empty.

    Example:
        >>> similarity(shingles("وصل الوفد إلى صنعاء مساء"), shingles("وصل الوفد إلى صنعاء صباحا"))
        0.5
    """
    if not len(first) or not len(second):
        return 0.0
    shared = len(np.intersect1d(first, second, assume_unique=True))
    return shared / (len(first) + len(second) - shared)


def signatures(sets: Sequence[HashArray], permutations: int = PERMUTATIONS) -> SignatureArray:
    """Makes MinHash signatures.

    Args:
        sets: Sets of shingles, none of them empty.
        permutations: Length of a signature.

    Returns:
        [texts, permutations]. The share of places in which two rows agree estimates the Jaccard index of their sets,
        with a standard error of at most ``0.5 / sqrt(permutations)``.
    """
    random = np.random.default_rng(_SEED)
    factors = random.integers(1, 2**63, permutations, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
    offsets = random.integers(0, 2**63, permutations, dtype=np.uint64)
    result = np.empty((len(sets), permutations), np.uint32)
    for first, last in _chunks([len(hashes) for hashes in sets], _HASHED_AT_ONCE // permutations * 8):
        joined = np.concatenate(sets[first:last])
        starts = np.cumsum([0, *(len(hashes) for hashes in sets[first : last - 1])])
        for column, (factor, offset) in enumerate(zip(factors, offsets, strict=True)):
            # multiply-shift: the upper half of the product is a hash of its own for each factor
            hashed = ((joined * factor + offset) >> np.uint64(32)).astype(np.uint32)
            result[first:last, column] = np.minimum.reduceat(hashed, starts)
    return result


def near_duplicates(
    texts: Sequence[str | Words], threshold: float, *, words: int = 3, permutations: int = PERMUTATIONS
) -> list[NearDuplicate]:
    """Finds the texts that are alike.

    Args:
        texts: The texts, or their words. Texts without words are like no other.
        threshold: Least Jaccard index of a pair that is reported, above 0 and at most 1.
        words: Words in a shingle.
        permutations: Length of the signatures; more find pairs of a low threshold more surely.

    Returns:
        The pairs, in order. Of texts with the same shingles each is paired with the first of them only, and of a great
        many texts that are alike not every pair is listed, but enough that ``groups`` puts them together.

    Raises:
        ValueError: If the threshold is not between 0 and 1.

    Example:
        >>> first = "وصل الوفد الوزاري إلى صنعاء مساء اليوم قادما من مسقط"
        >>> near_duplicates([first, "اجتمع البرلمان", first + " جوا"], 0.6)
        [NearDuplicate(first=0, second=2, similarity=0.888...)]
    """
    if not 0 < threshold <= 1:
        raise ValueError(f"threshold is {threshold}; expected a number above 0 and at most 1")
    sets = [shingles(text, words) for text in texts]
    found, representatives = _same_sets(sets)
    kept = [sets[index] for index in representatives]
    if len(kept) > 1:
        rows = signatures(kept, permutations)
        margin = threshold - _MARGIN * np.sqrt(threshold * (1 - threshold) / permutations)
        for first, second in _estimated(rows, _proposed(rows, threshold), margin):
            score = similarity(kept[first], kept[second])
            if score >= threshold:
                found.append(NearDuplicate(representatives[first], representatives[second], score))
    return sorted(found)


def groups(count: int, pairs: Iterable[NearDuplicate]) -> list[list[int]]:
    """Returns what hangs together: each text with all that are like it, or like one that is.

    Args:
        count: Number of texts.
        pairs: The texts that are alike.

    Returns:
        Groups of indices, each in order, in the order of their first ones; a text that is like no other is a group of
        its own.

    Example:
        >>> groups(4, [NearDuplicate(0, 2, 0.9), NearDuplicate(2, 3, 0.7)])
        [[0, 2, 3], [1]]
    """
    parent = list(range(count))

    def root(index: int) -> int:
        while parent[index] != index:
            parent[index] = index = parent[parent[index]]
        return index

    for pair in pairs:
        first, second = sorted((root(pair.first), root(pair.second)))
        parent[second] = first
    members: dict[int, list[int]] = {}
    for index in range(count):
        members.setdefault(root(index), []).append(index)
    return list(members.values())


@lru_cache(maxsize=1 << 17)
def _word_hash(form: str) -> int:
    # hash() of Python is another one in every process
    content = form.encode()
    return zlib.crc32(content) << 32 | zlib.adler32(content)


def _mixed(values: HashArray) -> HashArray:
    """Spreads values over all bits (the finisher of SplitMix64)."""
    values = values + np.uint64(0x9E3779B97F4A7C15)
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def _chunks(sizes: Sequence[int], most: int) -> Iterator[tuple[int, int]]:
    """Ranges of neighbours whose sizes sum to about a number at most."""
    first = total = 0
    for index, size in enumerate(sizes):
        total += size
        if total >= most:
            yield first, index + 1
            first, total = index + 1, 0
    if first < len(sizes):
        yield first, len(sizes)


def _same_sets(sets: Sequence[HashArray]) -> tuple[list[NearDuplicate], list[int]]:
    """Pairs of texts with the same shingles, and the first of each such text."""
    first_of: dict[bytes, int] = {}
    pairs = []
    for index, hashes in enumerate(sets):
        if not len(hashes):
            continue
        first = first_of.setdefault(hashes.tobytes(), index)
        if first != index:
            pairs.append(NearDuplicate(first, index, 1.0))
    return pairs, list(first_of.values())


def _rows_in_band(threshold: float, permutations: int) -> int:
    """The most rows of a band with which pairs at the threshold are still proposed."""
    rows = 1
    while rows < permutations:
        bands = permutations // (rows + 1)
        if 1 - (1 - threshold ** (rows + 1)) ** bands < _RECALL:
            break
        rows += 1
    return rows


def _proposed(rows: SignatureArray, threshold: float) -> IntArray:
    """Pairs that share a band, each once, [pairs, 2]."""
    width = _rows_in_band(threshold, rows.shape[1])
    count = len(rows)
    pairs = []
    for first in range(0, rows.shape[1] - width + 1, width):
        keys = np.zeros(count, np.uint64)
        for column in range(first, first + width):
            keys = _mixed(keys + rows[:, column])
        order = np.argsort(keys, kind="stable")
        cuts = np.flatnonzero(keys[order][1:] != keys[order][:-1]) + 1
        starts, ends = np.concatenate([[0], cuts]), np.concatenate([cuts, [count]])
        for begin, end in zip(starts[ends - starts > 1].tolist(), ends[ends - starts > 1].tolist(), strict=True):
            pairs.append(_pairs_of(order[begin:end]))
    if not pairs:
        return np.zeros((0, 2), np.int64)
    joined = np.concatenate(pairs)
    codes = np.unique(joined[:, 0] * count + joined[:, 1])
    return np.stack([codes // count, codes % count], axis=1)


def _pairs_of(bucket: IntArray) -> IntArray:
    size = len(bucket)
    if size <= _LARGE_BUCKET:
        first, second = np.triu_indices(size, 1)
        return np.stack([bucket[first], bucket[second]], axis=1)
    # the first with all, and each with the next: what is alike still hangs together
    with_first = np.stack([np.full(size - 1, bucket[0]), bucket[1:]], axis=1)
    return np.concatenate([with_first, np.stack([bucket[1:-1], bucket[2:]], axis=1)])


def _estimated(rows: SignatureArray, pairs: IntArray, least: float) -> Iterator[tuple[int, int]]:
    """Those of the pairs whose signatures are alike enough."""
    for start in range(0, len(pairs), _COMPARED_AT_ONCE):
        part = pairs[start : start + _COMPARED_AT_ONCE]
        estimates = (rows[part[:, 0]] == rows[part[:, 1]]).mean(axis=1)
        yield from ((int(first), int(second)) for first, second in part[estimates >= least])
