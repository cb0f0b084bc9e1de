"""Readers of one input file each: row by row from any row on, and each row to an article or a rejection."""

from __future__ import annotations

import csv
import io
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any, Protocol

from hadath.batch.articles import (
    TEXT_COLUMNS,
    Article,
    Columns,
    Place,
    Rejected,
    article_of,
    decode_utf8,
    kept_name,
    kind_of,
    listed,
    surrogate,
    text_column,
    text_problem,
)
from hadath.batch.files import STANDARD_INPUT, InputFile, damage_errors, open_stream, printable, skip
from hadath.errors import InputError

_PEEKED_LINES = 100

_END = -1
"""The offset behind a row after which nothing can be read."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row that is read but not yet looked into.

    Attributes:
        number: Its line or row in the file, from 1; of a row over several lines, the last line.
        after: Where the next row begins, in the reader's own measure.
        value: What the reader makes an article of.
        first: The line it begins on.
    """

    number: int
    after: int
    value: Any
    first: int = 0


class Reader(Protocol):
    """Reads one file."""

    def rows(self, number: int = 0, offset: int = 0) -> Iterator[Row]:
        """Yields the rows after row ``number``, which ended at ``offset``; a damaged file ends in a ``Damage``."""

    def article(self, row: Row) -> Article | Rejected:
        """Makes an article of a row."""

    def kept(self) -> dict[str, Any]:
        """Returns the columns to keep, each with its arrow type, or None where it holds strings."""

    def bytes_read(self) -> int:
        """Returns how many bytes of the file have been read, about."""


@dataclass(frozen=True, slots=True)
class Damage:
    """Stands as a row's value where a file is damaged: nothing after it can be read."""

    reason: str


def reader_of(file: InputFile, columns: Columns) -> Reader:
    """Returns the reader for a file's kind.

    Raises:
        InputError: If the file has no text column, is not what its name says, or needs a package that is missing.
    """
    if file.kind == "text":
        return TextFile(file, columns)
    if file.kind == "jsonl":
        return JsonLines(file, columns)
    if file.kind == "csv":
        return CsvRows(file, columns)
    from hadath.batch.parquet import ParquetRows  # only here, since it needs the extra

    return ParquetRows(file, columns)


class TextFile:
    """A file that is one article."""

    def __init__(self, file: InputFile, columns: Columns) -> None:
        self._file = file
        self._columns = columns

    def rows(self, number: int = 0, offset: int = 0) -> Iterator[Row]:
        """Yields the one row."""
        if number == 0:
            yield Row(1, 0, None)

    def article(self, row: Row) -> Article | Rejected:
        """Reads the file."""
        is_file = self._file.path != STANDARD_INPUT
        place = Place(printable(self._file.path) if is_file else "standard input")
        name = printable(self._file.name).replace("\\", "/")
        identifier = name[:-4] if name.lower().endswith(".txt") else name
        # no more than a character's four bytes are read, however large the file is
        most = 4 * self._columns.max_chars + 4
        if is_file:
            with open(self._file.path, "rb") as stream:
                data = stream.read(most)
                size = os.fstat(stream.fileno()).st_size
        else:
            data = sys.stdin.buffer.read(most)
            size = len(data)
        if len(data) == most:
            reason = (
                f"the text has {size:,} bytes or more, more than the {self._columns.max_chars:,} characters allowed; "
                "see --max-chars"
            )
            return Rejected(place, reason, identifier)
        try:
            text = decode_utf8(data)
        except ValueError as error:
            return Rejected(place, str(error), identifier)
        if (problem := text_problem(text, self._columns.max_chars)) is not None:
            return Rejected(place, problem, identifier)
        return Article(place, identifier, text)

    def kept(self) -> dict[str, Any]:
        """Returns no columns."""
        return {}

    def bytes_read(self) -> int:
        """Returns nothing: the file is read at once."""
        return 0


class _LineFile:
    """A file that is read line by line, compressed or not."""

    def __init__(self, file: InputFile, columns: Columns) -> None:
        self._file = file
        self._columns = columns
        self._name = printable(file.path)
        self._raw: IO[bytes] | None = None

    def bytes_read(self) -> int:
        """Returns the place reached in the file."""
        return 0 if self._raw is None or self._raw.closed else self._raw.tell()

    @contextmanager
    def _stream_from(self, offset: int) -> Iterator[IO[bytes]]:
        with open_stream(self._file) as (stream, raw):
            self._raw = raw
            skip(stream, offset, not self._file.compression)
            yield stream


