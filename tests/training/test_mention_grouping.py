from __future__ import annotations

import pytest

from training.mention_grouping import b_cubed_scores, pairwise_scores


def test_scores_by_hand() -> None:
    gold, found = [[1, 2, 3], [4, 5]], [[1, 2], [3, 4, 5]]
    # pairs: 12, 45 of 12, 34, 35, 45 and of 12, 13, 23, 45
    assert pairwise_scores(gold, found) == (0.5, 0.5, 0.5)
    precision, recall, f1 = b_cubed_scores(gold, found, [1, 2, 3, 4, 5, 6])
    assert precision == pytest.approx((1 + 1 + 1 / 3 + 2 / 3 + 2 / 3 + 1) / 6)
    assert recall == pytest.approx((2 / 3 + 2 / 3 + 1 / 3 + 1 + 1 + 1) / 6)
    assert f1 == pytest.approx(2 * precision * recall / (precision + recall))
    assert pairwise_scores([], []) == b_cubed_scores([], [], []) == (1.0, 1.0, 1.0)
    assert pairwise_scores([[1, 2]], [[1, 3]])[2] == 0.0
