from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hadath.document import Document
from hadath.schema import Schema
from tests.fixtures.predictions import SCHEMA, Tagged, tagged_documents
from training import bootstrap
from training.alignment import align
from training.bootstrap import (
    Interval,
    flat_intervals,
    interval,
    paired_difference,
    resampled,
    score_intervals,
)
from training.metrics import accuracy, f1, macro_f1, micro_f1, score


def span_counts(random: np.random.Generator, documents: int, types: int, recall: float) -> np.ndarray:
    gold = random.poisson(3, (documents, types))
    true = random.binomial(gold, recall)
    return np.stack([true, random.poisson(0.5, (documents, types)), gold - true], axis=-1)


def drawn_one_by_one(counts: np.ndarray, replicates: int, seed: int) -> list[list[int]]:
    """Which documents are drawn: counts that name their document show it."""
    weights = resampled(np.eye(len(counts), dtype=np.int64), replicates, seed)
    return [np.repeat(np.arange(len(counts)), row.astype(int)).tolist() for row in weights]


def test_as_many_documents_are_drawn_as_there_are_each_as_often_as_any() -> None:
    drawn = resampled(np.eye(20, dtype=np.int64), replicates=2000, seed=3)
    assert (drawn.sum(axis=1) == 20).all()
    assert drawn.mean(axis=0) == pytest.approx(np.ones(20), abs=0.12)
    assert (drawn == 0).mean() == pytest.approx((1 - 1 / 20) ** 20, abs=0.02)


def test_replicates_are_sums_of_the_documents_drawn() -> None:
    counts = span_counts(np.random.default_rng(0), documents=7, types=3, recall=0.7)
    expected = [counts[documents].sum(axis=0) for documents in drawn_one_by_one(counts, 50, seed=5)]
    assert (resampled(counts, 50, seed=5) == np.array(expected)).all()


def test_scores_of_replicates_are_those_of_the_documents_drawn() -> None:
    counts = span_counts(np.random.default_rng(1), documents=6, types=4, recall=0.6)
    replicates = resampled(counts, 30, seed=2)
    for row, documents in enumerate(drawn_one_by_one(counts, 30, seed=2)):
        true, false, lost = counts[documents].sum(axis=(0, 1))
        assert micro_f1(replicates)[row] == pytest.approx(2 * true / (2 * true + false + lost))
        by_type = [2 * t / (2 * t + fp + fn) for t, fp, fn in counts[documents].sum(axis=0)]
        assert macro_f1(replicates)[row] == pytest.approx(np.mean(by_type))


def test_draws_do_not_depend_on_how_many_are_made_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = span_counts(np.random.default_rng(2), documents=11, types=2, recall=0.5)
    at_once = resampled(counts, 40, seed=7)
    monkeypatch.setattr(bootstrap, "_DRAWN_AT_ONCE", 35)
    assert (resampled(counts, 40, seed=7) == at_once).all()


def test_the_seed_decides() -> None:
    counts = span_counts(np.random.default_rng(3), documents=30, types=2, recall=0.8)
    assert interval(counts, micro_f1, seed=1) == interval(counts, micro_f1, seed=1)
    assert interval(counts, micro_f1, seed=1) != interval(counts, micro_f1, seed=2)


def test_the_interval_of_a_share_is_the_normal_one() -> None:
    confusion = np.zeros((400, 2, 2), np.int64)
    confusion[:300, 0, 0] = 1
    confusion[300:, 0, 1] = 1
    found = interval(confusion, accuracy, replicates=4000)
    assert found is not None
    margin = 1.96 * np.sqrt(0.75 * 0.25 / 400)
    assert (found.low, found.high) == pytest.approx((0.75 - margin, 0.75 + margin), abs=0.006)


def test_intervals_cover_the_true_score() -> None:
    random = np.random.default_rng(4)
    true, false, lost = 3 * 0.7, 0.5, 3 * 0.3
    expected = 2 * true / (2 * true + false + lost)
    samples = [span_counts(random, documents=60, types=2, recall=0.7) for _ in range(300)]
    found = [interval(sample, micro_f1, replicates=300, seed=seed) for seed, sample in enumerate(samples)]
    covered = np.mean([bounds is not None and bounds.low <= expected <= bounds.high for bounds in found])
    assert 0.90 <= covered <= 0.985


def test_one_document_has_an_interval_of_no_width() -> None:
    assert interval(np.array([[[3, 1, 1]]]), micro_f1) == Interval(0.75, 0.75)


def test_a_type_in_one_document_of_many_is_judged_where_it_is_drawn() -> None:
    counts = np.zeros((50, 3), np.int64)
    counts[7] = (1, 0, 1)
    found = interval(counts, f1)
    assert found is not None
    assert found.low == found.high == pytest.approx(2 / 3)


