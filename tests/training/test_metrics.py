from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from seqeval.metrics import classification_report
from seqeval.scheme import IOB2

from hadath.document import Argument, Document, Entity, Event
from hadath.schema import Schema
from tests.fixtures.predictions import SCHEMA, Tagged, any_documents, tagged_documents
from training.alignment import KINDS, AlignedDocument, Kind, align
from training.metrics import (
    GroupScores,
    Scores,
    argument_counts,
    group_scores,
    metric_name,
    modality_confusions,
    score,
    selection_scores,
    seqeval_scores,
    span_counts,
    types_of,
)

TEXT = "أغاث الهلال أهالي سبها. هاجم مسلحون سبها ليلا"
#       0    5      12    18   22 24   29     36   41
HILAL, SABHA = Entity(5, 11, "ORG", "الهلال"), Entity(18, 22, "GPE", "سبها")
SABHA_AGAIN = Entity(36, 40, "GPE", "سبها")
AID = Event(0, 4, "AID", "أغاث", arguments=(Argument("Actor", HILAL), Argument("Place", SABHA)))
ASSAULT = Event(24, 28, "ASSAULT", "هاجم", modality="Planned")
GOLD = Document(TEXT, (HILAL, SABHA, SABHA_AGAIN), (AID, ASSAULT), "a1")


def aligned(predicted: Document, gold: Document = GOLD) -> list[AlignedDocument]:
    return align([gold], [predicted], SCHEMA)


def close(first: GroupScores, second: GroupScores) -> bool:
    rows = [(first.micro, second.micro), (first.macro, second.macro)]
    rows += [(first.types[name], second.types[name]) for name in first.types]
    return first.types.keys() == second.types.keys() and all(
        (one.support, one.predicted) == (other.support, other.predicted)
        and (one.precision, one.recall, one.f1) == pytest.approx((other.precision, other.recall, other.f1))
        for one, other in rows
    )


def test_perfect_predictions_score_one() -> None:
    metrics = score(aligned(GOLD), SCHEMA)
    assert (metrics.entities.micro.f1, metrics.events.macro.f1) == (1.0, 1.0)
    assert metrics.modality is not None
    assert metrics.modality.accuracy == 1.0
    assert metrics.arguments is not None
    assert metrics.arguments.micro.f1 == 1.0


def test_scores_of_a_worked_example() -> None:
    # one of three entities right, one of the wrong type, one with a word too many, one spurious
    predicted = Document(
        TEXT,
        (
            HILAL,
            replace(SABHA, type="PER"),
            Entity(29, 40, "GPE", "مسلحون سبها"),
            Entity(41, 45, "GPE", "ليلا"),
        ),
        id="a1",
    )
    entities = score(aligned(predicted), SCHEMA).entities
    assert (entities.micro.precision, entities.micro.recall) == (1 / 4, 1 / 3)
    assert entities.micro.f1 == pytest.approx(2 / 7)
    assert (entities.types["PER"].support, entities.types["PER"].predicted) == (0, 1)
    assert (entities.types["GPE"].f1, entities.types["ORG"].f1) == (0.0, 1.0)
    assert entities.macro.f1 == pytest.approx(1 / 3)


@given(st.lists(tagged_documents(), min_size=1, max_size=5))
@settings(max_examples=200, deadline=None)
def test_both_paths_equal_seqeval_strict_on_the_tags_themselves(texts: list[Tagged]) -> None:
    documents = align([text.gold for text in texts], [text.predicted for text in texts], SCHEMA)
    for kind in KINDS:
        gold, predicted = [t.gold_tags[kind] for t in texts], [t.predicted_tags[kind] for t in texts]
        found = seqeval_scores(documents, types_of(SCHEMA, kind), kind)
        if any(tag != "O" for tags in gold + predicted for tag in tags):
            report = classification_report(
                gold, predicted, mode="strict", scheme=IOB2, zero_division=0, output_dict=True
            )
            for row, scores in {"micro avg": found.micro, "macro avg": found.macro, **found.types}.items():
                expected = report.get(row, {"precision": 0, "recall": 0, "f1-score": 0, "support": 0})
                values = (scores.precision, scores.recall, scores.f1, scores.support)
                # but for the last digit, since seqeval sums the types in the order of their names
                assert values == pytest.approx(tuple(expected.values()), abs=1e-12)
        else:
            assert found.micro.f1 == found.macro.f1 == found.micro.support == 0
        assert close(group_scores(span_counts(documents, types_of(SCHEMA, kind), kind)), found)


@given(st.lists(any_documents(), max_size=3))
@settings(max_examples=200, deadline=None)
def test_both_paths_agree_on_spans_that_tags_cannot_express(pairs: list[tuple[Document, Document]]) -> None:
    documents = align([gold for gold, _ in pairs], [predicted for _, predicted in pairs], SCHEMA)
    for kind in KINDS:
        types = types_of(SCHEMA, kind)
        counts = span_counts(documents, types, kind)
        assert close(group_scores(counts), seqeval_scores(documents, types, kind))
        for place, (gold, predicted) in enumerate(pairs):
            true, false, lost = counts.values[place].sum(axis=0)
            assert true + lost == len(set(getattr(gold, kind)))
            assert true + false == len(set(getattr(predicted, kind)))


