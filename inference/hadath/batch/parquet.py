"""Parquet in and out. pyarrow, which is an extra, has no types of its own."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import IO, Any

from hadath.batch.articles import (
    Article,
    Cell,
    Columns,
    Place,
    Rejected,
    article_of,
    kept_name,
    listed,
    plain,
    text_column,
)
from hadath.batch.files import InputFile, needed, printable
from hadath.batch.readers import Damage, Row, no_text_column
from hadath.batch.tagging import Tagged
from hadath.errors import InputError

pa: Any = needed("pyarrow", "Parquet")
pq: Any = needed("pyarrow.parquet", "Parquet")

_ROWS_AT_ONCE = 256

_SPAN = [
    ("start", pa.int32()),
    ("end", pa.int32()),
    ("type", pa.string()),
    ("text", pa.string()),
    ("score", pa.float32()),
]
_ARGUMENT = pa.struct([("role", pa.string()), ("entity", pa.int32()), ("score", pa.float32())])
TAGGED = [
    ("id", pa.string()),
    ("text", pa.string()),
    ("entities", pa.list_(pa.struct([*_SPAN, ("name", pa.string())]))),
    ("events", pa.list_(pa.struct([*_SPAN, ("modality", pa.string()), ("arguments", pa.list_(_ARGUMENT))]))),
]
"""The columns that every part has, with their types."""


class ArrowCell(Cell):
    """One value of an Arrow column.

    Args:
        array: An array of this value alone.
    """

    __slots__ = ("array",)

    def __init__(self, array: Any) -> None:
        self.array = array

    def plain(self) -> Any:
        """Returns it as a value that JSON can hold: dates as ISO 8601, bytes as base64."""
        array = self.array.cast(pa.string()) if pa.types.is_temporal(self.array.type) else self.array
        return json.loads(json.dumps(array.to_pylist()[0], default=_json_value))


class ParquetRows:
    """A Parquet file, read a few hundred rows at a time."""

    def __init__(self, file: InputFile, columns: Columns) -> None:
        self._file = file
        self._columns = columns
        self._name = printable(file.path)
        self._read = 0.0
        try:
            with pq.ParquetFile(file.path) as opened:
                self._schema = opened.schema_arrow
                self._rows = opened.metadata.num_rows
            self._bytes = os.path.getsize(file.path)
        except pa.ArrowException as error:
            raise InputError(f"{self._name}: not a readable Parquet file: {error}") from error
        text = text_column(self._schema.names, columns)
        if text is None:
            raise no_text_column(self._name, self._schema.names, columns)
        if columns.id is not None and columns.id not in self._schema.names:
            available = listed(self._schema.names)
            raise InputError(f"{self._name}: no column {columns.id!r} (--id-column); it has {available}")
        if not is_text(self._schema.field(text).type):
            raise InputError(
                f"{self._name}: column {text!r} is {self._schema.field(text).type}, expected string; "
                "name another with --text-column"
            )
        self._text = text

    def rows(self, number: int = 0, offset: int = 0) -> Iterator[Row]:
        """Yields the rows after row ``number``; what is damaged in a row group comes as one row."""
        with pq.ParquetFile(self._file.path) as opened:
            last = 0
            for group in range(opened.num_row_groups):
                first, last = last, last + opened.metadata.row_group(group).num_rows
                if last <= number:
                    continue
                try:
                    for batch in opened.iter_batches(_ROWS_AT_ONCE, row_groups=[group], use_threads=False):
                        skipped = max(0, min(number - first, batch.num_rows))
                        first += batch.num_rows
                        cells = _cells(batch, self._text)
                        for position in range(skipped, batch.num_rows):
                            number += 1
                            self._read = number / self._rows
                            yield Row(number, 0, (cells, position))
                except (pa.ArrowException, OSError) as error:
                    # arrow reports a damaged page as an OSError that no system call has caused
                    if isinstance(error, OSError) and error.errno is not None:
                        raise
                    reason = f"rows {number + 1:,} to {last:,} are damaged: {error}"
                    yield Row(last, 0, Damage(reason), first=number + 1)
                    number = last

    def article(self, row: Row) -> Article | Rejected:
        """Makes an article of a row."""
        place = Place(self._name, "row", row.first or row.number)
        if isinstance(row.value, Damage):
            return Rejected(place, row.value.reason)
        cells, position = row.value
        values = {name: column[position] for name, column in cells.items()}
        for name, value in values.items():
            if isinstance(value, Damage):
                return Rejected(place, f"{name!r} {value.reason}")
        if self._columns.id or "id" in values:
            values[self._columns.id or "id"] = plain(values[self._columns.id or "id"])
        return article_of(values, self._text, self._columns, place)

    def kept(self) -> dict[str, Any]:
        """Returns the other columns with their types."""
        return {
            kept_name(field.name): decoded_type(field.type)
            for field in self._schema
            if field.name not in (self._text, self._columns.id or "id")
        }

    def bytes_read(self) -> int:
        """Returns the share of the rows that is read, in bytes."""
        return int(self._read * self._bytes)


class ParquetPart:
    """Collects tagged articles and writes them as one Parquet file.

    Args:
        kept: The other columns with their arrow types, as ``merged`` returns them.
    """

    def __init__(self, kept: Mapping[str, Any]) -> None:
        self._kept = dict(kept)
        self._schema = pa.schema([*TAGGED, *self._kept.items()])
        self._batches: list[Any] = []

    def add(self, articles: Sequence[Article], tagged: Sequence[Tagged]) -> None:
        """Adds articles."""
        columns = [
            pa.array([article.id for article in articles], pa.string()),
            pa.array([article.text for article in articles], pa.string()),
            pa.array([found.entities for found in tagged], self._schema.field("entities").type),
            pa.array([found.events for found in tagged], self._schema.field("events").type),
        ]
        for name, kind in self._kept.items():
            if name == "other":
                cells = [_others(article.kept, self._kept) for article in articles]
            else:
                cells = [article.kept.get(name) for article in articles]
            columns.append(_column(cells, kind))
        self._batches.append(pa.record_batch(columns, schema=self._schema))

    def write(self, stream: IO[bytes]) -> None:
        """Writes all that was added."""
        pq.write_table(pa.Table.from_batches(self._batches, self._schema), stream, compression="zstd")


def merged(tables: Iterable[tuple[str, Mapping[str, Any]]]) -> dict[str, Any]:
    """Returns the kept columns of several files with one type each.

    Args:
        tables: For each file its name and its columns with their arrow types, None for strings.

    Raises:
        InputError: If a column is of types in two files that no common type holds.
    """
    types: dict[str, Any] = {}
    seen_in: dict[str, str] = {}
    for file, columns in tables:
        for name, kind in columns.items():
            kind = pa.string() if kind is None else kind
            if name not in types:
                types[name], seen_in[name] = kind, file
            elif types[name] != kind:
                try:
                    schemas = [pa.schema([(name, types[name])]), pa.schema([(name, kind)])]
                    types[name] = pa.unify_schemas(schemas, promote_options="permissive").field(name).type
                except pa.ArrowException:
                    raise InputError(
                        f"column {name!r} is {types[name]} in {seen_in[name]} and {kind} in {file}, which one Parquet "
                        "column cannot hold; write with --format jsonl, or tag them apart"
                    ) from None
    return types


def documents(path: str) -> Iterator[dict[str, Any]]:
    """Yields the rows of a part as ``Document.to_dict`` makes them, with the kept columns beside.

    Rows that are marked as rejected, as ``hadath.batch.arrow_tables`` marks them, are left out.

    Raises:
        InputError: If it is no Parquet file.
    """
    try:
        with pq.ParquetFile(path) as opened:
            for batch in opened.iter_batches(_ROWS_AT_ONCE, use_threads=False):
                columns = {}
                for name, column in zip(batch.schema.names, batch.columns, strict=True):
                    columns[name] = (
                        column.cast(pa.string()) if pa.types.is_temporal(column.type) else column
                    ).to_pylist()
                for position in range(batch.num_rows):
                    row = {name: column[position] for name, column in columns.items()}
                    if row.get("rejected") is None:
                        yield row
    except pa.ArrowException as error:
        raise InputError(f"{path}: not a readable Parquet file: {error}") from error


class ParquetTable:
    """Writes rows of strings and numbers as one Parquet file, a few thousand rows at a time.

    Args:
        stream: Where to.
        columns: Names, with ``str``, ``int`` or ``float``.
    """

    def __init__(self, stream: IO[bytes], columns: Mapping[str, type]) -> None:
        kinds = {str: pa.string(), int: pa.int32(), float: pa.float32()}
        self._schema = pa.schema([(name, kinds[kind]) for name, kind in columns.items()])
        self._writer = pq.ParquetWriter(stream, self._schema, compression="zstd")

    def write(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Writes rows as a row group."""
        self._writer.write_table(pa.Table.from_pylist(list(rows), self._schema))

    def close(self) -> None:
        """Writes the file's end."""
        self._writer.close()


