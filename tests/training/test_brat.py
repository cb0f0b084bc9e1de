from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hadath.document import Argument, Document, Entity, Event
from hadath.schema import Schema
from hadath.text import segment
from training.brat import Problem, Severity, parse_document, read_document

SCHEMA = Schema(
    entity_types=("PER", "ORG", "PLACE", "Both"),
    event_types=("MEET", "ATTACK", "Both"),
    roles={
        "MEET": {"Who": ("PER", "ORG"), "Arg1": ("PLACE",)},
        "ATTACK": {"Target": ("PER", "ORG", "PLACE")},
        "Both": {"Who": ("Both", "PER")},
    },
    modalities=("Asserted", "Planned", "Negated"),
)
PATH = Path("article.ann")
TEXT = "زار وفد نادي البحر مدينة طبرق أمس"
#       0   4   8    13   19    25   30
LINES = {
    "T1": "T1\tORG 8 18\tنادي البحر",
    "T2": "T2\tPLACE 25 29\tطبرق",
    "T3": "T3\tMEET 0 3\tزار",
    "E1": "E1\tMEET:T3 Who:T1 Arg1:T2",
    "A1": "A1\tModality E1 Planned",
}


def annotations(**changed: str) -> str:
    return "".join(f"{line}\n" for line in {**LINES, **changed}.values())


def read(lines: str, text: str = TEXT, schema: Schema = SCHEMA) -> tuple[Document | None, list[Problem]]:
    return parse_document(text, lines, schema, PATH, "article")


def test_reads_entities_events_arguments_and_modality() -> None:
    document, problems = read(annotations())
    club, town = Entity(8, 18, "ORG", "نادي البحر"), Entity(25, 29, "PLACE", "طبرق")
    visit = Event(0, 3, "MEET", "زار", modality="Planned", arguments=(Argument("Who", club), Argument("Arg1", town)))
    assert problems == []
    assert document == Document(TEXT, (club, town), (visit,), "article")


def test_spans_stand_in_the_order_of_the_text_whatever_the_order_of_the_lines() -> None:
    lines = annotations(E1="E1\tMEET:T3 Arg1:T2 Who:T1").splitlines()
    document, problems = read("\n".join(reversed(lines)))
    assert problems == []
    assert document is not None
    assert [entity.type for entity in document.entities] == ["ORG", "PLACE"]
    assert [argument.role for argument in document.events[0].arguments] == ["Who", "Arg1"]


def test_numbered_roles_are_the_same_role() -> None:
    # the schema's own role ends in a digit: Arg1, then Arg12 for its second filler
    lines = annotations(T4="T4\tPLACE 30 33\tأمس", E1="E1\tMEET:T3 Who:T1 Arg1:T2 Arg12:T4")
    document, problems = read(lines)
    assert problems == []
    assert document is not None
    assert [argument.role for argument in document.events[0].arguments] == ["Who", "Arg1", "Arg1"]


@pytest.mark.parametrize(
    "line",
    [
        "R1\tPartOf Arg1:T1 Arg2:T2",
        "*\tEquiv T1 T2",
        "N1\tReference T2 Wikidata:Q1\tطبرق",
        "#1\tAnnotatorNotes E1\tمشكوك فيه",
        "",
        "   ",
    ],
)
def test_lines_that_say_nothing_to_learn_are_passed_over(line: str) -> None:
    assert read(annotations(more=line)) == read(annotations())


def test_windows_line_ends_and_old_attribute_ids_are_read() -> None:
    lines = annotations(A1="M1\tModality E1 Planned").replace("\n", "\r\n")
    assert read(lines) == read(annotations())


def test_a_line_break_inside_a_span_is_written_as_a_space() -> None:
    text = "زار نادي\r\nالبحر"
    document, problems = read("T1\tORG 4 15\tنادي  البحر\n", text)
    assert problems == []
    assert document is not None
    assert document.entities[0].text == "نادي\r\nالبحر"


