"""Rounding keeps what it promises about range, scale and neighbouring weights."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from torch import nn

from training.quantization import PAIR_LIMIT, Grid, observe_ranges, round_rows, round_weights, smoothing

WEIGHTS = arrays.arrays(
    np.float32,
    st.tuples(st.integers(1, 9), st.integers(1, 4)),
    elements=st.floats(-4, 4, width=32, allow_subnormal=False),
)


@given(WEIGHTS)
def test_weights_are_rounded_to_the_nearest_step(weight):
    rounded, scale = round_weights(weight)
    assert np.all(np.abs(rounded * scale - weight) <= scale * 0.501)


@given(WEIGHTS)
def test_neighbouring_weights_fit_16_bits_with_any_activation(weight):
    rounded, _ = round_weights(weight)
    pairs = rounded.astype(int)[: len(rounded) // 2 * 2].reshape(-1, 2, rounded.shape[1])
    for sign in (1, -1):
        assert np.maximum(sign * pairs, 0).sum(axis=1).max(initial=0) <= PAIR_LIMIT


@given(WEIGHTS)
def test_rows_are_rounded_to_the_nearest_step(table):
    rounded, scale = round_rows(table)
    assert np.all(np.abs(rounded * scale - table) <= scale * 0.501)


@given(st.floats(-100, 100), st.floats(0.001, 100))
def test_a_grid_holds_zero_and_reaches_both_ends(low, width):
    high = low + width
    grid = Grid.over(low, high)
    assert 0 <= grid.zero_point <= 255
    assert -grid.zero_point * grid.scale == pytest.approx(min(low, 0), abs=grid.scale)
    assert grid.high == pytest.approx(max(high, 0), abs=grid.scale)


def test_full_smoothing_makes_all_features_alike_and_none_all_weights():
    weight = np.array([[0.5, -1.0], [2.0, 1.0]], dtype=np.float32)
    magnitude = np.array([10.0, 4.0], dtype=np.float32)
    np.testing.assert_allclose(smoothing(magnitude, weight, 1.0), magnitude)
    np.testing.assert_allclose(np.abs(weight * smoothing(magnitude, weight, 0.0)[:, None]).max(axis=1), 1.0)


def test_a_feature_never_seen_is_not_blown_up():
    weight = np.ones((3, 2), dtype=np.float32)
    assert smoothing(np.array([2.0, 0.0, 2.0], dtype=np.float32), weight, 1.0)[1] == pytest.approx(0.02)


class Lookup(nn.Module):
    """An encoder whose product reads the looked-up vectors as they are."""

    def __init__(self):
        super().__init__()
        self.product = nn.Linear(2, 1)

    def forward(self, input_ids, attention_mask):
        vectors = torch.tensor([[9.0, -9.0], [1.0, -2.0], [3.0, 0.0], [-1.0, 5.0]])
        return self.product(vectors[input_ids])


def test_ranges_span_all_texts_and_leave_padding_out():
    encoder = Lookup().train()
    texts = [
        (torch.tensor([[1, 2], [1, 0]]), torch.tensor([[1, 1], [1, 0]])),
        (torch.tensor([[3]]), torch.tensor([[1]])),
    ]
    ranges = observe_ranges(encoder, {"product": encoder.product}, texts)["product"]
    np.testing.assert_array_equal(ranges.low, [-1, -2])
    np.testing.assert_array_equal(ranges.high, [3, 5])
    np.testing.assert_array_equal(ranges.magnitude(), [3, 5])
    assert encoder.training
