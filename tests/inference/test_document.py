from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hadath.document import Argument, Document, Entity, Event
from hadath.errors import InvalidDocumentError
from hadath.text import segment

TEXT = "زارَ الوزيرُ سالم القروي طبرق ثم غات"
MINISTER = Entity(5, 12, "OCC", "الوزيرُ")
SALEM = Entity(13, 24, "PER", "سالم القروي")
TOBRUK = Entity(25, 29, "GPE", "طبرق")
GHAT = Entity(33, 36, "GPE", "غات")
VISIT = Event(
    0,
    4,
    "CONSULT",
    "زارَ",
    modality="Planned",
    arguments=(Argument("Actor", SALEM), Argument("Place", TOBRUK), Argument("Place", GHAT)),
)
DOCUMENT = Document(TEXT, (MINISTER, SALEM, TOBRUK, GHAT), (VISIT,), "a-1")

scores = st.floats(0, 1)
texts = st.lists(
    st.text(alphabet="ابتثحَُّـ٣xé\u200f🙂ﷺ", min_size=1, max_size=5) | st.sampled_from([" ", "\n", "\r\n", "\t", "، "])
).map("".join)


@st.composite
def documents(draw: st.DrawFn) -> Document:
    text = draw(texts)
    words = segment(text)
    entities: list[Entity] = []
    triggers: list[Event] = []
    word = 0
    while word < len(words):
        last = min(word + draw(st.integers(0, 2)), len(words) - 1)
        start, end = int(words.starts[word]), int(words.ends[last])
        kind = draw(st.sampled_from(["entity", "trigger", "neither"]))
        if kind == "entity":
            entities.append(Entity(start, end, draw(st.sampled_from(["PER", "GPE"])), text[start:end], draw(scores)))
        elif kind == "trigger":
            modality = draw(st.sampled_from(["Asserted", "Planned", "Negated"]))
            triggers.append(Event(start, end, "MEET", text[start:end], draw(scores), modality))
        word = last + 1
    events = []
    for trigger in triggers:
        fillers = draw(st.lists(st.sampled_from(entities), unique=True, max_size=3)) if entities else []
        arguments = tuple(
            Argument(draw(st.sampled_from(["Actor", "Place"])), filler, draw(scores)) for filler in fillers
        )
        events.append(
            Event(trigger.start, trigger.end, trigger.type, trigger.text, trigger.score, trigger.modality, arguments)
        )
    return Document(text, tuple(entities), tuple(events), draw(st.none() | st.text(max_size=5)))


@given(document=documents())
def test_a_document_survives_json(document: Document) -> None:
    again = Document.from_dict(json.loads(json.dumps(document.to_dict())))
    assert again == document
    for span in (*again.entities, *again.events):
        assert again.text[span.start : span.end] == span.text


def test_arguments_point_to_entities_by_their_place() -> None:
    (event,) = DOCUMENT.to_dict()["events"]
    assert event["arguments"] == [
        {"role": "Actor", "entity": 1, "score": 1.0},
        {"role": "Place", "entity": 2, "score": 1.0},
        {"role": "Place", "entity": 3, "score": 1.0},
    ]


def test_a_document_need_not_have_an_id_and_may_carry_what_a_user_added() -> None:
    values = DOCUMENT.to_dict()
    del values["id"]
    assert Document.from_dict({**values, "source": "نشرة"}) == Document(TEXT, DOCUMENT.entities, DOCUMENT.events)


def test_fields_written_by_to_dict() -> None:
    values = DOCUMENT.to_dict()
    assert list(values) == ["id", "text", "entities", "events"]
    assert (values["id"], values["text"]) == ("a-1", TEXT)
    assert values["entities"][2] == {
        **{"start": 25, "end": 29, "type": "GPE", "text": "طبرق", "score": 1.0},
        "name": "طبرق",
    }
    assert {key: value for key, value in values["events"][0].items() if key != "arguments"} == {
        "start": 0,
        "end": 4,
        "type": "CONSULT",
        "text": "زارَ",
        "score": 1.0,
        "modality": "Planned",
    }


def test_a_name_is_kept_and_plays_no_part_in_comparison() -> None:
    # an article may tell that it is no proclitic
    whole, bare = Entity(0, 4, "GPE", "وغات", name="وغات"), Entity(0, 4, "GPE", "وغات")
    assert (whole.name, bare.name) == ("وغات", "غات")
    assert whole == bare
    assert len({whole, bare}) == 1
    values = Document("وغات", (whole,)).to_dict()
    assert Document.from_dict(values).entities[0].name == "وغات"
    # what was written before entities had names
    del values["entities"][0]["name"]
    assert Document.from_dict(values).entities[0].name == "غات"


