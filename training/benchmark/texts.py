"""Texts to measure with, cut from annotated articles."""

from __future__ import annotations

import re
from collections.abc import Sequence

from hadath.document import Document
from hadath.errors import HadathError


class TextsError(HadathError, ValueError):
    """Articles that are too few to cut texts from."""


def texts_of(documents: Sequence[Document], count: int, words: int) -> list[str]:
    r"""Cuts the running text of articles into texts of a number of words.

    Args:
        documents: The articles.
        count: Number of texts.
        words: Words, between white space, of each text.

    Returns:
        The texts. Where the articles are not enough they are read again from another place on, so that no text comes
        twice before every place has served.

    Raises:
        TextsError: If the articles together have fewer words than one text.

    Example:
        >>> texts_of([Document("زار الوزير"), Document("تونس أمس")], count=3, words=2)
        ['زار الوزير', 'تونس أمس', 'الوزير\nتونس']
    """
    running = "\n".join(document.text for document in documents)
    spans = [match.span() for match in re.finditer(r"\S+", running)]
    if len(spans) < words:
        raise TextsError(f"the articles have {len(spans)} words; expected at least the {words} of one text")
    texts: list[str] = []
    # another place for each pass, spread over a text's length
    start, shift = 0, max(1, words * 3 // 8)
    passes = 0
    while len(texts) < count:
        if start + words > len(spans):
            passes += 1
            start = passes * shift % (len(spans) - words + 1)
        texts.append(running[spans[start][0] : spans[start + words - 1][1]])
        start += words
    return texts


def word_count(texts: Sequence[str]) -> int:
    """Returns the number of words, between white space, of texts."""
    return sum(len(text.split()) for text in texts)
