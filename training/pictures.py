"""Pictures of what was taken for what, and of what scores are worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from hadath.schema import Schema
from training.alignment import KINDS, AlignedDocument
from training.calibration import BINS, Reliability
from training.error_analysis import NONE, confusion
from training.metrics import modality_confusions, types_of

IntArray = npt.NDArray[np.int64]

_DOTS_PER_INCH = 130
_CELL = 0.42  # inches
_LONGEST_LABEL = 24
_DARK = 0.6  # share of a row above which a cell is so dark that its number is written in white


def write_pictures(documents: Sequence[AlignedDocument], schema: Schema, directory: Path) -> list[Path]:
    """Draws which type was taken for which.

    Args:
        documents: Texts as annotated and as tagged, from ``alignment.align``.
        schema: Types and modalities.
        directory: Where the pictures are written; made if it does not exist.

    Returns:
        The files: ``confusion_entities.png``, ``confusion_events.png``, ``confusion_modality.png``; those for
        which the schema has nothing are left out.
    """
    directory.mkdir(parents=True, exist_ok=True)
    written = []
    for kind in KINDS:
        types = types_of(schema, kind)
        if types:
            title = f"{kind.capitalize()}: same or overlapping spans"
            figure = confusion_figure(confusion(documents, schema, kind), [*types, NONE], title)
            written.append(_save(figure, directory / f"confusion_{kind}.png"))
    if schema.modalities and schema.event_types:
        matched, _ = modality_confusions(documents, schema)
        figure = confusion_figure(matched.sum(axis=0), schema.modalities, "Modality of correct triggers")
        written.append(_save(figure, directory / "confusion_modality.png"))
    return written


def confusion_figure(matrix: IntArray, labels: Sequence[str], title: str) -> Figure:
    """Draws a confusion matrix: colour by the share of the row, counts written into the cells.

    Args:
        matrix: Counts, annotated by predicted, [labels, labels].
        labels: Names of rows and columns.
        title: What is shown.

    Returns:
        The figure, on a canvas that needs no display.
    """
    totals = matrix.sum(axis=1, keepdims=True)
    shares = np.divide(matrix, totals, out=np.zeros(matrix.shape), where=totals > 0)
    size = len(labels)
    # room for the labels beside the matrix
    side = max(_CELL * size, 1.6) + 0.09 * min(max(map(len, labels)), _LONGEST_LABEL) + 1.0
    # a figure of its own, not one of pyplot's, which would stay in memory and look for a display
    figure = Figure(figsize=(side + 0.6, side), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    image = axes.imshow(shares, cmap="Blues", vmin=0.0, vmax=1.0)
    for row, column in np.argwhere(matrix):
        axes.text(
            column,
            row,
            str(matrix[row, column]),
            ha="center",
            va="center",
            fontsize=9 if matrix.max() < 1000 else 7,
            fontweight="bold" if row == column else "normal",
            color="white" if shares[row, column] > _DARK else "black",
        )
    names = [label if len(label) <= _LONGEST_LABEL else f"{label[: _LONGEST_LABEL - 1]}…" for label in labels]
    axes.set_xticks(range(size), names, rotation=45, ha="right", rotation_mode="anchor", parse_math=False)
    axes.set_yticks(range(size), names, parse_math=False)
    axes.set_xticks(np.arange(size + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(size + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="0.85", linewidth=0.6)
    axes.tick_params(which="minor", length=0)
    axes.set_xlabel("predicted")
    axes.set_ylabel("annotated")
    axes.set_title(title, fontsize=11, loc="left")
    figure.colorbar(image, ax=axes, label="share of the row", fraction=0.045, pad=0.02)
    return figure


def write_reliability(reliabilities: Mapping[str, Reliability], path: Path) -> Path:
    """Draws how scores compare with the share that is right, a panel for each kind; see ``reliability_figure``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return _save(reliability_figure(reliabilities), path)


def reliability_figure(reliabilities: Mapping[str, Reliability]) -> Figure:
    """Draws a reliability diagram: for each bin of scores the share that is right, and how many predictions it holds.

    Args:
        reliabilities: By kind, such as ``entities``.

    Returns:
        The figure; scores that mean what they say lie on its diagonals.
    """
    figure = Figure(figsize=(3.4 * max(1, len(reliabilities)), 3.7), layout="constrained")
    FigureCanvasAgg(figure)
    for number, (kind, found) in enumerate(reliabilities.items(), start=1):
        axes = figure.add_subplot(1, len(reliabilities), number)
        filled = found.counts > 0
        middles = (np.arange(BINS) + 0.5) / BINS
        axes.bar(middles[filled], found.right[filled], width=0.9 / BINS, color="tab:blue", alpha=0.75)
        axes.plot([0, 1], [0, 1], color="0.3", linewidth=1, linestyle="--")
        for middle, right, count in zip(middles[filled], found.right[filled], found.counts[filled], strict=True):
            axes.text(middle, right + 0.015, str(count), ha="center", fontsize=7, color="0.3")
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1.08)
        axes.set_xlabel("score")
        axes.set_ylabel("share that is right")
        axes.set_title(f"{kind.capitalize()}: calibration error {found.error:.3f}", fontsize=10, loc="left")
    return figure


def _save(figure: Figure, path: Path) -> Path:
    figure.savefig(path, dpi=_DOTS_PER_INCH)
    return path
