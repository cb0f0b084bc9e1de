"""Flat tables of an article's events: a row for each event record, or for each mention of an event."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hadath.document import Document
from hadath.records.assembly import ROLES
from hadath.records.record import EventRecord
from hadath.sentences import sentence_spans, sentence_text

DATE_COLUMNS = ("date", "published", "publication_date", "published_at", "pub_date", "datetime")
"""Names under which an article's publication date is looked for, best first."""

RECORD_COLUMNS: Mapping[str, type] = {
    "document": str,
    "published": str,
    "code": str,
    "quad_class": str,
    "type": str,
    "modality": str,
    "score": float,
    "trigger": str,
    "start": int,
    "end": int,
    "mentions": int,
    "sentence": str,
}
"""The columns of a record before those of the roles."""

MENTION_COLUMNS: Mapping[str, type] = {
    "document": str,
    "published": str,
    "type": str,
    "trigger": str,
    "start": int,
    "end": int,
    "modality": str,
    "score": float,
    "sentence": str,
}
"""The columns of a mention before those of the roles."""

_PARTICIPANT_COLUMNS = {"Place": ("country",), "Date": ("first_day", "last_day")}
_ACTOR_COLUMNS = ("country", "sector")
_SEPARATOR = "; "


def role_column(role: str, fixed: Mapping[str, type] = MENTION_COLUMNS) -> str:
    """Returns the column of a role.

    Args:
        role: The role.
        fixed: The columns that are there for every event, whose names no role can have.

    Example:
        >>> role_column("Actor"), role_column("Type")
        ('actor', 'role_type')
    """
    name = role.lower()
    return f"role_{name}" if name in fixed else name


def record_columns(roles: Sequence[str]) -> dict[str, type]:
    """Returns the columns of records in their order, each with ``str``, ``int`` or ``float``.

    For each role, those of PLOVER first, there are the names, and beside them what belongs to each name, in the same
    order: ``actor``, ``actor_country``, ``actor_sector``; ``place``, ``place_country``; ``date``, ``date_first_day``,
    ``date_last_day``. Several names stand joined by ``; ``.
    """
    columns = dict(RECORD_COLUMNS)
    for role in ordered_roles(roles):
        name = role_column(role, RECORD_COLUMNS)
        columns[name] = str
        columns |= {f"{name}_{part}": str for part in _PARTICIPANT_COLUMNS.get(role, _ACTOR_COLUMNS)}
    return columns


def mention_columns(roles: Sequence[str]) -> dict[str, type]:
    """Returns the columns of mentions in their order, each with ``str``, ``int`` or ``float``.

    Example:
        >>> list(mention_columns(["Place"]))[-3:]
        ['score', 'sentence', 'place']
    """
    return {**MENTION_COLUMNS, **dict.fromkeys(map(role_column, ordered_roles(roles)), str)}


def ordered_roles(roles: Sequence[str]) -> list[str]:
    """Returns roles in the order of their columns: those of PLOVER first."""
    return sorted(roles, key=lambda role: ROLES.index(role) if role in ROLES else len(ROLES))


def record_row(record: EventRecord, roles: Sequence[str]) -> dict[str, Any]:
    """Returns a record as a row with a value for each of ``record_columns(roles)``.

    Args:
        record: The record.
        roles: Roles that get columns.

    Example:
        >>> from hadath.document import Argument, Entity, Event
        >>> tunis = Entity(11, 15, "GPE", "تونس")
        >>> visit = Event(0, 3, "CONSULT", "زار", arguments=(Argument("Place", tunis),))
        >>> [record] = Document("زار الوزير تونس", (tunis,), (visit,)).records()
        >>> row = record_row(record, ["Actor", "Place"])
        >>> row["code"], row["place"], row["place_country"], row["actor"]
        ('CONSULT', 'تونس', 'TUN', None)
    """
    row: dict[str, Any] = {
        "document": record.document,
        "published": record.published,
        "code": record.code,
        "quad_class": record.quad_class,
        "type": record.type,
        "modality": record.modality,
        "score": record.score,
        "trigger": one_line(record.trigger.text),
        "start": record.trigger.start,
        "end": record.trigger.end,
        "mentions": len(record.triggers),
        "sentence": record.sentence,
    }
    for role in ordered_roles(roles):
        name = role_column(role, RECORD_COLUMNS)
        filling = record.with_role(role)
        row[name] = _joined([one_line(participant.name) for participant in filling])
        for part in _PARTICIPANT_COLUMNS.get(role, _ACTOR_COLUMNS):
            row[f"{name}_{part}"] = _joined([getattr(participant, part) for participant in filling])
    return row


def mention_rows(document: Document, roles: Sequence[str], published: str | None = None) -> Iterator[dict[str, Any]]:
    """Yields a row for each mention of an event, with a value for each of ``mention_columns(roles)``.

    Args:
        document: The tagged document.
        roles: Roles that get a column.
        published: The document's publication date, as it is to be written.

    Example:
        >>> from hadath.document import Argument, Entity, Event
        >>> tunis = Entity(11, 15, "GPE", "تونس")
        >>> visit = Event(0, 3, "CONSULT", "زار", arguments=(Argument("Place", tunis),))
        >>> [row] = mention_rows(Document("زار الوزير تونس", (tunis,), (visit,)), ["Actor", "Place"])
        >>> row["type"], row["place"], row["actor"]
        ('CONSULT', 'تونس', None)
    """
    sentences = sentence_spans(document.text)
    for event in document.events:
        row: dict[str, Any] = {
            "document": document.id,
            "published": published,
            "type": event.type,
            "trigger": one_line(event.text),
            "start": event.start,
            "end": event.end,
            "modality": event.modality,
            "score": event.score,
            "sentence": sentence_text(document.text, sentences, event.start, event.end),
        }
        for role in ordered_roles(roles):
            fillers = [one_line(argument.entity.text) for argument in event.arguments if argument.role == role]
            row[role_column(role)] = _SEPARATOR.join(fillers) or None
        yield row


def publication_date(values: Mapping[str, Any], column: str | None = None) -> str | None:
    """Returns the publication date that stands among an article's columns.

    Args:
        values: The columns.
        column: The column of the date; by default the first of ``DATE_COLUMNS`` that is there.
    """
    names = DATE_COLUMNS if column is None else (column,)
    found = next((values[name] for name in names if values.get(name) is not None), None)
    return None if found is None else str(found)


def one_line(text: str) -> str:
    r"""Returns a text with every run of white space made one space.

    Example:
        >>> one_line("وزير\n الخارجية")
        'وزير الخارجية'
    """
    return " ".join(text.split())


def _joined(values: Sequence[str | None]) -> str | None:
    """The values in their order, an empty one where nothing is known; nothing where nothing is known of any."""
    return _SEPARATOR.join(value or "" for value in values) if any(values) else None