class JsonLines(_LineFile):
    """A file of JSON objects, one a line; empty lines are passed over."""

    def __init__(self, file: InputFile, columns: Columns) -> None:
        super().__init__(file, columns)
        # a character is at most 12 bytes of JSON (two escaped surrogates); the rest is for the other columns
        self._longest = 12 * columns.max_chars + 16 * 1024 * 1024
        self._keys = self._peek()
        self._text = self._text_column()

    def rows(self, number: int = 0, offset: int = 0) -> Iterator[Row]:
        """Yields a row for each line that is not empty."""
        if offset == _END:
            return
        damage = damage_errors(self._file)
        with self._stream_from(offset) as stream:
            while True:
                try:
                    line, whole, read = _line(stream, self._longest)
                except damage as error:
                    yield _damaged(number + 1, error)
                    return
                if not read:
                    return
                number += 1
                offset += read
                if not whole:
                    yield Row(number, offset, None)
                elif line.strip():
                    yield Row(number, offset, line)

    def article(self, row: Row) -> Article | Rejected:
        """Parses a line."""
        place = Place(self._name, "line", row.number)
        if isinstance(row.value, Damage):
            return Rejected(place, row.value.reason)
        if row.value is None:
            return Rejected(place, f"the line is longer than {self._longest:,} bytes; see --max-chars")
        try:
            values = parse_json(row.value)
        except ValueError as error:
            return Rejected(place, str(error))
        if not isinstance(values, dict):
            return Rejected(place, f"the line holds {kind_of(values)}, expected a JSON object")
        result = article_of(values, self._text, self._columns, place)
        # only an escape can smuggle in half a surrogate pair, and only then the other columns are searched
        if isinstance(result, Article) and (b"\\ud" in row.value or b"\\uD" in row.value):
            for name, value in result.kept.items():
                if surrogate(name) is not None or surrogate(json.dumps(value, ensure_ascii=False)) is not None:
                    return Rejected(place, f"{_escaped(name)} is not valid Unicode: half a surrogate pair", result.id)
        return result

    def kept(self) -> dict[str, Any]:
        """Returns the other columns of the first lines as strings, and ``other`` for what comes up later."""
        names = [kept_name(name) for name in self._keys if name not in (self._text, self._columns.id or "id")]
        return {**dict.fromkeys(name for name in names if surrogate(name) is None), "other": None}

    def _peek(self) -> list[str]:
        keys: dict[str, None] = {}
        for row, _ in zip(self.rows(), range(_PEEKED_LINES), strict=False):
            if isinstance(row.value, bytes):
                try:
                    values = parse_json(row.value)
                except ValueError:
                    continue
                if isinstance(values, dict):
                    keys.update(dict.fromkeys(values))
        return list(keys)

    def _text_column(self) -> str:
        if self._columns.text is not None:
            return self._columns.text
        found = text_column(self._keys, self._columns)
        if found is None and self._keys:
            raise no_text_column(self._name, self._keys, self._columns)
        return found or TEXT_COLUMNS[0]


