from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from hadath.document import Argument, Document, Entity, Event
from hadath.errors import HadathError, InvalidDocumentError

TEXT = "زار وزير الصحة ووفد معه مستشفى طبرق أمس"
MINISTER = Entity(4, 14, "OCC", "وزير الصحة", 0.75)
GUESTS = Entity(16, 23, "NORP", "وفد معه", 0.5)
HOSPITAL = Entity(24, 35, "FAC", "مستشفى طبرق")
DOCUMENT = Document(
    TEXT,
    (MINISTER, GUESTS, HOSPITAL),
    (
        Event(
            0,
            3,
            "CONSULT",
            "زار",
            0.875,
            "Planned",
            (Argument("Actor", MINISTER, 0.625), Argument("Actor", GUESTS), Argument("Place", HOSPITAL)),
        ),
    ),
    "zyara-1",
)

texts = st.text(
    alphabet=st.sampled_from("اب م\u064e\u200f\n\r\t🙂\x00é\u2028") | st.characters(exclude_categories=["Cs"])
)
names = st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
scores = st.floats(0, 1)


@st.composite
def documents(draw: st.DrawFn) -> Document:
    text = draw(texts.filter(bool))

    def span() -> tuple[int, int]:
        start = draw(st.integers(0, len(text) - 1))
        return start, draw(st.integers(start + 1, len(text)))

    entities = []
    for start, end in (span() for _ in range(draw(st.integers(0, 4)))):
        entities.append(Entity(start, end, draw(names), text[start:end], draw(scores)))
    fillers = st.sampled_from(entities) if entities else st.nothing()
    events = []
    for start, end in (span() for _ in range(draw(st.integers(0, 3)))):
        arguments = tuple(draw(st.lists(st.builds(Argument, names, fillers, scores), max_size=4)))
        events.append(Event(start, end, draw(names), text[start:end], draw(scores), draw(names), arguments))
    return Document(text, tuple(entities), tuple(events), draw(st.none() | names))


@given(document=documents())
def test_a_document_is_read_as_it_was_written(document: Document) -> None:
    assert Document.from_dict(document.to_dict()) == document
    assert Document.from_dict(json.loads(json.dumps(document.to_dict(), ensure_ascii=False))) == document


def test_the_form_of_a_document() -> None:
    assert DOCUMENT.to_dict() == {
        "id": "zyara-1",
        "text": TEXT,
        "entities": [
            {"start": 4, "end": 14, "type": "OCC", "text": "وزير الصحة", "score": 0.75},
            {"start": 16, "end": 23, "type": "NORP", "text": "وفد معه", "score": 0.5},
            {"start": 24, "end": 35, "type": "FAC", "text": "مستشفى طبرق", "score": 1.0},
        ],
        "events": [
            {
                "start": 0,
                "end": 3,
                "type": "CONSULT",
                "text": "زار",
                "score": 0.875,
                "modality": "Planned",
                "arguments": [
                    {"role": "Actor", "entity": 0, "score": 0.625},
                    {"role": "Actor", "entity": 1, "score": 1.0},
                    {"role": "Place", "entity": 2, "score": 1.0},
                ],
            }
        ],
    }
    assert Document("").to_dict() == {"id": None, "text": "", "entities": [], "events": []}


def test_a_document_need_not_have_an_id_and_may_carry_what_a_user_added() -> None:
    values = DOCUMENT.to_dict()
    del values["id"]
    assert Document.from_dict({**values, "source": "نشرة"}) == Document(TEXT, DOCUMENT.entities, DOCUMENT.events)


@pytest.mark.parametrize(
    ("start", "end", "there"),
    [
        (4, 13, "وزير الصح"),
        (5, 15, "زير الصحة "),
        (4, 4, ""),
        (14, 4, ""),
        (4, 400, TEXT[4:]),
        (len(TEXT), len(TEXT) + 3, ""),
        # what Python itself would read from the end
        (4 - len(TEXT), 14 - len(TEXT), "وزير الصحة"),
    ],
)
@pytest.mark.parametrize("kind", ["entities", "events"])
def test_a_span_that_does_not_match_the_text_is_refused(start: int, end: int, there: str, kind: str) -> None:
    span: Any = (Entity if kind == "entities" else Event)(start, end, "OCC", "وزير الصحة")
    with pytest.raises(InvalidDocumentError) as raised:
        Document(TEXT, **{kind: (span,)}, id="zyara-1")
    assert str(raised.value) == (
        f"document zyara-1: OCC at {start}-{end} is 'وزير الصحة', but the text there is {there!r}; "
        "offsets count characters of the original text"
    )


