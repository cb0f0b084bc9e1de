"""The words of a name as they are compared and looked up in tables."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TypeVar

from hadath.names import variants_key

Value = TypeVar("Value")

_WORD = re.compile(r"[^\W_]+(?:[\u064b-\u0652\u0670ـ]+[^\W_]+)*")
# prepositions and conjunctions before an article inside a name: وزارتا الدفاع والداخلية, اللجنة الدولية للصليب الأحمر
_BEFORE_ARTICLE = re.compile(r"^(?:[وفبك]|وب|ول)(?=ال\w{2})")
_TO_THE = re.compile(r"^و?لل(?=\w{2})")


@lru_cache(maxsize=1 << 16)
def word_keys(name: str) -> tuple[str, ...]:
    """Returns the key of each word of a name, without articles and what is written onto them.

    Args:
        name: A name without proclitics at its front.

    Example:
        >>> word_keys("وزارتي الدفاع والداخلية")
        ('وزارتي', 'دفاع', 'داخليه')
    """
    words = _WORD.findall(name)
    keys = [variants_key(_TO_THE.sub("ال", _BEFORE_ARTICLE.sub("", word))) for word in words]
    return tuple(filter(None, keys))


def phrase_key(name: str) -> str:
    """Returns one key for a name of several words, however they are spaced.

    Example:
        >>> phrase_key("أبو ظبي") == phrase_key("أبوظبى")
        True
    """
    return "".join(word_keys(name))


def longest_at(
    keys: Sequence[str], start: int, table: Mapping[str, Value], longest: int = 5
) -> tuple[int, Value] | None:
    """Looks up the longest run of words that begins at one of them.

    Args:
        keys: From ``word_keys``.
        start: Index of the first word.
        table: Values by ``phrase_key``.
        longest: The most words in one run.

    Returns:
        The index after the run's last word, and its value.
    """
    for end in range(min(len(keys), start + longest), start, -1):
        value = table.get("".join(keys[start:end]))
        if value is not None:
            return end, value
    return None
