"""``hadath records``: a table of events, a row each."""

from __future__ import annotations

import argparse
import csv
import io
import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import IO, Any

from hadath.batch.files import STANDARD_INPUT, needed
from hadath.batch.manifest import Manifest
from hadath.batch.readers import parse_json
from hadath.batch.storage import write_whole
from hadath.commands.options import add_date_column
from hadath.document import Document
from hadath.errors import InputError, InvalidDocumentError
from hadath.event_table import (
    mention_columns,
    mention_rows,
    publication_date,
    record_columns,
    record_row,
)
from hadath.records.assembly import ROLES, event_records, publication_day
from hadath.records.record import EventRecord
from hadath.terminal import counted, say

_ROWS_AT_ONCE = 10_000
_KINDS = (".csv", ".parquet", ".jsonl")

_EXAMPLES = """\
examples:
  hadath records tagged/ -o events.parquet          the events of a corpus that `hadath tag -o tagged/` tagged
  hadath records tagged/ --mentions -o mentions.csv every mention of an event, none joined
  hadath tag article.txt --format jsonl | hadath records - > events.csv

columns of events: document, published, code (PLOVER), quad_class, type, modality, score, trigger, start, end, mentions,
sentence; then for each role the names and what belongs to them: actor, actor_country, actor_sector, recipient,
recipient_country, recipient_sector, place, place_country, date, date_first_day, date_last_day. Several participants
in one role stand joined by "; ", their countries, sectors and days in the same order.
columns of mentions: document, published, type, trigger, start, end, modality, score, sentence, then one for each role.
A .jsonl file holds whole records, with the mentions of every participant.
"""


