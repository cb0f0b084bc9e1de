"""Names as they are shown, without proclitics, and as they are compared, spelling variants folded to one key."""

from __future__ import annotations

import re
from functools import lru_cache

import numpy as np

from hadath.proclitics import Evidence, may_have_proclitics, without_proclitics
from hadath.text import Words, normalize

_CACHED = 1 << 16

# What writers and keyboards vary. The sounds ڤ پ چ گ are written with the Arabic letter where a keyboard lacks them.
_FOLDED = str.maketrans(
    {**dict.fromkeys("أإآ", "ا"), "ى": "ي", "ة": "ه", **dict.fromkeys("ؤئ", "ء"), "ڤ": "ف", "ڨ": "ق", "گ": "ك"}
    | {"پ": "ب", "چ": "ج", "ژ": "ج"}
)

_NOTHING = Evidence()
_FIRST_WORD = re.compile(r"[^\W_]+")
# what normalisation leaves as it is, and most mentions are
_UNIFORM = re.compile(r"[ء-غف-ي0-9A-Za-z]+(?: [ء-غف-ي0-9A-Za-z]+)*")


class MentionNames:
    """Names of the mentions of one article, which itself tells proclitics from the first letters of names.

    Args:
        words: The article's words, as ``hadath.text.segment`` cuts them.

    Example:
        >>> from hadath.text import segment
        >>> article = "تسلم سهيل حكمه. وطلبت العائلة محاكمة عادلة لسهيل"
        >>> MentionNames(segment(article)).name("لسهيل", "PER", article.index("لسهيل")), mention_name("لسهيل", "PER")
        ('سهيل', 'لسهيل')
    """

    def __init__(self, words: Words) -> None:
        self._starts = words.starts
        self._evidence = Evidence(words.forms)

    def name(self, text: str, type: str, start: int) -> str:
        """Returns a mention's name.

        Args:
            text: The mention.
            type: Its entity type.
            start: Offset of its first character in the article.
        """
        plain = _plain(text)
        if not may_have_proclitics(plain):
            return plain
        return _named(plain, type, self._evidence, int(np.searchsorted(self._starts, start)))


@lru_cache(maxsize=_CACHED)
def mention_name(text: str, type: str) -> str:
    """Returns the name that a mention has without its proclitics, as far as the mention itself tells.

    Diacritics and tatweel go, white space becomes single spaces; the article stays. Where the article is at hand
    ``MentionNames`` knows more.

    Args:
        text: The mention.
        type: Its entity type.

    Returns:
        The name; the text itself where nothing is left of it.

    Raises:
        InvalidTextError: If the text is not a string or not valid Unicode.

    Example:
        >>> mention_name("وبالرباط", "GPE"), mention_name("لوزارة الدفاع", "ORG"), mention_name("للجنة الدولية", "ORG")
        ('الرباط', 'وزارة الدفاع', 'اللجنة الدولية')
        >>> mention_name("وليد", "PER"), mention_name("بغداد", "GPE"), mention_name("لبنان", "GPE")
        ('وليد', 'بغداد', 'لبنان')
    """
    return _named(_plain(text), type, _NOTHING, 0)


def _named(plain: str, type: str, evidence: Evidence, place: int) -> str:
    first = _FIRST_WORD.match(plain)
    if first is None:
        return plain
    rest = plain[first.end() :]
    return without_proclitics(first[0], type, evidence, place, rest.lstrip()) + rest


def _plain(text: str) -> str:
    return text if isinstance(text, str) and _UNIFORM.fullmatch(text) else _uniform(text)


@lru_cache(maxsize=_CACHED)
def _uniform(text: str) -> str:
    return " ".join(normalize(text).text.split()) or text


@lru_cache(maxsize=_CACHED)
def variants_key(name: str) -> str:
    """Returns a key that all spellings of one name share.

    Folded are diacritics and tatweel, hamza and its seats, final ى/ي and ة/ه, the article at the front, white space
    and punctuation; also the case of Latin letters. The key is for comparison, not for display.

    Args:
        name: A name without proclitics, such as ``Entity.name``.

    Returns:
        The key; empty if the name holds neither letter nor digit.

    Raises:
        InvalidTextError: If the name is not a string or not valid Unicode.

    Example:
        >>> variants_key("أبو ظبي") == variants_key("ابوظبى")
        True
        >>> variants_key("القاهرة") == variants_key("قاهره")
        True
        >>> variants_key("صنعاء"), variants_key("BBC عربي")
        ('صنعا', 'bbcعربي')
    """
    folded = normalize(name).text.casefold().translate(_FOLDED)
    key = "".join([character for character in folded if character.isalnum()])
    # a final hamza is often left out: صنعا
    if key.endswith("اء"):
        key = key[:-1]
    # an article that leaves two letters or fewer is the name's own beginning: الي
    return key[2:] if key.startswith("ال") and len(key) > 4 else key
