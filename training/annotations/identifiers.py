"""Names of articles that are safe as names of files, one for each article, the same each time."""

from __future__ import annotations

import hashlib
import re
import unicodedata

_UNSAFE = re.compile(r"[^\w.-]+")
_LONGEST = 100
_BYTES = 200
# names of devices, which Windows gives to no file
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


def article_id(name: str) -> str:
    """Returns the id of an article that a source calls by some name.

    Args:
        name: Any text.

    Returns:
        The name itself where it is safe: letters, digits, ``_``, ``.`` and ``-``, no dot in front. Otherwise what is
        safe of it, with eight characters that tell it from other names of which the same is left.

    Example:
        >>> article_id("lby-0001"), article_id("news/2025 (1)")
        ('lby-0001', 'news-2025-1-5c9a764e')
    """
    composed = unicodedata.normalize("NFC", name)
    safe = _UNSAFE.sub("-", composed).strip("-.")[:_LONGEST]
    while len(safe.encode("utf-8", "replace")) > _BYTES:
        safe = safe[:-1]
    if safe and safe == name and not _DEVICES.fullmatch(safe):
        return safe
    return f"{safe or 'article'}-{short_hash(name)}"


def short_hash(text: str) -> str:
    """Returns eight hexadecimal characters that stand for a text."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
