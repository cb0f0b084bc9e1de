"""A tagged document as a person reads it on a terminal, Arabic and Latin side by side."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence

from hadath.document import Document, Entity, Event
from hadath.schema import DEFAULT_MODALITY

_FIRST_STRONG_ISOLATE = "\u2068"
_POP_ISOLATE = "\u2069"

# what would steer the terminal, or end the isolation: control characters and marks of direction
_STEERING = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def isolated(text: str) -> str:
    r"""Makes a text safe to stand in a line: its direction does not reorder what is beside it, and it steers nothing.

    Example:
        >>> isolated("تونس").encode("ascii", "backslashreplace")[:6]
        b'\\u2068'
    """
    return f"{_FIRST_STRONG_ISOLATE}{_STEERING.sub('', ' '.join(text.split()))}{_POP_ISOLATE}"


def rendered(document: Document, words: int | None = None) -> str:
    """Returns a document's events and entities as a table.

    Args:
        document: The tagged document.
        words: Number of its words, shown in the first line.

    Returns:
        Lines of text; what stands in Arabic stands last in its line.
    """
    counts = [
        counted(len(document.events), "event"),
        counted(len(document.entities), "entity", "entities"),
        *([] if words is None else [counted(words, "word")]),
    ]
    name = isolated(document.id) if document.id is not None else "text"
    lines = [f"{name}: {', '.join(counts)}"]
    if document.events:
        lines += ["", *_event_lines(document.events)]
    if document.entities:
        lines += ["", *_entity_lines(document.entities)]
    return "\n".join(lines) + "\n"


def _event_lines(events: Sequence[Event]) -> list[str]:
    places = [f"{event.start}-{event.end}" for event in events]
    place_width = max(len("Place"), *map(len, places))
    type_width = max(len("Event"), *(len(event.type) for event in events))
    modality_width = max(len("Modality"), len(DEFAULT_MODALITY), *(len(event.modality) for event in events))
    lines = [f"  {'Event':<{type_width}}  {'Modality':<{modality_width}}  Score  {'Place':>{place_width}}  Trigger"]
    for event, place in zip(events, places, strict=True):
        lines.append(
            f"  {event.type:<{type_width}}  {event.modality:<{modality_width}}  {event.score:5.2f}  "
            f"{place:>{place_width}}  {isolated(event.text)}"
        )
        for argument in event.arguments:
            indent = " " * (2 + type_width + 2)
            lines.append(f"{indent}{argument.role}  {argument.score:.2f}  {isolated(argument.entity.text)}")
    return lines


def _entity_lines(entities: Sequence[Entity]) -> list[str]:
    places = [f"{entity.start}-{entity.end}" for entity in entities]
    place_width = max(len("Place"), *map(len, places))
    type_width = max(len("Entity"), *(len(entity.type) for entity in entities))
    lines = [f"  {'Entity':<{type_width}}  Score  {'Place':>{place_width}}  Text"]
    for entity, place in zip(entities, places, strict=True):
        lines.append(
            f"  {entity.type:<{type_width}}  {entity.score:5.2f}  {place:>{place_width}}  {isolated(entity.text)}"
        )
    return lines


def counted(number: int, singular: str, plural: str | None = None) -> str:
    """Returns a number with its noun.

    Example:
        >>> counted(1, "word"), counted(2000, "entity", "entities")
        ('1 word', '2,000 entities')
    """
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"


def say(sentence: str) -> None:
    """Tells the user something beside the results, on standard error."""
    print(f"hadath: {sentence}", file=sys.stderr)
