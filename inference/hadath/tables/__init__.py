"""Tables of names of places and actors, and of words that begin mentions; README.md says where each comes from."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources


def table_rows(file: str) -> Iterator[list[str]]:
    """Yields the rows of a table, tab-separated, without its header.

    Args:
        file: Its name, such as ``countries.tsv``.

    Example:
        >>> next(table_rows("countries.tsv"))
        ['AND', 'أندورا']
    """
    text = resources.files("hadath.tables").joinpath(file).read_text(encoding="utf-8")
    for line in text.splitlines()[1:]:
        yield line.split("\t")
