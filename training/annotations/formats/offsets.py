"""Ways of counting the characters of a text, and back from them to code points, which Python counts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import accumulate

from hadath.errors import HadathError


def unit_offsets(text: str, utf16: bool = False, one_line_break: bool = False) -> list[int]:
    """Returns for each code point, and for the end, its offset in other units.

    Args:
        text: The text.
        utf16: Counts characters beyond U+FFFF, emoji among them, as two, as JavaScript and Java do.
        one_line_break: Counts CR LF as one, as a browser does.

    Example:
        >>> unit_offsets("a😀b", utf16=True)
        [0, 1, 3, 4]
    """
    sizes = [2 if utf16 and ord(character) > 0xFFFF else 1 for character in text]
    if one_line_break:
        for match in re.finditer("\r\n", text):
            sizes[match.start()] = 0
    return [0, *accumulate(sizes)]


def code_points(offsets: Sequence[int]) -> dict[int, int]:
    """Returns the code point offset of each offset in other units; offsets within a character are not among them."""
    return {offset: position for position, offset in reversed(list(enumerate(offsets)))}


def grapheme_offsets(text: str) -> list[int | None]:
    """Returns for each code point, and for the end, its offset in grapheme clusters (UAX #29).

    Returns:
        None for code points within a cluster.

    Example:
        >>> grapheme_offsets("تُم")
        [0, None, 1, 2]
    """
    try:
        import regex  # here, because only one way of counting needs it
    except ModuleNotFoundError as error:
        raise HadathError("graphemes need regex; install it with: pip install 'hadath[annotations]'") from error

    edges = [0, *(match.end() for match in regex.finditer(r"\X", text))]
    offsets: list[int | None] = [None] * (len(text) + 1)
    for number, edge in enumerate(edges):
        offsets[edge] = number
    return offsets


def occurrences(text: str, shown: str, start: int, slack: int) -> list[int]:
    """Returns where a text holds another one, at most ``slack`` characters from a place."""
    first = max(0, start - slack)
    return [
        place for place in range(first, min(len(text), start + slack) + 1) if shown and text.startswith(shown, place)
    ]
