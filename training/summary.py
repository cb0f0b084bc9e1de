"""Shows what a training gave, scores, a tagged article, where things lie: ``python -m training.summary RUN``."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

import hadath
from hadath.document import Document
from hadath.terminal import rendered
from training.evaluate import HEADLINE

DEFAULT_SPLIT = Path("data/splits/test.txt")
DEFAULT_ARTICLES = Path("data/articles")


def summary(run: Path, article: str | None, console: Console) -> None:
    """Prints scores, a tagged article and the places of a run's files.

    Args:
        run: A run's output directory, with ``package/`` and ``evaluation/``.
        article: Path of an article, ``-`` for standard input; by default the first of the test split.
        console: Where to print.

    Raises:
        HadathError: If the model or the article cannot be read.
    """
    text, name = read_article(article)
    tagger = hadath.load(run / "package")
    found = tagger(text)
    console.print(rendered(Document(found.text, found.entities, found.events, name)), markup=False, highlight=False)
    console.print(score_table(run / "evaluation"))
    console.print(places(run), markup=False, highlight=False, soft_wrap=True)


def read_article(article: str | None) -> tuple[str, str]:
    """Returns a text and its name.

    Raises:
        OSError: If it cannot be read.
        UnicodeDecodeError: If it is not UTF-8.
    """
    if article == "-":
        return sys.stdin.buffer.read().decode("utf-8"), "standard input"
    if not article:
        first = DEFAULT_SPLIT.read_text(encoding="utf-8").split()[0]
        article = str(DEFAULT_ARTICLES / f"{first}.txt")
    path = Path(article)
    return path.read_bytes().decode("utf-8"), path.name


def score_table(evaluation: Path) -> Table:
    """Returns a table of the headline scores of each split that was measured."""
    table = Table(title="F1, strict, with 95 % interval")
    table.add_column("score")
    reports = {path.parent.name: path for path in sorted(evaluation.glob("*/metrics.json"))}
    for split in reports:
        table.add_column(split)
    records: list[dict[str, Any]] = [json.loads(path.read_text(encoding="utf-8")) for path in reports.values()]
    for name in HEADLINE:
        table.add_row(name, *(_cell(record, name) for record in records))
    return table


def places(run: Path) -> str:
    """Returns where the files of a run lie."""
    return (
        f"model directory   {run / 'package'}   (hadath tag --model {run / 'package'} FILE)\n"
        f"network           {run / 'model'}\n"
        f"reports, errors   {run / 'evaluation'}\n"
        "all runs          make ui"
    )


def _cell(record: dict[str, Any], name: str) -> str:
    value = record["metrics"].get(name)
    if value is None:
        return "-"
    bounds = record["intervals"].get(name)
    return f"{value:.3f} [{bounds[0]:.3f}, {bounds[1]:.3f}]" if bounds else f"{value:.3f}"


def main() -> int:
    """Reads the command line."""
    parser = argparse.ArgumentParser(prog="python -m training.summary", description=__doc__)
    parser.add_argument("run", type=Path, help="output directory of a run")
    parser.add_argument("--article", help="article to tag, - for standard input; by default one of the test split")
    options = parser.parse_args()
    try:
        summary(options.run, options.article, Console())
    except (hadath.HadathError, OSError, UnicodeDecodeError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
