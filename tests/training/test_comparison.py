from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hadath.document import Argument, Document, Entity, Event
from hadath.schema import Schema
from tests.fixtures.predictions import SCHEMA, Tagged, any_documents, tagged_documents
from training.alignment import AlignmentError, align
from training.comparison import MEAN_F1, compare
from training.comparison_report import comparison_metrics, comparison_text, verdict_text, write_comparison
from training.metrics import score
from training.shared_types import restricted, shared_schema, type_differences

TEXT = "أعلن مراد بركات إغاثة سبها ثم هاجم رجال غدامس"


def article(*entities: tuple[int, int, str], name: str = "a1", events: tuple[Event, ...] = ()) -> Document:
    found = tuple(Entity(start, end, kind, TEXT[start:end]) for start, end, kind in entities)
    return Document(TEXT, found, events, name)


def span(text: str, kind: str) -> tuple[int, int, str]:
    return TEXT.index(text), TEXT.index(text) + len(text), kind


PERSON, SEBHA, GHADAMES = span("مراد بركات", "PER"), span("سبها", "GPE"), span("غدامس", "GPE")


@settings(max_examples=40)
@given(st.lists(tagged_documents(), min_size=1, max_size=4))
def test_scores_are_those_that_evaluation_reports(documents: list[Tagged]) -> None:
    gold, predicted = [each.gold for each in documents], [each.predicted for each in documents]
    comparison = compare(gold, gold, predicted, SCHEMA, replicates=20)
    reported = score(align(gold, predicted, SCHEMA), SCHEMA, arguments=True).to_dict()
    for each in comparison.scores:
        if each.name != MEAN_F1 and each.name in reported and not np.isnan(each.second):
            assert each.second == pytest.approx(reported[each.name]), each.name
            assert each.paired.difference == pytest.approx(each.second - each.first) or np.isnan(each.first)
    means = [reported["entities/f1"], reported["events/f1"]]
    if any(event.arguments for one in gold for event in one.events) and any(
        e.arguments for o in predicted for e in o.events
    ):
        means.append(reported["arguments/f1"])
    assert comparison[MEAN_F1].second == pytest.approx(np.mean(means))


@settings(max_examples=40)
@given(st.lists(any_documents(), min_size=1, max_size=3))
def test_turned_round_the_differences_change_their_sign(documents: list[tuple[Document, Document]]) -> None:
    gold, found = [one for one, _ in documents], [other for _, other in documents]
    there, back = compare(gold, found, gold, SCHEMA, replicates=20), compare(gold, gold, found, SCHEMA, replicates=20)
    for one, other in zip(there.scores, back.scores, strict=True):
        assert one.paired.difference == pytest.approx(-other.paired.difference)
        assert one.paired.p_value == pytest.approx(other.paired.p_value)


def test_a_model_that_finds_more_in_every_article_is_better() -> None:
    gold = [article(PERSON, SEBHA, GHADAMES, name=f"a{number}") for number in range(12)]
    worse = [article(PERSON, SEBHA, name=document.id or "") for document in gold]
    comparison = compare(gold, worse, gold, SCHEMA, replicates=200)
    assert comparison["entities/f1"].first == pytest.approx(0.8)
    assert comparison["entities/GPE/f1"].support == 24
    assert comparison[MEAN_F1].paired.p_value < 0.05
    assert verdict_text(comparison).startswith("B is better than A: mean F1 0.400 to 0.500 (+0.100 [+0.100, +0.100]")
    back = compare(gold, gold, worse, SCHEMA, replicates=200)
    assert verdict_text(back).startswith("B is worse than A")
    assert [fall.name for fall in back.falls(0.1, 20)] == ["entities/GPE/f1"]
    assert not back.falls(0.1, 25)
    assert not back.falls(0.5, 20)
    assert verdict_text(compare(gold, gold, gold, SCHEMA, replicates=20)).startswith("No sure difference")


