"""Date expressions: a date, a span reckoned from the day of publication, a range, a bound."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import NamedTuple

from hadath.dates.anchoring import Anchor, days_of
from hadath.dates.fields import Fields, fields_of
from hadath.dates.interval import DateInterval
from hadath.dates.lexicon import Token
from hadath.dates.numerals import NUMERALS, cardinal
from hadath.dates.periods import moved, period

Tokens = Sequence[Token]

_LEADING = frozenset({"filler", "mark", "through"})
_EVES = frozenset({"عشيه", "ليله"})
# in days, of a range whose first year is not said: «31 مارس إلى 3 مارس» is a slip of the pen, no year less four weeks
_LONGEST_RANGE = 300
_LIST_HEADS = frozenset((unit, count) for unit in ("day", "month", "year") for count in (0, 2))


class _Duration(NamedTuple):
    unit: str
    number: int
    half: bool = False
    bound: str | None = None  # "more" or "less" than that
    rough: bool = False


def read(tokens: Tokens, anchor: Anchor) -> DateInterval | None:
    """Reads a whole expression; ``None`` if it names no days, or none that are known."""
    while tokens and tokens[0].kind in _LEADING:
        tokens = tokens[1:]
    if not tokens:
        return None
    head, rest = tokens[0].kind, tokens[1:]
    if head == "within":
        return _within(rest, anchor)
    if head == "before":
        return _before(rest, anchor)
    if head == "after":
        return _after(rest, anchor)
    if head == "since":
        return _since(rest, anchor)
    if head in ("until", "by"):
        return _until(rest, anchor)
    fields = fields_of(tokens)
    if fields is None:
        return _window(tokens, anchor) or _range(tokens, anchor) or _matching(tokens, anchor)
    if fields.feast is not None and head != "feast" and tokens[0].text in _EVES:
        return _eve(fields, anchor)
    return days_of(fields, anchor)


def _within(tokens: Tokens, anchor: Anchor) -> DateInterval | None:
    duration = _duration(tokens)
    if duration is None:
        return read(tokens, anchor)
    # «خلال يومين» in a report of the past is a length of time and says not when
    if anchor.published is None or anchor.direction != "future":
        return None
    return _between(anchor.published, _moved(anchor.published, duration, 1), duration)


def _before(tokens: Tokens, anchor: Anchor) -> DateInterval | None:
    published = anchor.published
    duration = _duration(tokens)
    if duration is not None:
        return None if published is None else _distant(published, duration, -1)
    if tokens and tokens[0].kind == "end of":
        tokens = [Token("edge", "end"), *tokens[1:]]
    up_to_end = bool(tokens) and (tokens[0].kind, tokens[0].value) == ("edge", "end")
    if any(token.kind == "part of day" for token in tokens):
        # «قبيل فجر الجمعة»: on that day
        interval = read(tokens, anchor)
        return None if interval is None else interval.roughly()
    interval = read(tokens, anchor.turned("future"))
    if interval is None or interval.start is None or interval.end is None:
        return None
    end = interval.end if up_to_end else interval.start - timedelta(days=1)
    start = published if published is not None and published <= end else None
    return replace(interval, start=start, end=end, approximate=interval.approximate and not up_to_end)


def _after(tokens: Tokens, anchor: Anchor) -> DateInterval | None:
    published = anchor.published
    duration = _duration(tokens)
    if duration is not None:
        # in a report of the past it is reckoned from another event
        if published is None or anchor.direction != "future":
            return None
        return _distant(published, duration, 1)
    interval = read(tokens, anchor)
    if interval is None or interval.end is None:
        return None
    if interval.time is not None:
        return interval.roughly()
    start = interval.end + timedelta(days=1)
    end = published if published is not None and interval.end < published else None
    return replace(interval, start=start, end=end)


def _since(tokens: Tokens, anchor: Anchor) -> DateInterval | None:
    published = anchor.published
    duration = _duration(tokens)
    if duration is not None:
        if published is None:
            return None
        if duration.bound == "more":
            return _distant(published, duration, -1)
        return _between(_moved(published, duration, -1), published, duration)
    interval = read(tokens, anchor.turned("past"))
    if interval is None or interval.start is None:
        return None
    end = published if published is not None and interval.start <= published else None
    return replace(interval, end=end)


def _until(tokens: Tokens, anchor: Anchor) -> DateInterval | None:
    interval = read(tokens, anchor.turned("future"))
    if interval is None or interval.end is None:
        return None
    known = anchor.published is not None and anchor.published <= interval.end
    return replace(interval, start=anchor.published if known else None)


def _matching(tokens: Tokens, anchor: Anchor) -> DateInterval | None:
    """«12 جمادى الأولى 1446 هـ الموافق 14 نوفمبر 2024»: the one of two calendars that does not follow the moon."""
    places = [place for place, token in enumerate(tokens) if token.kind == "matching"]
    # with more of them the ways to cut the expression in two, and its parts again, would be beyond number
    if len(places) != 1:
        return None
    both = [read(part, anchor) for part in (tokens[: places[0]], tokens[places[0] + 1 :])]
    named = [interval for interval in both if interval is not None]
    days = [interval.start for interval in named if interval.start is not None]
    if len(days) == 2 and abs((days[0] - days[1]).days) <= 2:
        return min(named, key=lambda interval: interval.approximate)
    return None


def _eve(fields: Fields, anchor: Anchor) -> DateInterval | None:
    """«عشية عيد الفطر», «ليلة رأس السنة»: the day before."""
    feast = days_of(fields, anchor)
    if feast is None or feast.start is None:
        return None
    eve = feast.start - timedelta(days=1)
    return replace(feast, start=eve, end=eve, time="night" if feast.time == "night" else None)


def _duration(tokens: Tokens) -> _Duration | None:
    """A length of time that is all of the tokens: «نحو خمس سنوات», «يومين», «عام ونصف»."""
    bound, rough = None, False
    while tokens and tokens[0].kind in ("roughly", "more", "less"):
        rough = rough or tokens[0].kind == "roughly"
        bound = tokens[0].kind if tokens[0].kind != "roughly" else bound
        tokens = tokens[1:]
    while tokens and tokens[-1].kind == "roughly":
        rough, tokens = True, tokens[:-1]
    if not tokens:
        return None
    half = tokens[-1].kind == "and a half" or (tokens[-1].kind, tokens[-1].value) == ("to the hour", 30)
    tokens = tokens[:-1] if half else tokens
    number = cardinal(tokens, 0)
    if number is not None:
        count, place = number
        if place != len(tokens) - 1 or tokens[place].kind != "unit":
            return None
        return _Duration(tokens[place].value[0], count, half, bound, rough) if 0 < count < 10_000 else None
    if not tokens or tokens[0].kind != "unit" or tokens[0].text.startswith("ال"):
        return None
    unit, count = tokens[0].value
    if count == 0 or [token.value for token in tokens[1:]] not in ([], [1]):
        return None
    return _Duration(unit, count, half, bound, rough)


def _moved(day: date, duration: _Duration, sign: int) -> date:
    """The day a duration before or after."""
    unit, number = duration.unit, duration.number
    if unit == "hour":
        return day + timedelta(days=sign * (number // 24))
    there = moved(day, unit, sign * number)
    if duration.half:
        months = {"year": 6, "decade": 60, "century": 600}.get(unit)
        there = moved(there, "month", sign * months) if months else there + timedelta(days=sign * 15)
    return there


def _granularity(duration: _Duration) -> str:
    if duration.unit == "hour":
        return "day"
    return "month" if duration.half and duration.unit == "year" else duration.unit


def _between(start: date, end: date, duration: _Duration) -> DateInterval:
    return DateInterval(start, end, _granularity(duration), approximate=duration.rough)


def _distant(published: date, duration: _Duration, sign: int) -> DateInterval:
    """What lies a duration before or after, as exactly as its unit says."""
    there = _moved(published, duration, sign)
    granularity = _granularity(duration)
    if duration.bound == "more":
        return DateInterval(None, there, granularity) if sign < 0 else DateInterval(there, None, granularity)
    if duration.bound == "less":
        return DateInterval(min(published, there), max(published, there), granularity)
    if granularity == "day":
        return DateInterval(there, there, granularity, approximate=duration.rough or duration.unit == "hour")
    if granularity == "week":
        return DateInterval(there - timedelta(days=3), there + timedelta(days=3), granularity, approximate=True)
    if granularity in ("month", "year"):
        return DateInterval(*period(granularity, there), granularity, approximate=True)
    half = {"decade": 60, "century": 600}[granularity]
    return DateInterval(moved(there, "month", -half), moved(there, "month", half), granularity, approximate=True)


def _window(tokens: Tokens, anchor: Anchor) -> DateInterval | None:
    """«اليومين الماضيين», «الأشهر الستة المقبلة»: so many units back or ahead."""
    published = anchor.published
    if published is None or tokens[-1].kind != "relation" or tokens[-1].value not in (-1, 1):
        return None
    inner = [token for token in tokens[:-1] if token.kind != "mark"]
    units = [place for place, token in enumerate(inner) if token.kind == "unit"]
    if len(units) != 1:
        return None
    unit, count = inner.pop(units[0]).value
    if inner:
        number = cardinal(inner, 0)
        if number is None or number[1] != len(inner) or count == 2:
            return None
        count = number[0]
    elif count != 2:
        return None
    duration = _Duration(unit, count)
    if not 0 < count < 10_000:
        return None
    if tokens[-1].value < 0:
        return _between(_moved(published, duration, -1), published, duration)
    return _between(published, _moved(published, duration, 1), duration)


def _range(tokens: Tokens, anchor: Anchor) -> DateInterval | None:
    """«من 26 إلى 31 يناير», «بين 2015 و2018», «يومي 14 و15 مارس»."""
    between = tokens[0].kind == "between"
    if tokens[0].kind in ("from", "between"):
        tokens = tokens[1:]
    if tokens and tokens[0].kind == "unit" and tokens[0].value in _LIST_HEADS:
        tokens = tokens[1:]
    spanned = any(token.kind in ("to", "until", "dash") for token in tokens)
    for parts in (_parts(tokens, joined=False), _parts(tokens, joined=True)):
        if 2 <= len(parts) <= 5:
            found = _hull(parts, anchor, listed=not (between or spanned))
            if found is not None:
                return found
    return None


def _parts(tokens: Tokens, joined: bool) -> list[Tokens]:
    """The tokens cut at «إلى», «و», dashes, and with ``joined`` where و is written onto a word."""
    parts: list[list[Token]] = [[]]
    for place, token in enumerate(tokens):
        if token.kind in ("to", "until", "and", "dash"):
            parts.append([])
            continue
        numeral = token.kind in NUMERALS and place > 0 and tokens[place - 1].kind in (*NUMERALS, "ordinal")
        if joined and token.joined and place > 0 and not numeral:
            parts.append([])
        parts[-1].append(token._replace(joined=token.joined and numeral))
    return [part for part in parts if part]


def _hull(parts: Sequence[Tokens], anchor: Anchor, listed: bool) -> DateInterval | None:
    """The days from the first of several dates to the last."""
    last = fields_of(parts[-1])
    if last is None:
        return None
    end = days_of(last, anchor)
    if end is None or end.end is None:
        return None
    later = end
    gap = False
    for part in reversed(parts[:-1]):
        fields = fields_of(part, bare=True)
        earlier = None if fields is None else _earlier(_completed(fields, last), anchor, later)
        if earlier is None or earlier.start is None or later.start is None or earlier.start > later.start:
            return None
        gap = gap or earlier.end is None or earlier.end + timedelta(days=1) < later.start
        later = earlier
    # «السبت والاثنين» are two days, with one between that is not meant
    rough = end.approximate or later.approximate or (listed and gap)
    return DateInterval(later.start, end.end, end.granularity, end.time or later.time, rough)


def _completed(fields: Fields, last: Fields) -> Fields:
    """The earlier of two dates with what is said only of the later."""
    if fields.bare is not None:
        number = fields.bare
        named = replace(fields, day=number) if last.day is not None else replace(fields, year=number)
        fields = replace(named, bare=None)
    if fields.day is not None and fields.month is None:
        fields = replace(fields, month=last.month, calendar=last.calendar, units=last.units, relations=last.relations)
    return fields


def _earlier(fields: Fields, anchor: Anchor, later: DateInterval) -> DateInterval | None:
    """The earlier of two dates: reckoned from the later where it is not tied to the day of publication itself."""
    if fields.offset is not None or fields.relations or fields.year is not None or later.start is None:
        return days_of(fields, anchor)
    found = days_of(fields, Anchor(later.start, "past"))
    slip = found is not None and found.granularity == "day" and _days(found, later) > _LONGEST_RANGE
    return None if slip else found


def _days(earlier: DateInterval, later: DateInterval) -> int:
    return (later.start - earlier.start).days if later.start is not None and earlier.start is not None else 0
