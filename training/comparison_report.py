"""What a person is shown of a comparison of two models: a table of at most 100 columns, and the same as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from training.comparison import MEAN_F1, Comparison, ScoreDifference

SURE = 0.05
"""p-value below which a difference is marked."""

_NAME_WIDTH = 40


def comparison_text(comparison: Comparison, first: str, second: str, split: str) -> str:
    """Returns the comparison as a table.

    Args:
        comparison: The scores of both models.
        first: Name of the first model.
        second: Name of the second one.
        split: What they were compared on.
    """
    lines = [
        f"A  {first}",
        f"B  {second}",
        f"on {split}: {comparison.documents} articles; differences B - A by paired document bootstrap, "
        f"{comparison.replicates:,} replicates",
    ]
    kind = ""
    for score in comparison.scores:
        group = score.name.partition("/")[0]
        if group != kind:
            kind = group
            title = "" if group == MEAN_F1 else group.replace("_", " ").capitalize()
            header = f"{title:<{_NAME_WIDTH}} {'A':>6} {'B':>6} {'B - A':>7}  {'[95 % interval]':<17} {'p':>6} "
            lines += ["", f"{header} {'support':>7}"]
        lines.append(_row(score))
    lines += [
        "",
        f"* p < {SURE}, of each score on its own: of twenty types without a difference one is marked by chance",
    ]
    return "\n".join(lines) + "\n"


def verdict_text(comparison: Comparison) -> str:
    """Says in a sentence whether the second model is better."""
    score = comparison[MEAN_F1]
    if score.paired.interval is None:
        return "Nothing can be said: these articles hold nothing that both models know"
    if score.paired.p_value >= SURE:
        return f"No sure difference: mean F1 {score_change(score)}"
    return f"B is {'better' if score.paired.difference > 0 else 'worse'} than A: mean F1 {score_change(score)}"


def score_change(score: ScoreDifference) -> str:
    """Returns a difference in words, such as ``0.412 to 0.508 (+0.096 [+0.071, +0.120], p 0.001)``."""
    bounds = score.paired.interval
    between = f" [{bounds.low:+.3f}, {bounds.high:+.3f}]" if bounds is not None else ""
    change = f"{score.paired.difference:+.3f}{between}, p {score.paired.p_value:.3f}"
    return f"{score.first:.3f} to {score.second:.3f} ({change})"


def comparison_record(comparison: Comparison, first: str, second: str, split: str) -> dict[str, object]:
    """Returns the content of ``comparison.json``."""
    return {"first": first, "second": second, "split": split, **asdict(comparison)}


def comparison_metrics(comparison: Comparison) -> Mapping[str, float]:
    """Returns differences and p-values under flat names that MLflow accepts."""
    return {
        f"{score.name}/{what}": value
        for score in comparison.scores
        for what, value in (("difference", score.paired.difference), ("p", score.paired.p_value))
    }


def write_comparison(comparison: Comparison, directory: Path, first: str, second: str, split: str) -> None:
    """Writes ``comparison.txt`` and ``comparison.json``, and makes the folder if it does not exist."""
    directory.mkdir(parents=True, exist_ok=True)
    text = f"{comparison_text(comparison, first, second, split)}\n{verdict_text(comparison)}\n"
    (directory / "comparison.txt").write_text(text, encoding="utf-8")
    record = _without_nan(comparison_record(comparison, first, second, split))
    (directory / "comparison.json").write_text(
        json.dumps(record, ensure_ascii=False, indent=2, allow_nan=False) + "\n", encoding="utf-8"
    )


def _row(score: ScoreDifference) -> str:
    name = score.name.removesuffix("/f1") if score.of_type else score.name
    name = name.partition("/")[2] or name
    shown = f"  {'  ' if score.of_type else ''}{_LABELS.get(name, name)}"
    first, second = (f"{value:6.3f}" if not math.isnan(value) else f"{'-':>6}" for value in (score.first, score.second))
    bounds = score.paired.interval
    if bounds is None:
        change = f"{'-':>7}  {'':<17} {'':>6} "
    else:
        between = f"[{bounds.low:+.3f}, {bounds.high:+.3f}]"
        mark = "*" if score.paired.p_value < SURE else " "
        change = f"{score.paired.difference:+7.3f}  {between:<17} {score.paired.p_value:6.3f}{mark}"
    return f"{shown[:_NAME_WIDTH]:<{_NAME_WIDTH}} {first} {second} {change} {score.support:>7,}"


_LABELS = {MEAN_F1: "mean F1", "f1": "micro F1", "f1_macro": "mean of types"}


def _without_nan(value: object) -> object:
    if isinstance(value, dict):
        return {name: _without_nan(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_nan(inner) for inner in value]
    return None if isinstance(value, float) and math.isnan(value) else value
