from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hadath.errors import SchemaError
from hadath.schema import DEFAULT_MODALITY, Schema, bio_labels

ANNOTATION_CONF = Path(__file__).parents[2] / "data" / "annotation.conf"

SMALL = """\
[entities]
PER
GPE
[relations]
[events]
<WHO>=PER|GPE
MEET\tWho*:<WHO>, Where?:GPE
LEAVE
[attributes]
Modality\tArg:<EVENT>, Value:Planned|Negated
"""

# no name begins with a dash, which brat draws before indented types
names = st.from_regex(r"[ABCdef_1ئ][ABCdef_\-1ئ]{0,4}", fullmatch=True)
name_lists = st.lists(names, unique=True, max_size=6)


@st.composite
def schemas(draw: st.DrawFn) -> Schema:
    entity_types, event_types = draw(name_lists), draw(name_lists)
    filler = st.sampled_from(entity_types) if entity_types else st.nothing()
    allowed = st.lists(filler, unique=True, min_size=1).map(tuple)
    roles = st.dictionaries(names, allowed, max_size=4 if entity_types else 0)
    marked = draw(name_lists | st.none())
    return Schema(
        tuple(entity_types),
        tuple(event_types),
        {event_type: draw(roles) for event_type in event_types},
        () if marked is None else (DEFAULT_MODALITY, *marked),
    )


def problems_of(text: str) -> list[str]:
    with pytest.raises(SchemaError) as raised:
        Schema.from_brat(text, "conf/annotation.conf")
    return str(raised.value).splitlines()


def test_the_corpus_schema() -> None:
    schema = Schema.from_brat(ANNOTATION_CONF.read_text(encoding="utf-8"))
    assert len(schema.entity_types) == 12
    assert len(schema.event_types) == 16
    assert schema.role_names == ("Actor", "Recipient", "Place", "Date")
    assert schema.modalities == ("Asserted", "Planned", "Hypothetical", "Negated")
    assert schema.entity_types[:3] == ("PER", "OCC", "NORP")
    assert (schema.event_types[0], schema.event_types[-1]) == ("AGREE", "ASSAULT")
    assert schema.roles["ASSAULT"] == {
        "Actor": ("PER", "OCC", "NORP", "ORG", "GPE"),
        "Recipient": ("PER", "OCC", "NORP", "ORG", "GPE", "FAC", "LOC"),
        "Place": ("GPE", "LOC", "FAC"),
        "Date": ("DATE",),
    }


def test_a_small_schema() -> None:
    assert Schema.from_brat(SMALL) == Schema(
        ("PER", "GPE"),
        ("MEET", "LEAVE"),
        {"MEET": {"Who": ("PER", "GPE"), "Where": ("GPE",)}, "LEAVE": {}},
        ("Asserted", "Planned", "Negated"),
    )


def test_windows_line_ends_byte_order_mark_comments_and_spacing_change_nothing() -> None:
    spaced = (
        SMALL.replace("PER|GPE", " PER | GPE ").replace("MEET\t", "MEET   ").replace("GPE\n", "  GPE  # a town\n\n")
    )
    spaced = spaced.replace("Planned|Negated", "Planned | Negated")
    assert Schema.from_brat("\ufeff" + spaced.replace("\n", "\r\n")) == Schema.from_brat(SMALL)


def test_separators_and_types_that_are_not_annotated_are_left_out() -> None:
    text = SMALL.replace("PER\nGPE", "!Name\n\tPER\n-----\n\tGPE\n- -").replace("LEAVE", "!Act\n----\n\tLEAVE")
    assert Schema.from_brat(text) == Schema.from_brat(SMALL)


@pytest.mark.parametrize("macro", ["<ANY>", "<ENTITY>"])
def test_a_role_for_any_entity_also_where_entities_come_last(macro: str) -> None:
    schema = Schema.from_brat(f"[events]\nMEET\tWho:{macro}\n[entities]\nPER\nGPE\n")
    assert schema.roles["MEET"]["Who"] == ("PER", "GPE")


