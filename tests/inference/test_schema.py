from __future__ import annotations

import json
import string
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hadath.errors import HadathError, SchemaError
from hadath.schema import DEFAULT_MODALITY, Schema, bio_labels

CORPUS_CONF = Path(__file__).parents[2] / "data" / "annotation.conf"

# what a person may name a type in annotation.conf: nothing that has a meaning there
names = st.text(alphabet=string.ascii_letters + string.digits + "_-.حدثفعل", min_size=1, max_size=8).filter(
    lambda name: name[0] not in "-!" and name.strip("-. ")
)


@st.composite
def schemas(draw: st.DrawFn) -> Schema:
    entity_types = draw(st.lists(names, min_size=1, max_size=5, unique=True))
    event_types = draw(st.lists(names, max_size=4, unique=True))
    allowed = st.lists(st.sampled_from(entity_types), min_size=1, max_size=4, unique=True).map(tuple)
    roles = st.dictionaries(names, allowed, max_size=4)
    marked = draw(st.lists(names.filter(lambda name: name != DEFAULT_MODALITY), max_size=3, unique=True))
    return Schema(
        tuple(entity_types),
        tuple(event_types),
        {event_type: draw(roles) for event_type in event_types},
        (DEFAULT_MODALITY, *marked) if marked else (),
    )


def conf(events: str = "", attributes: str = "", entities: str = "PER\nORG\nPLACE", relations: str = "") -> str:
    """A configuration; its first event stands in line 7."""
    return f"[entities]\n{entities}\n[relations]\n[events]\n{events}\n[attributes]\n{attributes}\n"


# what a configuration is made of, in any order
tokens = st.sampled_from(
    ["[entities]\n", "[events]\n", "[attributes]\n", "PER", "MEET", "Who*:", "<X>=", "<X>", "<ANY>", "Modality\tValue:"]
) | st.sampled_from(list("\n\n\t ,|!-#{}:"))


def problems(text: str) -> list[str]:
    with pytest.raises(SchemaError) as raised:
        Schema.from_brat(text, "types.conf")
    return str(raised.value).split("\n")


def test_the_corpus_has_its_types_roles_and_modalities() -> None:
    schema = Schema.from_brat(CORPUS_CONF.read_text(encoding="utf-8"))
    assert schema.entity_types == (
        "PER",
        "OCC",
        "NORP",
        "ORG",
        "GPE",
        "LOC",
        "FAC",
        "WEA",
        "LAW",
        "DATE",
        "CARDINAL",
        "MONEY",
    )
    assert len(schema.event_types) == 16
    assert schema.event_types[:2] == ("AGREE", "CONSULT")
    assert schema.event_types[-1] == "ASSAULT"
    assert schema.role_names == ("Actor", "Recipient", "Place", "Date")
    assert set(schema.roles) == set(schema.event_types)
    for roles in schema.roles.values():
        assert roles == {
            "Actor": ("PER", "OCC", "NORP", "ORG", "GPE"),
            "Recipient": ("PER", "OCC", "NORP", "ORG", "GPE", "FAC", "LOC"),
            "Place": ("GPE", "LOC", "FAC"),
            "Date": ("DATE",),
        }
    assert schema.modalities == ("Asserted", "Planned", "Hypothetical", "Negated")


@given(schema=schemas())
def test_a_schema_is_read_as_it_was_written(schema: Schema) -> None:
    assert Schema.from_dict(schema.to_dict()) == schema
    read = Schema.from_dict(json.loads(json.dumps(schema.to_dict())))
    assert read == schema
    # the order of roles is the order of their label ids, which equality of mappings does not see
    assert read.role_names == schema.role_names


@given(schema=schemas(), data=st.data())
def test_annotation_conf_says_what_the_schema_holds(schema: Schema, data: st.DataObject) -> None:
    separator = data.draw(st.sampled_from(["\t", " ", "  \t"]))
    count = data.draw(st.sampled_from(["", "*", "?", "+", "{2}", "{1-3}"]))
    events = [
        f"{event_type}{separator}{', '.join(f'{role}{count}:' + '|'.join(types) for role, types in roles.items())}"
        for event_type, roles in schema.roles.items()
    ]
    marked = "|".join(schema.modalities[1:])
    text = conf(
        entities="\n".join(schema.entity_types),
        events="\n".join(events),
        attributes=f"Modality{separator}Arg:<EVENT>, Value:{marked}" if marked else "",
    )
    end = data.draw(st.sampled_from(["\n", "\r\n"]))
    read = Schema.from_brat(data.draw(st.sampled_from(["", "\ufeff"])) + text.replace("\n", end))
    assert read == schema
    assert read.role_names == schema.role_names


@given(text=st.lists(tokens | st.text(max_size=3), max_size=40).map("".join))
def test_any_file_is_read_or_refused_with_its_lines(text: str) -> None:
    try:
        schema = Schema.from_brat(text, "types.conf")
    except SchemaError as error:
        lines = text.count("\n") + 1
        for message in str(error).split("\n"):
            source, number, what = message.split(":", 2)
            assert source == "types.conf"
            assert 1 <= int(number) <= lines
            assert what.strip()
    else:
        assert Schema.from_dict(schema.to_dict()) == schema


