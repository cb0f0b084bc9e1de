from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hydra import compose, initialize_config_dir
from hypothesis import given, settings
from hypothesis import strategies as st

from hadath.document import Argument, Document, Entity, Event
from hadath.schema import Schema
from training.annotations.agreement import agree, compare_annotators
from training.annotations.agreement_scores import agreement, alpha, kappa, same_label
from training.annotations.checks.finding import ArticleFiles
from training.annotations.disagreements import disagreements
from training.corpus import CorpusError
from training.script import CONFIGS, ScriptError

SCHEMA = Schema(
    ("PER", "PLACE"), ("MEET", "HELP"), {"MEET": {"Who": ("PER",), "Where": ("PLACE",)}}, ("Asserted", "Planned")
)
TEXT = "التقى سالم القروي أمس وفد المزارعين في القيروان وساعد أهلها"
STARTS = [0, *(place + 1 for place, character in enumerate(TEXT) if character == " ")]
ENDS = [*(start - 1 for start in STARTS[1:]), len(TEXT)]


@st.composite
def documents(draw: st.DrawFn) -> Document:
    def spans(types: tuple[str, ...]) -> list[tuple[int, int, str]]:
        found = draw(st.lists(st.tuples(st.integers(0, 8), st.integers(1, 3), st.sampled_from(types)), max_size=5))
        return sorted({(STARTS[first], ENDS[min(first + length - 1, 8)], name) for first, length, name in found})

    entities = tuple(Entity(start, end, name, TEXT[start:end]) for start, end, name in spans(SCHEMA.entity_types))
    links = st.lists(st.sampled_from(entities), max_size=2, unique=True) if entities else st.just([])
    events = tuple(
        Event(
            start,
            end,
            name,
            TEXT[start:end],
            modality=draw(st.sampled_from(SCHEMA.modalities)),
            arguments=tuple(Argument(draw(st.sampled_from(["Who", "Where"])), entity) for entity in draw(links)),
        )
        for start, end, name in spans(SCHEMA.event_types)
    )
    return Document(TEXT, entities, events, "a")


def values(pairs: list[tuple[Document, Document]]) -> dict[str, float | None]:
    return {
        f"{group}/{label}/{name}": measure.value
        for group, scores in agreement(pairs, SCHEMA, replicates=3).items()
        for label, found in {"": scores.total, **scores.labels}.items()
        for name, measure in found.measures.items()
    }


@given(documents())
@settings(max_examples=20)
def test_who_agrees_with_himself_agrees_in_all(document: Document) -> None:
    assert set(values([(document, document)]).values()) <= {None, 1.0}
    assert disagreements([(document, document)], *[ArticleFiles(Path())] * 2) == []


@given(st.lists(st.tuples(documents(), documents()), min_size=1, max_size=3))
@settings(max_examples=20)
def test_agreement_is_the_same_both_ways(pairs: list[tuple[Document, Document]]) -> None:
    there, back = values(pairs), values([(second, first) for first, second in pairs])
    assert {name: value is None for name, value in there.items()} == {
        name: value is None for name, value in back.items()
    }
    for name, value in there.items():
        assert value is None or value == pytest.approx(back[name]), name
        assert value is None or -1.0001 <= value <= 1


@given(documents(), documents())
@settings(max_examples=20)
def test_who_differs_is_told_and_who_does_not_is_not(first: Document, second: Document) -> None:
    files = [ArticleFiles(Path("a")), ArticleFiles(Path("b"))]
    found = disagreements([(first, second)], *files)
    counts = [
        len({same_label(one) for one in getattr(first, kind)} ^ {same_label(one) for one in getattr(second, kind)})
        for kind in ("entities", "events")
    ]
    told = [sum(one.kind.startswith(f"{kind}:") for one in found) for kind in ("entity", "event")]
    for number, listed in zip(counts, told, strict=True):
        # one that answers another is told once with it
        assert number / 2 <= listed <= number
    for one in found:
        assert one.span is not None
        assert "".join(piece.text for piece in one.sentence) in TEXT
        assert any(piece.mark for piece in one.sentence)


def test_the_coefficients_are_those_of_the_books() -> None:
    # Krippendorff's nominal example: ten units, two observers, 0.095
    assert float(kappa(np.array([[20, 5], [10, 15]]))) == pytest.approx(0.4)
    first, second = [0, 1, 0, 0, 0, 0, 0, 0, 1, 0], [1, 1, 1, 0, 0, 1, 0, 0, 0, 0]
    confusion = np.zeros((2, 2), int)
    np.add.at(confusion, (first, second), 1)
    assert float(alpha(confusion)) == pytest.approx(0.095, abs=0.0005)


