"""Parts of the output: tagged articles collected and written as one file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import IO, Any, Protocol

from hadath.batch.articles import Article, plain
from hadath.batch.tagging import Tagged

FORMATS = ("parquet", "jsonl")


class Part(Protocol):
    """A part that is being filled."""

    def add(self, articles: Sequence[Article], tagged: Sequence[Tagged]) -> None:
        """Adds articles with what was found in them."""

    def write(self, stream: IO[bytes]) -> None:
        """Writes all that was added."""


class JsonLinesPart:
    """Collects tagged articles and writes them as JSON, one a line."""

    def __init__(self) -> None:
        self._lines: list[bytes] = []

    def add(self, articles: Sequence[Article], tagged: Sequence[Tagged]) -> None:
        """Adds articles."""
        for article, found in zip(articles, tagged, strict=True):
            self._lines.append(json_line(article, found).encode("utf-8"))

    def write(self, stream: IO[bytes]) -> None:
        """Writes all that was added."""
        stream.writelines(self._lines)


def new_part(form: str, kept: Mapping[str, Any]) -> Part:
    """Returns an empty part of a format of ``FORMATS``.

    Args:
        form: The format.
        kept: The other columns with their arrow types; JSON lines need none.
    """
    if form == "jsonl":
        return JsonLinesPart()
    from hadath.batch.parquet import ParquetPart  # only here, since it needs the extra

    return ParquetPart(kept)


def output_values(article: Article, found: Tagged) -> dict[str, Any]:
    """Returns a tagged article in the form of ``Document.to_dict``, its other columns after the text."""
    kept = {name: plain(value) for name, value in article.kept.items()}
    return {
        "id": article.id,
        "text": article.text,
        **kept,
        "entities": found.entities,
        "events": found.events,
    }


def json_line(article: Article, found: Tagged) -> str:
    """Returns a tagged article as one line of JSON."""
    return json.dumps(output_values(article, found), ensure_ascii=False) + "\n"
