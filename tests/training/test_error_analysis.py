from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hadath.document import Document, Entity, Event
from tests.fixtures.predictions import SCHEMA, any_documents
from training.alignment import KINDS, align
from training.error_analysis import (
    ERROR_KINDS,
    TaggingError,
    confusion,
    error_counts,
    find_errors,
    marked_context,
    write_errors,
)
from training.metrics import modality_confusions, span_counts, types_of

TEXT = "أغاث الهلال أهالي سبها.\nهاجم مسلحون سبها ليلا"
#       0    5      12    18   22 24   29     36   41
GPE = Entity(18, 22, "GPE", "سبها")
ASSAULT = Event(24, 28, "ASSAULT", "هاجم")


def errors(gold: Document, predicted: Document) -> list[TaggingError]:
    return find_errors(align([gold], [predicted], SCHEMA))


def test_an_error_names_document_spans_and_sentence() -> None:
    wider = Entity(12, 22, "GPE", "أهالي سبها", score=0.87654)
    (error,) = errors(Document(TEXT, (GPE,), id="a1"), Document(TEXT, (wider,), id="a1"))
    assert error.to_dict() == {
        "document": "a1",
        "kind": "entities",
        "error": "wrong_span",
        "gold": {"start": 18, "end": 22, "type": "GPE", "text": "سبها", "score": 1.0},
        "predicted": {"start": 12, "end": 22, "type": "GPE", "text": "أهالي سبها", "score": 0.8765},
        "context": "أغاث الهلال ⟪أهالي ⟦سبها⟧⟫.",
    }


def test_a_document_without_id_is_named_by_its_place() -> None:
    documents = [Document(TEXT), Document(TEXT, (GPE,))]
    (error,) = find_errors(align(documents, [Document(TEXT)] * 2, SCHEMA))
    assert error.document == "document 2"


def test_a_wrong_modality_is_an_error_of_its_own() -> None:
    planned = replace(ASSAULT, modality="Planned")
    (error,) = errors(Document(TEXT, events=(planned,)), Document(TEXT, events=(ASSAULT,)))
    assert (error.kind, error.error) == ("events", "wrong_modality")
    assert error.to_dict()["gold"]["modality"] == "Planned"
    assert error.to_dict()["predicted"]["modality"] == "Asserted"
    assert error.context == "⟦هاجم⟧ مسلحون سبها ليلا"


def test_a_trigger_of_wrong_type_and_modality_is_one_error() -> None:
    other = replace(ASSAULT, type="AID", modality="Planned")
    assert [e.error for e in errors(Document(TEXT, events=(ASSAULT,)), Document(TEXT, events=(other,)))] == [
        "wrong_type"
    ]


def test_right_predictions_are_no_errors() -> None:
    document = Document(TEXT, (GPE,), (ASSAULT,))
    assert errors(document, document) == []
    assert errors(Document(""), Document("")) == []


@given(any_documents())
@settings(deadline=None)
def test_errors_add_up_to_the_counts_that_the_scores_are_made_of(
    documents: tuple[Document, Document],
) -> None:
    aligned = align([documents[0]], [documents[1]], SCHEMA)
    found = find_errors(aligned)
    for kind in KINDS:
        true, false, lost = span_counts(aligned, types_of(SCHEMA, kind), kind).total.sum(axis=0)
        of_kind = [error for error in found if error.kind == kind and error.error != "wrong_modality"]
        assert sum(error.gold is not None for error in of_kind) == lost
        assert sum(error.predicted is not None for error in of_kind) == false
        matrix = confusion(aligned, SCHEMA, kind)
        assert matrix[:-1].sum() == true + lost
        assert matrix[:, :-1].sum() == true + false
    counts = error_counts(found)
    assert sum(counts.values()) == len(found)
    matched, end_to_end = modality_confusions(aligned, SCHEMA)
    assert counts["errors/events/wrong_modality"] == matched.sum() - matched[0].trace()
    assert matched.sum() == span_counts(aligned, SCHEMA.event_types, "events").total[:, 0].sum()
    assert end_to_end.sum() == len(set(documents[0].events))


