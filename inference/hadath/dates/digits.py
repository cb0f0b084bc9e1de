"""Dates and clock times in figures: «12/05/2024», «18:30», «السابعة والنصف مساء»."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from hadath.dates.lexicon import Token
from hadath.dates.numerals import cardinal, ordinal

_SEPARATORS = ("slash", "dash", ".")


class DateInDigits(NamedTuple):
    """Year, month and day as far as they are given, and the place after them."""

    year: int | None
    month: int
    day: int | None
    place: int


class ClockTime(NamedTuple):
    """Hour, minute, whether it counts to twenty-four, and the place after it."""

    hour: int
    minute: int
    exact: bool
    place: int


def date_in_digits(tokens: Sequence[Token], place: int) -> DateInDigits | None:
    """Reads a date in figures: day, month, year, as Arabic writes them, or ISO's year, month, day.

    Example:
        >>> from hadath.dates.lexicon import tokens
        >>> date_in_digits(tokens("12/05/2024"), 0)
        DateInDigits(year=2024, month=5, day=12, place=5)
        >>> date_in_digits(tokens("20-26"), 0)  # a range, rather
    """
    digits: list[str] = []
    separators: list[str] = []
    while place < len(tokens) and tokens[place].text.isdecimal():
        digits.append(tokens[place].text)
        place += 1
        separated = place + 1 < len(tokens) and tokens[place].kind in _SEPARATORS and tokens[place + 1].text.isdecimal()
        if len(digits) == 3 or not separated:
            break
        separators.append(tokens[place].kind)
        place += 1
    if len(set(separators)) != 1:
        return None
    lengths = [len(digit) for digit in digits]
    numbers = [int(digit) for digit in digits]
    year: int | None = None
    day: int | None = None
    if len(digits) == 2:
        if separators != ["slash"]:
            return None
        if lengths[1] <= 2:
            day, month = numbers
        else:
            month, year = numbers
    elif lengths[0] == 4:
        year, month, day = numbers
    elif lengths[2] == 4 or (max(lengths) <= 2 and lengths[2] == 2 and numbers[2] < 50):
        day, month, year = numbers
        year += 2000 if year < 50 else 0
    else:
        return None
    if not 1 <= month <= 12 or not (day is None or 1 <= day <= 31):
        return None
    return DateInDigits(year, month, day, place)


def clock_time(tokens: Sequence[Token], place: int, after_hour: bool) -> ClockTime | None:
    """Reads a clock time.

    Args:
        tokens: The tokens.
        place: Where it begins.
        after_hour: Whether «الساعة» stands before it. Otherwise only what has a colon or a part of the day behind it
            is a clock time.

    Example:
        >>> from hadath.dates.lexicon import tokens
        >>> clock_time(tokens("السابعة والنصف مساء"), 0, after_hour=False)
        ClockTime(hour=7, minute=30, exact=False, place=2)
    """
    number = ordinal(tokens, place) or cardinal(tokens, place)
    if number is None or not 0 <= number[0] <= 23:
        return None
    hour, place = number
    if tokens[place - 1].text.isdecimal() and place + 1 < len(tokens):
        separator, minutes = tokens[place].kind, tokens[place + 1].text
        colon = separator == ":" or (after_hour and separator in (".", "mark"))
        if colon and len(minutes) == 2 and minutes.isdecimal() and int(minutes) < 60:
            return ClockTime(hour, int(minutes), True, place + 2)
    minute = 0
    if place < len(tokens) and tokens[place].kind == "to the hour":
        minute = tokens[place].value
        place += 1
    if not after_hour:
        following = place + (place < len(tokens) and tokens[place].kind in ("from", "filler"))
        part = tokens[following].kind if following < len(tokens) else None
        if part not in ("part of day", "half of day") or hour > 12:
            return None
    hour, minute = divmod(hour * 60 + minute, 60)
    return ClockTime(hour % 24, minute, False, place)


def hour_in_part(hour: int, part: str | None) -> int:
    """Returns an hour counted to twenty-four, from one counted to twelve and the part of the day.

    Example:
        >>> hour_in_part(6, "evening"), hour_in_part(2, "night"), hour_in_part(11, "night"), hour_in_part(12, "noon")
        (18, 2, 23, 12)
    """
    if part == "dawn" or (part in ("night", "midnight") and hour == 12):
        return hour % 12
    afternoon = part in ("afternoon", "evening") or (part == "noon" and hour < 6)
    late = part in ("night", "midnight") and hour >= 6
    return hour + 12 if hour < 12 and (afternoon or late) else hour
