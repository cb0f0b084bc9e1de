"""What learns in a simulated annotation: a set of articles in, scores on dev and beliefs about other articles out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from training.annotations.suggestions.beliefs import Belief

KIND = "events"
"""The spans whose F1 is measured and whose doubts count."""

SCORE = f"{KIND}/f1"


@dataclass(frozen=True)
class Learnt:
    """What came of learning.

    Attributes:
        scores: Scores on dev, ``SCORE`` among them.
        beliefs: Returns what was learnt about articles of the pool, given by their places.
    """

    scores: Mapping[str, float]
    beliefs: Callable[[Sequence[int]], list[Belief]]


class Learner(Protocol):
    """Learns from articles of a pool."""

    def learn(self, articles: Sequence[int], seed: int) -> Learnt:
        """Learns from nothing but these articles.

        Args:
            articles: Places of the articles in the pool, in order.
            seed: Of what is left to chance; the same articles and seed give the same.
        """
