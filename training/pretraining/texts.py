"""Unlabelled articles out of files, without repeats and without those that a model is judged on."""

from __future__ import annotations

import hashlib
import io
import lzma
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hadath.batch.articles import Article, Columns
from hadath.batch.files import InputFile, find_files, open_stream
from hadath.batch.readers import reader_of
from hadath.errors import InputError
from hadath.text import segment

_RUNNING_TEXT = (".txt", ".txt.gz", ".txt.zst", ".txt.xz")

SHINGLE_WORDS = 8
"""Words in a row by which an article is recognised inside another."""

ENOUGH_RUNS = 20
"""Number of such runs that are enough in an article of any length."""


@dataclass
class Excluded:
    """Recognises articles that must not be trained on, also inside longer ones and with small changes.

    An article is recognised by its runs of ``SHINGLE_WORDS`` normalised words: it is one of them, or holds one, where
    at least a tenth of its runs, or 20 of them, are theirs.
    """

    _shingles: set[int] = field(default_factory=set)

    def add(self, text: str) -> None:
        """Adds an article that must not be trained on."""
        self._shingles.update(_shingles(segment(text).forms))

    def __len__(self) -> int:
        return len(self._shingles)

    def holds(self, forms: Sequence[str]) -> bool:
        """Tells whether an article is one of them.

        Args:
            forms: Its normalised words.
        """
        if not self._shingles:
            return False
        runs = _shingles(forms)
        known = len(runs & self._shingles)
        return known > 0 and known >= min(ENOUGH_RUNS, 0.1 * len(runs))


@dataclass
class Reading:
    """What was read and what was left out.

    Attributes:
        articles: Articles that were kept.
        repeated: Articles left out since the same words had been read before.
        excluded: Articles left out since a model is judged on them.
        unreadable: Records that hold no valid text.
    """

    articles: int = 0
    repeated: int = 0
    excluded: int = 0
    unreadable: int = 0

    def __str__(self) -> str:
        """Says it in words."""
        return ", ".join(f"{count:,} {name}" for name, count in vars(self).items())


def excluded_articles(paths: Sequence[str]) -> Excluded:
    """Returns the articles of files that must not be trained on.

    Raises:
        InputError: As of ``read_texts``.
    """
    excluded = Excluded()
    for text in all_articles(paths, None, Reading()):
        excluded.add(text)
    return excluded


def read_texts(paths: Sequence[str], column: str | None, excluded: Excluded, reading: Reading) -> Iterator[str]:
    """Yields the articles of files, each once.

    Args:
        paths: Files and folders: ``.txt`` (also ``.gz``, ``.zst``, ``.xz``), where an empty line parts articles, and
            all that ``hadath tag`` reads (JSONL, CSV, Parquet).
        column: The column of the text in tables; by default as in ``hadath tag``.
        excluded: Articles to leave out.
        reading: Counts, filled while the articles are read.

    Yields:
        Articles, as they stand in the files.

    Raises:
        InputError: If a file is missing, of an unknown kind, or cannot be read.
    """
    seen: set[bytes] = set()
    for text in all_articles(paths, column, reading):
        try:
            forms = segment(text).forms
        except ValueError:
            reading.unreadable += 1
            continue
        # by its words: other marks and spaces make no other article
        key = hashlib.blake2b("\t".join(forms).encode(), digest_size=12).digest()
        if not forms or key in seen:
            reading.repeated += bool(forms)
            continue
        seen.add(key)
        if excluded.holds(forms):
            reading.excluded += 1
            continue
        reading.articles += 1
        yield text


def all_articles(paths: Sequence[str], column: str | None, reading: Reading) -> Iterator[str]:
    """Yields every article of files, repeats among them; arguments as of ``read_texts``."""
    for path in paths:
        if path.lower().endswith(_RUNNING_TEXT) and Path(path).is_file():
            yield from _parted(path)
            continue
        for file in find_files([path]):
            reader = reader_of(file, Columns(text=column))
            for row in reader.rows():
                article = reader.article(row)
                if isinstance(article, Article):
                    yield article.text
                else:
                    reading.unreadable += 1


def _parted(path: str) -> Iterator[str]:
    """The articles of running text, parted by empty lines."""
    try:
        lines: list[str] = []
        for line in _lines(path):
            if line.strip():
                lines.append(line)
            elif lines:
                yield "".join(lines).strip()
                lines = []
        if lines:
            yield "".join(lines).strip()
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not valid UTF-8 ({error.reason}); convert it to UTF-8") from None
    except (lzma.LZMAError, EOFError) as error:
        raise InputError(f"{path}: cannot be unpacked ({error}); fetch the file again") from None


def _lines(path: str) -> Iterator[str]:
    if path.lower().endswith(".xz"):
        with lzma.open(path, "rt", encoding="utf-8") as unpacked:
            yield from unpacked
        return
    compression = {".gz": "gzip", ".zst": "zstd"}.get(Path(path).suffix.lower(), "")
    with (
        open_stream(InputFile(path, path, "text", compression)) as (stream, _),
        io.TextIOWrapper(stream, encoding="utf-8") as lines,
    ):
        yield from lines


def _shingles(forms: Sequence[str]) -> set[int]:
    # marks are set differently from copy to copy of one article
    words: Iterable[str] = [form for form in forms if form[0].isalnum()]
    listed = list(words)
    return {
        hash(tuple(listed[first : first + SHINGLE_WORDS]))
        for first in range(max(1, len(listed) - SHINGLE_WORDS + 1))
        if listed
    }