class CsvRows(_LineFile):
    """A table with a header line, its fields separated by comma, semicolon or tab, whichever the header shows."""

    def __init__(self, file: InputFile, columns: Columns) -> None:
        super().__init__(file, columns)
        self._field_limit = 4 * columns.max_chars + 1024 * 1024
        self._delimiter, self._header = self._read_header()
        text = text_column(self._header, columns)
        if text is None:
            raise no_text_column(self._name, self._header, columns)
        if columns.id is not None and columns.id not in self._header:
            raise InputError(f"{self._name}: no column {columns.id!r} (--id-column); it has {listed(self._header)}")
        self._text = text

    def rows(self, number: int = 0, offset: int = 0) -> Iterator[Row]:
        """Yields a row for each record after the header."""
        if offset == _END:
            return
        damage = damage_errors(self._file)
        with self._stream_from(offset) as stream:
            lines = _Lines(stream, number, offset)
            records = self._parser(lines)
            # after the header: it is the first record
            at_header = number == 0
            while True:
                first = lines.number + 1
                try:
                    with _field_limit(self._field_limit):
                        value: list[str] | Damage = next(records)
                except StopIteration:
                    return
                except csv.Error as error:
                    value = Damage(f"broken CSV: {error}")
                except damage as error:
                    yield _damaged(lines.number + 1, error)
                    return
                if at_header:
                    at_header = False
                elif value:
                    yield Row(lines.number, lines.offset, value, first)

    def article(self, row: Row) -> Article | Rejected:
        """Makes an article of a record."""
        place = Place(self._name, "line", row.first or row.number)
        fields = row.value
        if isinstance(fields, Damage):
            return Rejected(place, fields.reason)
        if len(fields) != len(self._header):
            return Rejected(place, f"the row has {len(fields)} fields, the header {len(self._header)}")
        for name, value in zip(self._header, fields, strict=True):
            if surrogate(value) is not None:
                return Rejected(place, f"{name!r} is not valid UTF-8")
        return article_of(dict(zip(self._header, fields, strict=True)), self._text, self._columns, place)

    def kept(self) -> dict[str, Any]:
        """Returns the other columns as strings."""
        return {kept_name(name): None for name in self._header if name not in (self._text, self._columns.id or "id")}

    def _read_header(self) -> tuple[str, list[str]]:
        damage: tuple[type[Exception], ...] = (UnicodeDecodeError, csv.Error, *damage_errors(self._file))
        try:
            with open_stream(self._file) as (stream, _):
                first = stream.readline(1024 * 1024).decode("utf-8-sig")
                if not first.strip():
                    raise InputError(f"{self._name}: the file is empty; expected a header line that names the columns")
            delimiter = max(",;\t", key=first.count)
            with open_stream(self._file) as (stream, _):
                header = next(csv.reader(_Lines(stream, 0, 0), delimiter=delimiter, strict=True))
        except damage as error:
            raise InputError(f"{self._name}: no readable header line ({error}); expected CSV in UTF-8") from error
        if len(set(header)) != len(header):
            twice = sorted({name for name in header if header.count(name) > 1})
            raise InputError(f"{self._name}: columns named twice in the header: {listed(twice)}; rename them")
        if any(surrogate(name) is not None for name in header):
            raise InputError(f"{self._name}: the header line is not valid UTF-8; expected CSV in UTF-8")
        return delimiter, header

    def _parser(self, lines: Iterator[str]) -> Iterator[list[str]]:
        # strict: a row that is quoted wrongly is rejected, not read as something else
        return csv.reader(lines, delimiter=self._delimiter, strict=True)


class _Lines:
    """Lines of a CSV file with their count; bytes that are no UTF-8 come out as lone surrogates, row by row."""

    def __init__(self, stream: IO[bytes], number: int, offset: int) -> None:
        self._stream = stream
        self.number = number
        self.offset = offset

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        # a cut line only means that the parser asks for the rest of the row
        line = self._stream.readline(16 * 1024 * 1024)
        if not line:
            raise StopIteration
        text = line.decode("utf-8", "surrogateescape")
        if self.offset == 0:
            text = text.removeprefix("\ufeff")
        self.offset += len(line)
        self.number += line.endswith(b"\n")
        return text


def no_text_column(name: str, available: list[str], columns: Columns) -> InputError:
    """Returns the error for a table in which no column can be the text."""
    if columns.text is not None:
        return InputError(f"{name}: no column {columns.text!r} (--text-column); it has {listed(available)}")
    return InputError(
        f"{name}: no column looks like the text (tried {', '.join(TEXT_COLUMNS)}); it has {listed(available)}; "
        "name one with --text-column"
    )


def _damaged(number: int, error: Exception) -> Row:
    return Row(number, _END, Damage(f"the file is damaged, nothing from here on can be read: {error}"))


@contextmanager
def _field_limit(limit: int) -> Iterator[None]:
    # the csv module keeps this limit for the whole process
    before = csv.field_size_limit(limit)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _line(stream: IO[bytes], longest: int) -> tuple[bytes, bool, int]:
    """A line, whether it is whole, and the bytes read; of a line longer than ``longest`` only the end is found."""
    line = stream.readline(longest)
    read = len(line)
    if read < longest or line.endswith(b"\n"):
        return line, True, read
    while not line.endswith(b"\n"):
        line = stream.readline(io.DEFAULT_BUFFER_SIZE * 128)
        read += len(line)
        if not line:
            break
    return b"", False, read


def parse_json(line: bytes) -> Any:
    """Returns the value that a line of JSON holds; NaN and Infinity, which are no JSON, as None.

    Raises:
        ValueError: If it is not JSON in UTF-8; the message says where.
    """
    try:
        text = line.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"not valid UTF-8 at byte {error.start} of the line") from None
    try:
        # many programs write NaN and Infinity, though they are no JSON: null says the same
        return json.loads(text, parse_constant=lambda name: None)
    except json.JSONDecodeError as error:
        raise ValueError(f"broken JSON: {error.msg} at character {error.pos + 1} of the line") from None
    except (ValueError, RecursionError) as error:
        raise ValueError(f"broken JSON: {error}") from None


def _escaped(name: str) -> str:
    return repr(name.encode("utf-8", "backslashreplace").decode("utf-8"))
