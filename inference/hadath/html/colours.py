"""The colour of a type: the same on every page, whatever the schema, from its name alone."""

from __future__ import annotations

from hashlib import blake2b
from typing import Literal

# of a million salts those that keep the types of data/annotation.conf furthest apart, at least 22 and 14 degrees
_SALTS = {"entities": b"698128", "events": b"886909"}


def hue(type_name: str, kind: Literal["entities", "events"]) -> int:
    """Returns the hue of a type, in degrees of the OKLCH colour circle.

    Lightness and chroma are the style sheet's, so that every hue has the same contrast with its text.

    Args:
        type_name: The type, of any schema.
        kind: Whether it is one of entities or of events.

    Example:
        >>> hue("PER", "entities") == hue("PER", "entities"), 0 <= hue("نوع آخر", "events") < 360
        (True, True)
    """
    digest = blake2b(type_name.encode("utf-8", "replace"), digest_size=2, salt=_SALTS[kind]).digest()
    return int.from_bytes(digest, "big") % 360