def add_parser(subparsers: Any) -> None:
    """Adds the command."""
    parser = subparsers.add_parser(
        "records",
        help="make a table of events of what was tagged",
        description="Makes a table of what `hadath tag` wrote: a row for each event, its repeated mentions joined, "
        "with PLOVER code, actors, recipients, places and dates, countries, sectors and days.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "inputs",
        nargs="+",
        metavar="TAGGED",
        help="a folder that `hadath tag -o` wrote, a .jsonl or .parquet file, or - for JSON lines on standard input",
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="FILE",
        help="a .csv, .parquet or .jsonl file (default: CSV to standard output)",
    )
    parser.add_argument("--mentions", action="store_true", help="a row for each mention of an event, as it is tagged")
    add_date_column(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Writes the table."""
    output: Path | None = options.output
    kind = ".csv" if output is None else output.suffix.lower()
    if kind not in _KINDS:
        raise InputError(
            f"{output}: cannot tell what to write; expected a name that ends in .csv, .parquet or .jsonl (-o)"
        )
    if kind == ".parquet":
        needed("pyarrow", "writing Parquet")
    with ExitStack() as stack:
        inputs = _inputs(options.inputs, stack)
        events = _Events(inputs, options.date_column)
        columns = mention_columns(inputs.roles) if options.mentions else record_columns(inputs.roles)
        if options.mentions:
            rows = events.mentions()
        elif kind == ".jsonl":
            rows = events.records()
        else:
            rows = events.record_rows()
        if output is None:
            _write_csv(rows, list(columns), sys.stdout)
        else:
            write_whole(output, _WRITERS[kind](rows, columns))
    if options.date_column is not None and not events.dated:
        say(f"no article has a date in a column {options.date_column!r} (--date-column)")
    if events.undated:
        say(
            f"{counted(events.undated, 'article')} with a publication date that is not ISO 8601 (YYYY-MM-DD); relative "
            "dates of theirs are not resolved"
        )
    if output is not None:
        told = "" if options.mentions else f", told in {counted(events.mention_count, 'mention')},"
        say(f"{counted(events.count, 'mention' if options.mentions else 'event')}{told} in {output}")
    return 0


@dataclass(frozen=True)
class _Inputs:
    """Files of tagged documents, what messages call them, and the roles that events have there."""

    files: Sequence[tuple[Path, str]]
    roles: Sequence[str]

    def documents(self) -> Iterator[tuple[Document, dict[str, Any]]]:
        for path, name in self.files:
            yield from _documents(path, name)


class _Events:
    """Rows of the events of documents, counted as they are made.

    Args:
        inputs: Where the documents are.
        date_column: Column of the publication date; by default the first of ``DATE_COLUMNS``.
    """

    def __init__(self, inputs: _Inputs, date_column: str | None) -> None:
        self._inputs = inputs
        self._date_column = date_column
        self.count = 0
        self.mention_count = 0
        self.dated = 0
        self.undated = 0

    def mentions(self) -> Iterator[dict[str, Any]]:
        for document, values in self._inputs.documents():
            for row in mention_rows(document, self._inputs.roles, self._published(values)):
                self.count += 1
                yield row

    def records(self) -> Iterator[dict[str, Any]]:
        for record in self._records():
            yield record.to_dict()

    def record_rows(self) -> Iterator[dict[str, Any]]:
        for record in self._records():
            yield record_row(record, self._inputs.roles)

    def _published(self, values: Mapping[str, Any]) -> str | None:
        given = publication_date(values, self._date_column)
        self.dated += given is not None
        return given

    def _records(self) -> Iterator[EventRecord]:
        for document, values in self._inputs.documents():
            given = self._published(values)
            try:
                day = publication_day(given)
            except ValueError:
                day = None
                self.undated += 1
            for record in event_records(document, day):
                self.count += 1
                self.mention_count += len(record.triggers)
                # the date as it was given, also where it is none that could be reckoned from
                yield replace(record, published=given if day is None else record.published)


Writer = Callable[[IO[bytes]], None]


def _csv_writer(rows: Iterator[dict[str, Any]], columns: Mapping[str, type]) -> Writer:
    def write(stream: IO[bytes]) -> None:
        text = io.TextIOWrapper(stream, encoding="utf-8", newline="")
        _write_csv(rows, list(columns), text)
        text.detach()

    return write


def _jsonl_writer(rows: Iterator[dict[str, Any]], columns: Mapping[str, type]) -> Writer:
    def write(stream: IO[bytes]) -> None:
        for row in rows:
            stream.write(json.dumps(row, ensure_ascii=False).encode("utf-8") + b"\n")

    return write


def _parquet_writer(rows: Iterator[dict[str, Any]], columns: Mapping[str, type]) -> Writer:
    def write(stream: IO[bytes]) -> None:
        from hadath.batch.parquet import ParquetTable  # only here, since it needs the extra

        table = ParquetTable(stream, columns)
        while some := list(islice(rows, _ROWS_AT_ONCE)):
            table.write(some)
        table.close()

    return write


_WRITERS = {".csv": _csv_writer, ".parquet": _parquet_writer, ".jsonl": _jsonl_writer}


def _write_csv(rows: Iterator[dict[str, Any]], columns: Sequence[str], stream: Any) -> None:
    writer = csv.DictWriter(stream, columns, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({**row, "score": f"{row['score']:.4f}"})
    stream.flush()


def _inputs(given: Sequence[str], stack: ExitStack) -> _Inputs:
    """The files to read, in order, and the roles of the models that tagged them."""
    files: list[tuple[Path, str]] = []
    roles: dict[str, None] = {}
    for name in given:
        path = Path(name)
        if path.is_dir():
            manifest = Manifest.read(path)
            if manifest is None:
                raise InputError(f"{name} holds no manifest.json; expected a folder that `hadath tag -o` wrote")
            if not manifest.complete:
                say(f"{name} is not finished; only its finished parts are read")
            files += [(path / part.name, str(path / part.name)) for part in manifest.parts]
            roles.update(dict.fromkeys(manifest.roles))
            continue
        if name == STANDARD_INPUT:
            path = _copied(sys.stdin.buffer, stack)
            name = "standard input"
        elif not path.exists():
            raise InputError(f"{name}: no such file or folder; check the path")
        elif path.suffix not in (".jsonl", ".parquet"):
            raise InputError(
                f"{name}: expected a folder that `hadath tag -o` wrote, or a .jsonl or .parquet file; "
                f"a text is tagged first: hadath tag {name} --format jsonl | hadath records -"
            )
        files.append((path, name))
        # nothing says which roles there are but the events themselves
        found = {argument.role for doc, _ in _documents(path, name) for e in doc.events for argument in e.arguments}
        roles.update(dict.fromkeys([*ROLES, *sorted(found)]))
    return _Inputs(files, list(roles))


def _copied(stream: IO[bytes], stack: ExitStack) -> Path:
    """What comes from a stream as a file, for it is read twice."""
    path = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "input.jsonl"
    with open(path, "wb") as file:
        shutil.copyfileobj(stream, file)
    return path


def _documents(path: Path, name: str) -> Iterator[tuple[Document, dict[str, Any]]]:
    if path.suffix == ".parquet":
        needed("pyarrow", f"{name}: reading Parquet")
        from hadath.batch.parquet import documents  # only here, since it needs the extra

        for number, values in enumerate(documents(str(path)), start=1):
            yield _document(values, f"{name}:{number}"), values
        return
    with open(path, "rb") as stream:
        for number, line in enumerate(stream, start=1):
            if not line.strip():
                continue
            try:
                values = parse_json(line)
            except ValueError as error:
                raise InputError(f"{name}:{number}: {error}; expected what `hadath tag` writes") from None
            yield _document(values, f"{name}:{number}"), values


def _document(values: dict[str, Any], place: str) -> Document:
    try:
        return Document.from_dict(values)
    except InvalidDocumentError as error:
        raise InputError(f"{place}: {error}") from error