def test_macros_stand_for_types() -> None:
    schema = Schema.from_brat(
        conf("<WHO>=PER|ORG\n<ALL>=<WHO>|PLACE\nMEET\tWho*:<WHO>, With:<WHO>|PLACE, Where:<ALL>\nHELP\tWho:PER|<WHO>")
    )
    assert schema.roles == {
        "MEET": {"Who": ("PER", "ORG"), "With": ("PER", "ORG", "PLACE"), "Where": ("PER", "ORG", "PLACE")},
        "HELP": {"Who": ("PER", "ORG")},
    }


@pytest.mark.parametrize("anything", ["<ANY>", "<ENTITY>", "PER|<ANY>", "<ANYONE>"])
def test_any_stands_for_all_entity_types_wherever_they_are_named(anything: str) -> None:
    text = f"[events]\n<ANYONE>=<ANY>\nMEET\tWho*:{anything}\n[entities]\nPLACE\nPER\n"
    assert Schema.from_brat(text).roles == {"MEET": {"Who": ("PLACE", "PER")}}


def test_comments_separators_unannotated_types_and_other_attributes_are_passed_over() -> None:
    schema = Schema.from_brat(
        "# all types\n\n[entities]\n!Thing\n\tPER # a person\n-----\n\tORG\n[relations]\nNear\tArg1:PER, Arg2:ORG\n"
        "[events]\n!Act\n- MEET\n-----\nHELP\tWho:PER,\n[attributes]\nTense\tArg:<EVENT>, Value:Past|Future\n"
        "Sure\tArg:<ANY>\n"
    )
    assert schema == Schema(("PER", "ORG"), ("MEET", "HELP"), {"MEET": {}, "HELP": {"Who": ("PER",)}})


def test_an_entity_type_and_an_event_type_may_share_a_name() -> None:
    schema = Schema.from_brat(conf("PER\tWho:PER"))
    assert "PER" in schema.entity_types
    assert schema.event_types == ("PER",)


def test_entities_alone_or_events_alone_are_a_schema() -> None:
    assert Schema.from_brat("[entities]\nPER\n") == Schema(("PER",), (), {})
    assert Schema.from_brat("[events]\nMEET\n") == Schema((), ("MEET",), {"MEET": {}})


@pytest.mark.parametrize(
    ("values", "modalities"),
    [
        ("Planned|Negated", ("Asserted", "Planned", "Negated")),
        ("Planned|Asserted", ("Asserted", "Planned")),
        ("Asserted", ("Asserted",)),
        ("Planned | Negated, Other:x", ("Asserted", "Planned", "Negated")),
    ],
)
def test_asserted_stands_before_the_modalities_that_are_marked(values: str, modalities: tuple[str, ...]) -> None:
    assert Schema.from_brat(conf(attributes=f"Modality\tArg:<EVENT>, Value:{values}")).modalities == modalities


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ["1: names neither entity nor event types; expected [entities] and [events]"]),
        (
            "PER\n[entities]\nORG\n",
            ["1: 'PER' stands before the first section; expected [entities]"],
        ),
        (
            "[entities]\nPER\n[spans]\nX\n",
            ["3: unknown section [spans]; expected entities, relations, events, attributes"],
        ),
        (
            "[entities]\nPER\nan organisation\n",
            ["3: 'an organisation' is no entity type; expected one name without spaces"],
        ),
        (
            "[entities]\nPER\nA|B\n",
            ["3: 'A|B' is no name of an entity type; expected one without any of : | , * < >"],
        ),
        ("[entities]\nPER\nORG\nPER\n", ["4: entity type PER is named in line 2 already; name each type once"]),
        (
            conf("MEET:Who\tWho:PER"),
            ["7: 'MEET:Who' is no name of an event type; expected one without any of : | , * < >"],
        ),
        (conf("MEET\nMEET\tWho:PER"), ["8: event type MEET is named in line 7 already; name each type once"]),
        (conf("MEET\tWho"), ["7: 'Who' is no role of MEET; expected NAME*:TYPE|TYPE"]),
        (conf("MEET\tWho*:"), ["7: 'Who*:' is no role of MEET; expected NAME*:TYPE|TYPE"]),
        (conf("MEET\tWho*: | "), ["7: 'Who*: |' is no role of MEET; expected NAME*:TYPE|TYPE"]),
        (conf("MEET\tWho**:PER"), ["7: 'Who**:PER' is no role of MEET; expected NAME*:TYPE|TYPE"]),
        (
            conf("MEET\tWho:PER, Where:PLACE, Who:ORG"),
            ["7: role Who of MEET is named twice; join its types with |"],
        ),
        (conf("MEET\tWho:PER|THING|X"), ["7: role Who of MEET allows THING, X, which [entities] does not name"]),
        (conf("MEET\tWho:<WHO>"), ["7: macro <WHO> is not defined above; expected a line <WHO>=TYPE|TYPE"]),
        (
            conf("<WHO>=PER|<MORE>\n<MORE>=ORG\nMEET\tWho:<WHO>"),
            ["7: macro <MORE> is not defined above; expected a line <MORE>=TYPE|TYPE"],
        ),
        (
            conf("MEET\tWhy:<EVENT>"),
            ["7: <EVENT> fills a role; expected entity types: events of events are not read"],
        ),
        (
            conf("MEET", attributes="Modality\tArg:<EVENT>"),
            ["9: Modality has no values; expected Modality<tab>Arg:<EVENT>, Value:A|B"],
        ),
        (
            conf("MEET", attributes="Modality\tArg:<EVENT>, Value:A||B"),
            ["9: Modality has no values; expected Modality<tab>Arg:<EVENT>, Value:A|B"],
        ),
        (
            conf("MEET", attributes="Modality\tValue:A\nModality\tValue:B"),
            ["10: Modality is named twice; expected all its values in one line"],
        ),
        # a line that no editor counts: the numbers are the editor's
        (
            "[entities]\nPER\n# one\u2028two\x0c\x85three\nPER\n",
            ["4: entity type PER is named in line 2 already; name each type once"],
        ),
    ],
)
def test_a_mistake_is_told_with_its_line(text: str, expected: list[str]) -> None:
    assert problems(text) == [f"types.conf:{message}" for message in expected]


