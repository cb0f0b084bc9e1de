"""Which articles teach a model most for the work of annotating them.

An article's value is the number of wrong decisions that are expected in it, see ``beliefs.Belief.doubts``. What is
chosen is the most value for the work (words to read). The strategy ``diverse`` counts a doubt about a word less, the
more of it is already in the articles chosen: it maximises the sum over word forms of ``log(1 + doubts about it)``, a
feature-based submodular function (Wei, Iyer and Bilmes, Submodularity in Data Subset Selection and Active Learning,
ICML 2015) for which choosing greedily is near the best that any choice reaches.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from training.annotations.suggestions.beliefs import Belief, Doubts

STRATEGIES = ("random", "uncertainty", "diverse")

OPENING_WORDS = 20
"""What beginning with an article costs, in words: otherwise headlines alone would be chosen."""

# doubts below are not kept: nearly all words have some
_LEAST_DOUBT = 1e-3


@dataclass
class Strategy:
    """How articles are chosen; each field is explained in configs/annotations_suggest.yaml."""

    strategy: str
    per_word: bool
    rarity: float

    def __post_init__(self) -> None:
        if self.strategy not in STRATEGIES:
            raise ValueError(f"strategy is {self.strategy}; expected one of {', '.join(STRATEGIES)}")
        if not 0 <= self.rarity <= 1:
            raise ValueError(f"rarity is {self.rarity}; expected a number from 0 to 1")


@dataclass(frozen=True)
class Choice:
    """An article that was chosen.

    Attributes:
        index: Its place among the articles.
        score: What it was worth when it was chosen: expected wrong decisions, those repeated among the articles chosen
            before counted less, per hundred words or per article.
    """

    index: int
    score: float


def type_weights(support: Sequence[int], rarity: float) -> Doubts:
    """Returns what a decision on each type counts.

    Args:
        support: How often each type is annotated, [types].
        rarity: 0 where all types count alike, 1 where by the inverse of their frequency.

    Returns:
        Weights whose mean over the types is 1, [types].

    Example:
        >>> type_weights([99, 399], 0.5).round(2).tolist()
        [1.33, 0.67]
    """
    weights = (np.asarray(support, np.float64) + 1) ** -rarity
    normalised: Doubts = weights / weights.mean()
    return normalised


def choose(beliefs: Sequence[Belief], count: int, how: Strategy, weights: Doubts, seed: int) -> list[Choice]:
    """Chooses articles to annotate.

    Args:
        beliefs: What a tagger believes of each article.
        count: Number of articles wanted.
        how: The strategy.
        weights: What a decision on each type counts, [types].
        seed: Of what is left to chance: the order under ``random``, and which of equally good articles comes first.

    Returns:
        At most that many, the most worth first; under ``random`` in random order, each with the score that it has
        under ``uncertainty``.
    """
    doubts = [belief.doubts(weights) for belief in beliefs]
    costs = [(len(belief.forms) + OPENING_WORDS) / 100 if how.per_word else 1.0 for belief in beliefs]
    scores = [float(each.sum()) / cost for each, cost in zip(doubts, costs, strict=True)]
    shuffled = np.random.default_rng(seed).permutation(len(beliefs)).tolist()
    if how.strategy == "random":
        return [Choice(index, scores[index]) for index in shuffled[:count]]
    if how.strategy == "uncertainty":
        ordered = sorted(shuffled, key=lambda index: -scores[index])
        return [Choice(index, scores[index]) for index in ordered[:count]]
    return _diverse(beliefs, doubts, costs, shuffled, count)


def _diverse(
    beliefs: Sequence[Belief],
    doubts: Sequence[Doubts],
    costs: Sequence[float],
    order: Sequence[int],
    count: int,
) -> list[Choice]:
    numbers: dict[str, int] = {}
    features: list[tuple[npt.NDArray[np.int64], Doubts]] = []
    for belief, each in zip(beliefs, doubts, strict=True):
        kept = np.flatnonzero(each > _LEAST_DOUBT)
        ids = np.array([numbers.setdefault(belief.forms[word], len(numbers)) for word in kept], np.int64)
        forms, places = np.unique(ids, return_inverse=True)
        features.append((forms, np.bincount(places, each[kept], len(forms))))
    covered: Doubts = np.zeros(len(numbers))

    def score(index: int) -> float:
        forms, mass = features[index]
        return float(np.log1p(mass / (1 + covered[forms])).sum()) / costs[index]

    # what an article adds only ever falls, so that one whose old score is beaten by a new one need not be looked at
    # (Minoux, Accelerated greedy algorithms for maximizing submodular set functions, 1978)
    heap = [(-score(index), place, index) for place, index in enumerate(order)]
    heapq.heapify(heap)
    chosen: list[Choice] = []
    while heap and len(chosen) < count:
        _, place, index = heapq.heappop(heap)
        now = score(index)
        if heap and now < -heap[0][0]:
            heapq.heappush(heap, (-now, place, index))
            continue
        chosen.append(Choice(index, now))
        forms, mass = features[index]
        covered[forms] += mass
    return chosen
