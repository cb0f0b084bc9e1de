"""The Islamic calendar: Umm al-Qura, the civil calendar of Saudi Arabia, for the years 1365 to 1500 (1945 to 2077).

Which months have 30 days is announced, not computed, hence a table. Months begin a day earlier or later where the
moon is sighted otherwise.
"""

from __future__ import annotations

from datetime import date
from itertools import accumulate

FIRST_YEAR, LAST_YEAR = 1365, 1500
_FIRST_DAY = date(1945, 12, 5).toordinal()

# For each year three hexadecimal digits, twelve bits: whether a month, the first one highest, has 30 days or 29.
# Facts published by the calendar's institute, collected by R. H. van Gent, and the same as the package hijridate's,
# with which a test compares them.
_LONG_MONTHS = (
    "aabaaaaaaaabab6aaaa5754b555ab3aa64ea95baaa555aaab4ab655aaaaab2ecab2ab6aaaabab4aab2aba2baa6b4aba55aaab5556d2b"
    "54aea57526e936aaad555aa5b52ba95b49ba4db25d52daa5ad4aea56d4bd23d91da95b4ab5a56d2b693b49b6556a9754b6a56caad555"
    "b29b92ba95d4ada55aaab595749764baa5b52b6a56d2ae9572a75535a95d49ba4dd26d535aaaad4b6a57527a95b4ab5536c9ae4b6a96"
    "b4ada55d25d92dc96d4ad6556d2b693749b64d72ab54b6a5752b6956b2ad94dc95d4aea56caad5556c97"
)
_LENGTHS = [
    29 + (int(_LONG_MONTHS[place : place + 3], 16) >> (11 - month) & 1)
    for place in range(0, len(_LONG_MONTHS), 3)
    for month in range(12)
]
_STARTS = list(accumulate(_LENGTHS, initial=_FIRST_DAY))


def month_days(year: int, month: int) -> tuple[date, date] | None:
    """Returns the first and the last day of an Islamic month; ``None`` outside the table.

    Example:
        >>> month_days(1446, 9)
        (datetime.date(2025, 3, 1), datetime.date(2025, 3, 29))
    """
    if not FIRST_YEAR <= year <= LAST_YEAR:
        return None
    place = (year - FIRST_YEAR) * 12 + month - 1
    return date.fromordinal(_STARTS[place]), date.fromordinal(_STARTS[place + 1] - 1)


def day(year: int, month: int, number: int) -> date | None:
    """Returns the day of an Islamic date; ``None`` if there is no such day or it lies outside the table.

    Example:
        >>> day(1444, 11, 13)
        datetime.date(2023, 6, 2)
    """
    days = month_days(year, month)
    if days is None or not 1 <= number <= (days[1] - days[0]).days + 1:
        return None
    return date.fromordinal(days[0].toordinal() + number - 1)


def year_of(gregorian: date) -> int:
    """Returns the Islamic year in which a day lies, to a year's exactness outside the table.

    Example:
        >>> year_of(date(2025, 6, 26)), year_of(date(2025, 6, 25))
        (1447, 1446)
    """
    guess = FIRST_YEAR + (gregorian.toordinal() - _FIRST_DAY) * 10_000 // 3_543_670
    for year in (guess + 1, guess):
        first = month_days(year, 1)
        if first is not None and first[0] <= gregorian:
            return year
    return guess - 1 if month_days(guess, 1) else guess