def test_all_mistakes_are_told_at_once() -> None:
    text = conf("MEET\tWho:X, Where\nMEET", attributes="Modality\tValue:", entities="PER\nPER\nA B")
    assert [message.split(":")[1] for message in problems(text)] == ["3", "4", "7", "8", "10", "7"]


def test_the_file_is_called_annotation_conf_unless_told() -> None:
    with pytest.raises(SchemaError, match=r"^annotation\.conf:1: "):
        Schema.from_brat("")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Schema(("PER", "PER"), (), {}), "entity types named twice: PER; name each type once"),
        (lambda: Schema((), ("A", "B", "A", "B"), {}), "event types named twice: A, B; name each type once"),
        (
            lambda: Schema(("PER",), ("MEET",), {"HELP": {}}),
            "roles of HELP, which is no event type; expected roles of event types",
        ),
        (
            lambda: Schema(("PER", "ORG"), ("MEET",), {"MEET": {"Who": ("PER", "X")}}),
            "role Who of MEET allows X, which is no entity type (expected one of PER, ORG)",
        ),
        (
            lambda: Schema((), ("MEET",), {}, ("Planned", "Asserted")),
            "modalities Planned, Asserted: expected Asserted first, and each value once",
        ),
        (
            lambda: Schema((), ("MEET",), {}, ("Asserted", "Planned", "Planned")),
            "modalities Asserted, Planned, Planned: expected Asserted first, and each value once",
        ),
    ],
)
def test_a_schema_that_contradicts_itself_is_refused(make: Callable[[], Schema], message: str) -> None:
    with pytest.raises(SchemaError) as raised:
        make()
    assert str(raised.value) == message
    assert isinstance(raised.value, HadathError)


@pytest.mark.parametrize(
    "change",
    [
        {"entity_types": None},
        {"entity_types": "PER"},  # would be the types P, E, R
        {"event_types": [1]},
        {"event_types": [""]},
        {"roles": []},
        {"roles": {"MEET": ["Who"]}},
        {"roles": {"MEET": {"Who": "PER"}}},
        {"modalities": {"Asserted": 1}},
        {"roles": {"MEET": {"Who": ["X"]}}},
        {"modalities": ["Planned"]},
    ],
)
def test_values_of_another_form_are_refused(change: dict[str, Any]) -> None:
    values = Schema(("PER",), ("MEET",), {"MEET": {"Who": ("PER",)}}, ("Asserted",)).to_dict()
    assert Schema.from_dict(values).modalities == ("Asserted",)
    with pytest.raises(SchemaError):
        Schema.from_dict({**values, **change})


@pytest.mark.parametrize("field", ["entity_types", "event_types", "roles", "modalities"])
def test_a_missing_field_is_named(field: str) -> None:
    values = Schema(("PER",), (), {}).to_dict()
    del values[field]
    with pytest.raises(SchemaError, match=f"not a schema: .*{field}.*; expected the form that Schema.to_dict writes"):
        Schema.from_dict(values)


@given(types=st.lists(names, max_size=6, unique=True))
def test_bio_labels_are_outside_then_beginnings_then_insides(types: list[str]) -> None:
    labels = bio_labels(types)
    assert labels[0] == "O"
    assert len(labels) == len(set(labels)) == 1 + 2 * len(types)
    for position, name in enumerate(types):
        assert labels[1 + position] == f"B-{name}"
        assert labels[1 + len(types) + position] == f"I-{name}"