def test_a_span_without_characters_is_refused_though_its_text_matches() -> None:
    with pytest.raises(InvalidDocumentError, match=r"^document: PER at 2-2 is ''"):
        Document(TEXT, (Entity(2, 2, "PER", ""),))


@given(document=documents(), shift=st.integers(-3, 3).filter(bool))
def test_shifted_offsets_are_refused_unless_they_show_the_same_characters(document: Document, shift: int) -> None:
    for entity in document.entities:
        start, end = entity.start + shift, entity.end + shift
        moved = Entity(start, end, entity.type, entity.text)
        if start >= 0 and document.text[start:end] == entity.text:
            assert Document(document.text, (moved,)).entities == (moved,)
        else:
            with pytest.raises(InvalidDocumentError):
                Document(document.text, (moved,))


def test_an_argument_that_is_none_of_the_entities_is_refused() -> None:
    visit = Event(0, 3, "CONSULT", "زار", arguments=(Argument("Place", HOSPITAL),))
    for others in ((), (MINISTER,), (Entity(24, 35, "ORG", "مستشفى طبرق"),)):
        with pytest.raises(InvalidDocumentError) as raised:
            Document(TEXT, others, (visit,))
        assert str(raised.value) == (
            "document: Place of CONSULT at 0-3 is 'مستشفى طبرق', which is none of the document's entities"
        )


@pytest.mark.parametrize("text", [None, TEXT.encode(), 3, [TEXT]])
def test_a_text_of_another_type_is_refused(text: Any) -> None:
    with pytest.raises(InvalidDocumentError, match=f"^document: its text is {type(text).__name__}; expected str$"):
        Document(text)


def test_what_is_refused_is_an_error_of_hadath_and_of_the_value() -> None:
    assert issubclass(InvalidDocumentError, HadathError)
    assert issubclass(InvalidDocumentError, ValueError)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda values: values.pop("text"), "'text' is missing"),
        (lambda values: values.pop("entities"), "'entities' is missing"),
        (lambda values: values.pop("events"), "'events' is missing"),
        (lambda values: values.update(id=5), "its id is 5"),
        (lambda values: values.update(entities=None), "'NoneType' object is not iterable"),
        (lambda values: values.update(entities=["PER"]), "'str' object has no attribute 'items'"),
        (lambda values: values["entities"][0].pop("type"), "missing 1 required positional argument: 'type'"),
        (lambda values: values["entities"][0].update(color="red"), "unexpected keyword argument 'color'"),
        (lambda values: values["entities"][0].update(start="4"), "'start' of entity 0 is '4'"),
        (lambda values: values["entities"][1].update(end=23.0), "'end' of entity 1 is 23.0"),
        (lambda values: values["entities"][2].update(type=None), "'type' of entity 2 is None"),
        (lambda values: values["entities"][2].update(score="0.5"), "'score' of entity 2 is '0.5'"),
        (lambda values: values["events"][0].update(start=False), "'start' of event 0 is False"),
        (lambda values: values["events"][0].update(modality=None), "'modality' of event 0 is None"),
        (lambda values: values["events"][0].pop("arguments"), "'arguments' is missing"),
        (lambda values: values["events"][0]["arguments"][1].pop("role"), "'role' is missing"),
        (lambda values: values["events"][0]["arguments"][1].update(role=7), "'role' of argument 1 of event 0 is 7"),
        (lambda values: values["events"][0]["arguments"][1].update(entity=3), "argument 1 of event 0 is entity 3 of 3"),
        (lambda values: values["events"][0]["arguments"][1].update(entity=-1), "1 of event 0 is entity -1 of 3"),
        (lambda values: values["events"][0]["arguments"][1].update(entity="0"), "of argument 1 of event 0 is '0'"),
    ],
)
def test_what_is_no_document_is_refused_with_the_place(change: Callable[[dict[str, Any]], None], message: str) -> None:
    values = copy.deepcopy(DOCUMENT.to_dict())
    change(values)
    with pytest.raises(InvalidDocumentError) as raised:
        Document.from_dict(values)
    assert message in str(raised.value)
    assert str(raised.value).startswith("not a document: ")
    assert str(raised.value).endswith("; expected the form that Document.to_dict writes")


