from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from hadath.decode import Spans, best_paths, exclusive_emissions, log_softmax, spans_of

# whole numbers, so that sums are exact and ties are common
scores = st.integers(-6, 6)


def well_formed(path: tuple[int, ...], types: int) -> bool:
    before = 0
    for label in path:
        if label > types and before not in (label, label - types):
            return False
        before = label
    return True


def all_paths(length: int, types: int) -> list[tuple[int, ...]]:
    return [path for path in product(range(1 + 2 * types), repeat=length) if well_formed(path, types)]


def total(emissions: np.ndarray, path: tuple[int, ...]) -> float:
    return float(emissions[np.arange(len(path)), list(path)].sum())


@st.composite
def texts(draw: st.DrawFn) -> tuple[int, list[int], np.ndarray]:
    types = draw(st.integers(1, 2))
    lengths = draw(st.lists(st.integers(0, 4), min_size=1, max_size=5))
    emissions = draw(hnp.arrays(np.float32, (sum(lengths), 1 + 2 * types), elements=scores.map(float)))
    return types, lengths, emissions


@given(drawn=texts())
def test_best_paths_are_the_best_of_all_well_formed_sequences(drawn: tuple[int, list[int], np.ndarray]) -> None:
    types, lengths, emissions = drawn
    labels = best_paths(emissions, lengths)
    assert labels.shape == (sum(lengths),)
    start = 0
    for length in lengths:
        path = tuple(labels[start : start + length].tolist())
        part = emissions[start : start + length]
        assert well_formed(path, types)
        assert total(part, path) == max(total(part, other) for other in all_paths(length, types))
        start += length


@given(drawn=texts())
def test_the_path_of_a_text_does_not_depend_on_the_texts_beside_it(drawn: tuple[int, list[int], np.ndarray]) -> None:
    _, lengths, emissions = drawn
    ends = np.cumsum(lengths)
    alone = [
        best_paths(emissions[end - length : end], [length]) for end, length in zip(ends, lengths, strict=True) if length
    ]
    assert best_paths(emissions, lengths).tolist() == [label for path in alone for label in path.tolist()]


def test_no_words_have_no_path() -> None:
    assert best_paths(np.zeros((0, 5), np.float32), [0, 0]).tolist() == []


def test_an_inside_tag_at_the_start_of_a_text_does_not_continue_the_text_before() -> None:
    # O, B, I: the first text ends inside a span
    emissions = np.array([[0, 5, 0], [0, 0, 5], [4, 0, 5], [5, 0, 0]], np.float32)
    assert best_paths(emissions, [4]).tolist() == [1, 2, 2, 0]
    assert best_paths(emissions, [2, 2]).tolist() == [1, 2, 0, 0]
    assert best_paths(emissions, [2, 0, 2]).tolist() == [1, 2, 0, 0]


heads = st.tuples(st.integers(1, 2), st.integers(1, 2), st.integers(1, 3)).flatmap(
    lambda shape: st.tuples(
        hnp.arrays(np.float32, (shape[2], 1 + 2 * shape[0]), elements=st.floats(-4, 4, width=32)),
        hnp.arrays(np.float32, (shape[2], 1 + 2 * shape[1]), elements=st.floats(-4, 4, width=32)),
    )
)