def test_nothing_to_find_is_no_difference() -> None:
    empty = [Document(TEXT, id="a1")]
    comparison = compare(empty, empty, empty, SCHEMA, replicates=20)
    assert verdict_text(comparison) == "No sure difference: mean F1 0.000 to 0.000 (+0.000 [+0.000, +0.000], p 1.000)"
    assert "nan" not in comparison_text(comparison, "a", "b", "test")


def test_arguments_count_for_the_mean_only_where_both_models_find_some() -> None:
    (person,) = article(PERSON).entities
    start, end, kind = span("إغاثة", "AID")
    gold, without = (
        article(PERSON, events=(Event(start, end, kind, TEXT[start:end], arguments=arguments),))
        for arguments in ((Argument("Actor", person),), ())
    )
    other = compare([gold], [without], [gold], SCHEMA, replicates=20)
    assert (other["arguments/f1"].first, other["arguments/f1"].second, other[MEAN_F1].second) == (0.0, 1.0, 1.0)
    assert other[MEAN_F1].first == 1.0
    assert other["arguments/Actor/f1"].of_type
    both = compare([gold], [gold], [gold], SCHEMA, replicates=20)
    assert both[MEAN_F1].first == 1.0


def test_other_texts_are_not_compared() -> None:
    with pytest.raises(AlignmentError):
        compare([article()], [article()], [Document("نص آخر", id="a1")], SCHEMA)


def test_the_table_fits_and_the_files_are_whole(tmp_path: Path) -> None:
    gold = [article(PERSON, SEBHA, GHADAMES, name=f"a{number}") for number in range(3)]
    worse = [article(PERSON, name=document.id or "") for document in gold]
    comparison = compare(gold, worse, gold, SCHEMA, replicates=50)
    write_comparison(comparison, tmp_path / "out", "runs/a", "runs/b", "test")
    text = (tmp_path / "out" / "comparison.txt").read_text(encoding="utf-8")
    assert "on test: 3 articles" in text
    assert max(map(len, text.splitlines())) <= 110
    assert "Modality end to end" in text
    record = json.loads((tmp_path / "out" / "comparison.json").read_text(encoding="utf-8"))
    assert record["first"] == "runs/a"
    assert {each["name"] for each in record["scores"]} == {each.name for each in comparison.scores}
    assert comparison_metrics(comparison)["entities/GPE/f1/difference"] == 1.0


OTHER = Schema(("GPE", "PER", "SHIP"), ("ASSAULT", "SAIL"), {"ASSAULT": {"Actor": ("PER", "SHIP")}}, ("Asserted",))


def test_what_schemas_share() -> None:
    assert type_differences({"a": SCHEMA, "b": SCHEMA}) == []
    assert type_differences({"a": SCHEMA, "b": OTHER}) == [
        "entity type ORG: in a, not in b",
        "entity type SHIP: in b, not in a",
        "event type AID: in a, not in b",
        "event type SAIL: in b, not in a",
        "role Place: in a, not in b",
        "modality Planned: in a, not in b",
        "modality Negated: in a, not in b",
    ]
    shared = shared_schema([SCHEMA, OTHER])
    assert shared == Schema(("PER", "GPE"), ("ASSAULT",), {"ASSAULT": {"Actor": ("PER", "GPE")}}, ())


@settings(max_examples=40)
@given(any_documents())
def test_a_restricted_document_holds_what_the_schema_has_and_nothing_else(documents: tuple[Document, Document]) -> None:
    shared = shared_schema([SCHEMA, OTHER])
    for document in documents:
        less = restricted(document, shared)
        assert less.entities == tuple(each for each in document.entities if each.type in ("PER", "GPE"))
        assert [(each.start, each.type) for each in less.events] == [
            (each.start, each.type) for each in document.events if each.type == "ASSAULT"
        ]
        assert restricted(document, SCHEMA) == document
        align([less], [less], shared)
