"""Learning curves as text, as a table and as a picture."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from hadath.batch.storage import write_whole
from training.learning_curves.curves import SHARES, Point, Reached, reached

_DOTS_PER_INCH = 130

Curves = Mapping[str, Sequence[Point]]
"""The curve of each strategy."""


def write_curves(curves: Curves, path: Path) -> Path:
    """Writes the curves as a table (CSV), a row for each strategy and size, and returns the file."""
    stream = io.StringIO(newline="")
    table = csv.writer(stream)
    table.writerow(["strategy", "articles", "words", "mean", "deviation"])
    for strategy, points in curves.items():
        for point in points:
            values = (point.articles, round(point.words), round(point.mean, 4), round(point.deviation, 4))
            table.writerow([strategy, *values])
    content = stream.getvalue().encode("utf-8")
    write_whole(path, lambda out: out.write(content))
    return path


def curves_text(curves: Curves, full: float | None, baseline: str) -> str:
    """Returns the curves as a table for the terminal, and how much each strategy needs.

    Args:
        curves: The curves.
        full: The score with all articles; None where it is not known yet.
        baseline: The strategy that the others are compared with.
    """
    width = max(15, *map(len, curves))
    lines = ["articles  " + "  ".join(f"{name:>{width}}" for name in curves)]
    by_size = {name: {point.articles: point for point in points} for name, points in curves.items()}
    for size in sorted({size for points in by_size.values() for size in points}):
        cells = [
            f"{points[size].mean:.3f} ± {points[size].deviation:.3f}" if size in points else ""
            for points in by_size.values()
        ]
        lines.append(f"{size:>8,}  " + "  ".join(f"{cell:>{width}}" for cell in cells))
    if full is not None:
        for share in SHARES:
            needed = {name: reached(points, full, share) for name, points in curves.items()}
            lines.append(f"{share:.0%} of what all articles give, {share * full:.3f}:")
            lines += [f"  {name}: {_needs(each, needed[baseline])}" for name, each in needed.items()]
    return "\n".join(lines)


def _needs(own: Reached, baseline: Reached) -> str:
    if own.articles is None or own.words is None:
        return "not reached"
    told = f"{own.articles:,.0f} articles, {own.words:,.0f} words"
    if own is baseline or baseline.articles is None or baseline.words is None:
        return told
    return f"{told} ({own.articles / baseline.articles - 1:+.0%} articles, {own.words / baseline.words - 1:+.0%} words)"


def write_picture(curves: Curves, full: float | None, label: str, path: Path) -> Path:
    """Draws mean and standard deviation of each curve, and what is to be reached; returns the file (PNG).

    Args:
        curves: The curves.
        full: The score with all articles; None where it is not known yet.
        label: What the score is.
        path: The file.
    """
    figure = Figure(figsize=(6.4, 4.4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for name, points in curves.items():
        sizes = [point.articles for point in points]
        means = [point.mean for point in points]
        [line] = axes.plot(sizes, means, marker="o", markersize=3.5, label=name)
        axes.fill_between(
            sizes,
            [point.mean - point.deviation for point in points],
            [point.mean + point.deviation for point in points],
            color=line.get_color(),
            alpha=0.15,
            linewidth=0,
        )
        for share in SHARES if full is not None else ():
            needed = reached(points, full, share)
            if needed.articles is not None:
                axes.plot(
                    [needed.articles] * 2, [0, needed.score], color=line.get_color(), linewidth=0.8, linestyle=":"
                )
    if full is not None:
        for share in SHARES:
            axes.axhline(share * full, color="0.5", linewidth=0.8, linestyle="--")
            axes.annotate(
                f"{share:.0%} of all articles' score",
                (0.01, share * full),
                xycoords=("axes fraction", "data"),
                fontsize=7,
                color="0.35",
                va="bottom",
            )
    lowest = min((point.mean - point.deviation for points in curves.values() for point in points), default=0.0)
    axes.set_ylim(bottom=max(0.0, lowest - 0.03))
    axes.set_xlabel("annotated articles")
    axes.set_ylabel(label)
    axes.grid(color="0.92", linewidth=0.6)
    axes.legend(loc="lower right", frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=_DOTS_PER_INCH)
    return path