@given(logits=heads)
def test_heads_together_give_the_most_probable_pair_of_sequences_that_do_not_overlap(
    logits: tuple[np.ndarray, np.ndarray],
) -> None:
    first, second = (log_softmax(head) for head in logits)
    sizes = [(head.shape[1] - 1) // 2 for head in (first, second)]
    length = len(first)
    emissions = exclusive_emissions([first, second])
    assert emissions.shape == (length, 1 + 2 * sum(sizes))
    path = best_paths(emissions, [length])
    one, other = split_path(path.tolist(), sizes)
    assert well_formed(one, sizes[0])
    assert well_formed(other, sizes[1])
    assert not any(a and b for a, b in zip(one, other, strict=True))
    best = max(
        total(first, a) + total(second, b)
        for a in all_paths(length, sizes[0])
        for b in all_paths(length, sizes[1])
        if not any(x and y for x, y in zip(a, b, strict=True))
    )
    assert total(first, one) + total(second, other) == pytest.approx(best, abs=1e-4)


def split_path(path: list[int], sizes: list[int]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The labels of each of two heads, of labels over both."""
    both = sum(sizes)
    one, other = [], []
    for label in path:
        place = (label - 1) % both if label else None
        inside = label > both
        one.append(0 if place is None or place >= sizes[0] else 1 + place + inside * sizes[0])
        other.append(0 if place is None or place < sizes[0] else 1 + place - sizes[0] + inside * sizes[1])
    return tuple(one), tuple(other)


def test_a_word_that_both_heads_want_goes_to_the_surer_one() -> None:
    entities = log_softmax(np.array([[0.0, 3.0, 0.0]], np.float32))
    events = log_softmax(np.array([[0.0, 4.0, 0.0]], np.float32))
    assert best_paths(exclusive_emissions([entities, events]), [1]).tolist() == [2]
    assert best_paths(exclusive_emissions([events, entities]), [1]).tolist() == [1]


@given(logits=hnp.arrays(np.float32, (5, 3), elements=st.floats(-1e4, 1e4, width=32)))
def test_log_softmax_gives_probabilities(logits: np.ndarray) -> None:
    found = log_softmax(logits)
    assert np.isfinite(found).all()
    np.testing.assert_allclose(np.exp(found).sum(axis=-1), 1.0, rtol=1e-4)
    # odds are those of the logits
    np.testing.assert_allclose(np.diff(found, axis=-1), np.diff(logits, axis=-1), rtol=1e-4, atol=1e-2)


@given(drawn=texts())
def test_spans_are_those_of_the_labels(drawn: tuple[int, list[int], np.ndarray]) -> None:
    types, lengths, emissions = drawn
    labels = best_paths(emissions, lengths)
    probabilities = np.linspace(0.9, 0.1, len(labels), dtype=np.float32)
    spans = spans_of(labels, probabilities, types)
    expected = []
    for position, label in enumerate(labels.tolist()):
        if 1 <= label <= types:
            expected.append([position, position + 1, label - 1])
        elif label > types:
            expected[-1][1] = position + 1
    found = [list(span) for span in zip(spans.first.tolist(), spans.last.tolist(), spans.type.tolist(), strict=True)]
    assert found == expected
    assert len(spans) == len(expected)
    assert spans.score.tolist() == [probabilities[first:last].min() for first, last, _ in expected]


def test_a_span_is_as_sure_as_its_least_sure_word() -> None:
    # B-X I-X O B-Y I-Y I-Y B-Y
    labels = np.array([1, 3, 0, 2, 4, 4, 2])
    probabilities = np.array([0.9, 0.4, 0.1, 0.8, 0.7, 0.9, 0.3], np.float32)
    spans = spans_of(labels, probabilities, types=2)
    assert spans.first.tolist() == [0, 3, 6]
    assert spans.last.tolist() == [2, 6, 7]
    assert spans.type.tolist() == [0, 1, 1]
    np.testing.assert_array_equal(spans.score, np.array([0.4, 0.7, 0.3], np.float32))


def test_text_without_spans() -> None:
    for labels in (np.zeros(3, np.int64), np.zeros(0, np.int64)):
        spans = spans_of(labels, np.ones(len(labels), np.float32), types=2)
        assert len(spans) == 0
        assert [len(part) for part in (spans.first, spans.last, spans.type, spans.score)] == [0, 0, 0, 0]


def test_select_keeps_the_parts_together() -> None:
    spans = Spans(np.array([0, 3]), np.array([2, 4]), np.array([1, 0]), np.array([0.5, 0.25], np.float32))
    kept = spans.select(np.array([False, True]))
    assert (kept.first.tolist(), kept.last.tolist(), kept.type.tolist(), kept.score.tolist()) == ([3], [4], [0], [0.25])