@pytest.mark.parametrize("counts", [np.zeros((5, 2, 3), np.int64), np.zeros((0, 2, 3), np.int64)])
def test_a_score_that_is_undefined_has_no_interval(counts: np.ndarray) -> None:
    assert interval(counts, micro_f1) is None
    assert interval(counts, macro_f1) is None


@given(st.lists(tagged_documents(), max_size=4))
@settings(max_examples=50, deadline=None)
def test_intervals_are_named_like_the_scores_and_lie_around_them(texts: Sequence[Tagged]) -> None:
    documents = align([text.gold for text in texts], [text.predicted for text in texts], SCHEMA)
    values = score(documents, SCHEMA).to_dict()
    intervals = score_intervals(documents, SCHEMA, replicates=20)
    assert intervals.keys() <= values.keys()
    for name, bounds in intervals.items():
        assert 0 <= bounds.low <= bounds.high <= 1
        if len(texts) == 1:
            assert bounds.low == bounds.high == pytest.approx(values[name])
    wanted = re.compile(r"(entities|events|arguments)/(\w+/)?f1(_macro)?|modality(_end_to_end)?/(accuracy|f1_macro)")
    missing = {name for name in values if wanted.fullmatch(name)} - intervals.keys()
    assert all(values[name] == 0 for name in missing)
    assert len(flat_intervals(intervals)) == 2 * len(intervals)


def test_no_documents_have_no_intervals() -> None:
    assert score_intervals([], SCHEMA) == {}
    assert score_intervals(align([Document("")], [Document("")], Schema((), (), {})), Schema((), (), {})) == {}


def test_a_model_does_not_differ_from_itself() -> None:
    counts = span_counts(np.random.default_rng(5), documents=20, types=3, recall=0.7)
    result = paired_difference(counts, counts, micro_f1)
    assert (result.difference, result.p_value, result.interval) == (0.0, 1.0, Interval(0.0, 0.0))


def test_a_model_better_on_every_document_is_better_and_the_other_way_round_worse() -> None:
    worse = span_counts(np.random.default_rng(6), documents=40, types=3, recall=0.5)
    better = worse.copy()
    gained = np.minimum(better[..., 2], 1)
    better[..., 0] += gained
    better[..., 2] -= gained
    result = paired_difference(worse, better, micro_f1)
    assert result.difference == pytest.approx(micro_f1(better.sum(axis=0)) - micro_f1(worse.sum(axis=0)))
    assert result.interval is not None
    assert 0 < result.interval.low < result.difference < result.interval.high
    assert result.p_value < 0.01
    reverse = paired_difference(better, worse, micro_f1)
    assert reverse.difference == -result.difference
    assert reverse.p_value == result.p_value
    assert reverse.interval is not None
    assert reverse.interval.high == pytest.approx(-result.interval.low)


def test_both_models_are_judged_on_the_same_draws() -> None:
    # documents differ far more than the models do: only draws in common show the small, steady gain
    random = np.random.default_rng(7)
    right = random.integers(1, 40, 30)
    first = np.stack([right, 40 - right, 40 - right], axis=-1)[:, None, :]
    second = first + np.array([1, -1, -1])
    apart = interval(first, micro_f1)
    together = paired_difference(first, second, micro_f1).interval
    assert apart is not None
    assert together is not None
    assert together.high - together.low < 0.001 < apart.high - apart.low


def test_models_of_equal_worth_are_rarely_told_apart() -> None:
    random = np.random.default_rng(8)
    pairs = [[span_counts(random, documents=50, types=2, recall=0.7) for _ in range(2)] for _ in range(300)]
    p_values = [
        paired_difference(first, second, micro_f1, replicates=300, seed=seed).p_value
        for seed, (first, second) in enumerate(pairs)
    ]
    assert np.mean(np.array(p_values) < 0.05) == pytest.approx(0.05, abs=0.035)


@pytest.mark.parametrize("counts", [np.zeros((4, 1, 3), np.int64), np.zeros((0, 1, 3), np.int64)])
def test_where_there_is_nothing_to_compare_nothing_differs(counts: np.ndarray) -> None:
    result = paired_difference(counts, counts, micro_f1)
    assert (result.difference, result.interval, result.p_value) == (0.0, None, 1.0)


def test_counts_of_other_documents_are_refused() -> None:
    with pytest.raises(ValueError, match="expected the same documents and types"):
        paired_difference(np.zeros((3, 1, 3), np.int64), np.zeros((4, 1, 3), np.int64), micro_f1)
