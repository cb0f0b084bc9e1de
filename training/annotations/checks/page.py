"""Findings as a page that is one file: each in its sentence, filtered by kind, level, split and words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hadath.batch.storage import write_whole
from hadath.html.page import page, part
from training.annotations.checks.finding import Finding

_PACKAGE = "training.annotations.checks"


def findings_page(
    findings: Sequence[Finding],
    title: str,
    *,
    legend: Mapping[str, str] | None = None,
    tables: Sequence[tuple[str, Sequence[Sequence[str]]]] = (),
) -> str:
    """Returns the page.

    Args:
        findings: What it shows, in this order.
        title: Its title.
        legend: What the marks mean, by their names; for a page on which there are several.
        tables: Tables above the findings: a caption, and rows of cells, of which the first are the heads.

    Returns:
        HTML that needs nothing else and runs no script but its own. Sentences read right to left, whatever else is in
        them; colours follow the reader's light or dark setting.
    """
    data = {
        "findings": [_values(finding) for finding in findings],
        "legend": dict(legend or {}),
        "tables": [{"caption": caption, "rows": [list(row) for row in rows]} for caption, rows in tables],
        "words": {"noscript": "This page needs JavaScript to show the findings."},
    }
    return page(data, title, "en", part("page_script.js", _PACKAGE), [part("page_style.css", _PACKAGE)])


def write_findings_page(path: Path, html: str) -> None:
    """Writes a page, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, lambda stream: stream.write(html.encode("utf-8")))


def _values(finding: Finding) -> dict[str, Any]:
    return {
        "kind": finding.kind,
        "level": finding.level.value,
        "message": finding.message,
        "place": finding.place,
        "document": finding.document,
        "weight": round(finding.weight, 2),
        "sentence": [[piece.text, piece.mark] for piece in finding.sentence],
    }
