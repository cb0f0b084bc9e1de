"""From the fields of a date to days, reckoned from the day on which the article was published."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta

from hadath.dates import hijri, periods
from hadath.dates.fields import Fields
from hadath.dates.interval import DateInterval
from hadath.dates.periods import Days

# What comes so soon is meant rather than what was almost a year ago, even where no tense says so
_SOON = 60
_WEEKDAY_SLIP = 2


@dataclass(frozen=True)
class Anchor:
    """What an expression is reckoned from.

    Attributes:
        published: The day of publication; ``None`` where it is not known.
        direction: ``"past"`` or ``"future"`` where the tense tells it.
    """

    published: date | None
    direction: str | None

    def turned(self, direction: str, always: bool = False) -> Anchor:
        """Returns the anchor with a direction, where it has none or ``always``."""
        return self if self.direction is not None and not always else replace(self, direction=direction)


def days_of(fields: Fields, anchor: Anchor) -> DateInterval | None:
    """Reckons the days that fields name; ``None`` where there are none such or the day of publication is missing."""
    found = _period(fields, anchor)
    if found is None:
        return None
    granularity, days = found
    rough = fields.rough or fields.calendar == "hijri" or (fields.feast is not None and fields.feast[0] == "hijri")
    if fields.edge is not None and granularity == "day" and fields.feast is None:
        return None
    if fields.edge is not None and granularity != "day":
        days = periods.third(granularity, days, fields.edge)
        rough = True
    return DateInterval(*days, granularity, fields.time, rough)


def _period(fields: Fields, anchor: Anchor) -> tuple[str, Days] | None:
    if fields.offset is not None:
        return _offset_day(fields, anchor)
    if fields.feast is not None:
        return _feast(fields, anchor)
    if fields.month is not None or "month" in fields.units:
        return _month_or_part(fields, anchor)
    if fields.weekday is not None:
        return _weekday(fields, anchor)
    if fields.season is not None:
        return _season(fields, anchor)
    if fields.decade is not None:
        return _decade(fields)
    if fields.century is not None:
        return ("century", periods.century(fields.century)) if not fields.units and fields.year is None else None
    year = _year(fields, anchor)
    if year is not None or "year" in fields.units or fields.year is not None:
        return _year_or_part(fields, year)
    return _unit(fields, anchor)


def _offset_day(fields: Fields, anchor: Anchor) -> tuple[str, Days] | None:
    if anchor.published is None or fields.offset is None or fields.units or fields.relations:
        return None
    day = anchor.published + timedelta(days=fields.offset)
    if fields.day is not None and fields.month is not None:
        # «اليوم الأحد 12 نوفمبر»: the date is the surer of the two
        named = _month_or_part(replace(fields, offset=None), Anchor(day, None))
        near = named is not None and abs((named[1][0] - day).days) <= 31
        return named if near else None
    if fields.month is not None or fields.year is not None:
        return None
    if fields.weekday is not None and day.weekday() != fields.weekday:
        # published a day or two after it was written: the weekday is the surer of the two
        shifts = [shift for shift in range(-_WEEKDAY_SLIP, 2) if (day.weekday() + shift) % 7 == fields.weekday]
        if not shifts:
            return None
        day += timedelta(days=shifts[0])
    return "day", (day, day)


def _weekday(fields: Fields, anchor: Anchor) -> tuple[str, Days] | None:
    if anchor.published is None or fields.weekday is None or fields.year is not None:
        return None
    published = anchor.published
    if "week" in fields.units:
        monday, _ = periods.period("week", published, fields.relations.get("week", 0))
        day = monday + timedelta(days=fields.weekday)
        return ("day", (day, day)) if fields.units == ["week"] else None
    if fields.units:
        return None
    weekday = fields.weekday if fields.next_weekday is None else fields.next_weekday
    relation = fields.relations.get("weekday")
    since = (published.weekday() - weekday) % 7
    if relation is None:
        day = (
            published + timedelta(days=7 - since if since else 0)
            if anchor.direction == "future"
            else (published - timedelta(days=since))
        )
    elif relation == 0:
        day = published + timedelta(days=weekday - published.weekday())
    elif relation < 0:
        day = published - timedelta(days=(since or 7) - 7 * (relation + 1))
    else:
        day = published + timedelta(days=7 - since + 7 * (relation - 1))
    return "day", (day if fields.next_weekday is None else day - timedelta(days=1), day)


def _feast(fields: Fields, anchor: Anchor) -> tuple[str, Days] | None:
    if fields.feast is None or fields.month is not None or fields.weekday is not None:
        return None
    calendar, month, number, length = fields.feast

    def of_year(year: int) -> Days | None:
        first = hijri.day(year, month, number) if calendar == "hijri" else periods.day_of(year, month, number)
        return None if first is None else (first, first + timedelta(days=length - 1))

    return _occurring("day", of_year, replace(fields, calendar=calendar), anchor, "feast")


def _season(fields: Fields, anchor: Anchor) -> tuple[str, Days] | None:
    season = fields.season
    if season is None or fields.month is not None:
        return None
    return _occurring("season", lambda year: periods.season(season, year), fields, anchor, "season")


def _month_or_part(fields: Fields, anchor: Anchor) -> tuple[str, Days] | None:
    """A month with a name («مارس») or without («الشهر الماضي»), or a day, a week, a half of it."""
    if fields.month is None:
        if anchor.published is None or "year" in fields.units:
            return None
        month = periods.period("month", anchor.published, fields.relations.get("month", 0))
        part = _part_of_month(fields, month)
        return part if fields.weekday is None else None
    if "month" in fields.units:
        return None
    number, day = fields.month, fields.day

    def of_year(year: int) -> Days | None:
        month = (
            hijri.month_days(year, number) if fields.calendar == "hijri" else periods.months(date(year, number, 1), 1)
        )
        if month is None or day is None:
            return month
        there = month[0] + timedelta(days=day - 1)
        return (there, there) if there <= month[1] else None

    granularity = "month" if day is None else "day"
    if fields.weekday is not None and day is None:
        return None
    found = None
    if fields.weekday is not None and fields.year is None and not fields.units and not fields.relations:
        # the weekday tells the year
        found = _occurring(granularity, lambda year: _if_weekday(of_year(year), fields.weekday), fields, anchor, "name")
    found = found or _occurring(granularity, of_year, fields, anchor, "name")
    return found if found is None or day is not None else _part_of_month(fields, found[1])


def _if_weekday(days: Days | None, weekday: int | None) -> Days | None:
    return days if days is not None and days[0].weekday() == weekday else None


def _part_of_month(fields: Fields, month: Days) -> tuple[str, Days] | None:
    first, last = month
    if fields.day is not None:
        there = first + timedelta(days=fields.day - 1)
        return ("day", (there, there)) if there <= last else None
    if fields.last_ten:
        return "day", (first + timedelta(days=20), last)
    if fields.week is not None:
        if fields.week < 0:
            return "week", (last - timedelta(days=6), last)
        monday = first + timedelta(days=7 * (fields.week - 1))
        return ("week", (monday, min(last, monday + timedelta(days=6)))) if monday <= last else None
    if fields.division is not None:
        unit, number = fields.division
        if unit != "half":
            return None
        middle = first + timedelta(days=14)
        return "half", (first, middle) if number == 1 else (middle + timedelta(days=1), last)
    return "month", month


def _decade(fields: Fields) -> tuple[str, Days] | None:
    if fields.decade is None or fields.year is not None:
        return None
    century = fields.century or 20
    if fields.units == ["century"] and fields.relations.get("century") not in (-1, None):
        return None
    first = (century - 1) * 100 + fields.decade
    return "decade", (date(first, 1, 1), date(first + 9, 12, 31))


def _year(fields: Fields, anchor: Anchor) -> int | None:
    """The year that is named by its number or as this one, the last one, the next one."""
    if fields.year is not None:
        return fields.year
    if "year" not in fields.units or anchor.published is None:
        return None
    now = hijri.year_of(anchor.published) if fields.calendar == "hijri" else anchor.published.year
    return now + fields.relations.get("year", 0)


def _year_or_part(fields: Fields, year: int | None) -> tuple[str, Days] | None:
    others = (fields.weekday, fields.day, fields.week)
    if year is None or any(value is not None for value in others) or set(fields.units) - {"year"}:
        return None
    if fields.calendar == "hijri":
        first, last = hijri.month_days(year, 1), hijri.month_days(year, 12)
        return None if first is None or last is None or fields.division else ("year", (first[0], last[1]))
    if fields.division is None:
        return "year", (date(year, 1, 1), date(year, 12, 31))
    unit, number = fields.division
    if unit == "months":
        return "month", periods.months(date(year, 1, 1), number)
    size = {"quarter": 3, "half": 6}[unit]
    number = number or 12 // size
    return unit, periods.months(date(year, (number - 1) * size + 1, 1), size)


def _unit(fields: Fields, anchor: Anchor) -> tuple[str, Days] | None:
    """«الأسبوع الماضي», «القرن الماضي»."""
    if anchor.published is None or len(fields.units) != 1 or fields.division or fields.week or fields.day:
        return None
    unit = fields.units[0]
    return unit, periods.period(unit, anchor.published, fields.relations.get(unit, 0))


def _occurring(
    granularity: str, of_year: Callable[[int], Days | None], fields: Fields, anchor: Anchor, noun: str
) -> tuple[str, Days] | None:
    """Of what comes every year the one that is meant."""
    year = _year(fields, anchor)
    if set(fields.units) - {"year"}:
        return None
    if year is not None:
        days = of_year(year)
        return None if days is None or noun in fields.relations else (granularity, days)
    if anchor.published is None:
        return None
    now = hijri.year_of(anchor.published) if fields.calendar == "hijri" else anchor.published.year
    every = [days for days in map(of_year, range(now - 2, now + 3)) if days is not None]
    chosen = _chosen(every, anchor, fields.relations.get(noun))
    return None if chosen is None else (granularity, chosen)


def _chosen(every: Iterable[Days], anchor: Anchor, relation: int | None) -> Days | None:
    """Of periods in their order the one that an expression means."""
    published = anchor.published
    if published is None:
        return None
    begun: list[Days | None] = [None]
    over: list[Days | None] = [None]
    to_come: list[Days | None] = []
    for days in every:
        if days[0] > published:
            to_come.append(days)
        else:
            begun.append(days)
            if days[1] < published:
                over.append(days)
    to_come.append(None)
    lasting = begun[-1] if begun[-1] != over[-1] else None
    if relation == -1:
        return over[-1]
    if relation == 1:
        return to_come[0]
    if relation == 0:
        this_year = [days for days in (*reversed(over), *to_come) if days and days[0].year == published.year]
        return lasting or (this_year[0] if this_year else None)
    if relation is not None:
        return None
    last, following = begun[-1], lasting or to_come[0]
    if last is None or following is None:
        return last or following
    if anchor.direction is not None:
        return last if anchor.direction == "past" else following
    return following if (following[0] - published).days <= _SOON else last