def test_macros_of_macros() -> None:
    schema = Schema.from_brat("[entities]\nA\nB\nC\n[events]\n<X>=A|B\n<Y>=<X>|C\nMEET\tWho:<Y>, Whom:<X>|B\n")
    assert schema.roles["MEET"] == {"Who": ("A", "B", "C"), "Whom": ("A", "B")}


def test_without_modality_there_are_no_modalities() -> None:
    assert Schema.from_brat("[entities]\nPER\n[attributes]\nMention\tArg:<ENTITY>\n").modalities == ()


def test_the_default_modality_is_named_once_and_first() -> None:
    text = SMALL.replace("Planned|Negated", "Planned|Asserted|Negated|Planned")
    assert Schema.from_brat(text).modalities == ("Asserted", "Planned", "Negated")


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        (
            "[relations]",
            "[relation]",
            4,
            "unknown section [relation]; expected entities, relations, events, attributes",
        ),
        ("[entities]", "PERSON\n[entities]", 1, "'PERSON' stands before the first section; expected [entities]"),
        ("GPE\n[", "GPE\nGPE\n[", 4, "entity type GPE is named in line 3 already; name each type once"),
        ("LEAVE", "LEAVE\nMEET", 9, "event type MEET is named in line 7 already; name each type once"),
        ("GPE\n[", "GPE town\n[", 3, "'GPE town' is no entity type; expected one name without spaces"),
        ("LEAVE", "Who*:PER", 8, "'Who*:PER' is no name of an event type; expected one without any of"),
        ("Where?:GPE", "Where?:TOWN", 7, "role Where of MEET allows TOWN, which [entities] does not name"),
        ("Where?:GPE", "Where", 7, "'Where' is no role of MEET; expected NAME*:TYPE|TYPE"),
        ("Where?:GPE", "Where?:", 7, "'Where?:' is no role of MEET; expected NAME*:TYPE|TYPE"),
        ("Where?:GPE", "Where: | ", 7, "'Where: |' is no role of MEET; expected NAME*:TYPE|TYPE"),
        ("Where?:GPE", "Where?*:GPE", 7, "'Where?*:GPE' is no role of MEET; expected NAME*:TYPE|TYPE"),
        ("Where?:GPE", "*:GPE", 7, "'*:GPE' is no role of MEET; expected NAME*:TYPE|TYPE"),
        ("Where?:GPE", "Who:GPE", 7, "role Who of MEET is named twice; join its types with |"),
        ("Where?:GPE", "Where:<PLACE>", 7, "macro <PLACE> is not defined above; expected a line <PLACE>=TYPE|TYPE"),
        ("Where?:GPE", "Cause:<EVENT>", 7, "<EVENT> fills a role; expected entity types"),
        ("Value:Planned|Negated", "Values", 10, "Modality has no values; expected Modality<tab>Arg:<EVENT>, Value:A|B"),
        ("Value:Planned|Negated", "Value:", 10, "Modality has no values; expected"),
        ("Value:Planned|Negated", "Value:Planned||Negated", 10, "Modality has no values; expected"),
        ("[attributes]\n", "[attributes]\nModality\tValue:X\n", 11, "Modality is named twice; expected all its values"),
    ],
)
def test_a_mistake_is_reported_with_file_and_line(old: str, new: str, line: int, message: str) -> None:
    assert SMALL.count(old) == 1
    (problem,) = problems_of(SMALL.replace(old, new))
    assert problem.startswith(f"conf/annotation.conf:{line}: {message}")


def test_all_mistakes_are_reported_at_once() -> None:
    problems = problems_of("[entity]\nPER\n[entities]\nPER\nPER\n[events]\nMEET\tWho*:TOWN, Where\nMEET\n")
    assert [problem.split(":")[1] for problem in problems] == ["1", "5", "7", "7", "8"]


@pytest.mark.parametrize("text", ["", "\n\n", "[entities]\n[events]\n", "# nothing\n"])
def test_a_file_without_types_is_refused(text: str) -> None:
    assert problems_of(text) == [
        "conf/annotation.conf:1: names neither entity nor event types; expected [entities] and [events]"
    ]


