"""Import, export and import again give the same articles: any text, any spans, and what each format has room for."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hadath.document import Argument, Document, Entity, Event
from hadath.schema import Schema
from hadath.text import segment
from tests.fixtures.annotation_runs import (
    ANNOTATIONS,
    SCHEMA,
    expected_documents,
    facts,
    read_back,
    run_export,
    run_import,
    written,
)
from training.annotations.articles import CorpusArticle, Findings
from training.annotations.formats.offsets import code_points, grapheme_offsets, unit_offsets
from training.annotations.formats.tokens import SCHEMES, decoded, encoded

FILES = {"label_studio": "out.json", "doccano": "out.jsonl", "prodigy": "out.jsonl", "hadath": "out.jsonl"}
FORMATS = ("brat", "cas", "conll", "doccano", "hadath", "label_studio", "prodigy")

TYPES = Schema.from_brat(SCHEMA.read_text(encoding="utf-8"))

# words, marks, emoji of one and of several code points, tatweel, direction marks, white space of all kinds
PIECES = [
    "تونس",
    "زارَ",
    "🚨",
    "👨‍👩‍👧",
    "ـ",
    "\u200f",
    "\u0651",
    "é",
    "e\u0301",
    "«",
    ".",
    "؟",
    "#",
    "_",
    "|",
    "\\",
    "&",
    "<",
    '"',
    "-DOCSTART-",
]
SPACES = [" ", "  ", "\n", "\r\n", "\t", "\u00a0", "\n\n", ""]


@st.composite
def articles(draw: st.DrawFn, name: str) -> CorpusArticle:
    """Any article that a corpus can hold."""
    pairs = draw(st.lists(st.tuples(st.sampled_from(PIECES), st.sampled_from(SPACES)), min_size=1, max_size=14))
    text = draw(st.sampled_from(["", " ", "\n"])) + "".join(piece + space for piece, space in pairs)
    words = segment(text)
    if not len(words):
        text = f"في {text}"
        words = segment(text)
    starts, ends = words.starts.tolist(), words.ends.tolist()
    entities: list[Entity] = []
    events: list[Event] = []
    first = 0
    while first < len(words):
        last = draw(st.integers(first, min(first + 2, len(words) - 1)))
        start, end = starts[first], ends[last]
        kind = draw(st.sampled_from(["", "", "entity", "event"]))
        if kind == "entity":
            entities.append(Entity(start, end, draw(st.sampled_from(TYPES.entity_types)), text[start:end]))
        elif kind == "event":
            modality = draw(st.sampled_from(TYPES.modalities))
            events.append(
                Event(start, end, draw(st.sampled_from(TYPES.event_types)), text[start:end], modality=modality)
            )
        first = last + 1
    linked = []
    for event in events:
        allowed = [
            Argument(role, entity)
            for role, types in TYPES.roles[event.type].items()
            for entity in entities
            if entity.type in types
        ]
        chosen = draw(st.lists(st.sampled_from(allowed), unique=True, max_size=3)) if allowed else []
        chosen.sort(key=lambda argument: argument.entity.start)
        linked.append(Event(event.start, event.end, event.type, event.text, 1.0, event.modality, tuple(chosen)))
    metadata = draw(
        st.dictionaries(st.sampled_from(["date", "country"]), st.sampled_from(["2026-01-05", "ليبيا 🇱🇾", "a|b=c"]))
    )
    return CorpusArticle(
        Document(text, tuple(entities), tuple(linked), name), metadata, draw(st.sampled_from(["train", "test"]))
    )


@pytest.mark.parametrize("form", FORMATS)
@settings(max_examples=6, suppress_health_check=[HealthCheck.too_slow])
@given(made=st.tuples(articles("a0"), articles("a1")))
def test_any_corpus_comes_back(form: str, made: tuple[CorpusArticle, ...]) -> None:
    with TemporaryDirectory() as folder:
        to = Path(folder) / FILES.get(form, "out")
        written(form, list(made), TYPES, to)
        back = {article.id: article for article in read_back(form, to, TYPES)}
    for article in made:
        found = back.pop(article.id)
        assert facts(found.document) == facts(article.document, arguments=form != "conll")
        assert (dict(found.metadata), found.split) == (dict(article.metadata), article.split)
    assert not back


@pytest.mark.parametrize("form", FORMATS)
def test_the_second_export_is_the_first(form: str, tmp_path: Path) -> None:
    source = {"brat": "brat", "cas": "cas", "conll": "bio2.conll", "label_studio": "label_studio.json"}
    run_import(form, ANNOTATIONS / source.get(form, f"{form}.jsonl"), f"into={tmp_path / 'one'}")
    run_export(form, tmp_path / "one", tmp_path / "first" / FILES.get(form, "out"))
    run_import(form, tmp_path / "first" / FILES.get(form, "out"), f"into={tmp_path / 'two'}")
    run_export(form, tmp_path / "two", tmp_path / "second" / FILES.get(form, "out"))
    written = {path.relative_to(tmp_path / "first"): path.read_bytes() for path in files(tmp_path / "first")}
    assert {path.relative_to(tmp_path / "second"): path.read_bytes() for path in files(tmp_path / "second")} == written


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize("form", ["anercorp", "wojood"])
def test_tokens_come_back_as_they_were(form: str, tmp_path: Path) -> None:
    first = run_import(form, ANNOTATIONS / form, f"into={tmp_path / 'one'}", schema="found")
    run_export(form, tmp_path / "one", tmp_path / "out")
    second = run_import(form, tmp_path / "out", schema="found")
    # Wojood's val becomes dev, and so the name of its article
    assert sorted(facts(a.document) for a in first.articles) == sorted(facts(a.document) for a in second.articles)
    assert sorted(a.split for a in first.articles) == sorted(a.split for a in second.articles)


def test_plain_columns_come_back_without_their_white_space(tmp_path: Path) -> None:
    run_import("hadath", ANNOTATIONS / "hadath.jsonl", f"into={tmp_path / 'corpus'}")
    columns = "format.columns=[token,entities]"
    exported = run_export("conll", tmp_path / "corpus", tmp_path / "out", columns, "format.scheme=bilou")
    assert exported.notes == {
        "arguments of events, for which CoNLL has no room, left out": 6,
        "events, for which no column is named in format.columns, left out": 5,
        "modalities, for which format.columns has no room, left out": 2,
        "articles whose date, country and other fields have no room": 2,
        "articles whose white space has no room: one space is read between two tokens": 2,
    }
    imported = run_import("conll", tmp_path / "out", "format.scheme=bilou")
    found = {article.id: [e.text for e in article.document.entities] for article in imported.articles}
    assert found == {document.id: [e.text for e in document.entities] for document in expected_documents()}


tag_labels = st.sampled_from(["PER", "GPE"])


@given(st.sampled_from(SCHEMES), st.data(), st.integers(1, 9))
def test_tags_come_back(scheme: str, data: st.DataObject, count: int) -> None:
    spans, first = [], 0
    while first < count:
        last = data.draw(st.integers(first, count - 1))
        if data.draw(st.booleans()):
            spans.append((first, last, data.draw(tag_labels)))
        first = last + 1
    findings = Findings()

    def wrong(index: int, message: str) -> None:
        findings.note(message)

    assert decoded(encoded(spans, count, scheme), scheme, "refuse", wrong, findings.note) == spans
    assert not findings.notes


@given(st.text(st.sampled_from("aتُ\r\n😀\u200d👩é"), max_size=12))
def test_offsets_in_other_units_lead_back(text: str) -> None:
    for utf16 in (False, True):
        for one_break in (False, True):
            offsets = unit_offsets(text, utf16, one_break)
            back = code_points(offsets)
            shown = text.replace("\r\n", "\n") if one_break else text
            assert offsets[-1] == (len(shown.encode("utf-16-le")) // 2 if utf16 else len(shown))
            for place, offset in enumerate(offsets):
                # CR LF in one: the place before it stands for both
                assert back[offset] == place or (one_break and text[back[offset] : place] == "\r")
    clusters = grapheme_offsets(text)
    assert clusters[0] == 0
    assert clusters[-1] is not None