def _cells(batch: Any, text: str) -> dict[str, list[Any]]:
    """The columns of a batch: the text as strings, the others as arrays of one value, which lose nothing."""
    cells: dict[str, list[Any]] = {}
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        if pa.types.is_dictionary(column.type):
            column = column.dictionary_decode()
        if name == text:
            cells[name] = text_values(column)
            continue
        single = [ArrowCell(column.slice(position, 1)) for position in range(len(column))]
        valid = _is_valid(column)
        cells[name] = [cell if valid or _is_valid(cell.array) else _NOT_UTF8 for cell in single]
    return cells


_NOT_UTF8 = Damage("is not valid UTF-8")


def text_values(column: Any) -> list[Any]:
    """Returns the values of a column of text; in place of one that is not valid UTF-8 a ``Damage``."""
    try:
        strings = column.cast(pa.large_string())
        strings.validate(full=True)
        values: list[Any] = strings.to_pylist()
        return values
    except pa.ArrowInvalid:
        if len(column) == 1:
            return [_NOT_UTF8]
        return [text_values(column.slice(position, 1))[0] for position in range(len(column))]


def _is_valid(column: Any) -> bool:
    try:
        column.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _column(cells: Sequence[Any], kind: Any) -> Any:
    if not any(isinstance(cell, ArrowCell) for cell in cells):
        return pa.array([_as_text(cell) for cell in cells], kind)
    arrays = []
    for cell in cells:
        if isinstance(cell, ArrowCell):
            array = cell.array
        else:
            array = pa.nulls(1, kind) if cell is None else pa.array([_as_text(cell)], pa.string())
        arrays.append(array if array.type == kind else array.cast(kind))
    return pa.concat_arrays(arrays)


def _as_text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def _others(kept: Mapping[str, Any], columns: Mapping[str, Any]) -> str | None:
    others = {name: value for name, value in kept.items() if name not in columns}
    return json.dumps(others, ensure_ascii=False) if others else None


def is_text(kind: Any) -> bool:
    """Returns whether a column of an Arrow type holds text, or bytes that may be text."""
    kind = decoded_type(kind)
    checks = ("is_string", "is_large_string", "is_string_view", "is_binary", "is_large_binary")
    return any(hasattr(pa.types, check) and getattr(pa.types, check)(kind) for check in checks)


def decoded_type(kind: Any) -> Any:
    """Returns the type of a column's values, whether or not they stand in a dictionary."""
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _json_value(value: Any) -> Any:
    return base64.b64encode(value).decode("ascii") if isinstance(value, bytes) else str(value)