def test_disagreement_is_counted_by_type_argument_and_modality() -> None:
    salem, place = Entity(6, 17, "PER", TEXT[6:17]), Entity(39, 47, "PLACE", TEXT[39:47])
    event = Event(0, 5, "MEET", TEXT[:5], arguments=(Argument("Who", salem), Argument("Where", place)))
    first = Document(TEXT, (salem, place), (event,), "a")
    half = Entity(6, 10, "PER", TEXT[6:10])
    planned = Event(0, 5, "MEET", TEXT[:5], modality="Planned", arguments=(Argument("Who", half),))
    second = Document(TEXT, (half, place), (planned,), "a")
    scores = agreement([(first, second)], SCHEMA, replicates=3)
    assert scores["entities"].total.measures["f1"].value == 0.5
    assert scores["entities"].total.measures["overlap"].value == 1.0
    assert scores["entities"].labels["PER"].measures["f1"].value == 0.0
    assert scores["modality"].total.measures["f1"].value == 0.0
    assert scores["arguments"].total.measures["f1"].value == 0.0
    assert scores["arguments"].labels["Where"].measures["given"].value == 0.0
    found = disagreements([(first, second)], *[ArticleFiles(Path())] * 2)
    assert [one.kind for one in found] == ["argument: only first", "modality", "entity: span"]
    assert [(piece.text, piece.mark) for piece in found[2].sentence if piece.mark] == [
        ("سالم", "first+second"), (" القروي", "first"),
    ]  # fmt: skip


def write(folder: Path, name: str, text: str | None, annotations: str) -> None:
    folder.mkdir(exist_ok=True)
    if text is not None:
        (folder / f"{name}.txt").write_bytes(text.encode("utf-8"))
    (folder / f"{name}.ann").write_text(annotations, encoding="utf-8")


def config(*overrides: str) -> Any:
    with initialize_config_dir(str(CONFIGS), version_base="1.3"):
        return compose("annotations_agree", list(overrides))


def test_the_command_reports_and_writes_what_differs(
    tmp_path: Path, tiny_corpus: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    salem = "T1\tPER 6 17\tسالم القروي\n"
    write(first, "a", TEXT, salem + "T2\tPLACE 39 47\tالقيروان\n")
    write(second, "a", None, "T1\tORG 6 17\tسالم القروي\nT2\tPLACE 39 47\tالقيروان\n")
    write(first, "mine", TEXT, "")
    compared = agree(
        config(
            f"first='{first}'",
            f"second='{second}'",
            f"schema='{tiny_corpus / 'annotation.conf'}'",
            f"html='{tmp_path / 'page.html'}'",
            f"table='{tmp_path / 'table.jsonl'}'",
            "replicates=20",
        )
    )
    assert [one.kind for one in compared.disagreements] == ["entity: type"]
    assert compared.disagreements[0].line == 1
    shown = capsys.readouterr().out
    assert "only the first has them: mine" in shown
    assert "PER 'سالم القروي' or ORG 'سالم القروي'" in shown
    (row,) = [json.loads(line) for line in (tmp_path / "table.jsonl").read_text(encoding="utf-8").splitlines()]
    assert (row["kind"], row["start"], row["end"]) == ("entity: type", 6, 17)
    assert "first+second" in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_texts_that_differ_are_an_error(tmp_path: Path) -> None:
    write(tmp_path / "first", "a", TEXT, "")
    write(tmp_path / "second", "a", TEXT.replace("أمس", "امس"), "")
    write(tmp_path / "first", "b", TEXT, "T1\tNONE 0 5\tالتقى\n")
    write(tmp_path / "second", "b", TEXT, "")
    with pytest.raises(CorpusError) as caught:
        compare_annotators(tmp_path / "first", tmp_path / "second", SCHEMA, replicates=2)
    assert "from character 18 on" in str(caught.value)
    assert "unknown type 'NONE'" in str(caught.value)


def test_annotators_without_a_common_article_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "first", "a", TEXT, "")
    write(tmp_path / "second", "b", TEXT, "")
    with pytest.raises(ScriptError, match=r"have no NAME\.ann in common"):
        compare_annotators(tmp_path / "first", tmp_path / "second", SCHEMA, replicates=2)
    with pytest.raises(CorpusError, match="is no folder"):
        compare_annotators(tmp_path / "none", tmp_path / "second", SCHEMA, replicates=2)
