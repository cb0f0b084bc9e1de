"""Whatever a text is made of, the model that comes with hadath reads it, and every offset is exact."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from functools import lru_cache
from itertools import pairwise

import pytest

import hadath
from hadath import Document, Tagger

WORDS = re.findall(
    r"\S+",
    "زار وزير الخارجية التونسي بنغازي أمس واتفق الجانبان على فتح المعبر الأسبوع المقبل أعلنت القوات مقتل ثلاثة جنود في "
    "هجوم على طرابلس وقال المتحدث إن الحكومة ترفض التفاوض قبل وقف إطلاق النار اعتقلت الشرطة عشرة متظاهرين أمام "
    "البرلمان مليون دولار يوم 2024/5/1 صاروخ قانون الانتخابات دمشق القاهرة الرئيس محمد العلي شركة النفط",
)
DIACRITICS = "\u064b\u064c\u064d\u064e\u064f\u0650\u0651\u0652\u0653\u0654\u0655\u0670\u06e1\u08f0"
MARKS = "\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\u061c\ufeff\u00ad"
SPACES = " \t\n\r\u000b\u000c\u0085\u00a0\u1680\u2003\u2009\u2028\u2029\u202f\u3000"
DIGITS = "0123456789٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹०५𝟘①½²"
PUNCTUATION = "،؛؟.!,:;-–—…«»\"'()[]{}/\\%٪٫٬*_#@&|ـ"
EMOJI = ("😀", "🇱🇾", "👩‍👩‍👧", "👍🏽", "❤️", "🏳️‍🌈", "1️⃣", "🕌", "\U0001f468\u200d")
LOOK_ALIKES = "یکەہگپچژۀےٱإأآؤئىة"

FAST = 300
SLOW = 100_000
AT_ONCE = 10_000


def characters(draw: random.Random, first: int, last: int, most: int) -> str:
    return "".join(chr(draw.randint(first, last)) for _ in range(draw.randint(1, most)))


def anything(draw: random.Random) -> str:
    """Any code points that a string may hold and UTF-8 can, assigned or not."""
    codes = (draw.randint(0, 0x10FFFF) for _ in range(draw.randint(1, 12)))
    return "".join(chr(code) for code in codes if not 0xD800 <= code <= 0xDFFF)


def dressed(draw: random.Random) -> str:
    """A word with diacritics, tatweel and invisible marks put in anywhere."""
    word = draw.choice(WORDS)
    for _ in range(draw.randint(1, 6)):
        place = draw.randint(0, len(word))
        word = word[:place] + draw.choice(DIACRITICS + MARKS + "ـ") * draw.choice([1, 1, 1, 2, 9]) + word[place:]
    return word


PIECES: tuple[Callable[[random.Random], str], ...] = (
    *(lambda draw: draw.choice(WORDS),) * 8,
    dressed,
    dressed,
    anything,
    lambda draw: characters(draw, 0x0600, 0x06FF, 8),  # Arabic
    lambda draw: characters(draw, 0x0870, 0x08FF, 4),  # its extensions
    lambda draw: characters(draw, 0xFB50, 0xFDFF, 5),  # presentation forms, noncharacters among them
    lambda draw: characters(draw, 0xFE70, 0xFEFF, 5),
    lambda draw: characters(draw, 0x0000, 0x009F, 4),  # control characters and ASCII
    lambda draw: characters(draw, 0x0300, 0x036F, 20),  # combining marks with nothing to stand on
    lambda draw: characters(draw, 0xE000, 0xF8FF, 2),  # private use
    lambda draw: "".join(draw.choices(MARKS, k=draw.randint(1, 4))),
    lambda draw: "".join(draw.choices(DIACRITICS, k=draw.randint(1, 30))),
    lambda draw: "".join(draw.choices(DIGITS + ".,٫/-", k=draw.randint(1, 12))),
    lambda draw: "".join(draw.choices(PUNCTUATION, k=draw.randint(1, 5))),
    lambda draw: "".join(draw.choices(LOOK_ALIKES, k=draw.randint(1, 6))),
    lambda draw: draw.choice(EMOJI) * draw.randint(1, 3),
    lambda draw: "ـ" * draw.randint(1, 80),
    lambda draw: "".join(draw.choices(WORDS, k=draw.randint(2, 12))),  # a word without end
    lambda draw: draw.choice(WORDS)[:1] * draw.randint(50, 300),
)


def fuzzed(number: int) -> str:
    draw = random.Random(number)
    separators = ["", " ", " ", " ", " ", draw.choice(SPACES), draw.choice(PUNCTUATION)]
    count = draw.choice([0, 1, 1, 2, 3, 5, 8, 8, 12])
    return "".join(draw.choice(PIECES)(draw) + draw.choice(separators) for _ in range(count))


@lru_cache
def tagger() -> Tagger:
    return hadath.load()


def check(document: Document, text: str) -> None:
    assert document.text == text
    spans = (*document.entities, *document.events)
    for span in spans:
        assert 0 <= span.start < span.end <= len(text)
        assert text[span.start : span.end] == span.text
        assert 0 <= span.score <= 1
    places = sorted((span.start, span.end) for span in spans)
    assert all(end <= start for (_, end), (start, _) in pairwise(places))
    for event in document.events:
        assert all(argument.entity in document.entities for argument in event.arguments)
    assert Document.from_dict(json.loads(json.dumps(document.to_dict()))) == document


def check_all(numbers: range) -> int:
    """Checks the texts of some numbers; returns how many spans were found."""
    found = 0
    documents = tagger().pipe(map(fuzzed, numbers))
    for number, document in zip(numbers, documents, strict=True):
        try:
            check(document, fuzzed(number))
        except AssertionError as error:
            raise AssertionError(f"text {number}, {fuzzed(number)!r}: {error}") from error
        found += len(document.entities) + len(document.events)
    return found


def test_a_few_hundred_texts_of_anything() -> None:
    assert check_all(range(FAST)) > FAST / 2  # they are not so strange that nothing is found


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, SLOW, AT_ONCE))
def test_a_hundred_thousand_texts_of_anything(first: int) -> None:
    assert check_all(range(first, first + AT_ONCE)) > AT_ONCE / 2
