"""What an expression says of a date, field by field, before anything is reckoned from the day of publication."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from hadath.dates.digits import clock_time, date_in_digits, hour_in_part
from hadath.dates.lexicon import Token
from hadath.dates.numerals import NUMERALS, cardinal, ordinal

_SKIPPED = frozenset({"mark", "filler", "matching", "from", "gregorian", "slash", "dash", "late hour", "zone"})
# a year of four digits in this range needs no word before it
_PLAIN_YEARS = range(1800, 2101)
# between these a year can be one of either calendar, and needs a sign of the Islamic one
_EITHER_CALENDAR = range(1400, 1500)


@dataclass
class Fields:
    """The fields of one date; ``None`` where nothing is said.

    Attributes:
        day: Day of the month.
        month: Month, 1 to 12.
        year: Year.
        calendar: ``gregorian`` or ``hijri``.
        weekday: 0, Monday, to 6.
        next_weekday: The weekday to whose morning a night leads.
        offset: Days from the day of publication.
        season: Key of ``periods.SEASONS``.
        feast: Calendar, month, day, and number of days.
        decade: 90 for the nineties.
        century: 20 for the 20th.
        week: Which week of a month; -1 the last.
        division: ``quarter`` or ``half``, and which; 0 the last. Or ``months``, and how many from the first.
        last_ten: Whether the last ten nights of a month are meant.
        edge: ``start``, ``middle`` or ``end``.
        time: As in ``DateInterval``.
        rough: Whether it is said to be so roughly.
        units: Units named as such (week, month, year …).
        relations: For units, ``weekday``, ``name`` (of a month), ``season``, ``feast``: -1 the last, 0 this, 1 next.
        bare: A number that is a day or a year where another date completes it.
    """

    day: int | None = None
    month: int | None = None
    year: int | None = None
    calendar: str | None = None
    weekday: int | None = None
    next_weekday: int | None = None
    offset: int | None = None
    season: str | None = None
    feast: tuple[str, int, int, int] | None = None
    decade: int | None = None
    century: int | None = None
    week: int | None = None
    division: tuple[str, int] | None = None
    last_ten: bool = False
    edge: str | None = None
    time: str | None = None
    rough: bool = False
    units: list[str] = field(default_factory=list)
    relations: dict[str, int] = field(default_factory=dict)
    bare: int | None = None

    @property
    def complete(self) -> bool:
        """Whether the fields name a day or a period."""
        bare_unit = any(unit not in self.relations for unit in self.units)
        if bare_unit and self.edge is None and self.division is None and self.day is None:
            return False
        if self.day is not None and self.month is None and "month" not in self.units:
            return False
        return bool(self.units) or any(
            value is not None
            for value in (
                *(self.month, self.year, self.weekday, self.offset),
                *(self.season, self.feast, self.decade, self.century),
            )
        )


def fields_of(tokens: Sequence[Token], bare: bool = False) -> Fields | None:
    """Reads the fields of one date.

    Args:
        tokens: All tokens of the date.
        bare: Whether a lone number will do, to be completed by another date («26» in «26 إلى 31 يناير»).

    Returns:
        The fields; ``None`` if there are tokens that fit nothing, or contradict each other, or name no date.
    """
    reader = _Reader(tokens, bare)
    while reader.place < len(tokens):
        if not reader.step():
            return None
    found = reader.fields
    if reader.half_unknown:
        found.time = None
    if found.bare is not None:
        return found if found.day is None and found.month is None and found.year is None else None
    return found if found.complete and not reader.this else None


class _Reader:
    """Goes over the tokens once; each step takes one token or more and fills a field that is empty."""

    def __init__(self, tokens: Sequence[Token], bare: bool) -> None:
        self.tokens = tokens
        self.bare = bare
        self.place = 0
        self.fields = Fields()
        self.noun: str | None = None  # what «الماضي» would belong to
        self.this = False  # «هذا» has been read, and what it points to has not
        self.clock = False
        self.half_unknown = False  # of the day, for a clock time up to twelve

    def kind(self, ahead: int = 0) -> str | None:
        place = self.place + ahead
        return self.tokens[place].kind if 0 <= place < len(self.tokens) else None

    def step(self) -> bool:
        """Reads on; false if the token fits nothing."""
        token = self.tokens[self.place]
        if token.joined and self.place:
            return False  # it begins another date
        if token.kind in _SKIPPED:
            self.place += 1
            return True
        if token.kind in NUMERALS or token.kind == "ordinal":
            return self.number()
        if token.kind == "unit":
            return self.unit(*token.value)
        self.place += 1
        if token.kind == "relation":
            return self.relation(token.value)
        if token.kind == "weekday":
            return self.weekday(token.value)
        if token.kind == "month":
            return self.month(*token.value)
        if token.kind in ("season", "feast"):
            return self.put(token.kind, token.value, noun=token.kind)
        if token.kind in ("edge", "decade"):
            return self.put(token.kind, token.value)
        if token.kind == "offset":
            day_of_month = token.text == "اليوم" and self.kind() == "ordinal"
            return self.ordinal_day() if day_of_month else self.put("offset", token.value)
        if token.kind in ("night", "night between"):
            self.noun = None
            between = token.kind == "night between"
            return self.put("time", "night") and (between or self.put("offset", token.value))
        if token.kind == "part of day":
            return self.part_of_day(token.value)
        if token.kind == "half of day":
            return self.half_of_day(token.value)
        if token.kind == "division":
            return self.division(*token.value)
        if token.kind == "hijri":
            # «هـ» after a year that could be of either calendar
            return self.fields.year is not None and self.set_calendar("hijri")
        if token.kind == "roughly":
            self.fields.rough = True
            return True
        if token.kind == "last ten":
            self.fields.last_ten = True
            return True
        if token.kind == "this" and not self.this:
            self.this = True
            return True
        if token.kind == "and" and self.fields.time == "night":
            return self.fields.weekday is not None and self.kind() == "weekday"
        return False

    def put(self, name: str, value: object, noun: str | None = None) -> bool:
        """Fills a field; false if it says something else already."""
        if getattr(self.fields, name) not in (None, value):
            return False
        setattr(self.fields, name, value)
        if noun is not None:
            self.noun = noun
            if self.this:
                self.this = False
                self.fields.relations[noun] = 0
        return True

    def set_calendar(self, calendar: str) -> bool:
        return self.put("calendar", calendar)

    def relation(self, value: int) -> bool:
        if self.noun is None or self.noun in self.fields.relations:
            return False
        self.fields.relations[self.noun] = value
        return True

    def weekday(self, value: int) -> bool:
        if self.fields.weekday is None:
            return self.put("weekday", value, noun="weekday")
        # «ليل الأحد الاثنين»
        following = (self.fields.weekday + 1) % 7 == value
        return self.fields.time == "night" and following and self.put("next_weekday", value)

    def month(self, calendar: str, value: int) -> bool:
        return self.put("month", value, noun="name") and self.set_calendar(calendar)

    def part_of_day(self, value: str | None) -> bool:
        if self.this:
            self.this = False
            return self.put("offset", 0) and self.put("time", value)
        if self.clock:
            return self.clock_half(value)
        return value is None or self.put("time", value)

    def half_of_day(self, value: str) -> bool:
        if self.clock:
            return self.clock_half("morning" if value == "am" else "evening")
        return value == "pm" and self.fields.year is not None  # «2024 م» is a year

    def division(self, unit: str, parts: int) -> bool:
        number = ordinal(self.tokens, self.place)
        if number is not None and number[0] <= parts:
            self.place = number[1]
            return self.put("division", (unit, number[0]))
        if self.kind() == "relation" and self.tokens[self.place].text.startswith("الاخير"):
            self.place += 1
            return self.put("division", (unit, 0))
        return False

    def ordinal_day(self) -> bool:
        """«اليوم الأول من رمضان»."""
        number = ordinal(self.tokens, self.place)
        if number is None or self.kind(number[1] - self.place) != "from":
            return False
        self.place = number[1]
        return self.put("day", number[0])

    def unit(self, unit: str, count: int) -> bool:
        token = self.tokens[self.place]
        if unit == "month" and count == 0:
            return self.first_months()
        if count != 1:
            return False
        self.place += 1
        if unit == "day":
            return True
        if unit == "hour":
            return self.clock_time(after_hour=True)
        if unit == "month" and self.kind() == "month":
            return True
        if unit == "century":
            number = ordinal(self.tokens, self.place)
            if number is not None:
                self.place = number[1]
                return self.put("century", number[0])
        if unit == "year":
            if self.kind() == "hijri" and not self.set_calendar("hijri"):
                return False
            self.place += self.kind() in ("hijri", "gregorian")
            number = cardinal(self.tokens, self.place)
            if number is not None:
                self.place = number[1]
                return self.year(number[0])
        if unit == "week":
            week = self.week_of_month()
            if week is not None:
                return self.put("week", week)
        if unit in self.fields.units or not (token.text.startswith("ال") or self.this):
            return False
        self.fields.units.append(unit)
        self.noun = unit
        if self.this:
            self.this = False
            self.fields.relations[unit] = 0
        return True

    def first_months(self) -> bool:
        """«الأشهر التسعة الأولى من العام»."""
        number = cardinal(self.tokens, self.place + 1)
        if number is None or not 1 <= number[0] <= 12 or number[1] >= len(self.tokens):
            return False
        self.place = number[1] + 1
        return self.tokens[number[1]].text == "الاولي" and self.put("division", ("months", number[0]))

    def week_of_month(self) -> int | None:
        number = ordinal(self.tokens, self.place)
        if number is not None and number[0] <= 5:
            self.place = number[1]
            return number[0]
        last = self.kind() == "relation" and self.tokens[self.place].text == "الاخير"
        if last and self.kind(1) == "from":
            self.place += 1
            return -1
        return None

    def year(self, value: int) -> bool:
        islamic = self.kind() == "hijri" or self.fields.calendar == "hijri"
        if islamic:
            return self.set_calendar("hijri") and self.put("year", value)
        if not 1000 <= value <= _PLAIN_YEARS[-1] or value in _EITHER_CALENDAR:
            return False
        return self.put("year", value)

    def number(self) -> bool:
        """A number: a date in digits, a clock time, a day, a year."""
        if date_in_digits(self.tokens, self.place) is not None:
            return self.date_in_digits()
        if self.clock_time(after_hour=False):
            return True
        token = self.tokens[self.place]
        number = ordinal(self.tokens, self.place) or cardinal(self.tokens, self.place)
        if number is None:
            return False
        value, after = number
        ahead = after - self.place
        if self.kind(ahead) in ("from", "mark", "filler"):
            ahead += 1
        following = self.tokens[self.place + ahead] if self.kind(ahead) else None
        of_month = following is not None and (following.kind == "month" or following.value == ("month", 1))
        self_place, self.place = self.place, after
        if of_month and 1 <= value <= 31:
            return self.put("day", value)
        if token.text.isdecimal() and len(token.text) == 4 and (value in _PLAIN_YEARS or self.is_islamic()):
            if self.fields.season == "winter" and self.kind() == "dash" and self.kind(1) == "number":
                if self.tokens[self.place + 1].value != value + 1:
                    return False
                self.place += 2
                value += 1
            return self.year(value)
        if self.fields.month is not None and self.fields.year is None and self.tokens[self_place].kind == "thousands":
            return self.year(value)
        return self.bare and self.put("bare", value)

    def is_islamic(self) -> bool:
        return self.kind() == "hijri" or self.fields.calendar == "hijri"

    def date_in_digits(self) -> bool:
        found = date_in_digits(self.tokens, self.place)
        if found is None:
            return False
        self.place = found.place
        good = self.put("month", found.month, noun="name") and (found.day is None or self.put("day", found.day))
        return good and (found.year is None or self.year(found.year))

    def clock_time(self, after_hour: bool) -> bool:
        found = None if self.clock else clock_time(self.tokens, self.place, after_hour)
        if found is None:
            return False
        self.place = found.place
        self.clock = True
        self.half_unknown = not found.exact and found.hour <= 12
        # «مساء الخميس الساعة 7»
        part, self.fields.time = self.fields.time, f"{found.hour:02}:{found.minute:02}"
        return part is None or self.clock_half(part)

    def clock_half(self, part: str | None) -> bool:
        """Tells of a clock time before or after noon from the part of the day."""
        hour, minute = map(int, str(self.fields.time).split(":"))
        self.half_unknown = False
        self.fields.time = f"{hour_in_part(hour, part):02}:{minute:02}"
        return True
