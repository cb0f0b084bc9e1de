"""Names as they are compared and shown: spelling variants folded to one key."""

from __future__ import annotations

from functools import lru_cache

from hadath.text import normalize

_CACHED = 1 << 16

# What writers and keyboards vary. The sounds ڤ پ چ گ are written with the Arabic letter where a keyboard lacks them.
_FOLDED = str.maketrans(
    {**dict.fromkeys("أإآ", "ا"), "ى": "ي", "ة": "ه", **dict.fromkeys("ؤئ", "ء"), "ڤ": "ف", "ڨ": "ق", "گ": "ك"}
    | {"پ": "ب", "چ": "ج", "ژ": "ج"}
)


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
