from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given

from hadath.document import Argument, Document, Entity, Event
from tests.fixtures.predictions import SCHEMA, Tagged, any_documents, tagged_documents
from training.alignment import WordRange, align
from training.argument_errors import argument_errors

TEXT = "أغاث الهلال الأحمر أهالي سبها وغات"
HILAL, RED, SABHA, GHAT = (
    Entity(5, 11, "ORG", "الهلال"),
    Entity(5, 18, "ORG", "الهلال الأحمر"),
    Entity(25, 29, "GPE", "سبها"),
    Entity(30, 34, "GPE", "وغات"),
)
AID = Event(0, 4, "AID", "أغاث")


def errors(gold: Event, found: Event, *predicted: Entity) -> list[tuple[str, str | None, str | None]]:
    document = Document(TEXT, (RED, SABHA, GHAT), (gold,), "a1")
    other = Document(TEXT, predicted or (RED, SABHA, GHAT), (found,), "a1")
    return [
        (
            error.error,
            f"{error.gold.role} {error.gold.entity.text}" if error.gold else None,
            f"{error.predicted.role} {error.predicted.entity.text}" if error.predicted else None,
        )
        for error in argument_errors(align([document], [other], SCHEMA)[0])
    ]


def aid(*arguments: tuple[str, Entity]) -> Event:
    return replace(AID, arguments=tuple(Argument(role, entity) for role, entity in arguments))


def test_arguments_are_missed_spurious_of_a_wrong_role_or_of_a_wrong_span() -> None:
    gold = aid(("Actor", RED), ("Place", SABHA))
    assert errors(gold, gold) == []
    assert errors(gold, aid(("Actor", RED))) == [("missed", "Place سبها", None)]
    assert errors(gold, aid(("Actor", RED), ("Place", SABHA), ("Place", GHAT))) == [("spurious", None, "Place وغات")]
    assert errors(gold, aid(("Place", SABHA), ("Place", RED))) == [
        ("wrong_role", "Actor الهلال الأحمر", "Place الهلال الأحمر")
    ]
    found = aid(("Actor", HILAL), ("Place", SABHA))
    assert errors(gold, found, HILAL, SABHA) == [("wrong_span", "Actor الهلال الأحمر", "Actor الهلال")]


def test_what_is_right_is_not_taken_from_it_by_what_is_nearly_right() -> None:
    gold = aid(("Actor", RED), ("Place", RED))
    assert errors(gold, aid(("Place", RED))) == [("missed", "Actor الهلال الأحمر", None)]


@pytest.mark.parametrize("found", [replace(AID, type="ASSAULT"), Event(12, 18, "AID", "الأحمر")])
def test_arguments_of_a_wrong_trigger_are_the_triggers_error(found: Event) -> None:
    assert errors(aid(("Actor", RED)), found) == []


@given(tagged_documents())
def test_every_wrong_argument_of_a_right_trigger_is_in_one_error(tagged: Tagged) -> None:
    [document] = align([tagged.gold], [tagged.predicted], SCHEMA)
    found = argument_errors(document)
    triggers = document.gold_spans["events"].tagged
    right = [
        (event, answer)
        for words, event in triggers.items()
        if (answer := document.predicted_spans["events"].tagged.get(words)) is not None and answer.type == event.type
    ]
    arguments = sum(len(event.arguments) + len(answer.arguments) for event, answer in right)  # type: ignore[union-attr]
    wrong = sum((error.gold is not None) + (error.predicted is not None) for error in found)
    # an entity of the right words and a wrong type is the entity's error
    gold_words, found_words = document.gold_spans["entities"].located, document.predicted_spans["entities"].located
    agreed = sum(len(placed(event, gold_words) & placed(answer, found_words)) for event, answer in right)
    assert arguments - wrong == 2 * agreed


def placed(event: Entity | Event, words: Mapping[tuple[int, int, str], WordRange]) -> set[tuple[str, WordRange]]:
    assert isinstance(event, Event)
    entities = ((argument.role, argument.entity) for argument in event.arguments)
    found = ((role, words.get((entity.start, entity.end, entity.type))) for role, entity in entities)
    return {(role, place) for role, place in found if place is not None}


@given(any_documents())
def test_any_spans_are_compared(documents: tuple[Document, Document]) -> None:
    gold, predicted = documents
    for error in argument_errors(align([gold], [predicted], SCHEMA)[0]):
        assert error.gold is not None or error.predicted is not None