def test_a_span_that_cuts_a_word_is_missed_even_where_the_prediction_cuts_it_too() -> None:
    part = Document(TEXT, (Entity(7, 11, "ORG", TEXT[7:11]),), id="a1")
    entities = score(aligned(part, gold=part), SCHEMA).entities
    assert (entities.micro.support, entities.micro.predicted, entities.micro.f1) == (1, 1, 0.0)


def test_types_are_kept_apart_whatever_their_names() -> None:
    schema = Schema(("X", "-X-", "X avg", "micro avg"), (), {})
    gold = Document(TEXT, tuple(Entity(e.start, e.end, "-X-", e.text) for e in GOLD.entities))
    predicted = Document(TEXT, tuple(replace(entity, type="X") for entity in gold.entities))
    entities = score(align([gold], [predicted], schema), schema).entities
    assert entities.micro.f1 == 0.0
    assert (entities.types["-X-"].support, entities.types["X"].support) == (3, 0)


@pytest.mark.parametrize(
    ("gold", "predicted"),
    [
        (Document(""), Document("")),
        (Document(" \n"), Document(" \n")),
        (Document(TEXT), Document(TEXT)),
        (GOLD, Document(TEXT)),
        (Document(TEXT), GOLD),
    ],
    ids=["empty text", "no words", "nothing at all", "no predictions", "no gold"],
)
def test_nothing_right_scores_zero(gold: Document, predicted: Document) -> None:
    metrics = score(align([gold], [predicted], SCHEMA), SCHEMA)
    values = metrics.to_dict()
    assert values["entities/f1"] == values["events/f1"] == values["events/f1_macro"] == 0.0
    assert values["modality/accuracy"] == values["modality/f1_macro"] == values["modality/support"] == 0
    assert values["entities/support"] == len(gold.entities)
    assert values["entities/predicted"] == len(predicted.entities)
    assert all(np.isfinite(list(values.values())))
    assert selection_scores([gold], [predicted], SCHEMA)["mean_f1"] == 0.0


def test_no_documents_score_zero() -> None:
    assert score([], SCHEMA).to_dict()["entities/f1"] == 0.0
    assert selection_scores([], [], SCHEMA)["mean_f1"] == 0.0


def test_a_schema_without_events_or_modalities_has_no_scores_of_them() -> None:
    schema = Schema(("ORG", "GPE"), (), {})
    gold = Document(TEXT, GOLD.entities)
    metrics = score(align([gold], [gold], schema), schema)
    assert metrics.modality is metrics.modality_end_to_end is metrics.arguments is None
    assert selection_scores([gold], [gold], schema) == {"mean_f1": 1.0, "entities/f1": 1.0}


def test_modality_is_judged_on_correct_triggers_and_end_to_end_on_all() -> None:
    texts = ["أغاث", "هاجم"] * 3
    text = " ".join(texts)
    starts = [5 * place for place in range(6)]

    def document(*events: tuple[int, str, str]) -> Document:
        return Document(
            text,
            events=tuple(Event(starts[i], starts[i] + 4, kind, texts[i], modality=m) for i, kind, m in events),
        )

    gold = document(
        (0, "AID", "Asserted"),
        (1, "ASSAULT", "Planned"),
        (2, "AID", "Planned"),
        (3, "ASSAULT", "Negated"),
    )
    found = document(
        (0, "AID", "Asserted"),
        (1, "ASSAULT", "Asserted"),  # right but for its modality
        (2, "ASSAULT", "Planned"),  # wrong type, right modality
        (5, "ASSAULT", "Negated"),  # spurious: not judged; the third trigger is missed
    )
    matched, end_to_end = modality_confusions(align([gold], [found], SCHEMA), SCHEMA)
    assert matched[0].tolist() == [[1, 0, 0], [1, 0, 0], [0, 0, 0]]
    assert end_to_end[0].tolist() == [[1, 0, 0, 0], [1, 1, 0, 0], [0, 0, 0, 1]]
    metrics = score(align([gold], [found], SCHEMA), SCHEMA)
    assert metrics.modality is not None
    assert metrics.modality_end_to_end is not None
    assert (metrics.modality.accuracy, metrics.modality.support) == (0.5, 2)
    assert metrics.modality.macro_f1 == pytest.approx((2 / 3 + 0) / 2)
    assert (metrics.modality_end_to_end.accuracy, metrics.modality_end_to_end.support) == (0.5, 4)
    assert metrics.modality_end_to_end.macro_f1 == pytest.approx((2 / 3 + 2 / 3 + 0) / 3)


