"""Options that several commands have, alike in each."""

from __future__ import annotations

from typing import Any

from hadath.batch.articles import TEXT_COLUMNS
from hadath.event_table import DATE_COLUMNS


def add_model(parser: Any) -> None:
    """Adds ``--model``."""
    parser.add_argument(
        "-m",
        "--model",
        metavar="MODEL",
        help="a model directory or the name of an installed model package (default: the one that comes with hadath)",
    )


def add_columns(parser: Any) -> None:
    """Adds ``--text-column`` and ``--id-column``."""
    parser.add_argument(
        "--text-column",
        metavar="NAME",
        help=f"the text's column (default: the first of {', '.join(TEXT_COLUMNS)})",
    )
    parser.add_argument(
        "--id-column", metavar="NAME", help="the column of the article's name (default: id, else file and line)"
    )


def add_date_column(parser: Any) -> None:
    """Adds ``--date-column``."""
    parser.add_argument(
        "--date-column",
        metavar="NAME",
        help=f"the column of the publication date (default: the first of {', '.join(DATE_COLUMNS)})",
    )
