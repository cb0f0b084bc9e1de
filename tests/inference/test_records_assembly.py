from __future__ import annotations

from datetime import date, datetime, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hadath
from hadath.document import Argument, Document, Entity, Event
from hadath.errors import InvalidDocumentError
from hadath.records import EventRecord
from hadath.records.assembly import MOST_MENTIONS, event_records, publication_day
from hadath.records.mentions import group_mentions
from hadath.records.plover import QUAD_CLASSES, plover_code, quad_class
from hadath.records.record import Span

TEXT = (
    "زار الوزير وزير الخارجية التونسي عمر السعداوي بعثة الأمم المتحدة في ليبيا البعثة الأممية طرابلس أمس الاثنين "
    "القصف قصف الجيش الليبيين ( ) ، . \n – 2024 X عمّان"
)
WORDS = TEXT.split(" ")
TYPES = ["PER", "OCC", "NORP", "ORG", "GPE", "LOC", "FAC", "WEA", "DATE", "X"]
ROLES = ["Actor", "Recipient", "Place", "Date", "Witness"]


@st.composite
def documents(draw: st.DrawFn) -> Document:
    """Texts of random words with random entities and events, arguments as they come."""
    words = draw(st.lists(st.sampled_from(WORDS), min_size=1, max_size=40))
    text = " ".join(words)
    ends = [len(" ".join(words[: place + 1])) for place in range(len(words))]
    starts = [end - len(word) for end, word in zip(ends, words, strict=True)]

    def span() -> tuple[int, int]:
        first = draw(st.integers(0, len(words) - 1))
        last = draw(st.integers(first, min(first + 3, len(words) - 1)))
        return starts[first], ends[last]

    entities = []
    for _ in range(draw(st.integers(0, 12))):
        start, end = span()
        entities.append(Entity(start, end, draw(st.sampled_from(TYPES)), text[start:end], draw(st.floats(0, 1))))
    entities = sorted(set(entities), key=lambda entity: (entity.start, entity.end))
    events = []
    for _ in range(draw(st.integers(0, 8))):
        start, end = span()
        filled = draw(st.lists(st.sampled_from(entities), max_size=4)) if entities else []
        arguments = tuple(Argument(draw(st.sampled_from(ROLES)), entity, draw(st.floats(0, 1))) for entity in filled)
        type = draw(st.sampled_from([*QUAD_CLASSES, "MARRIAGE"]))
        modality = draw(st.sampled_from(["Asserted", "Planned", "Hypothetical", "Negated"]))
        events.append(Event(start, end, type, text[start:end], draw(st.floats(0, 1)), modality, arguments))
    return Document(text, tuple(entities), tuple(events), draw(st.sampled_from([None, "a1"])))


@settings(max_examples=40)
@given(documents())
def test_every_mention_is_in_one_group(document: Document) -> None:
    grouped = [mention for group in group_mentions(document) for mention in group.mentions]
    assert len(grouped) == len(set(grouped)) == len(document.entities)
    assert set(grouped) == set(document.entities)


@settings(max_examples=60)
@given(documents(), st.sampled_from([None, date(2025, 11, 18)]))
def test_records_hold_every_event_once_and_only_what_is_in_the_document(document: Document, day: date | None) -> None:
    records = event_records(document, day)
    told = sorted((trigger for record in records for trigger in record.triggers), key=repr)
    assert told == sorted(map(Span.of, document.events), key=repr)
    spans = set(map(Span.of, document.entities))
    for record in records:
        assert record.code == plover_code(record.type, record.modality)
        assert record.quad_class == quad_class(record.code)
        assert " ".join(record.trigger.text.split()) in record.sentence
        assert {participant.role for participant in record.participants} <= set(ROLES)
        for participant in record.participants:
            assert participant.mentions
            assert spans.issuperset(participant.mentions)
        # nobody is in one role twice
        named = [(participant.role, participant.mentions) for participant in record.participants]
        assert len(named) == len(set(named))
        assert EventRecord.from_dict(record.to_dict()) == record


@pytest.mark.parametrize(
    ("type", "modality", "code"),
    [
        *[(type, "Planned", "AGREE") for type in ("CONSULT", "SUPPORT", "COOPERATE", "AID", "AGREE")],
        ("RETREAT", "Planned", "CONCEDE"),
        ("CONCEDE", "Planned", "CONCEDE"),
        *[(type, "Planned", type) for type in ("ASSAULT", "COERCE", "SANCTION", "PROTEST", "MOBILIZE", "THREATEN")],
        *[
            (type, modality, type)
            for type in ("AID", "RETREAT")
            for modality in ("Asserted", "Hypothetical", "Negated")
        ],
        ("MARRIAGE", "Planned", "MARRIAGE"),
    ],
)
def test_folding(type: str, modality: str, code: str) -> None:
    assert plover_code(type, modality) == code


def test_every_type_has_a_class() -> None:
    assert len(QUAD_CLASSES) == 16
    assert quad_class("MARRIAGE") is None


