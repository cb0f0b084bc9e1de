"""Measuring several things in turn, and what their ratios are."""

from __future__ import annotations

import gc
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

Measure = Callable[[], float]
"""Does the work once and returns the seconds it took."""


@dataclass(frozen=True)
class Spread:
    """A figure that was measured several times: its median, least and greatest value."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Returns the spread of measured values."""
        return cls(statistics.median(values), min(values), max(values))


def interleaved(
    measures: Mapping[str, Measure], repeats: int, report: Callable[[str], None] = lambda _: None
) -> dict[str, list[float]]:
    """Measures everything once in each round.

    Args:
        measures: What to measure, by name.
        repeats: Number of rounds that count; one more goes before them, for caches and memory to fill.
        report: Told what is measured next.

    Returns:
        By name the seconds of each round.

    Example:
        >>> interleaved({"one": lambda: 1.0, "two": lambda: 2.0}, repeats=2)
        {'one': [1.0, 1.0], 'two': [2.0, 2.0]}
    """
    seconds: dict[str, list[float]] = {name: [] for name in measures}
    for number in range(repeats + 1):
        for name, measure in measures.items():
            report(f"{name} ({f'{number} of {repeats}' if number else 'warm-up'})")
            # what one contender left is not collected on the next one's time
            gc.collect()
            taken = measure()
            if number:
                seconds[name].append(taken)
    return seconds


def ratio(numerators: Sequence[float], denominators: Sequence[float]) -> Spread:
    """Returns the spread of two contenders' ratios, each taken within a round.

    Example:
        >>> ratio([4.0, 9.0, 8.0], [2.0, 3.0, 2.0])
        Spread(median=3.0, low=2.0, high=4.0)
    """
    return Spread.of([first / second for first, second in zip(numerators, denominators, strict=True)])