@pytest.mark.parametrize(
    ("changed", "line", "message"),
    [
        ({"T1": "T1 ORG 8 18 نادي البحر"}, 1, "does not parse; expected T1<tab>TYPE START END<tab>TEXT"),
        ({"T1": "T1\tORG 8 18"}, 1, "does not parse"),
        ({"T1": "T1\tORG 8 ١٨\tنادي البحر"}, 1, "does not parse"),
        ({"T1": "T1\tORG 8 " + "9" * 5000 + "\tنادي البحر"}, 1, "does not parse"),
        ({"E1": "E1\t"}, 4, "does not parse; expected E1<tab>TYPE:T1"),
        ({"E1": "E1\tMEET Who:T1"}, 4, "does not parse"),
        ({"E1": "E1\tMEET: Who:T1"}, 4, "does not parse"),
        ({"A1": "A1\tModality"}, 5, "does not parse; expected A1<tab>Modality E1 VALUE"),
        ({"A1": "X1\tModality E1 Planned"}, 5, "expected a line that begins with T, E, A, R, N, * or #"),
        ({"T1": "T1\tORG 8 12;13 18\tنادي البحر"}, 1, "discontinuous (8 12;13 18); expected one piece"),
        ({"T1": "T1\tORG 8 180\tنادي البحر"}, 1, "the text has 33 characters"),
        ({"T1": "T1\tORG 18 8\tنادي البحر"}, 1, "is empty (18-8)"),
        ({"T1": "T1\tORG 8 8\t"}, 1, "is empty (8-8)"),
        (
            {"T4": "T4\tPER 30 99\tأمس"},
            6,
            "is at 30-99, but the text has 33 characters; 'أمس' stands at 30-33",
        ),
        ({"T1": "T1\tORG 7 17\tنادي البحر"}, 1, "'نادي البحر' stands at 8-18: correct the offsets"),
        ({"T1": "T1\tORG 8 18\tنادي الجبل"}, 1, "'نادي الجبل' stands nowhere in the text"),
        ({"T1": "T1\tORGA 8 18\tنادي البحر"}, 1, "unknown type 'ORGA'; did you mean ORG?"),
        ({"T2": "T1\tPLACE 25 29\tطبرق"}, 2, "T1 is the id of line 1 already"),
        ({"E1": "E1\tMEETING:T3"}, 4, "unknown event type 'MEETING'; expected MEET, ATTACK or Both"),
        ({"E1": "E1\tATTACK:T3"}, 4, "its trigger T3 (line 3) is of type MEET"),
        ({"E1": "E1\tMEET:T9"}, 4, "the trigger of E1 is 'T9', which no line defines; expected a span (T…)"),
        ({"E1": "E1\tMEET:E1"}, 4, "the trigger of E1 is E1 (line 4); expected a span (T…)"),
        ({"E1": "E1\tMEET:T3 Whom:T1"}, 4, "role 'Whom', which MEET does not have; expected Who or Arg1"),
        ({"E1": "E1\tMEET:T3 Who:T1 Who2:T1"}, 4, "names T1 as Who twice"),
        (
            {"E1": "E1\tMEET:T3 Who:T2"},
            4,
            "is T2, an entity of type PLACE; expected an entity of type PER or ORG",
        ),
        ({"E1": "E1\tMEET:T3 Who:T3"}, 4, "is T3, a trigger of type MEET; expected an entity"),
        ({"E1": "E1\tMEET:T3 Who:T7"}, 4, "Who of E1 is 'T7', which no line defines"),
        (
            {"E1": "E1\tMEET:T3 Who:E1"},
            4,
            "Who of E1 is E1 (line 4); expected an entity of type PER or ORG (T…)",
        ),
        (
            {"A1": "A1\tModality E1 Future"},
            5,
            "unknown value 'Future'; expected Asserted, Planned or Negated",
        ),
        ({"A1": "A1\tModality E1"}, 5, "gives Modality no value"),
        ({"A1": "A1\tModality T1 Planned"}, 5, "the target of A1 is T1 (line 1); expected an event (E…)"),
        ({"A1": "A1\tModality E8 Planned"}, 5, "the target of A1 is 'E8', which no line defines"),
        ({"A1": "A1\tConfidence E1 High"}, 5, "is the attribute 'Confidence'; expected Modality"),
        ({"A2": "A2\tModality E1 Negated"}, 6, "gives E1 a second Modality"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(changed: dict[str, str], line: int, message: str) -> None:
    document, problems = read(annotations(**changed))
    assert document is None
    matching = [problem for problem in problems if message in problem.message]
    assert [problem.line for problem in matching] == [line]
    assert matching[0].severity is Severity.BROKEN
    assert str(matching[0]).startswith(f"article.ann:{line}: ")


def test_a_trigger_fills_no_role_also_where_its_type_is_an_entity_type_too() -> None:
    document, problems = read("T1\tBoth 0 3\tزار\nE1\tBoth:T1 Who:T1\n")
    assert document is None
    assert [problem.line for problem in problems] == [2]
    assert "Who of E1 (Both) is T1, a trigger of type Both" in problems[0].message


def test_the_nearest_place_of_a_shifted_span_is_named() -> None:
    _, problems = read("T1\tPER 16 18\tعمر\n", "عمر وعلي ثم عمر وعمر ثم عمر")
    assert "'عمر' stands at 17-20: correct the offsets" in problems[0].message


def test_a_number_goes_to_the_longest_role_name() -> None:
    schema = Schema(("PER",), ("MEET",), {"MEET": {"Arg": ("PER",), "Arg1": ("PER",)}})
    document, problems = read("T1\tPER 4 7\tوفد\nT2\tMEET 0 3\tزار\nE1\tMEET:T2 Arg2:T1 Arg12:T1\n", schema=schema)
    assert problems == []
    assert document is not None
    assert [argument.role for argument in document.events[0].arguments] == ["Arg", "Arg1"]


def test_a_trigger_needs_an_event() -> None:
    lines = "".join(f"{LINES[name]}\n" for name in ("T1", "T2", "T3"))
    document, problems = read(lines)
    assert document is None
    assert [(problem.line, "T3 is a trigger (MEET) without an event" in problem.message) for problem in problems] == [
        (3, True)
    ]


def test_modality_needs_a_schema_that_knows_it() -> None:
    schema = Schema(SCHEMA.entity_types, SCHEMA.event_types, SCHEMA.roles)
    document, problems = read(annotations(), schema=schema)
    assert document is None
    assert [problem.line for problem in problems] == [5]
    assert "annotation.conf names no Modality" in problems[0].message


def test_everything_is_reported_at_once_and_in_order() -> None:
    document, problems = read(
        annotations(A1="A1\tModality E1 Future", T1="T1\tFOO 8 18\tنادي البحر", E1="E1\tMEET:T3 Whom:T2")
    )
    assert document is None
    assert [problem.line for problem in problems] == [1, 4, 5]


def test_what_refers_to_a_broken_line_is_no_second_problem() -> None:
    document, problems = read(annotations(T1="T1\tORG 7 17\tنادي البحر", T3="T3 MEET 0 3 زار"))
    assert document is None
    assert [problem.line for problem in problems] == [1, 3]


@pytest.mark.parametrize(
    ("lines", "line", "message"),
    [
        ("T1\tORG 8 17\tنادي البح\n", 1, "expected whole words, such as 'نادي البحر' (8-18)"),
        ("T1\tORG 9 18\tادي البحر\n", 1, "expected whole words, such as 'نادي البحر' (8-18)"),
        ("T1\tORG 8 19\tنادي البحر \n", 1, "expected whole words, such as 'نادي البحر' (8-18)"),
        ("T1\tORG 18 19\t \n", 1, "holds no word"),
        ("T1\tORG 8 18\tنادي البحر\nT2\tPLACE 13 18\tالبحر\n", 2, "T2 (PLACE 13-18 'البحر') overlaps T1"),
        ("T1\tPLACE 13 18\tالبحر\nT2\tORG 8 18\tنادي البحر\n", 2, "T2 (ORG 8-18 'نادي البحر') overlaps T1"),
        ("T1\tORG 0 3\tزار\nT2\tMEET 0 3\tزار\nE1\tMEET:T2\n", 2, "T2 (MEET 0-3 'زار') overlaps T1"),
        ("T1\tMEET 0 3\tزار\nE1\tMEET:T1\nE2\tMEET:T1\n", 3, "E2 has the trigger of another event (T1)"),
    ],
)
def test_what_word_tags_cannot_express_is_told_but_makes_a_document(lines: str, line: int, message: str) -> None:
    document, problems = read(lines)
    assert [(problem.line, problem.severity) for problem in problems] == [(line, Severity.UNLEARNABLE)]
    assert message in problems[0].message
    assert document is not None
    assert len(document.entities) + len(document.events) == lines.count("\nT") + lines.count("\nE2") + 1


def test_each_of_many_spans_inside_a_long_one_overlaps_it() -> None:
    lines = "T1\tORG 0 33\t" + TEXT + "\nT2\tPER 4 7\tوفد\nT3\tPLACE 25 29\tطبرق\n"
    _, problems = read(lines)
    assert [problem.line for problem in problems] == [2, 3]


def test_a_file_keeps_its_line_ends_and_counts_characters_not_bytes(tmp_path: Path) -> None:
    text = "👨‍👩‍👧 خبر\r\n\r\nفي طبرق"
    (tmp_path / "a.txt").write_bytes(text.encode())
    start = text.index("طبرق")
    (tmp_path / "a.ann").write_bytes(f"\ufeffT1\tPLACE {start} {start + 4}\tطبرق\r\n".encode())
    document, problems = read_document(tmp_path / "a.txt", SCHEMA)
    assert problems == []
    assert document == Document(text, (Entity(start, start + 4, "PLACE", "طبرق"),), (), "a")


def test_files_that_cannot_be_read_are_problems(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("سطر أول\nسطر ".encode() + b"\xc7\xe1")
    document, problems = read_document(tmp_path / "a.txt", SCHEMA)
    assert document is None
    assert [(problem.path.name, problem.line) for problem in problems] == [("a.txt", 2), ("a.ann", 0)]
    assert "is not UTF-8 (byte 0xc7 at 21)" in problems[0].message
    assert str(problems[1]) == f"{tmp_path / 'a.ann'}: is missing; expected a UTF-8 text file"
    (tmp_path / "a.ann").mkdir()
    _, problems = read_document(tmp_path / "a.txt", SCHEMA)
    assert "cannot be read" in problems[1].message


WORD_CHARACTERS = "ابتثحدرسعقلمنهويةَُِّـ٣7xé\u200f\u200c🙂👩‍👧ﷺ"
SPACES = (" ", "\n", "\r\n", "\t", "\u00a0", "\u2028", "، ", " «")
texts = st.lists(
    st.tuples(st.text(WORD_CHARACTERS, min_size=1, max_size=6), st.sampled_from(SPACES)),
    min_size=1,
    max_size=25,
).map(lambda parts: "".join(word + space for word, space in parts))


@st.composite
def documents(draw: st.DrawFn) -> Document:
    """A document of spans side by side over whole words, with the arguments that the schema allows."""
    text = draw(texts)
    words = segment(text)
    bounds = list(zip(words.starts.tolist(), words.ends.tolist(), strict=True))
    entities, triggers, word = [], [], 0
    while word < len(bounds):
        last = min(word + draw(st.integers(0, 3)), len(bounds) - 1)
        start, end = bounds[word][0], bounds[last][1]
        kind = draw(st.sampled_from(["none", "entity", "trigger"]))
        if kind == "entity":
            entities.append(Entity(start, end, draw(st.sampled_from(SCHEMA.entity_types)), text[start:end]))
        elif kind == "trigger":
            triggers.append((start, end, draw(st.sampled_from(SCHEMA.event_types))))
        word = last + 1
    events = []
    for start, end, type_name in triggers:
        allowed = [
            (role, entity)
            for entity in entities
            for role, types in SCHEMA.roles[type_name].items()
            if entity.type in types
        ]
        chosen = draw(st.sets(st.sampled_from(allowed))) if allowed else set()
        arguments = tuple(Argument(role, entity) for role, entity in allowed if (role, entity) in chosen)
        modality = draw(st.sampled_from(SCHEMA.modalities))
        events.append(Event(start, end, type_name, text[start:end], modality=modality, arguments=arguments))
    return Document(text, tuple(entities), tuple(events), "article")


@settings(deadline=None)  # the first text builds tables, and machines pause
@given(documents())
def test_what_a_document_writes_as_brat_is_read_back(document: Document) -> None:
    assert read(document.to_brat(), document.text) == (document, [])


@settings(deadline=None)  # the first text builds tables, and machines pause
@given(documents(), st.randoms(use_true_random=False), st.integers(1, 4))
def test_a_spoiled_file_is_read_or_its_problems_are_listed(
    document: Document, randomness: random.Random, changes: int
) -> None:
    lines = document.to_brat()
    for _ in range(changes):
        lines = _spoiled(lines, randomness)
    found, problems = read(lines, document.text)
    assert (found is None) == any(problem.severity is Severity.BROKEN for problem in problems)
    assert all(1 <= problem.line <= lines.count("\n") + 1 and problem.message for problem in problems)
    if not problems:
        # nothing was dropped on the way: what was read says as much as the lines
        assert found is not None
        assert read(found.to_brat(), found.text) == (found, [])
        spans = [line for line in lines.split("\n") if line.startswith("T")]
        assert len(found.entities) + len(found.events) == len(spans)


@settings(deadline=None)  # the first text builds tables, and machines pause
@given(st.text(), st.text(alphabet=st.characters(codec="utf-8")))
@example("T1\tORG 0 3\tزار", "زار")
def test_any_lines_about_any_text_are_read_or_their_problems_are_listed(lines: str, text: str) -> None:
    found, problems = read(lines, text)
    assert (found is None) == any(problem.severity is Severity.BROKEN for problem in problems)


def _spoiled(lines: str, randomness: random.Random) -> str:
    """One edit such as a slip of the hand or of a tool makes."""
    place = randomness.randrange(len(lines) + 1)
    rows = lines.split("\n")
    row = randomness.randrange(len(rows))
    edit = randomness.randrange(6)
    if edit == 0:
        return lines[:place] + lines[place + 1 :]
    if edit == 1:
        return lines[:place] + randomness.choice("TEA0129\t\n\r :;#*xم") + lines[place:]
    if edit == 2:
        rows[row] = randomness.choice(rows)
    elif edit == 3:
        del rows[row]
    elif edit == 4:
        fields = rows[row].split(" ")
        randomness.shuffle(fields)
        rows[row] = " ".join(fields)
    else:
        other = randomness.choice([*SCHEMA.entity_types, *SCHEMA.event_types, "FOO"])
        rows[row] = rows[row].replace(randomness.choice(SCHEMA.entity_types), other, 1)
    return "\n".join(rows)
