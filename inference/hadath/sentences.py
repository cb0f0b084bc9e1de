"""Sentences: where they end in Arabic news text, and which one a span stands in."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence

LONGEST = 1_000
"""Characters that are shown around a span, for there are texts without full stops."""

# Marks with the quotes and brackets that close behind them, or the ends of lines. Whether marks end a sentence is not
# asked here: a pattern that looks at what follows would go over a long row of dots again from each of its dots.
_MARKS_OR_LINES = re.compile(r"([.!?؟…۔]+)[\"'»”’)\]]*|[\r\n\u0085\u2028\u2029]+")
_INITIAL = re.compile(r"\b[^\W\d_]")


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """Returns start and end of each sentence, without the white space around it.

    Args:
        text: Any text.

    Returns:
        Spans in the order of the text; every character but white space is in exactly one.

    Example:
        >>> text = "وصل د. عمر. «لن نوقع.» هكذا قال"
        >>> [text[start:end] for start, end in sentence_spans(text)]
        ['وصل د. عمر.', '«لن نوقع.»', 'هكذا قال']
    """
    spans = []
    begin = 0
    for end in _ends(text):
        sentence = text[begin:end]
        kept = sentence.strip()
        if kept:
            start = begin + len(sentence) - len(sentence.lstrip())
            spans.append((start, start + len(kept)))
        begin = end
    return spans


def sentence_at(spans: Sequence[tuple[int, int]], start: int, end: int) -> tuple[int, int]:
    """Returns start and end of the sentence that a span stands in, or of the sentences that it reaches over.

    Args:
        spans: From ``sentence_spans``.
        start: Offset of the span's first character.
        end: Offset after its last one.

    Example:
        >>> spans = sentence_spans("سقط. نهض. عاد.")
        >>> sentence_at(spans, 5, 7), sentence_at(spans, 5, 12)
        ((5, 9), (5, 14))
    """
    if not spans:
        return start, end
    first = max(0, bisect_right(spans, start, key=_start) - 1)
    last = max(first, bisect_right(spans, end - 1, key=_start) - 1)
    # white space around a sentence belongs to none: a span in it stands for itself
    return min(start, spans[first][0]) if spans[first][1] > start else start, max(end, spans[last][1])


def sentence_text(text: str, spans: Sequence[tuple[int, int]], start: int, end: int) -> str:
    """Returns the sentence of a span on one line, as far as ``LONGEST`` characters around it where it is longer.

    Args:
        text: The text.
        spans: From ``sentence_spans``.
        start: Offset of the span's first character.
        end: Offset after its last one.

    Example:
        >>> text = "سقط. نهض ثم عاد. مضى"
        >>> sentence_text(text, sentence_spans(text), 5, 8)
        'نهض ثم عاد.'
    """
    first, last = sentence_at(spans, start, end)
    before, after = max(first, start - LONGEST // 2), min(last, end + LONGEST // 2)
    kept = " ".join(text[before:after].split())
    return f"{'…' if before > first else ''}{kept}{'…' if after < last else ''}"


def _ends(text: str) -> Iterator[int]:
    """Where sentences end; behind some there is none but white space."""
    for found in _MARKS_OR_LINES.finditer(text):
        marks, end = found[1], found.end()
        # "3.5" holds no end, and after a single letter the point is an initial's: د. عمر
        inside = marks is not None and not text[end : end + 1].isspace() and end < len(text)
        if not inside and not (marks == "." and _INITIAL.match(text, max(0, found.start() - 1))):
            yield end
    yield len(text)


def _start(span: tuple[int, int]) -> int:
    return span[0]