def test_records_of_an_article() -> None:
    text = (
        "وزير الخارجية التونسي يزور بنغازي\n"
        "زار وزير الخارجية التونسي سالم الجبالي بنغازي أمس، حيث التقى البعثة الأممية. وأشاد الجبالي بالزيارة."
    )

    def entity(words: str, type: str, after: int = 0) -> Entity:
        start = text.index(words, after)
        return Entity(start, start + len(words), type, words)

    body = text.index("\n")
    office, place = entity("وزير الخارجية التونسي", "OCC"), entity("بنغازي", "GPE")
    again, person = entity("وزير الخارجية التونسي", "OCC", body), entity("سالم الجبالي", "PER")
    there, day = entity("بنغازي", "GPE", body), entity("أمس", "DATE")
    mission, short = entity("البعثة الأممية", "ORG"), entity("الجبالي", "PER", text.index("وأشاد"))

    def event(words: str, type: str, *arguments: tuple[str, Entity], score: float = 0.5) -> Event:
        start = text.index(words)
        return Event(start, start + len(words), type, words, score, arguments=tuple(Argument(*a) for a in arguments))

    events = (
        event("يزور", "CONSULT", ("Actor", office), ("Place", place)),
        event("زار", "CONSULT", ("Actor", person), ("Place", there), ("Date", day), score=0.9),
        event("وأشاد", "SUPPORT", ("Actor", short)),
        event("بالزيارة", "CONSULT"),
    )
    entities = (office, place, again, person, there, day, mission, short)
    visit, praise = Document(text, entities, events, "a1").records(date="2025-11-18T09:30:00Z")
    assert [trigger.text for trigger in visit.triggers] == ["يزور", "زار", "بالزيارة"]
    assert (visit.trigger.text, visit.sentence.split()[0], visit.score) == ("زار", "زار", 0.9)
    assert (visit.document, visit.published) == ("a1", "2025-11-18")
    [actor] = visit.actors
    assert (actor.name, actor.country, actor.sector) == ("سالم الجبالي", "TUN", "GOV")
    assert len(actor.mentions) == 4
    assert [(found.name, found.country) for found in visit.places] == [("بنغازي", "LBY")]
    assert [(found.first_day, found.last_day) for found in visit.dates] == [("2025-11-17", "2025-11-17")]
    assert praise.actors == (actor,)


def test_a_text_that_repeats_itself_does_not_make_records_without_bounds() -> None:
    sentence = "أشاد الوزير. "
    entities = tuple(Entity(start + 5, start + 11, "OCC", "الوزير") for start in range(0, 2000 * 13, 13))
    events = tuple(
        Event(entity.start - 5, entity.start - 1, "SUPPORT", "أشاد", arguments=(Argument("Actor", entity),))
        for entity in entities
    )
    records = event_records(Document(sentence * 2000, entities, events))
    assert len(records) == 2000
    for record, entity in zip(records, entities, strict=True):
        starts = [mention.start for mention in record.actors[0].mentions]
        assert len(starts) == MOST_MENTIONS
        assert entity.start in starts
        assert starts == sorted(starts)


def test_who_acts_first_is_told_by_the_fullest_mention() -> None:
    text = "التقى الوفد الليبي شركة الواحة في سبها. وبحثت شركة الواحة والوفد الليبي"
    side, firm = Entity(6, 18, "ORG", "الوفد الليبي"), Entity(19, 30, "ORG", "شركة الواحة")
    town = Entity(34, 38, "GPE", "سبها")
    other, same = Entity(46, 57, "ORG", "شركة الواحة"), Entity(58, 71, "ORG", "والوفد الليبي")
    first = (Argument("Actor", side), Argument("Recipient", firm), Argument("Place", town))
    second = (Argument("Actor", other), Argument("Actor", same))
    events = (
        Event(0, 5, "CONSULT", "التقى", arguments=first),
        Event(40, 45, "CONSULT", "وبحثت", arguments=second),
    )
    records = event_records(Document(text, (side, firm, town, other, same), events))
    assert {firm for record in records for firm in record.recipients if firm.name == "شركة الواحة"}
    if len(records) == 1:
        assert [actor.name for actor in records[0].actors] == ["الوفد الليبي"]


@pytest.mark.parametrize(
    ("value", "day"),
    [
        (None, None),
        (date(2025, 11, 18), date(2025, 11, 18)),
        (datetime(2025, 11, 18, 9, 30, tzinfo=timezone.utc), date(2025, 11, 18)),
        (" 2025-11-18 ", date(2025, 11, 18)),
        ("2025-11-18T09:30:00+02:00", date(2025, 11, 18)),
    ],
)
def test_publication_days(value: date | str | None, day: date | None) -> None:
    assert publication_day(value) == day


@pytest.mark.parametrize("value", ["18 November", "20251118", "2025-11-31", "2025-11-181", "2025-W47-1", ""])
def test_a_date_that_is_none_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match=f"the publication date is '{value}'; expected"):
        Document("x").records(date=value)


@pytest.mark.parametrize("values", [{}, {"triggers": [], "participants": [], "who": 1}, {"triggers": [{}]}])
def test_what_is_no_record_is_refused(values: dict[str, object]) -> None:
    with pytest.raises(InvalidDocumentError, match=r"not an event record: .*; expected the form"):
        EventRecord.from_dict(values)


def test_records_are_part_of_the_package() -> None:
    assert hadath.EventRecord is EventRecord