@pytest.mark.parametrize(
    ("event", "right"),
    [
        (AID, 2),
        (replace(AID, score=0.4, modality="Planned"), 2),
        (replace(AID, arguments=(Argument("Actor", HILAL, 0.7),)), 1),
        (replace(AID, arguments=(Argument("Place", HILAL),)), 0),
        (replace(AID, arguments=(Argument("Place", SABHA_AGAIN),)), 0),
        (replace(AID, type="ASSAULT", arguments=(Argument("Actor", HILAL),)), 0),
        (replace(AID, end=11, text="أغاث الهلال"), 0),
    ],
)
def test_an_argument_needs_role_entity_trigger_and_event_type(event: Event, right: int) -> None:
    predicted = Document(TEXT, GOLD.entities, (event,), "a1")
    counts = argument_counts(aligned(predicted), SCHEMA).total.sum(axis=0)
    assert counts.tolist() == [right, len(event.arguments) - right, 2 - right]


def test_an_argument_outside_the_words_is_never_right() -> None:
    part = Entity(7, 11, "ORG", TEXT[7:11])
    document = Document(TEXT, (part,), (replace(AID, arguments=(Argument("Actor", part),)),), "a1")
    assert argument_counts(aligned(document, gold=document), SCHEMA).total.sum(axis=0).tolist() == [0, 1, 1]


def test_arguments_are_reported_where_the_model_predicts_some_or_on_request() -> None:
    without = Document(TEXT, GOLD.entities, (replace(AID, arguments=()),), "a1")
    assert score(aligned(without), SCHEMA).arguments is None
    requested = score(aligned(without), SCHEMA, arguments=True).arguments
    assert requested is not None
    assert (requested.micro.f1, requested.micro.support) == (0.0, 2)
    assert score(aligned(GOLD), SCHEMA).arguments is not None


def test_untyped_arguments_are_right_whatever_the_types_are() -> None:
    other_type = replace(AID, type="ASSAULT", arguments=(Argument("Actor", HILAL),))
    predicted = Document(TEXT, GOLD.entities, (other_type,), "a1")
    metrics = score(aligned(predicted), SCHEMA)
    assert metrics.arguments is not None
    assert metrics.arguments_untyped is not None
    assert metrics.arguments.micro.f1 == 0
    assert metrics.arguments_untyped.micro == Scores(1.0, 0.5, 2 / 3, 2, 1)
    # a wrong role is wrong in any case
    other_role = replace(AID, arguments=(Argument("Place", HILAL),))
    assert argument_counts(aligned(Document(TEXT, GOLD.entities, (other_role,), "a1")), SCHEMA, types=False).total[
        :, 0
    ].tolist() == [0, 0]


def test_arguments_of_given_spans_are_scored_where_they_were_tried() -> None:
    nothing = Document(TEXT, id="a1")
    linked = Document(TEXT, GOLD.entities, (replace(AID, arguments=(Argument("Actor", HILAL),)), ASSAULT), "a1")
    assert score(aligned(GOLD), SCHEMA).arguments_given_spans is None
    metrics = score(aligned(nothing), SCHEMA, linked=aligned(linked))
    assert metrics.arguments is metrics.arguments_untyped is None
    assert metrics.arguments_given_spans is not None
    assert metrics.arguments_given_spans.micro == Scores(1.0, 0.5, 2 / 3, 2, 1)
    assert metrics.to_dict()["arguments_given_spans/Actor/f1"] == 1.0
    selected = selection_scores([GOLD], [nothing], SCHEMA, linked=[linked])
    assert selected["arguments_given_spans/f1"] == pytest.approx(2 / 3)
    assert "arguments/f1" not in selected


@given(st.lists(tagged_documents(), min_size=1, max_size=4))
@settings(deadline=None)
def test_selection_scores_are_the_reported_ones(texts: list[Tagged]) -> None:
    gold, predicted = [text.gold for text in texts], [text.predicted for text in texts]
    documents = align(gold, predicted, SCHEMA)
    reported = score(documents, SCHEMA, linked=documents).to_dict()
    selected = selection_scores(gold, predicted, SCHEMA, linked=predicted)
    scored = ["arguments/f1", "arguments_given_spans/f1"] if "arguments/f1" in reported else []
    assert list(selected) == ["mean_f1", "entities/f1", "events/f1", "modality/accuracy", *scored]
    for name in ("entities/f1", "events/f1", "modality/accuracy"):
        assert selected[name] == pytest.approx(reported[name])
    assert selected["mean_f1"] == pytest.approx((reported["entities/f1"] + reported["events/f1"]) / 2)


def test_names_are_flat_and_fit_for_mlflow() -> None:
    values = score(aligned(GOLD), SCHEMA).to_dict()
    assert {"entities/f1", "events/AID/f1", "events/ASSAULT/support", "modality/accuracy"} <= values.keys()
    assert "entities/PER/f1" not in values  # neither annotated nor predicted
    assert all(re.fullmatch(r"[\w\-. :/]+", name) for name in values)
    assert metric_name("events/قول (رفض)/f1") == "events/قول _رفض_/f1"


def test_a_kind_is_scored_by_its_own_spans() -> None:
    kinds: tuple[Kind, ...] = KINDS
    only_events = Document(TEXT, events=(replace(AID, arguments=()), ASSAULT), id="a1")
    f1 = {kind: getattr(score(aligned(only_events), SCHEMA), kind).micro.f1 for kind in kinds}
    assert f1 == {"entities": 0.0, "events": 1.0}
