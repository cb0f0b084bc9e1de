from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from hadath.windows import Window, windows


class Cut(NamedTuple):
    counts: list[int]
    capacity: int
    overlap: int


@st.composite
def cuts(draw: st.DrawFn) -> Cut:
    longest = draw(st.integers(1, 12))
    # left to itself hypothesis draws short lists, which are one window
    words = draw(st.integers(0, 120))
    counts = draw(st.lists(st.integers(1, longest), min_size=words, max_size=words))
    overlap = draw(st.integers(0, 15))
    # what a window holds beside the overlap and the longest word: often little
    room = draw(st.integers(1, 6) | st.integers(1, 60))
    return Cut(counts, overlap + longest - 1 + room, overlap)


def windows_of(cut: Cut) -> list[Window]:
    return windows(np.array(cut.counts, dtype=np.int64), cut.capacity, cut.overlap)


# a word as long as a window makes neighbours that hold no whole word
@example(cut=Cut([16] + [1] * 15, 30, 0))
@example(cut=Cut([9, 1, 1], 10, 0))
@given(cut=cuts())
def test_every_word_is_kept_exactly_once_by_a_window_that_reads_it(cut: Cut) -> None:
    kept = [
        word for window in windows_of(cut) for word in range(window.keep_first, window.keep_last)
    ]  # in the order of the text
    assert kept == list(range(len(cut.counts)))
    for window in windows_of(cut):
        assert 0 <= window.first <= window.keep_first < window.keep_last <= window.last <= len(cut.counts)


@example(cut=Cut([16] + [1] * 15, 30, 0))
@given(cut=cuts())
def test_no_window_holds_more_subwords_than_the_encoder_reads(cut: Cut) -> None:
    for window in windows_of(cut):
        assert sum(cut.counts[window.first : window.last]) <= cut.capacity


@given(cut=cuts())
def test_neighbours_leave_no_gap_and_share_about_the_overlap(cut: Cut) -> None:
    found = windows_of(cut)
    longest = max(cut.counts, default=0)
    for one, other in pairwise(found):
        assert one.first <= other.first <= one.last <= other.last
        shared = sum(cut.counts[other.first : one.last])
        # each end of a window lies up to one word from its nominal place
        assert cut.overlap - (longest - 1) <= shared <= cut.overlap + (longest - 1)


@example(cut=Cut([1] * 100, 30, 10))
@given(cut=cuts())
def test_a_word_is_kept_from_the_window_in_which_it_stands_further_from_the_edge(cut: Cut) -> None:
    assume(2 * cut.overlap < cut.capacity - 2 * max(cut.counts, default=0))
    found = windows_of(cut)
    last = len(cut.counts)

    def context(window: Window, word: int) -> int:
        # the ends of the text itself are no edges
        left = word - window.first if window.first > 0 else last
        right = window.last - 1 - word if window.last < last else last
        return min(left, right)

    for window in found:
        for word in range(window.keep_first, window.keep_last):
            readers = [other for other in found if other.first <= word < other.last]
            assert context(window, word) == max(context(other, word) for other in readers)


@given(counts=st.lists(st.integers(1, 8), max_size=40))
def test_a_text_that_fits_is_one_window(counts: list[int]) -> None:
    found = windows(np.array(counts, dtype=np.int64), sum(counts), 3)
    assert found == ([Window(0, len(counts), 0, len(counts))] if counts else [])


def test_windows_are_of_about_equal_length() -> None:
    sizes = [window.last - window.first for window in windows(np.ones(510, np.int64), 500, 50)]
    assert sizes == [280, 280]


@pytest.mark.parametrize(("capacity", "overlap"), [(10, 10), (10, 7), (10, -1), (4, 0)])
def test_windows_too_small_for_their_overlap_and_the_longest_word_are_refused(capacity: int, overlap: int) -> None:
    with pytest.raises(ValueError, match="give a larger capacity or a smaller overlap"):
        windows(np.array([1, 5, 1, 1, 1, 1, 1]), capacity, overlap)
