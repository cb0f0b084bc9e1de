"""Why each article was chosen, as a table."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hadath.batch.storage import write_whole
from training.annotations.suggestions.beliefs import Belief
from training.annotations.suggestions.strategies import Choice

COLUMNS = (
    "rank",
    "id",
    "score",
    "words",
    "expected_spans",
    "expected_errors",
    "errors_per_100_words",
    "doubtful_words",
    "expected_types",
)

_WORDS = 5
_TYPES = 3
_LEAST_SHOWN = 0.05


def write_reasons(
    path: Path, chosen: Sequence[Choice], names: Sequence[str], beliefs: Sequence[Belief], types: Sequence[str]
) -> None:
    """Writes a table with a row for each article, the most worth first.

    Its columns: rank; name; ``score`` as the strategy gives it; length in words; spans that the model expects; wrong
    decisions expected, in all and per 100 words; the words that it doubts most, each with the expected errors there;
    and the types that it expects most of.

    Args:
        path: The file (CSV, UTF-8).
        chosen: The articles, by their places in ``names`` and ``beliefs``.
        names: Names of all articles.
        beliefs: What the model believes of each.
        types: Names of the types, in the order of a belief's columns.
    """
    stream = io.StringIO(newline="")
    table = csv.writer(stream)
    table.writerow(COLUMNS)
    for rank, choice in enumerate(chosen, start=1):
        belief = beliefs[choice.index]
        doubts = belief.errors
        errors = float(doubts.sum())
        table.writerow(
            [
                rank,
                names[choice.index],
                round(choice.score, 4),
                len(belief.forms),
                round(float(belief.spans.sum()), 1),
                round(errors, 2),
                round(100 * errors / max(1, len(belief.forms)), 2),
                _listed(belief.forms, doubts, _WORDS),
                _listed(types, belief.spans, _TYPES),
            ]
        )
    content = stream.getvalue().encode("utf-8")
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, lambda out: out.write(content))


def _listed(names: Sequence[str], values: npt.NDArray[np.floating[Any]], most: int) -> str:
    order = np.argsort(-values, kind="stable")[:most].tolist()
    return "; ".join(f"{names[place]} {values[place]:.2f}" for place in order if values[place] >= _LEAST_SHOWN)
