"""What a sweep gave: each training's scores, and their mean with standard deviation."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from training.sweeps.child import ChildScores

_SUMMARY = "mean ± sd"


def summary_scores(trained: Sequence[ChildScores]) -> dict[str, float]:
    """Returns mean and sample standard deviation of each score, under names that MLflow accepts.

    Args:
        trained: The trainings; the deviation of a single one is 0.

    Returns:
        ``mean/NAME`` and ``sd/NAME`` for each score that all of them have.
    """
    values = {}
    for name in _shared(trained):
        numbers = [each.scores[name] for each in trained]
        values[f"mean/{name}"] = statistics.fmean(numbers)
        values[f"sd/{name}"] = statistics.stdev(numbers) if len(numbers) > 1 else 0.0
    return values


def sweep_table(trained: Sequence[ChildScores], title: str) -> str:
    """Returns a row for each training, then mean ± standard deviation."""
    names = _shared(trained)
    width = max(len(title), len(_SUMMARY), *(len(each.child.name) for each in trained))
    columns = [max(len(name), len("0.000 ± 0.000")) for name in names]
    header = "  ".join(f"{name:>{column}}" for name, column in zip(names, columns, strict=True))
    lines = [f"{title:<{width}}  {header}"]
    for each in trained:
        cells = (f"{each.scores[name]:>{column}.3f}" for name, column in zip(names, columns, strict=True))
        lines.append(f"{each.child.name:<{width}}  {'  '.join(cells)}")
    summary = summary_scores(trained)
    spread = (f"{summary[f'mean/{name}']:.3f} ± {summary[f'sd/{name}']:.3f}" for name in names)
    cells = (f"{cell:>{column}}" for cell, column in zip(spread, columns, strict=True))
    lines.append(f"{_SUMMARY:<{width}}  {'  '.join(cells)}")
    return "\n".join(lines) + "\n"


def sweep_record(trained: Sequence[ChildScores]) -> dict[str, Any]:
    """Returns the content of ``sweep.json``: each training's settings, scores and run, and the summary."""
    trainings = [
        {
            "name": each.child.name,
            "settings": dict(each.child.settings),
            "scores": dict(each.scores),
            "run_id": each.run_id,
            "directory": str(each.directory),
        }
        for each in trained
    ]
    summary: Mapping[str, float] = summary_scores(trained)
    return {"trainings": trainings, "summary": summary}


def _shared(trained: Sequence[ChildScores]) -> list[str]:
    return [name for name in trained[0].scores if all(name in each.scores for each in trained)]
