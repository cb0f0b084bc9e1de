"""Findings on the terminal, as JSON lines and as CSV."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from hadath.batch.storage import write_whole
from training.annotations.checks.finding import Finding, Level

_COLUMNS = ("level", "kind", "weight", "path", "line", "document", "start", "end", "message", "sentence")


def write_findings(findings: Sequence[Finding], path: Path) -> None:
    """Writes findings as CSV, or as JSON lines where the name ends in ``.json`` or ``.jsonl``; whole or not at all.

    In the sentence what is meant stands in ⟦…⟧.
    """
    rows = [_row(finding) for finding in findings]
    if path.suffix in (".json", ".jsonl"):
        content = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    else:
        stream = io.StringIO(newline="")
        writer = csv.DictWriter(stream, _COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        # spreadsheets take a file without this mark for one in the system's old encoding
        content = "\ufeff" + stream.getvalue()
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, lambda out: out.write(content.encode("utf-8")))


def print_summary(findings: Sequence[Finding], console: Console) -> None:
    """Prints how many findings there are of each kind."""
    counts = Counter((finding.level, finding.kind) for finding in findings)
    table = Table("", "what", "number", box=None, pad_edge=False)
    table.columns[2].justify = "right"
    for (level, kind), number in sorted(counts.items(), key=lambda item: (item[0][0] is not Level.ERROR, -item[1])):
        table.add_row(_level(level), Text(kind), f"{number:,}")
    if counts:
        console.print(table)


def print_findings(findings: Sequence[Finding], console: Console, *, most: int) -> None:
    """Prints the first of some findings, each with its sentence.

    Args:
        findings: The findings, what matters most first.
        console: Where to.
        most: Most findings that are printed; the rest is counted.
    """
    for finding in findings[:most]:
        console.print(Text.assemble(_level(finding.level), " ", (finding.kind, "bold"), f"  {finding.place}"))
        console.print(Text(f"  {finding.message}"))
        if finding.sentence:
            sentence = Text.assemble(
                "  ", *((f"⟦{piece.text}⟧", "bold") if piece.mark else piece.text for piece in finding.sentence)
            )
            console.print(sentence)
    if len(findings) > most:
        console.print(Text(f"… and {len(findings) - most:,} more", "dim"))


def _level(level: Level) -> Text:
    return Text(level.value, "bold red" if level is Level.ERROR else "yellow")


def _row(finding: Finding) -> dict[str, Any]:
    start, end = finding.span or (None, None)
    return {
        "level": finding.level.value,
        "kind": finding.kind,
        "weight": round(finding.weight, 4),
        "path": finding.path,
        "line": finding.line,
        "document": finding.document,
        "start": start,
        "end": end,
        "message": finding.message,
        "sentence": finding.marked_sentence,
    }