@pytest.mark.parametrize(
    ("start", "end", "text"),
    [
        (0, 3, "زارَ"),  # without the vowel that belongs to it
        (-4, 36, "غات"),
        (33, 40, "غات"),  # slicing would forgive an end past the text
        (4, 4, ""),
        (10, 5, ""),
        (25, 29, "سبها"),
    ],
)
@pytest.mark.parametrize("kind", [Entity, Event])
def test_a_span_that_does_not_match_the_text_is_refused(
    kind: type[Entity] | type[Event], start: int, end: int, text: str
) -> None:
    span = kind(start, end, "TYPE", text)
    entities, events = ((span,), ()) if isinstance(span, Entity) else ((), (span,))
    with pytest.raises(InvalidDocumentError, match=re.escape(f"document a-2: TYPE at {start}-{end} is {text!r}, but")):
        Document(TEXT, entities, events, "a-2")


@given(document=documents(), start=st.integers(-5, 60), end=st.integers(-5, 60), shown=texts)
def test_a_span_is_taken_only_where_the_text_says_so(document: Document, start: int, end: int, shown: str) -> None:
    inside = 0 <= start < end <= len(document.text)
    for text in (shown, document.text[start:end]):
        if inside and document.text[start:end] == text:
            assert Document(document.text, (Entity(start, end, "PER", text),)).entities[0].text == text
        else:
            with pytest.raises(InvalidDocumentError):
                Document(document.text, (Entity(start, end, "PER", text),))


def test_an_argument_that_is_none_of_the_entities_is_refused() -> None:
    with pytest.raises(
        InvalidDocumentError, match=r"^document: Actor of CONSULT at 0-4 is 'سالم القروي', which is none"
    ):
        Document(TEXT, (TOBRUK, GHAT), (VISIT,))
    # the same place under another type is another entity
    with pytest.raises(InvalidDocumentError, match="none of the document's entities"):
        Document(TEXT, (Entity(13, 24, "ORG", "سالم القروي"), TOBRUK, GHAT), (VISIT,))


@pytest.mark.parametrize("where", [["id"], ["text"], ["entities", 1, "type"], ["events", 0, "modality"]])
def test_what_is_no_valid_unicode_is_refused(where: list[Any]) -> None:
    values: Any = DOCUMENT.to_dict()
    holder = values
    for key in where[:-1]:
        holder = holder[key]
    holder[where[-1]] = "a\ud800"
    with pytest.raises(InvalidDocumentError, match=r"is not valid Unicode: half a surrogate pair at character 1;"):
        Document.from_dict(values)


@pytest.mark.parametrize("text", [None, b"abc", ["a"]])
def test_a_text_that_is_no_string_is_refused(text: Any) -> None:
    with pytest.raises(InvalidDocumentError, match="expected str"):
        Document(text)


@pytest.mark.parametrize(
    ("where", "value"),
    [
        (["text"], None),
        (["text"], 3),
        (["entities"], None),
        (["entities"], 3),
        (["entities", 0], "PER"),
        (["entities", 0, "start"], "5"),
        (["entities", 0, "start"], 5.0),
        (["entities", 0, "end"], 11),
        (["entities", 0, "label"], "PER"),
        (["events", 0, "arguments"], None),
        (["events", 0, "arguments", 0], 1),
        (["events", 0, "arguments", 0, "entity"], 4),
        (["events", 0, "arguments", 0, "entity"], -1),  # would be the last entity
        (["events", 0, "arguments", 0, "entity"], "1"),
        (["events", 0, "start"], 1),
    ],
)
def test_values_that_make_no_document_are_refused(where: list[Any], value: Any) -> None:
    values: Any = DOCUMENT.to_dict()
    place = values
    for key in where[:-1]:
        place = place[key]
    place[where[-1]] = value
    with pytest.raises(InvalidDocumentError):
        Document.from_dict(values)


@pytest.mark.parametrize(
    "where",
    [
        ["text"],
        ["entities"],
        ["events"],
        ["entities", 0, "start"],
        ["entities", 0, "type"],
        ["events", 0, "text"],
        ["events", 0, "arguments"],
        ["events", 0, "arguments", 0, "role"],
        ["events", 0, "arguments", 0, "entity"],
    ],
)
def test_a_missing_field_is_refused_by_name(where: list[Any]) -> None:
    values: Any = DOCUMENT.to_dict()
    place = values
    for key in where[:-1]:
        place = place[key]
    del place[where[-1]]
    with pytest.raises(InvalidDocumentError, match=f"'{where[-1]}'.*expected the form that Document.to_dict writes"):
        Document.from_dict(values)


