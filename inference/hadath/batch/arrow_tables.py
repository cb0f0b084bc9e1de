"""Arrow tables of articles in, the same tables with what was found out: for engines that hold their data so."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hadath.batch.articles import (
    Article,
    Columns,
    Place,
    Rejected,
    article_of,
    kept_name,
    listed,
    surrogate,
    text_column,
)
from hadath.batch.chunks import Record, cut
from hadath.batch.files import needed
from hadath.batch.manifest import Position
from hadath.batch.parquet import TAGGED, is_text, text_values
from hadath.batch.readers import Damage, no_text_column
from hadath.batch.tagging import Failed, Tagged, tag_texts
from hadath.errors import InputError
from hadath.tagger import Tagger

pa: Any = needed("pyarrow", "tagging Arrow tables")

_TABLE = "the table"
_BATCH_SIZE = 64


def tagged_table(tagger: Tagger, table: Any, columns: Columns) -> Any:
    """Tags the articles of a table.

    Args:
        tagger: The tagger.
        table: A ``pyarrow.Table`` with a column of texts.
        columns: How its columns are used.

    Returns:
        A ``pyarrow.Table`` of as many rows in the same order, with the columns that ``hadath tag`` writes (``id``,
        null where the table has none, ``text``, ``entities``, ``events``, then all others), and last ``rejected``:
        null, or why the row could not be tagged, whose ``entities`` and ``events`` are null.

    Raises:
        InputError: If there is no column of texts, or no column of the name given.
    """
    names = table.schema.names
    text_name = text_column(names, columns)
    if text_name is None:
        raise no_text_column(_TABLE, names, columns)
    if columns.id is not None and columns.id not in names:
        raise InputError(f"{_TABLE}: no column {columns.id!r} (--id-column); it has {listed(names)}")
    id_name = columns.id or "id"
    texts = _texts(table, text_name)
    ids = _values(table[id_name]) if id_name in names else [None] * len(table)
    records = [
        _record({text_name: text, id_name: identifier}, text_name, columns, Place(_TABLE, "row", number))
        for number, (text, identifier) in enumerate(zip(texts, ids, strict=True), start=1)
    ]
    found = _found(tagger, records)
    made = {
        "id": [_id(identifier) for identifier in ids],
        "text": [text if isinstance(text, str) and surrogate(text) is None else None for text in texts],
        "entities": [answer.entities if isinstance(answer, Tagged) else None for answer in found],
        "events": [answer.events if isinstance(answer, Tagged) else None for answer in found],
    }
    arrays = {name: pa.array(made[name], kind) for name, kind in TAGGED}
    kept = {kept_name(name): table[name] for name in names if name not in (text_name, id_name)}
    reasons = [None if isinstance(answer, Tagged) else answer.reason for answer in found]
    return pa.table({**arrays, **kept, "rejected": pa.array(reasons, pa.string())})


def _texts(table: Any, name: str) -> list[Any]:
    column = table[name]
    kind = column.type
    # a block may hold nothing but nulls, or, among objects of Python, some that are no strings: then rows are wrong,
    # not the table
    if not (is_text(kind) or pa.types.is_null(kind) or isinstance(kind, pa.BaseExtensionType)):
        raise InputError(
            f"{_TABLE}: column {name!r} is {kind}, expected string; name another with --text-column (text_column)"
        )
    return _values(column)


def _id(value: Any) -> str | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value if isinstance(value, str) else None


def _values(column: Any) -> list[Any]:
    if pa.types.is_dictionary(column.type):
        column = pa.chunked_array([chunk.dictionary_decode() for chunk in column.chunks], column.type.value_type)
    if pa.types.is_temporal(column.type):
        column = column.cast(pa.string())
    if not is_text(column.type):
        values: list[Any] = column.to_pylist()
        return values
    return [value for chunk in column.chunks for value in text_values(chunk)]


def _record(values: dict[str, Any], text_name: str, columns: Columns, place: Place) -> Article | Rejected:
    for name, value in values.items():
        if isinstance(value, Damage):
            return Rejected(place, f"{name!r} {value.reason}")
    return article_of(values, text_name, columns, place)


def _found(tagger: Tagger, records: Sequence[Article | Rejected]) -> list[Tagged | Failed | Rejected]:
    found: list[Tagged | Failed | Rejected] = []
    for chunk in cut((Record(record, Position()) for record in records), _BATCH_SIZE, len(records)):
        answers = iter(tag_texts(tagger, [article.text for article in chunk.articles]) if chunk.articles else [])
        found += [record if isinstance(record, Rejected) else next(answers) for record in chunk.records]
    return found