@pytest.mark.parametrize("values", [None, [], "document", 3])
def test_other_json_values_are_no_document(values: Any) -> None:
    with pytest.raises(InvalidDocumentError, match=r"^not a document: "):
        Document.from_dict(values)


def test_a_document_whose_offsets_contradict_its_text_is_refused_by_its_name() -> None:
    values = DOCUMENT.to_dict()
    values["text"] = "\u200f" + TEXT
    with pytest.raises(InvalidDocumentError, match=r"^document zyara-1: OCC at 4-14 is 'وزير الصحة', but the text"):
        Document.from_dict(values)


def test_brat_numbers_the_fillers_of_a_role_and_marks_the_modality() -> None:
    assert DOCUMENT.to_brat() == (
        "T1\tOCC 4 14\tوزير الصحة\n"
        "T2\tNORP 16 23\tوفد معه\n"
        "T3\tFAC 24 35\tمستشفى طبرق\n"
        "T4\tCONSULT 0 3\tزار\n"
        "E1\tCONSULT:T4 Actor:T1 Actor2:T2 Place:T3\n"
        "A1\tModality E1 Planned\n"
    )


def test_brat_marks_only_what_is_not_asserted_and_counts_the_marks() -> None:
    text = "زار ولم يزر وقد يزور"
    events = (
        Event(0, 3, "CONSULT", "زار"),
        Event(8, 11, "CONSULT", "يزر", modality="Negated"),
        Event(16, 20, "CONSULT", "يزور", modality="Hypothetical"),
    )
    assert Document(text, (), events).to_brat().splitlines() == [
        "T1\tCONSULT 0 3\tزار",
        "E1\tCONSULT:T1",
        "T2\tCONSULT 8 11\tيزر",
        "E2\tCONSULT:T2",
        "A1\tModality E2 Negated",
        "T3\tCONSULT 16 20\tيزور",
        "E3\tCONSULT:T3",
        "A2\tModality E3 Hypothetical",
    ]


def test_brat_of_a_document_with_nothing_in_it_is_empty() -> None:
    assert Document("لا شيء هنا").to_brat() == ""


@pytest.mark.parametrize(
    ("between", "shown"), [("\n", " "), ("\r\n", "  "), ("\n\n", "  "), ("\u2028", "\u2028"), ("\t", "\t")]
)
def test_brat_writes_a_line_break_in_a_span_as_a_space_and_keeps_the_offsets(between: str, shown: str) -> None:
    name = f"نادي{between}البحر"
    lines = Document(name, (Entity(0, len(name), "ORG", name),)).to_brat()
    assert lines == f"T1\tORG 0 {len(name)}\tنادي{shown}البحر\n"


@given(document=documents())
def test_brat_has_one_line_for_each_annotation(document: Document) -> None:
    # types and roles that are no names can hold anything here; the reader of brat files refuses them
    assume(not any(set(name) & set("\r\n") for name in names_in(document)))
    lines = document.to_brat().split("\n")
    marks = sum(event.modality != "Asserted" for event in document.events)
    assert len(lines) == len(document.entities) + 2 * len(document.events) + marks + 1
    assert [line[0] for line in lines[: len(document.entities)]] == ["T"] * len(document.entities)
    identifiers = [line.split("\t")[0] for line in lines[:-1]]
    assert len(set(identifiers)) == len(identifiers)


def names_in(document: Document) -> list[str]:
    events = [
        name for event in document.events for name in (event.type, event.modality, *(a.role for a in event.arguments))
    ]
    return [entity.type for entity in document.entities] + events
