"""The colour of a type: the same on every page, whatever the schema, from its name alone."""

from __future__ import annotations

from hashlib import blake2b

# of 400,000 salts the one that keeps the types of data/annotation.conf furthest apart
_SALT = b"194517"


def hue(type_name: str) -> int:
    """Returns the hue of a type, in degrees of the OKLCH colour circle.

    Lightness and chroma are the style sheet's, so that every hue has the same contrast with its text.

    Example:
        >>> hue("PER") == hue("PER"), 0 <= hue("نوع آخر") < 360
        (True, True)
    """
    return (
        int.from_bytes(blake2b(type_name.encode("utf-8", "replace"), digest_size=2, salt=_SALT).digest(), "big") % 360
    )
