"""Calendar arithmetic: the period in which a day lies, the one before, its thirds."""

from __future__ import annotations

import calendar
from datetime import date, timedelta

Days = tuple[date, date]
"""First and last day of a period."""

SEASONS = {"spring": 3, "summer": 6, "autumn": 9, "winter": 12}
"""The month in which a season begins, as meteorologists count."""

_MONTHS = {"month": 1, "quarter": 3, "half": 6, "year": 12, "decade": 120}


def day_of(year: int, month: int, number: int) -> date | None:
    """Returns a day of the Gregorian calendar; ``None`` if there is none such."""
    try:
        return date(year, month, number)
    except ValueError:
        return None


def months_from(day: date, count: int) -> date:
    """Returns the day some months later, or the last one of a shorter month.

    Raises:
        OverflowError: If no calendar year holds it.

    Example:
        >>> months_from(date(2024, 1, 31), 1), months_from(date(2024, 1, 31), -2)
        (datetime.date(2024, 2, 29), datetime.date(2023, 11, 30))
    """
    months = day.year * 12 + day.month - 1 + count
    year, month = divmod(months, 12)
    if not date.min.year <= year <= date.max.year:
        raise OverflowError(f"the year {year} is outside the calendar")
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def moved(day: date, unit: str, count: int) -> date:
    """Returns the day some units later: days, weeks, months, years, decades, centuries.

    Raises:
        OverflowError: If no calendar year holds it.
    """
    if unit in ("day", "week"):
        return day + timedelta(days=count * (7 if unit == "week" else 1))
    return months_from(day, count * (1200 if unit == "century" else _MONTHS[unit]))


def months(first: date, count: int) -> Days:
    """Returns a period of whole months that begins on a day."""
    return first, months_from(first, count) - timedelta(days=1)


def period(unit: str, day: date, shift: int = 0) -> Days:
    """Returns the calendar week (from Monday, ISO 8601), month, year … in which a day lies, or one some units off.

    Raises:
        OverflowError: If no calendar year holds it.

    Example:
        >>> period("week", date(2025, 6, 18), -1)
        (datetime.date(2025, 6, 9), datetime.date(2025, 6, 15))
        >>> period("century", date(1999, 1, 1))
        (datetime.date(1901, 1, 1), datetime.date(2000, 12, 31))
    """
    if unit == "day":
        there = day + timedelta(days=shift)
        return there, there
    if unit == "week":
        monday = day + timedelta(days=7 * shift - day.weekday())
        return monday, monday + timedelta(days=6)
    if unit == "century":
        return century((day.year - 1) // 100 + 1 + shift)
    size = _MONTHS[unit]
    first = (day.year * 12 + day.month - 1) // size * size
    return months(months_from(date(first // 12, first % 12 + 1, 1), size * shift), size)


def century(number: int) -> Days:
    """Returns the days of a century, counted from the first, which began with the year 1.

    Raises:
        OverflowError: If the calendar does not reach it.
    """
    if not 1 <= number <= 99:
        raise OverflowError(f"the century {number} is outside the calendar")
    return date(number * 100 - 99, 1, 1), date(number * 100, 12, 31)


def season(name: str, year: int) -> Days:
    """Returns the days of a season; a winter belongs to the year in which it ends.

    Example:
        >>> season("winter", 2019)
        (datetime.date(2018, 12, 1), datetime.date(2019, 2, 28))
    """
    return months(date(year - 1 if name == "winter" else year, SEASONS[name], 1), 3)


def third(unit: str, days: Days, part: str) -> Days:
    """Returns the ``start``, ``middle`` or ``end`` of a period.

    Months are cut after the 10th and the 20th, periods of months after whole months; the weekend ends a week.
    The thirds of a decade overlap as they do in use: 1990 to 1993, 1993 to 1996, 1996 to 1999.

    Example:
        >>> third("month", (date(2025, 2, 1), date(2025, 2, 28)), "end")
        (datetime.date(2025, 2, 21), datetime.date(2025, 2, 28))
        >>> third("year", (date(2025, 1, 1), date(2025, 12, 31)), "start")
        (datetime.date(2025, 1, 1), datetime.date(2025, 4, 30))
    """
    first, last = days
    which = ("start", "middle", "end").index(part)
    if unit == "week":
        cuts = (0, 2, 5, 7)
    elif unit in ("quarter", "season", "half", "year"):
        step = {"quarter": 1, "season": 1, "half": 2, "year": 4}[unit]
        return months(months_from(first, which * step), step)
    elif unit == "decade":
        return date(first.year + 3 * which, 1, 1), date(first.year + 3 * which + 3, 12, 31)
    elif unit == "century":
        return date(first.year + 33 * which, 1, 1), date(first.year + 33 * which + (33 if which == 2 else 32), 12, 31)
    else:
        length = (last - first).days + 1
        cuts = (0, 10, 20, length) if length >= 28 else (0, -(-length // 3), length - length // 3, length)
    return first + timedelta(days=cuts[which]), first + timedelta(days=max(cuts[which], cuts[which + 1] - 1))