def test_every_kind_of_error_is_counted_even_at_zero() -> None:
    counts = error_counts([])
    assert set(counts.values()) == {0}
    assert len(counts) == 2 * len(ERROR_KINDS) - 1
    assert "errors/entities/wrong_modality" not in counts


def test_errors_are_written_one_a_line(tmp_path: Path) -> None:
    line_break = Entity(18, 28, "GPE", TEXT[18:28])
    found = errors(Document(TEXT, (line_break,), id="a1"), Document(TEXT, events=(ASSAULT,), id="a1"))
    write_errors(found, tmp_path / "errors.jsonl")
    lines = (tmp_path / "errors.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == [error.to_dict() for error in found]
    assert [json.loads(line)["error"] for line in lines] == ["missed", "spurious"]
    assert "سبها" in lines[0]


def test_confusion_counts_types_of_spans_that_overlap() -> None:
    gold = Document(TEXT, (Entity(5, 11, "ORG", "الهلال"), GPE, Entity(36, 40, "GPE", "سبها")))
    predicted = Document(
        TEXT,
        (Entity(5, 11, "PER", "الهلال"), Entity(12, 22, "GPE", "أهالي سبها"), Entity(41, 45, "PER", "ليلا")),
    )
    matrix = confusion(align([gold], [predicted], SCHEMA), SCHEMA, "entities")
    #                          PER ORG GPE none
    assert matrix.tolist() == [[0, 0, 0, 0], [1, 0, 0, 0], [0, 0, 1, 1], [1, 0, 0, 0]]


@pytest.mark.parametrize(
    ("text", "marked", "expected"),
    [
        ("وصل الوفد. عاد إلى سبها؟ نعم.", "سبها", "عاد إلى ⟦سبها⟧؟"),
        ("بلغت النسبة 3.5 في سبها اليوم", "5", "بلغت النسبة 3.⟦5⟧ في سبها اليوم"),
        ("بلغت النسبة 3.5 في سبها اليوم", "3", "بلغت النسبة ⟦3⟧.5 في سبها اليوم"),
        ("العنوان\n\nعاد إلى سبها\nنعم", "سبها", "عاد إلى ⟦سبها⟧"),
        ("سبها", "سبها", "⟦سبها⟧"),
        ("قال: «عاد إلى سبها.» ثم صمت", "سبها", "قال: «عاد إلى ⟦سبها⟧.»"),
        ("عاد… إلى سبها", "سبها", "إلى ⟦سبها⟧"),
    ],
)
def test_the_context_is_the_sentence(text: str, marked: str, expected: str) -> None:
    start = text.index(marked)
    span = Entity(start, start + len(marked), "GPE", marked)
    assert marked_context(text, span, None) == expected
    assert marked_context(text, span, replace(span, type="PER")) == expected
    assert marked_context(text, None, span) == expected.replace("⟦", "⟪").replace("⟧", "⟫")


@given(st.text(alphabet="اب .\n؟5", min_size=1, max_size=40), st.data())
@settings(deadline=None)
def test_marks_stand_around_the_spans_and_nothing_is_lost(text: str, data: st.DataObject) -> None:
    places = st.tuples(st.integers(0, len(text)), st.integers(0, len(text))).filter(lambda span: span[0] < span[1])
    gold, predicted = (Entity(*data.draw(places), "GPE", "") for _ in range(2))
    context = marked_context(text, gold, predicted)
    bare = context.translate(dict.fromkeys(map(ord, "⟦⟧⟪⟫")))
    assert bare in text
    assert (
        context[context.index("⟦") + 1 : context.index("⟧")].replace("⟪", "").replace("⟫", "")
        == (text[gold.start : gold.end])
    )
    if (gold.start, gold.end) != (predicted.start, predicted.end):
        assert (
            context[context.index("⟪") + 1 : context.index("⟫")].replace("⟦", "").replace("⟧", "")
            == (text[predicted.start : predicted.end])
        )


def test_the_context_of_an_endless_sentence_is_cut() -> None:
    text = "كلمة " * 1000 + "سبها" + " كلمة" * 1000
    start = text.index("سبها")
    context = marked_context(text, Entity(start, start + 4, "GPE", "سبها"), None)
    assert 300 < len(context) < 420
    assert " ⟦سبها⟧ " in context
