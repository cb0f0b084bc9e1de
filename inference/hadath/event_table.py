"""Events as flat rows: what happened, when it was published, in which sentence, and who took part."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hadath.document import Document

DATE_COLUMNS = ("date", "published", "publication_date", "published_at", "pub_date", "datetime")
"""Names under which an article's publication date is looked for, best first."""

FIXED_COLUMNS: Mapping[str, type] = {
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
"""The columns before those of the roles."""

# a mark, with the quotes closed behind it, ends a sentence if white space follows; an initial's dot (د. عمر) does not
_SENTENCE_END = re.compile(r"(?<!\b\w)[.!?؟…۔]+[\"'»”’)\]]*(?=\s)|\n+")


def role_column(role: str) -> str:
    """Returns the column of a role.

    Example:
        >>> role_column("Actor"), role_column("Type")
        ('actor', 'role_type')
    """
    name = role.lower()
    return f"role_{name}" if name in FIXED_COLUMNS else name


def columns_of(roles: Sequence[str]) -> dict[str, type]:
    """Returns the names of all columns with ``str``, ``int`` or ``float``."""
    return {**FIXED_COLUMNS, **dict.fromkeys(map(role_column, roles), str)}


def event_rows(document: Document, roles: Sequence[str], published: str | None = None) -> Iterator[dict[str, Any]]:
    """Makes a row of each event of a document.

    Args:
        document: The tagged document.
        roles: Roles that get a column.
        published: The document's publication date.

    Yields:
        A value for each of ``columns_of(roles)``; several entities in one role stand joined by ``; ``.

    Example:
        >>> from hadath.document import Argument, Entity, Event
        >>> tunis = Entity(11, 15, "GPE", "تونس")
        >>> visit = Event(0, 3, "CONSULT", "زار", arguments=(Argument("Place", tunis),))
        >>> [row] = event_rows(Document("زار الوزير تونس", (tunis,), (visit,)), ["Actor", "Place"])
        >>> row["type"], row["place"], row["actor"]
        ('CONSULT', 'تونس', None)
    """
    ends = _sentence_ends(document.text)
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
            "sentence": _sentence(document.text, ends, event.start, event.end),
        }
        for role in roles:
            fillers = [one_line(argument.entity.text) for argument in event.arguments if argument.role == role]
            row[role_column(role)] = "; ".join(fillers) or None
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


def _sentence_ends(text: str) -> list[int]:
    return [*(match.end() for match in _SENTENCE_END.finditer(text)), len(text)]


def _sentence(text: str, ends: Sequence[int], start: int, end: int) -> str:
    """The sentence that a span stands in, or the sentences that it reaches over."""
    first = bisect_right(ends, start)
    begin = ends[first - 1] if first else 0
    return one_line(text[begin : ends[bisect_left(ends, end)]])
