from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given, settings

from hadath.document import Argument, Document, Entity, Event
from hadath.schema import Schema
from hadath.text import segment
from tests.fixtures.predictions import SCHEMA, any_documents
from training.alignment import KINDS, AlignmentError, Relation, align, span_pairs, word_spans

TEXT = "وزعت جمعية الهلال معونات في سبها"
#       0    5     11     18      25 28


def entity(start: int, end: int, type: str = "ORG") -> Entity:
    return Entity(start, end, type, TEXT[start:end])


def relations(gold: list[Entity], predicted: list[Entity]) -> list[Relation]:
    document = align([Document(TEXT, tuple(gold))], [Document(TEXT, tuple(predicted))], SCHEMA)[0]
    return [pair.relation for pair in span_pairs(document, "entities")]


def test_measuring_needs_neither_torch_nor_pyplot() -> None:
    code = (
        "import sys, training.report; "
        "print([name for name in ('torch', 'transformers', 'matplotlib.pyplot') if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_spans_are_located_in_words() -> None:
    spans = word_spans([entity(28, 32), entity(5, 17)], segment(TEXT))
    assert list(spans.tagged) == [(1, 3), (5, 6)]
    assert spans.untagged == ()


@pytest.mark.parametrize(("start", "end"), [(6, 17), (5, 16), (6, 9), (17, 18), (5, 18)])
def test_a_span_that_is_not_made_of_whole_words_is_untagged(start: int, end: int) -> None:
    assert word_spans([entity(start, end)], segment(TEXT)).untagged == (entity(start, end),)


def test_of_overlapping_spans_the_first_and_longer_one_is_tagged_and_repetition_counts_once() -> None:
    spans = word_spans([entity(11, 17), entity(5, 10), entity(5, 17), entity(5, 17)], segment(TEXT))
    assert list(spans.tagged.values()) == [entity(5, 17)]
    assert spans.untagged == (entity(5, 10), entity(11, 17))


@pytest.mark.parametrize(
    ("gold", "predicted", "expected"),
    [
        ([(5, 17, "ORG")], [(5, 17, "ORG")], [Relation.CORRECT]),
        ([(5, 17, "ORG")], [(5, 17, "PER")], [Relation.WRONG_TYPE]),
        ([(5, 17, "ORG")], [(11, 17, "ORG")], [Relation.WRONG_SPAN]),
        ([(5, 17, "ORG")], [(11, 17, "PER")], [Relation.WRONG_SPAN_AND_TYPE]),
        ([(5, 17, "ORG")], [], [Relation.MISSED]),
        ([], [(5, 17, "ORG")], [Relation.SPURIOUS]),
        ([(5, 17, "ORG")], [(28, 32, "ORG")], [Relation.MISSED, Relation.SPURIOUS]),
        ([], [], []),
    ],
)
def test_relations(
    gold: list[tuple[int, int, str]], predicted: list[tuple[int, int, str]], expected: list[Relation]
) -> None:
    assert relations([entity(*span) for span in gold], [entity(*span) for span in predicted]) == expected


def test_the_same_type_is_preferred_to_a_larger_overlap_and_each_span_is_used_once() -> None:
    gold = [entity(0, 24, "ORG")]
    predicted = [entity(0, 17, "PER"), entity(18, 24, "ORG")]
    assert relations(gold, predicted) == [Relation.SPURIOUS, Relation.WRONG_SPAN]


def test_a_gold_span_within_a_word_is_answered_by_the_word() -> None:
    assert relations([entity(6, 10)], [entity(5, 10)]) == [Relation.WRONG_SPAN]


@given(any_documents())
@settings(deadline=None)
def test_each_span_is_in_exactly_one_pair(documents: tuple[Document, Document]) -> None:
    gold, predicted = documents
    document = align([gold], [predicted], SCHEMA)[0]
    for kind in KINDS:
        pairs = span_pairs(document, kind)
        for side, annotated in (("gold", gold), ("predicted", predicted)):
            paired = [getattr(pair, side) for pair in pairs if getattr(pair, side) is not None]
            assert sorted(map(repr, paired)) == sorted(map(repr, set(getattr(annotated, kind))))
        for pair in pairs:
            if pair.gold and pair.predicted:
                assert pair.gold.start < pair.predicted.end
                assert pair.predicted.start < pair.gold.end


def test_documents_in_another_order_are_refused() -> None:
    gold = [Document(TEXT, id="a1"), Document(TEXT, id="a2")]
    with pytest.raises(AlignmentError, match="document 1 is a1 in gold but a2 in the predictions"):
        align(gold, gold[::-1], SCHEMA)


def test_missing_documents_are_refused() -> None:
    with pytest.raises(AlignmentError, match="2 gold documents but 1 predicted"):
        align([Document(TEXT), Document(TEXT)], [Document(TEXT)], SCHEMA)


def test_another_text_is_refused() -> None:
    with pytest.raises(AlignmentError, match="a1: gold and prediction differ in their text"):
        align([Document(TEXT, id="a1")], [Document(TEXT + " ", id="a1")], SCHEMA)


def test_everything_outside_the_schema_is_named() -> None:
    place = entity(28, 32, "CITY")
    event = Event(0, 4, "GIVE", TEXT[:4], modality="Hoped", arguments=(Argument("Where", place),))
    with pytest.raises(AlignmentError, match=r"^a1 \(predicted\): .*CITY.*GIVE.*Where.*Hoped"):
        align([Document(TEXT, id="a1")], [Document(TEXT, (place,), (event,))], SCHEMA)


def test_a_schema_without_modalities_takes_events_of_any() -> None:
    schema = Schema((), ("AID",), {})
    document = Document(TEXT, events=(Event(0, 4, "AID", TEXT[:4], modality="Planned"),))
    assert len(align([document], [document], schema)) == 1