def test_lines_are_counted_as_editors_count_them() -> None:
    (problem,) = problems_of("# a\u2028b\x0bc\n[entities]\nPER\nPER\n")
    assert problem.startswith("conf/annotation.conf:4: entity type PER is named in line 3")


@given(
    text=st.lists(st.sampled_from([*"[]<>=|:,*?-!# \t\n\r", "[entities]", "[events]", "\n", "PER", "Value:"])).map(
        "".join
    )
)
def test_any_text_is_read_or_refused_with_lines(text: str) -> None:
    try:
        schema = Schema.from_brat(text)
    except SchemaError as error:
        assert all(problem.startswith("annotation.conf:") for problem in str(error).split("\n"))  # noqa: PT017
    else:
        assert schema.entity_types or schema.event_types


@given(
    schema=schemas().filter(lambda schema: schema.entity_types or schema.event_types),
    separator=st.sampled_from(["\t", " ", "  \t"]),
    count=st.sampled_from(["", "*", "?", "+", "{2}", "{1-3}"]),
)
def test_a_schema_written_as_a_file_is_read_from_it(schema: Schema, separator: str, count: str) -> None:
    events = [
        name + separator + ", ".join(f"{role}{count}:{'|'.join(types)}" for role, types in roles.items())
        for name, roles in schema.roles.items()
    ]
    marked = "|".join(schema.modalities[1:])
    modality = [f"Modality{separator}Arg:<EVENT>, Value:{marked}"] if marked else []
    lines = ["[entities]", *schema.entity_types, "[events]", *events, "[attributes]", *modality]
    read = Schema.from_brat("\n".join(lines))
    assert (read.entity_types, read.event_types, read.roles) == (schema.entity_types, schema.event_types, schema.roles)
    # the order of roles is that of their label ids, which equality of mappings does not see
    assert read.role_names == schema.role_names
    assert read.modalities == (schema.modalities if marked else ())


@given(schema=schemas())
def test_a_schema_survives_json(schema: Schema) -> None:
    again = Schema.from_dict(json.loads(json.dumps(schema.to_dict())))
    assert again == schema
    assert list(again.roles) == list(schema.roles)
    assert again.role_names == schema.role_names


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"entity_types": "PER"}, "'PER' is no list of names"),
        ({"entity_types": ["PER", 3]}, "is no list of names"),
        ({"entity_types": ["PER", "GPE", ""]}, "is no list of names"),
        ({"entity_types": ["PER", "GPE", "PER"]}, "entity types named twice: PER; name each type once"),
        ({"event_types": ["MEET", "LEAVE", "MEET"]}, "event types named twice: MEET"),
        ({"event_types": None}, "not a schema"),
        ({"event_types": ["LEAVE"]}, "roles of MEET, which is no event type"),
        ({"roles": ["MEET"]}, "not a schema"),
        ({"roles": {"MEET": {"Who": "PER"}}}, "'PER' is no list of names"),
        ({"roles": {"MEET": {"Who": ["TOWN"]}}}, r"role Who of MEET allows TOWN.*expected one of PER, GPE"),
        ({"modalities": ["Planned", "Asserted"]}, "expected Asserted first"),
        ({"modalities": ["Asserted", "Planned", "Planned"]}, "each value once"),
    ],
)
def test_a_damaged_schema_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(SchemaError, match=message):
        Schema.from_dict(Schema.from_brat(SMALL).to_dict() | change)


@pytest.mark.parametrize("field", ["entity_types", "event_types", "roles", "modalities"])
def test_a_schema_with_a_field_missing_is_refused(field: str) -> None:
    values = Schema.from_brat(SMALL).to_dict()
    del values[field]
    with pytest.raises(SchemaError, match=f"'{field}'.*expected the form that Schema.to_dict writes"):
        Schema.from_dict(values)


@given(types=name_lists)
def test_bio_labels_name_each_type_twice_and_o_once(types: list[str]) -> None:
    labels = bio_labels(types)
    assert labels[0] == "O"
    assert labels[1 : 1 + len(types)] == tuple(f"B-{name}" for name in types)
    assert labels[1 + len(types) :] == tuple(f"I-{name}" for name in types)
    assert set(Counter(labels).values()) == {1}
