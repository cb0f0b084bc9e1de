"""Arabic numbers in words and digits, read from the tokens of a date expression."""

from __future__ import annotations

from collections.abc import Sequence

from hadath.dates.lexicon import Token

NUMERALS = frozenset({"number", "tens", "hundreds", "thousands"})


def cardinal(tokens: Sequence[Token], place: int) -> tuple[int, int] | None:
    """Reads a cardinal number.

    Args:
        tokens: The tokens.
        place: Where it begins.

    Returns:
        The number, and the place after it; ``None`` if there is none.

    Example:
        >>> from hadath.dates.lexicon import tokens
        >>> cardinal(tokens("ألف وتسعمئة وسبع وستين"), 0)
        (1967, 4)
        >>> cardinal(tokens("ثمانية عشر شهرا"), 0)
        (18, 2)
    """
    if place >= len(tokens) or tokens[place].kind not in NUMERALS:
        return None
    first = tokens[place]
    if first.text.isdecimal():
        return first.value, place + 1
    total = first.value
    last = first.value
    place += 1
    while place < len(tokens) and tokens[place].kind in NUMERALS and not tokens[place].text.isdecimal():
        value = tokens[place].value
        if tokens[place].joined:
            # units come before tens (خمسة وعشرون), everything else from large to small
            fits = value < 10 ** (len(str(last)) - 1) if last >= 100 else last < 10 and value >= 20 and value < 100
            if not fits:
                break
            total += value
        elif tokens[place].text == "واحد" and last >= 100:
            value = 1  # «وأحد عشر», و and the number one look alike
            total += value
        elif value == 10 and last < 10:
            total += value
        elif value == 1000 and last < 100:
            total = total - last + last * value
        else:
            break
        last = value
        place += 1
    return total, place


def ordinal(tokens: Sequence[Token], place: int) -> tuple[int, int] | None:
    """Reads an ordinal number, 1 to 99.

    Returns:
        The number, and the place after it; ``None`` if there is none.

    Example:
        >>> from hadath.dates.lexicon import tokens
        >>> ordinal(tokens("الحادي والثلاثين"), 0), ordinal(tokens("السابع عشر"), 0), ordinal(tokens("العشرين"), 0)
        ((31, 2), (17, 2), (20, 1))
    """
    if place >= len(tokens):
        return None
    first = tokens[place]
    if first.kind == "tens":
        return first.value, place + 1
    if first.kind != "ordinal":
        return None
    following = tokens[place + 1] if place + 1 < len(tokens) else None
    if following is not None and first.value < 10:
        if following.kind == "tens" and following.joined:
            return first.value + following.value, place + 2
        if following.kind == "number" and following.value == 10 and not following.joined and following.text != "10":
            return first.value + 10, place + 2
    return first.value, place + 1
