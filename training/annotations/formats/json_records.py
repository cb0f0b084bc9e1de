"""What formats in JSON share: records out of files, and fields of the type that is expected."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from hadath.batch.articles import kept_name, kind_of
from training.annotations.articles import Findings, SourceArticle
from training.annotations.formats import source_files
from training.brat import read_text


class RecordError(ValueError):
    """A record that is not as its format wants it; the message says where and what was expected."""


class Fields:
    """An object of JSON whose fields are read with the type that is expected.

    Args:
        values: What stands there.
        where: What it is called in messages.

    Raises:
        RecordError: If it is no object.
    """

    def __init__(self, values: Any, where: str) -> None:
        if not isinstance(values, dict):
            raise RecordError(f"{where} is {kind_of(values)}; expected an object")
        self.values: Mapping[str, Any] = values
        self.where = where

    def text(self, name: str) -> str:
        """Returns a field that is a text."""
        return self._typed(name, str, "a text")  # type: ignore[no-any-return]

    def number(self, name: str) -> int:
        """Returns a field that is a whole number."""
        return self._typed(name, int, "a whole number")  # type: ignore[no-any-return]

    def list(self, name: str) -> list[Any]:
        """Returns a field that is a list; an empty one where it is missing or null."""
        if self.values.get(name) is None:
            return []
        return self._typed(name, list, "a list")  # type: ignore[no-any-return]

    def optional_text(self, name: str) -> str | None:
        """Returns a field that is a text, or None where it is missing or null."""
        return None if self.values.get(name) is None else self.text(name)

    def names(self, name: str) -> list[str]:
        """Returns a field that is a list of texts; an empty one where it is missing or null."""
        found = self.list(name)
        for value in found:
            if not isinstance(value, str) or not value:
                raise RecordError(f"{self.where}: {name!r} holds {value!r}; expected texts")
        return found

    def _typed(self, name: str, kind: type, expected: str) -> Any:
        if name not in self.values:
            raise RecordError(f"{self.where} has no {name!r}; expected {expected}")
        value = self.values[name]
        # True is an int to Python, but no number to JSON
        if not isinstance(value, kind) or isinstance(value, bool):
            raise RecordError(f"{self.where}: {name!r} is {kind_of(value)}; expected {expected}")
        return value


def json_document(path: Path, findings: Findings) -> Any:
    """Returns what a file of JSON holds; None, with a problem, where it cannot be read."""
    text = read_text(path, findings.problems)
    return None if text is None else _parsed(path, 0, text.removeprefix("\ufeff"), findings)


def json_lines(path: Path, findings: Findings) -> Iterator[tuple[int, Any]]:
    """Yields the values of a file of JSON lines with the lines' numbers; a line that is none becomes a problem."""
    text = read_text(path, findings.problems)
    for number, line in enumerate((text or "").removeprefix("\ufeff").split("\n"), start=1):
        if line.strip():
            before = len(findings.problems)
            value = _parsed(path, number, line, findings)
            if len(findings.problems) == before:
                yield number, value


def articles_of_lines(
    source: Path,
    suffixes: Collection[str],
    take: Callable[[SourceArticle, Fields], bool],
    expected: str,
    findings: Findings,
) -> list[SourceArticle]:
    """Reads files of JSON lines, an article each.

    Args:
        source: A file, or a folder of them.
        suffixes: How the names of files in a folder end.
        take: Fills an article from its record; returns whether it is one to keep, and may raise ``RecordError``.
        expected: What a file without a line should have held.
        findings: Gets what is wrong.
    """
    articles = []
    for path in source_files(source, suffixes):
        before, count = len(findings.problems), 0
        for line, values in json_lines(path, findings):
            count += 1
            article = SourceArticle(path, "", line=line)
            try:
                if take(article, Fields(values, "the line")):
                    articles.append(article)
            except RecordError as error:
                findings.problem(article, str(error))
        if not count and len(findings.problems) == before:
            findings.problem_at(path, 0, f"holds no line; expected {expected}")
    return articles


def _parsed(path: Path, line: int, text: str, findings: Findings) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        findings.problem_at(path, line, f"is not JSON ({error}); export it once more")
        return None


def metadata_of(values: Mapping[str, Any], without: Collection[str], findings: Findings) -> dict[str, str]:
    """Returns the fields of a record that are kept beside the article, as texts.

    Args:
        values: The record.
        without: Fields that are none of the metadata.
        findings: Gets what has no room.
    """
    metadata = {}
    for name, value in values.items():
        if name in without or value is None:
            continue
        if isinstance(value, (list, dict)):
            findings.note(f"fields {name}, which hold lists or objects, left out")
        elif isinstance(value, str):
            metadata[kept_name(name)] = value
        else:
            findings.note(f"fields {name}, which are no texts, kept as texts")
            metadata[kept_name(name)] = json.dumps(value)
    return metadata
