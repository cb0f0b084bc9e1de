"""``python tests/inference/test_dates.py`` prints the share of the table that is solved, and what is not."""

from __future__ import annotations

import csv
import datetime
from pathlib import Path
from typing import Literal, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hadath.dates import GRANULARITIES, PARTS_OF_DAY, DateInterval, hijri, lexicon, periods, resolve
from hadath.errors import InvalidTextError

TABLE = Path(__file__).parents[1] / "fixtures" / "dates.tsv"
WEDNESDAY = datetime.date(2025, 6, 18)


class Row(NamedTuple):
    expression: str
    published: str
    direction: str
    start: str
    end: str
    granularity: str
    time: str

    @property
    def expected(self) -> str:
        return " ".join((self.start, self.end, self.granularity, self.time)) if self.start != "-" else "nothing"

    @property
    def found(self) -> str:
        published = None if self.published == "-" else datetime.date.fromisoformat(self.published)
        interval = resolve(self.expression, published, None if self.direction == "-" else self.direction)  # type: ignore[arg-type]
        if interval is None:
            return "nothing"
        ends = (str(interval.start or ".."), str(interval.end or ".."))
        return " ".join((*ends, interval.granularity, interval.time or "-"))


def table() -> list[Row]:
    with TABLE.open(encoding="utf-8", newline="") as stream:
        reader = csv.reader(stream, delimiter="\t")
        assert next(reader) == list(Row._fields)
        return [Row(*line) for line in reader]


def unsolved(rows: list[Row]) -> list[str]:
    return [
        f"{row.expression} (published {row.published}, {row.direction}): {row.found}, expected {row.expected}"
        for row in rows
        if row.found != row.expected
    ]


def test_at_least_95_percent_of_the_table_are_solved() -> None:
    rows = table()
    assert len({row[:3] for row in rows}) == len(rows) >= 300
    wrong = unsolved(rows)
    assert len(wrong) <= 0.05 * len(rows), "\n".join(wrong)


def test_a_date_that_is_found_is_never_another_than_the_table_has() -> None:
    assert not [row.expression for row in table() if row.found not in (row.expected, "nothing")]


def test_without_a_day_of_publication_nothing_is_reckoned_from_one() -> None:
    for row in table():
        relative = row.published != "-" and resolve(row.expression)
        if relative:  # an absolute date, with or without the day
            assert resolve(row.expression) in (
                resolve(row.expression, datetime.date(1950, 3, 1)),
                resolve(row.expression, datetime.date(2090, 3, 1)),
            ), row.expression


@pytest.mark.parametrize(
    ("expression", "approximate"),
    [
        ("الشهر الماضي", False),
        ("مطلع الشهر", True),
        ("قبل ثلاثة أيام", False),
        ("قبل نحو ثلاثة أيام", True),
        ("قبل شهرين", True),
        ("قبل نهاية العام", False),
        ("نهاية العام", True),
        ("عيد الأضحى", True),  # follows the moon
        ("عيد الميلاد", False),
        ("13 ذو القعدة 1444 هـ", True),
        ("السبت والأحد", False),
        ("السبت والاثنين", True),  # the day between is not meant
        ("بين السبت والاثنين", False),
    ],
)
def test_what_is_approximate(expression: str, approximate: bool) -> None:
    interval = resolve(expression, WEDNESDAY)
    assert interval is not None
    assert interval.approximate is approximate


@pytest.mark.parametrize("expression", ["أمس الاثنين", "اليوم الثلاثاء", "غدا الأربعاء"])
def test_a_weekday_is_surer_than_yesterday_or_today(expression: str) -> None:
    """Sites publish after midnight what was written the day before."""
    interval = resolve(expression, WEDNESDAY)
    assert interval is not None
    assert interval.start is not None
    assert interval.start.weekday() == ["الاثنين", "الثلاثاء", "الأربعاء"].index(expression.split()[1])
    assert resolve("أمس السبت", WEDNESDAY) is None  # too far off to be either


@pytest.mark.parametrize(
    "expression",
    [
        "",
        " ",
        "-",
        "31 نيسان",
        "32 يناير 2024",
        "12/13/2024",
        "0/5/2024",
        "2024-13-01",
        "عام 1446",  # of either calendar
        "عام 9999999999999",
        "١" * 5000,
        "قبل 9999 قرنا",
        "بعد 9999 عاما",
        "منذ 9000 سنة",
        "سنة 1600 هـ",
        "31 ذو القعدة 1444",
        "القرن المئة",
        "الأحد الاثنين",
        "يناير فبراير",
        "الماضي",
        "هذا",
        "من",
        "إلى",
        "من الاثنين إلى",
        "بين",
        "قبل",
        "خلال",
        "أحداث 5 مارس 2024",
        "مارس العام الماضي الماضي",
        "من 31 مارس إلى 3 مارس 2024",
        "و" * 50,
        "الاثنين " * 40,
        "5 مارس 2024 " * 100_000,
        "الموافق " * 22 + "الجمعة السبت",
    ],
)
def test_what_is_no_date_names_no_days(expression: str) -> None:
    assert resolve(expression, WEDNESDAY) is None
    assert resolve(expression, WEDNESDAY, "future") is None


def test_a_day_and_hour_of_publication_will_do() -> None:
    interval = resolve("أمس", datetime.datetime(2025, 6, 18, 23, 5, tzinfo=datetime.timezone.utc))
    assert interval == DateInterval(datetime.date(2025, 6, 17), datetime.date(2025, 6, 17), "day")


