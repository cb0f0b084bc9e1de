"""Learning curves out of simulated annotations: means over seeds, and how many articles a score takes."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from training.learning_curves.rounds import Round

SHARES = (0.95, 1.0)
"""Shares of what is reached with all articles that are asked for."""

# means of the same numbers in another order differ by as little
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Point:
    """What a strategy reaches at a size.

    Attributes:
        articles: Number of annotated articles.
        words: Their words, mean over the seeds.
        mean: Mean score over the seeds.
        deviation: Its standard deviation over the seeds, 0 for a single one.
    """

    articles: int
    words: float
    mean: float
    deviation: float


@dataclass(frozen=True)
class Reached:
    """How much a strategy needs to reach a share of what all articles give.

    Attributes:
        share: The share.
        score: The score that it is.
        articles: Articles needed, between two rounds by a straight line; None where it is not reached.
        words: Words needed, likewise.
    """

    share: float
    score: float
    articles: float | None
    words: float | None


def curve(rounds: Sequence[Round], strategy: str, score: str) -> list[Point]:
    """Returns the curve of a strategy, sizes that not all of its seeds have reached left out."""
    own = [each for each in rounds if each.strategy == strategy]
    seeds = {each.seed for each in own}
    points = []
    for size in sorted({len(each.articles) for each in own}):
        there = [each for each in own if len(each.articles) == size]
        if {each.seed for each in there} == seeds:
            values = [each.scores[score] for each in there]
            points.append(
                Point(
                    size,
                    statistics.fmean(each.words for each in there),
                    statistics.fmean(values),
                    statistics.stdev(values) if len(values) > 1 else 0.0,
                )
            )
    return points


def full_score(curves: Sequence[Sequence[Point]], articles: int) -> float | None:
    """Returns the mean score with all articles; None where no curve has come so far."""
    reached = [points[-1].mean for points in curves if points and points[-1].articles == articles]
    return statistics.fmean(reached) if reached else None


def reached(points: Sequence[Point], full: float, share: float) -> Reached:
    """Returns how much a strategy needs until its mean score first is a share of the full one.

    Example:
        >>> points = [Point(10, 1000, 0.4, 0), Point(20, 2000, 0.5, 0), Point(40, 4000, 0.6, 0)]
        >>> needed = reached(points, 0.6, 0.75)
        >>> round(needed.score, 2), round(needed.articles), round(needed.words)
        (0.45, 15, 1500)
    """
    score = share * full
    before = None
    for point in points:
        if point.mean >= score - _ROUNDING:
            if before is None:
                return Reached(share, score, float(point.articles), float(point.words))
            part = (score - before.mean) / (point.mean - before.mean)
            return Reached(
                share,
                score,
                before.articles + part * (point.articles - before.articles),
                before.words + part * (point.words - before.words),
            )
        before = point
    return Reached(share, score, None, None)


def paired_difference(rounds: Sequence[Round], strategy: str, other: str, score: str) -> tuple[float, float] | None:
    """Returns by how much a strategy is better than another one between the first round and the last one.

    Args:
        rounds: The rounds of both.
        strategy: The one.
        other: The other.
        score: What is compared.

    Returns:
        Mean over the seeds of the mean difference over the rounds that both have and that differ in their articles,
        and its standard deviation over the seeds (0 for a single one); None where there is no such round.
    """
    by_place = {(each.strategy, each.seed, len(each.articles)): each for each in rounds}
    differences: dict[int, list[float]] = {}
    for (name, seed, size), each in by_place.items():
        against = by_place.get((other, seed, size))
        if name == strategy and against is not None and set(each.articles) != set(against.articles):
            differences.setdefault(seed, []).append(each.scores[score] - against.scores[score])
    means = [statistics.fmean(values) for values in differences.values()]
    if not means:
        return None
    return statistics.fmean(means), statistics.stdev(means) if len(means) > 1 else 0.0
