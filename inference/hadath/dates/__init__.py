"""Arabic date expressions as intervals of days.

What a news text calls «مساء أمس», «الشهر الماضي», «26 إلى 31 يناير» or «كانون الثاني» is reckoned from the day on
which the article was published. What is vague («قريبا»), a length of time («ثلاثة أيام») or tied to another event
(«اليوم التالي») is not resolved: nothing is guessed.
"""

from __future__ import annotations

from datetime import date, datetime
from functools import lru_cache
from typing import Literal

from hadath.dates.anchoring import Anchor
from hadath.dates.expression import read
from hadath.dates.interval import GRANULARITIES, PARTS_OF_DAY, DateInterval
from hadath.dates.lexicon import tokens

__all__ = ["GRANULARITIES", "PARTS_OF_DAY", "DateInterval", "resolve"]

_CACHED = 1 << 16
_LONGEST = 300
"""Characters of the longest text that is read; more are no expression."""


def resolve(
    text: str, published: date | None = None, direction: Literal["past", "future"] | None = None
) -> DateInterval | None:
    """Returns the days that a date expression names.

    Args:
        text: The expression, as it stands in the article: a ``DATE`` entity's text.
        published: The day on which the article was published (of a ``datetime`` its date). Without it only absolute
            dates («5 مارس 2024») are resolved.
        direction: Where the tense tells it: ``"past"`` for what happened, ``"future"`` for what is planned. It settles
            what comes again («الاثنين», «مارس», «15 يناير») and what is reckoned from now («خلال أسبوعين»). Without
            it a weekday is the last one up to the day of publication, as news has it, and a day, month or season the
            last one too, unless the next is at most 60 days off.

    Returns:
        The interval; ``None`` if the expression is not understood, names no days, or needs a day of publication.

    Raises:
        InvalidTextError: If ``text`` is not a string or not valid Unicode.
        ValueError: If ``direction`` is another word.

    Example:
        >>> resolve("مساء الاثنين", date(2025, 6, 18)).iso, resolve("مساء الاثنين", date(2025, 6, 18)).time
        ('2025-06-16', 'evening')
        >>> resolve("الاثنين", date(2025, 6, 18), "future").iso
        '2025-06-23'
        >>> resolve("26 إلى 31 يناير", date(2025, 6, 18)).iso
        '2025-01-26/2025-01-31'
        >>> resolve("قريبا", date(2025, 6, 18)) is None
        True
    """
    if direction not in (None, "past", "future"):
        raise ValueError(f"direction is {direction!r}; expected 'past', 'future' or None")
    if isinstance(text, str) and len(text) > _LONGEST:
        return None
    return _resolved(text, published.date() if isinstance(published, datetime) else published, direction)


@lru_cache(maxsize=_CACHED)
def _resolved(text: str, published: date | None, direction: str | None) -> DateInterval | None:
    found = tokens(text)
    if not found:
        return None
    try:
        return read(found, Anchor(published, direction))
    except (OverflowError, ValueError):  # a day before the year 1 or after 9999: not all of datetime tells it alike
        return None