@pytest.mark.parametrize(
    ("where", "value", "place"),
    [
        (["id"], 5, "its id is 5"),
        (["entities", 1, "type"], None, "'type' of entity 1 is None"),
        (["entities", 2, "score"], "0.5", "'score' of entity 2 is '0.5'"),
        (["events", 0, "score"], float("nan"), "'score' of event 0 is nan"),  # which would be no JSON
        (["entities", 3, "end"], 36.0, "'end' of entity 3 is 36.0"),
        (["events", 0, "start"], False, "'start' of event 0 is False"),  # an int to Python
        (["events", 0, "modality"], None, "'modality' of event 0 is None"),
        (["events", 0, "arguments", 1, "role"], 7, "'role' of argument 1 of event 0 is 7"),
        (["events", 0, "arguments", 1, "score"], None, "'score' of argument 1 of event 0 is None"),
        (["events", 0, "arguments", 1, "entity"], True, "'entity' of argument 1 of event 0 is True"),
        (["events", 0, "arguments", 1, "entity"], 4, "argument 1 of event 0 is entity 4 of 4"),
    ],
)
def test_a_field_of_another_type_is_refused_with_its_place(where: list[Any], value: Any, place: str) -> None:
    values: Any = DOCUMENT.to_dict()
    holder = values
    for key in where[:-1]:
        holder = holder[key]
    holder[where[-1]] = value
    with pytest.raises(InvalidDocumentError) as raised:
        Document.from_dict(values)
    assert str(raised.value) == f"not a document: {place}; expected the form that Document.to_dict writes"


@pytest.mark.parametrize("values", [None, 3, "text", [], {}])
def test_what_is_no_mapping_of_fields_is_refused(values: Any) -> None:
    with pytest.raises(InvalidDocumentError, match="not a document"):
        Document.from_dict(values)


def test_brat_standoff() -> None:
    assert DOCUMENT.to_brat() == (
        "T1\tOCC 5 12\tالوزيرُ\n"
        "T2\tPER 13 24\tسالم القروي\n"
        "T3\tGPE 25 29\tطبرق\n"
        "T4\tGPE 33 36\tغات\n"
        "T5\tCONSULT 0 4\tزارَ\n"
        "E1\tCONSULT:T5 Actor:T2 Place:T3 Place2:T4\n"
        "A1\tModality E1 Planned\n"
    )
    assert Document("نص بلا شيء").to_brat() == ""


def test_brat_standoff_keeps_a_span_over_two_lines_on_one() -> None:
    text = "بعثة\r\nالأمم"
    assert Document(text, (Entity(0, 11, "ORG", text),)).to_brat() == "T1\tORG 0 11\tبعثة  الأمم\n"


def test_brat_standoff_marks_only_what_is_not_the_default() -> None:
    events = (Event(0, 4, "CONSULT", "زارَ"), Event(30, 32, "MEET", "ثم", modality="Negated"))
    lines = Document(TEXT, (), events).to_brat().splitlines()
    assert lines[1::2][:2] == ["E1\tCONSULT:T1", "E2\tMEET:T2"]
    assert lines[4:] == ["A1\tModality E2 Negated"]


@given(document=documents())
def test_brat_standoff_says_all_that_the_document_holds_but_scores(document: Document) -> None:
    spans: dict[str, tuple[str, int, int]] = {}
    found: list[tuple[tuple[str, int, int], list[tuple[str, tuple[str, int, int]]]]] = []
    modality: dict[str, str] = {}
    for line in document.to_brat().split("\n")[:-1]:
        name, body = line.split("\t", 1)
        if name.startswith("T"):
            type_name, start, end = body.split("\t", 1)[0].split(" ")
            assert name not in spans
            spans[name] = (type_name, int(start), int(end))
            shown = body.split("\t", 1)[1]
            assert shown == document.text[int(start) : int(end)].replace("\r", " ").replace("\n", " ")
        elif name.startswith("E"):
            (type_name, trigger), *fillers = [part.split(":") for part in body.split(" ")]
            assert len({role for role, _ in fillers}) == len(fillers)
            assert spans[trigger][0] == type_name
            found.append((spans[trigger], [(role.rstrip("0123456789"), spans[filler]) for role, filler in fillers]))
        else:
            _, event, value = body.split(" ")
            modality[event] = value
    assert [spans[f"T{number}"] for number in range(1, 1 + len(document.entities))] == [
        (entity.type, entity.start, entity.end) for entity in document.entities
    ]
    assert found == [
        (
            (event.type, event.start, event.end),
            [(one.role, (one.entity.type, one.entity.start, one.entity.end)) for one in event.arguments],
        )
        for event in document.events
    ]
    assert [modality.get(f"E{number}", "Asserted") for number in range(1, 1 + len(document.events))] == [
        event.modality for event in document.events
    ]