@pytest.mark.parametrize("published", [datetime.date.min, datetime.date(2, 1, 1), datetime.date.max])
@pytest.mark.parametrize(
    "expression", ["مارس", "15 يناير", "العام الماضي", "العام المقبل", "العقد الماضي", "شتاء", "الاثنين"]
)
@pytest.mark.parametrize("direction", ["past", "future"])
def test_at_the_ends_of_the_calendar_there_may_be_no_such_day(
    published: datetime.date, expression: str, direction: Literal["past", "future"]
) -> None:
    interval = resolve(expression, published, direction)
    assert interval is None or interval.granularity in GRANULARITIES


def test_a_direction_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="direction is 'Planned'; expected 'past', 'future' or None"):
        resolve("الاثنين", WEDNESDAY, "Planned")  # type: ignore[arg-type]


def test_what_is_no_text_is_refused() -> None:
    with pytest.raises(InvalidTextError):
        resolve("\ud800")


words = st.sampled_from(sorted({word for row in table() for word in row.expression.split()}))


@given(
    expression=st.lists(words, min_size=1, max_size=6).map(" ".join),
    published=st.none() | st.dates(),
    direction=st.sampled_from([None, "past", "future"]),
)
def test_whatever_the_words_an_interval_is_sound(
    expression: str, published: datetime.date | None, direction: str | None
) -> None:
    interval = resolve(expression, published, direction)  # type: ignore[arg-type]
    if interval is not None:
        assert interval.granularity in GRANULARITIES
        assert interval.time is None or interval.time in PARTS_OF_DAY or datetime.time.fromisoformat(interval.time)


@given(expression=st.text(max_size=30), published=st.none() | st.dates())
def test_no_text_is_too_strange(expression: str, published: datetime.date | None) -> None:
    resolve(expression.encode("utf-8", "ignore").decode(), published)


@given(
    day=st.dates(datetime.date(1800, 1, 1), datetime.date(2100, 12, 31)), direction=st.sampled_from(["past", "future"])
)
def test_a_written_date_is_that_day(day: datetime.date, direction: str) -> None:
    month = ("month", ("gregorian", day.month))
    names = [" ".join(phrase) for phrase, meaning in lexicon.MEANINGS.items() if meaning == month]
    assert len(names) >= 2
    figures = [f"{day.day}/{day.month}/{day.year}", day.isoformat()]
    for expression in (*figures, *(f"{day.day} {name} {day.year}" for name in names)):
        interval = resolve(expression, None, direction)  # type: ignore[arg-type]
        assert interval == DateInterval(day, day, "day"), expression


@given(published=st.dates(datetime.date(1900, 1, 1), datetime.date(2100, 12, 31)), weekday=st.integers(0, 6))
def test_weekdays(published: datetime.date, weekday: int) -> None:
    name = ["الاثنين", "الثلاثاء", "الأربعاء", "الخميس", "الجمعة", "السبت", "الأحد"][weekday]
    days = []
    for expression, direction in ((f"{name} الماضي", None), (name, None), (name, "future"), (f"{name} المقبل", None)):
        interval = resolve(expression, published, direction)  # type: ignore[arg-type]
        assert interval is not None
        assert interval.start == interval.end is not None
        assert interval.start.weekday() == weekday
        days.append((interval.start - published).days)
    last, bare, coming, following = days
    assert -7 <= last < 0 < following <= 7
    assert bare in (0, last)
    assert coming in (0, following)
    assert (bare == 0) == (coming == 0) == (published.weekday() == weekday)


@given(day=st.dates(datetime.date(1946, 1, 1), datetime.date(2077, 11, 1)))
def test_every_day_lies_in_one_islamic_month(day: datetime.date) -> None:
    hijridate = pytest.importorskip("hijridate")
    expected = hijridate.Gregorian(day.year, day.month, day.day).to_hijri()
    assert hijri.year_of(day) == expected.year
    assert hijri.day(expected.year, expected.month, expected.day) == day
    assert hijri.month_days(expected.year, expected.month) == (
        hijri.day(expected.year, expected.month, 1),
        hijri.day(expected.year, expected.month, expected.month_length()),
    )


@given(
    day=st.dates(datetime.date(200, 1, 1), datetime.date(9000, 1, 1)),
    unit=st.sampled_from(GRANULARITIES).filter(lambda unit: unit != "season"),
)
def test_periods_follow_each_other(day: datetime.date, unit: str) -> None:
    before, this, after = (periods.period(unit, day, shift) for shift in (-1, 0, 1))
    assert this[0] <= day <= this[1]
    assert before[1] + datetime.timedelta(days=1) == this[0]
    assert this[1] + datetime.timedelta(days=1) == after[0]
    if unit != "day":
        parts = [periods.third(unit, this, part) for part in ("start", "middle", "end")]
        assert (parts[0][0], parts[2][1]) == this
        assert all(first <= last for first, last in parts)
        assert parts[0][0] < parts[1][0] < parts[2][0]


def test_an_interval_is_refused_where_it_is_none() -> None:
    with pytest.raises(ValueError, match="a start or an end"):
        DateInterval(None, None, "day")
    with pytest.raises(ValueError, match="before it ends"):
        DateInterval(datetime.date(2024, 1, 2), datetime.date(2024, 1, 1), "day")


if __name__ == "__main__":
    rows = table()
    wrong = unsolved(rows)
    print(*wrong, f"{len(rows) - len(wrong)} of {len(rows)} solved, {1 - len(wrong) / len(rows):.1%}", sep="\n")
