from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hadath.sentences import LONGEST, sentence_at, sentence_spans, sentence_text

TEXTS = st.lists(
    st.sampled_from(["زار", "د", ".", "!", "؟", " ", "\n", "»", "3.5", "…", "\r\n", "\u2028", ")"]), max_size=30
).map("".join)


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("قال د. عمر إن 3.5 ملايين «نزحوا.» ثم عاد", ["قال د. عمر إن 3.5 ملايين «نزحوا.»", "ثم عاد"]),
        ("عنوان\n\nمتن أول! هل عاد؟ نعم", ["عنوان", "متن أول!", "هل عاد؟", "نعم"]),
        ("صمت أ... ثم تكلم… وعاد", ["صمت أ...", "ثم تكلم…", "وعاد"]),
        ("انتهى في عام 7. بدأ", ["انتهى في عام 7.", "بدأ"]),
        ("راجع www.hadath.test غدا", ["راجع www.hadath.test غدا"]),
        ("سطر\u2028آخر\rثالث", ["سطر", "آخر", "ثالث"]),
        ("(عاد.) وصل", ["(عاد.)", "وصل"]),
        (" \n ", []),
        ("", []),
    ],
)
def test_where_sentences_end(text: str, sentences: list[str]) -> None:
    assert [text[start:end] for start, end in sentence_spans(text)] == sentences


def test_a_row_of_dots_is_gone_over_once() -> None:
    assert sentence_spans("." * 300_000 + "س") == [(0, 300_001)]
    assert sentence_spans("!»" * 150_000 + "س") == [(0, 300_001)]


@given(TEXTS)
def test_sentences_hold_all_but_white_space_once(text: str) -> None:
    spans = sentence_spans(text)
    assert "".join("".join(text[start:end].split()) for start, end in spans) == "".join(text.split())
    assert all(first[1] <= second[0] for first, second in pairwise(spans))
    assert all(text[start:end] == text[start:end].strip() != "" for start, end in spans)


@given(TEXTS.filter(bool), st.data())
def test_the_sentence_of_a_span_holds_it_and_ends_where_sentences_end(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    spans = sentence_spans(text)
    first, last = sentence_at(spans, start, end)
    assert 0 <= first <= start
    assert end <= last <= len(text)
    assert first == start or first in {begin for begin, _ in spans}
    assert last == end or last in {stop for _, stop in spans}


def test_a_span_over_two_sentences() -> None:
    spans = sentence_spans("سقط. نهض. عاد.")
    assert sentence_at(spans, 0, 3) == (0, 4)
    assert sentence_at(spans, 2, 7) == (0, 9)


def test_a_text_without_full_stops_is_cut_around_the_span() -> None:
    text = "كلمة " * 1000
    spans = sentence_spans(text)
    shown = sentence_text(text, spans, 2500, 2504)
    assert len(shown) <= LONGEST + 6
    assert shown[0] == shown[-1] == "…"
    assert not sentence_text(text, spans, 0, 4).startswith("…")
    assert not sentence_text(text, spans, 4995, 4999).endswith("…")
    assert sentence_text("نهض\tثم\nعاد", sentence_spans("نهض\tثم\nعاد"), 0, 3) == "نهض ثم"
