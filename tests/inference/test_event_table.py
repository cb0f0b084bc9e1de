from __future__ import annotations

import re
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hadath.document import Argument, Document, Entity, Event
from hadath.event_table import (
    mention_columns,
    mention_rows,
    one_line,
    publication_date,
    record_columns,
    record_row,
    role_column,
)

TEXT = "قال د. عمر إن 3.5 ملايين «نزحوا.» ثم زار الوزير وأحمد تونس!\nوهاجم"
ROLES = ["Place", "Actor", "Recipient", "Date"]


def span(text: str, part: str) -> tuple[int, int]:
    return text.index(part), text.index(part) + len(part)


def sentence_of(text: str, part: str) -> str:
    start, end = span(text, part)
    [row] = mention_rows(Document(text, events=(Event(start, end, "X", part),)), [])
    return str(row["sentence"])


def test_a_row_for_each_mention() -> None:
    minister, ahmad, tunis = (Entity(*span(TEXT, word), "T", word) for word in ("الوزير", "أحمد", "تونس"))
    roles = (Argument("Actor", minister), Argument("Actor", ahmad), Argument("Place", tunis))
    events = (
        Event(*span(TEXT, "زار"), "CONSULT", "زار", 0.75, "Planned", roles),
        Event(*span(TEXT, "وهاجم"), "ASSAULT", "وهاجم", 0.5),
    )
    document = Document(TEXT, (minister, ahmad, tunis), events, "a1")
    first, second = mention_rows(document, ["Actor", "Recipient", "Place"], "2024")
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
    assert list(first) == list(mention_columns(["Place", "Recipient", "Actor"]))
    assert (second["sentence"], second["actor"]) == ("وهاجم", None)


def test_a_row_for_each_record() -> None:
    text = "زار وزير الخارجية التونسي والسفير القاهرة أمس"
    found = [("وزير الخارجية التونسي", "OCC"), ("السفير", "OCC"), ("القاهرة", "GPE"), ("أمس", "DATE")]
    minister, envoy, cairo, day = (Entity(*span(text, part), type, part) for part, type in found)
    roles = (Argument("Actor", minister), Argument("Actor", envoy), Argument("Place", cairo), Argument("Date", day))
    visit = Event(0, 3, "CONSULT", "زار", 0.75, "Planned", roles)
    [record] = Document(text, (minister, envoy, cairo, day), (visit,), "a1").records(date(2025, 11, 18))
    row = record_row(record, ROLES)
    assert row == {
        "document": "a1",
        "published": "2025-11-18",
        "code": "AGREE",
        "quad_class": "verbal cooperation",
        "type": "CONSULT",
        "modality": "Planned",
        "score": 0.75,
        "trigger": "زار",
        "start": 0,
        "end": 3,
        "mentions": 1,
        "sentence": text,
        "actor": "وزير الخارجية التونسي; السفير",
        "actor_country": "TUN; ",
        "actor_sector": "GOV; GOV",
        "recipient": None,
        "recipient_country": None,
        "recipient_sector": None,
        "place": "القاهرة",
        "place_country": "EGY",
        "date": "أمس",
        "date_first_day": "2025-11-17",
        "date_last_day": "2025-11-17",
    }
    assert list(row) == list(record_columns(ROLES))


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
    [row] = mention_rows(Document(text, events=(Event(start, end, "X", text[start:end]),)), [])
    assert one_line(text[start:end]) in row["sentence"]
    assert re.sub(r"\s", "", row["sentence"]) in re.sub(r"\s", "", text)


def test_roles_that_are_called_like_a_column_get_another_name() -> None:
    assert list(mention_columns(["Type", "Date"]))[-2:] == ["date", "role_type"]
    assert list(record_columns(["Code"]))[-3:] == ["role_code", "role_code_country", "role_code_sector"]
    assert role_column("Sentence") == "role_sentence"


def test_the_publication_date_is_found() -> None:
    assert publication_date({"date": None, "published": "2024-05-01"}) == "2024-05-01"
    assert publication_date({"date": 2024, "day": "x"}) == "2024"
    assert publication_date({"date": 2024, "day": "x"}, "day") == "x"
    assert publication_date({"date": 2024}, "day") is None
    assert publication_date({}) is None
