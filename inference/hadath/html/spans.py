"""Spans as a page holds them: offsets as JavaScript counts them, names by their place in a list."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

from hadath.document import Entity, Event
from hadath.html.colours import hue

_ASTRAL = re.compile("[\U00010000-\U0010ffff]")


def utf16_offsets(text: str) -> Callable[[int], int]:
    r"""Returns a function from offsets in characters to offsets in UTF-16 units, which JavaScript counts.

    Example:
        >>> offset = utf16_offsets("a\N{ROCKET}b")
        >>> offset(1), offset(2)
        (1, 3)
    """
    astral = [found.start() for found in _ASTRAL.finditer(text)]
    return lambda place: place + bisect_left(astral, place)


def coloured(types: Iterable[str], kind: Literal["entities", "events"]) -> list[dict[str, Any]]:
    """Returns types with their hues."""
    return [{"name": name, "hue": hue(name, kind)} for name in types]


class Names:
    """Names by their place in a list, so that a page holds each once.

    Args:
        first: Names that stand first, in this order; those that turn up later stand behind them, sorted.
        found: All names that are used.
    """

    def __init__(self, first: Iterable[str], found: Iterable[str]) -> None:
        used = set(found)
        known = [name for name in dict.fromkeys(first) if name in used]
        self.names = [*known, *sorted(used.difference(known))]
        self.index: Mapping[str, int] = {name: place for place, name in enumerate(self.names)}


def entity_values(entity: Entity, offset: Callable[[int], int], types: Names) -> list[Any]:
    """Returns an entity as ``[start, end, type, score]``, and its name where that is not the mention itself."""
    values = [offset(entity.start), offset(entity.end), types.index[entity.type], round(entity.score, 4)]
    return [*values, entity.name] if entity.name != entity.text else values


def event_values(
    event: Event,
    offset: Callable[[int], int],
    types: Names,
    modalities: Names,
    roles: Names,
    places: Mapping[Entity, int],
) -> list[Any]:
    """Returns an event as ``[start, end, type, score, modality, [[role, entity, score], ...]]``."""
    return [
        offset(event.start),
        offset(event.end),
        types.index[event.type],
        round(event.score, 4),
        modalities.index[event.modality],
        [
            [roles.index[argument.role], places[argument.entity], round(argument.score, 4)]
            for argument in event.arguments
        ],
    ]
