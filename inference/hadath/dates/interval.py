"""What a date expression comes to: an interval of days."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

GRANULARITIES = ("day", "week", "month", "quarter", "season", "half", "year", "decade", "century")
"""Units in which an expression can speak, the finest first."""

PARTS_OF_DAY = ("dawn", "morning", "noon", "afternoon", "evening", "night", "midnight")
"""Values of ``DateInterval.time`` that are no clock time."""


@dataclass(frozen=True, slots=True)
class DateInterval:
    """Days, both ends included, that a date expression names.

    Attributes:
        start: First day; ``None`` where the expression leaves it open («قبل 2011»).
        end: Last day; ``None`` where it is open («منذ 2011», if nothing says when the article was published).
        granularity: Unit in which the expression speaks, one of ``GRANULARITIES``: ``"month"`` for «الشهر الماضي»
            and for «مطلع الشهر».
        time: Clock time as ``"18:40"``, or one of ``PARTS_OF_DAY``; ``None`` where nothing is said.
        approximate: Whether the borders are drawn by convention («مطلع العام», «قبل شهرين», «نحو») or may lie a day
            off (Islamic calendar, which follows the sighting of the moon).

    Raises:
        ValueError: If both ends are open or the interval ends before it starts.

    Example:
        >>> DateInterval(date(2025, 1, 26), date(2025, 1, 31), "day").iso
        '2025-01-26/2025-01-31'
    """

    start: date | None
    end: date | None
    granularity: str
    time: str | None = None
    approximate: bool = False

    def __post_init__(self) -> None:
        if self.start is None and self.end is None:
            raise ValueError("an interval has a start or an end")
        if self.start is not None and self.end is not None and self.start > self.end:
            raise ValueError(f"an interval starts before it ends, not {self.start} to {self.end}")

    @property
    def iso(self) -> str:
        """The interval as ISO 8601 writes it: a day, ``start/end``, or ``..`` for an open end.

        Example:
            >>> DateInterval(None, date(2010, 12, 31), "year").iso
            '../2010-12-31'
        """
        if self.start == self.end and self.start is not None:
            return self.start.isoformat()
        first, last = ("..", "..")
        if self.start is not None:
            first = self.start.isoformat()
        if self.end is not None:
            last = self.end.isoformat()
        return f"{first}/{last}"

    def roughly(self) -> DateInterval:
        """Returns the same interval marked as approximate."""
        return replace(self, approximate=True)
