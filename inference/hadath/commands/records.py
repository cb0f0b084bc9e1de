"""``hadath records``: a table of events, a row each."""

from __future__ import annotations

import argparse
import csv
import io
import json
import sys
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import IO, Any

from hadath.batch.files import needed
from hadath.batch.manifest import Manifest
from hadath.batch.storage import write_whole
from hadath.document import Document
from hadath.errors import InputError, InvalidDocumentError
from hadath.event_table import DATE_COLUMNS, columns_of, event_rows, publication_date
from hadath.terminal import counted, say

_ROWS_AT_ONCE = 10_000


def add_parser(subparsers: Any) -> None:
    """Adds the command."""
    parser = subparsers.add_parser(
        "records",
        help="make a table of events of what was tagged",
        description="Makes a table of what `hadath tag` wrote: a row for each event, with the article's id and date, "
        "the trigger and its place, modality, score, sentence, and a column for each role.",
    )
    parser.add_argument(
        "inputs", nargs="+", metavar="TAGGED", help="a folder that `hadath tag -o` wrote, or a .jsonl or .parquet file"
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="FILE",
        help="a .csv or .parquet file (default: CSV to standard output)",
    )
    parser.add_argument(
        "--date-column",
        metavar="NAME",
        help=f"the column of the publication date (default: the first of {', '.join(DATE_COLUMNS)})",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Writes the table."""
    output: Path | None = options.output
    if output is not None and output.suffix.lower() not in (".csv", ".parquet"):
        raise InputError(f"{output}: cannot tell what to write; expected a name that ends in .csv or .parquet (-o)")
    files, roles = _files_and_roles(options.inputs)
    rows = (
        row
        for path in files
        for document, values in _documents(path)
        for row in event_rows(document, roles, publication_date(values, options.date_column))
    )
    columns = columns_of(roles)
    if output is None:
        _write_csv(rows, list(columns), sys.stdout)
        return 0
    count = 0

    def counting() -> Iterator[dict[str, Any]]:
        nonlocal count
        for row in rows:
            count += 1
            yield row

    if output.suffix.lower() == ".csv":

        def write(stream: IO[bytes]) -> None:
            text = io.TextIOWrapper(stream, encoding="utf-8", newline="")
            _write_csv(counting(), list(columns), text)
            text.detach()
    else:
        needed("pyarrow", "writing Parquet")

        def write(stream: IO[bytes]) -> None:
            from hadath.batch.parquet import ParquetTable  # only here, since it needs the extra

            table = ParquetTable(stream, columns)
            remaining = counting()
            while some := list(islice(remaining, _ROWS_AT_ONCE)):
                table.write(some)
            table.close()

    write_whole(output, write)
    say(f"{counted(count, 'event')} in {output}")
    return 0


def _write_csv(rows: Iterator[dict[str, Any]], columns: Sequence[str], stream: Any) -> None:
    writer = csv.DictWriter(stream, columns, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({**row, "score": f"{row['score']:.4f}"})
    stream.flush()


def _files_and_roles(inputs: Sequence[str]) -> tuple[list[Path], list[str]]:
    """The files to read, in order, and the roles of the models that tagged them."""
    files: list[Path] = []
    roles: dict[str, None] = {}
    for given in map(Path, inputs):
        if given.is_dir():
            manifest = Manifest.read(given)
            if manifest is None:
                raise InputError(f"{given} holds no manifest.json; expected a folder that `hadath tag -o` wrote")
            if not manifest.complete:
                say(f"{given} is not finished; only its finished parts are read")
            files += [given / part.name for part in manifest.parts]
            roles.update(dict.fromkeys(manifest.roles))
        elif not given.exists():
            raise InputError(f"{given}: no such file or folder; check the path")
        elif given.suffix in (".jsonl", ".parquet"):
            files.append(given)
            # nothing says which roles there are but the events themselves
            for document, _ in _documents(given):
                roles.update(dict.fromkeys(argument.role for e in document.events for argument in e.arguments))
        else:
            raise InputError(f"{given}: expected a folder that `hadath tag -o` wrote, or a .jsonl or .parquet file")
    return files, list(roles)


def _documents(path: Path) -> Iterator[tuple[Document, dict[str, Any]]]:
    if path.suffix == ".parquet":
        needed("pyarrow", f"{path}: reading Parquet")
        from hadath.batch.parquet import documents  # only here, since it needs the extra

        for number, values in enumerate(documents(str(path)), start=1):
            yield _document(values, f"{path}:{number}"), values
        return
    with open(path, "rb") as stream:
        for number, line in enumerate(stream, start=1):
            try:
                values = json.loads(line)
            except ValueError as error:
                raise InputError(f"{path}:{number}: broken JSON: {error}; expected what `hadath tag` writes") from None
            yield _document(values, f"{path}:{number}"), values


def _document(values: dict[str, Any], place: str) -> Document:
    try:
        return Document.from_dict(values)
    except InvalidDocumentError as error:
        raise InputError(f"{place}: {error}") from error
