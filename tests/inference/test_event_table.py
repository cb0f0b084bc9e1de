from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hadath.document import Argument, Document, Entity, Event
from hadath.event_table import columns_of, event_rows, one_line, publication_date, role_column

TEXT = "قال د. عمر إن 3.5 ملايين «نزحوا.» ثم زار الوزير وأحمد تونس!\nوهاجم"


def span(text: str, part: str) -> tuple[int, int]:
    return text.index(part), text.index(part) + len(part)


def sentence_of(text: str, part: str) -> str:
    start, end = span(text, part)
    [row] = event_rows(Document(text, events=(Event(start, end, "X", part),)), [])
    return str(row["sentence"])


def test_a_row_for_each_event() -> None:
    minister, ahmad, tunis = (Entity(*span(TEXT, word), "T", word) for word in ("الوزير", "أحمد", "تونس"))
    roles = (Argument("Actor", minister), Argument("Actor", ahmad), Argument("Place", tunis))
    events = (
        Event(*span(TEXT, "زار"), "CONSULT", "زار", 0.75, "Planned", roles),
        Event(*span(TEXT, "وهاجم"), "ASSAULT", "وهاجم", 0.5),
    )
    first, second = event_rows(
        Document(TEXT, (minister, ahmad, tunis), events, "a1"), ["Actor", "Recipient", "Place"], "2024"
    )
    start = TEXT.index("زار")
    assert first == {
        "document": "a1",
        "published": "2024",
        "type": "CONSULT",
        "trigger": "زار",
        "start": start,
        "end": start + 3,
        "modality": "Planned",
        "score": 0.75,
        "sentence": "ثم زار الوزير وأحمد تونس!",
        "actor": "الوزير; أحمد",
        "recipient": None,
        "place": "تونس",
    }
    assert list(first) == list(columns_of(["Actor", "Recipient", "Place"]))
    assert (second["sentence"], second["actor"]) == ("وهاجم", None)


@pytest.mark.parametrize(
    ("part", "sentence"),
    [
        ("عمر", "قال د. عمر إن 3.5 ملايين «نزحوا.»"),
        ("ملايين", "قال د. عمر إن 3.5 ملايين «نزحوا.»"),
        ("تونس!\nوهاجم", "ثم زار الوزير وأحمد تونس! وهاجم"),
        ("!", "ثم زار الوزير وأحمد تونس!"),
    ],
)
def test_the_sentence_of_a_trigger(part: str, sentence: str) -> None:
    assert sentence_of(TEXT, part) == sentence


@given(st.lists(st.sampled_from(["زار", "د", ".", "!", "؟", " ", "\n", "»", "3.5", "…"]), min_size=1), st.data())
def test_a_sentence_holds_its_trigger_whole(parts: list[str], data: st.DataObject) -> None:
    text = "".join(parts)
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    [row] = event_rows(Document(text, events=(Event(start, end, "X", text[start:end]),)), [])
    assert one_line(text[start:end]) in row["sentence"]
    assert re.sub(r"\s", "", row["sentence"]) in re.sub(r"\s", "", text)


def test_roles_that_are_called_like_a_column_get_another_name() -> None:
    assert list(columns_of(["Type", "Date"]))[-2:] == ["role_type", "date"]
    assert role_column("Sentence") == "role_sentence"


def test_the_publication_date_is_found() -> None:
    assert publication_date({"date": None, "published": "2024-05-01"}) == "2024-05-01"
    assert publication_date({"date": 2024, "day": "x"}) == "2024"
    assert publication_date({"date": 2024, "day": "x"}, "day") == "x"
    assert publication_date({"date": 2024}, "day") is None
    assert publication_date({}) is None
