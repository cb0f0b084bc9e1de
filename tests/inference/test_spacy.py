from __future__ import annotations

import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytest.importorskip("spacy", reason="needs the extra spacy")

import spacy
from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span

import hadath.spacy
from hadath.document import Argument, Document, Entity, Event
from hadath.errors import ModelError
from hadath.model_directory import load

TEXT = "زار وزير الخارجية مدينة تونس أمس. وقال إن القوات على الطريق."


@pytest.fixture(scope="module", params=["ar", "xx"])
def nlp(request: pytest.FixtureRequest, tiny_model_directory: Path) -> Language:
    made: Language = spacy.blank(request.param)
    made.add_pipe("hadath", config={"model": str(tiny_model_directory), "threads": 1})
    return made


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Language]:
    """A pipeline in which the tagger says what it is told to."""

    def make(*documents: Document, **config: Any) -> Language:
        known = {document.text: document for document in documents}

        def tag(texts: Sequence[str]) -> list[Document]:
            if any("سيئ" in text for text in texts):
                raise ValueError("a bad text")
            return [known.get(text) or Document(text) for text in texts]

        class Stub(SimpleNamespace):
            def __call__(self, text: str) -> Document:
                return tag([text])[0]

        monkeypatch.setattr(hadath.spacy, "load", lambda *given, **options: Stub(tag=tag))
        made: Language = spacy.blank("ar")
        made.add_pipe("hadath", config=config)
        return made

    return make


def visit() -> Document:
    text = "زار الوزير تونس، ثم عاد."
    minister, tunis = Entity(4, 10, "OCC", "الوزير", 0.75), Entity(11, 15, "GPE", "تونس", 0.5)
    arguments = (Argument("Actor", minister, 0.9), Argument("Place", tunis, 0.8))
    consult = Event(0, 3, "CONSULT", "زار", 0.25, "Planned", arguments)
    return Document(text, (minister, tunis), (consult, Event(20, 23, "RETREAT", "عاد")))


@given(text=st.text(st.sampled_from("ابتسلمنوي  .،«»؟ًـ😀\n5%") | st.characters(exclude_categories=["Cs"]), max_size=60))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
def test_spans_of_any_text_stand_for_what_the_tagger_found(
    nlp: Language, tiny_model_directory: Path, text: str
) -> None:
    doc = nlp(text)
    found: Document = doc._.hadath
    assert (doc.text, found.text) == (text, text)
    for spans, originals in ((doc.ents, found.entities), (doc.spans["events"], found.events)):
        for span in spans:
            assert span._.hadath in originals
            # all of it, and no token that it has no part of
            assert span.start_char <= span._.hadath.start < span._.hadath.end <= span.end_char
            assert all(token.idx < span._.hadath.end and span._.hadath.start < token.idx + len(token) for token in span)
            assert (span.label_, span._.score) == (span._.hadath.type, span._.hadath.score)
    assert len(doc.spans["events"]) == len(found.events)


def test_it_finds_what_the_tagger_finds(nlp: Language, tiny_model_directory: Path) -> None:
    texts = [TEXT, "", f"{TEXT} " * 3, "هجوم على مدينة"]
    tagger = load(tiny_model_directory, threads=1)
    for doc, text in zip(nlp.pipe(texts, batch_size=3), texts, strict=True):
        alone = tagger(text)
        assert [(e.start_char, e.end_char, e.label_) for e in doc.ents] == [
            (e.start, e.end, e.type) for e in alone.entities
        ]
        assert [(e.start_char, e.end_char, e.label_, e._.modality) for e in doc.spans["events"]] == [
            (e.start, e.end, e.type, e.modality) for e in alone.events
        ]
    assert alone.events or alone.entities
    assert set(nlp.get_pipe("hadath").labels) == {"PER", "ORG", "PLACE", "DATE", "MEET", "ATTACK", "HELP"}


def test_extensions_tell_who_took_part(told: Callable[..., Language]) -> None:
    doc = told(visit())(visit().text)
    consult, retreat = doc.spans["events"]
    assert (consult._.score, consult._.modality, retreat._.modality) == (0.25, "Planned", "Asserted")
    assert [(a.role, a.span.text, a.span.label_, a.score) for a in consult._.arguments] == [
        ("Actor", "الوزير", "OCC", 0.9),
        ("Place", "تونس", "GPE", 0.8),
    ]
    assert [span._.score for span in doc.ents] == [0.75, 0.5]
    assert (doc.ents[0]._.modality, doc.ents[0]._.arguments) == (None, ())
    other = doc[3:5]
    assert (other._.hadath, other._.score, other._.modality, other._.arguments) == (None, None, None, ())
    assert spacy.blank("ar")("زار")._.hadath is None


def test_nothing_is_lost_in_a_docbin(told: Callable[..., Language]) -> None:
    nlp = told(visit())
    stored = DocBin(docs=[nlp(visit().text), nlp("لا شيء")], store_user_data=True).to_bytes()
    blank = spacy.blank("ar")
    doc, empty = DocBin().from_bytes(stored).get_docs(blank.vocab)
    assert doc._.hadath == visit()
    assert [(span.text, span.label_, span._.score) for span in doc.ents] == [
        ("الوزير", "OCC", 0.75),
        ("تونس", "GPE", 0.5),
    ]
    consult, _ = doc.spans["events"]
    assert (consult.label_, consult._.modality) == ("CONSULT", "Planned")
    assert [(a.role, a.span.text, a.entity) for a in consult._.arguments] == [
        ("Actor", "الوزير", visit().entities[0]),
        ("Place", "تونس", visit().entities[1]),
    ]
    assert (empty.ents, empty._.hadath) == ((), Document("لا شيء"))
    assert Doc(blank.vocab).from_bytes(doc.to_bytes())._.hadath == visit()


def test_other_processes_read_a_docbin_and_find_the_component(told: Callable[..., Language], tmp_path: Path) -> None:
    DocBin(docs=[told(visit())(visit().text)], store_user_data=True).to_disk(tmp_path / "a.spacy")
    code = (
        "import sys, spacy; from spacy.tokens import DocBin\n"
        "nlp = spacy.blank('xx')\n"
        "assert nlp.add_pipe('hadath').name == 'hadath'\n"
        "[doc] = DocBin().from_disk(sys.argv[1]).get_docs(nlp.vocab)\n"
        "print(doc.spans['events'][0]._.modality, [a.role for a in doc.spans['events'][0]._.arguments])"
    )
    done = subprocess.run([sys.executable, "-c", code, tmp_path / "a.spacy"], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("Planned ['Actor', 'Place']\n", "")


@pytest.mark.parametrize(
    ("mode", "spans"), [("expand", ["و«كتيبة الرحبة", "2023."]), ("contract", ["الرحبة"]), ("strict", [])]
)
def test_what_begins_or_ends_inside_a_token(told: Callable[..., Language], mode: str, spans: list[str]) -> None:
    text = "وقالت و«كتيبة الرحبة» في 2023."
    brigade, year = Entity(8, 20, "ORG", text[8:20]), Entity(25, 29, "DATE", text[25:29])
    says = Event(0, 5, "CONSULT", "وقالت", arguments=(Argument("Actor", brigade),))
    doc = told(Document(text, (brigade, year), (says,)), alignment_mode=mode)(text)
    assert [span.text for span in doc.ents] == spans
    assert [span._.hadath for span in doc.ents] == [brigade, year][: len(spans)]
    # what the tokens do not allow is exact all the same
    assert doc._.hadath.entities == (brigade, year)
    [argument] = doc.spans["events"][0]._.arguments
    assert argument.entity == brigade
    assert (argument.span.text if argument.span is not None else None) == (spans[0] if spans else None)


def test_two_entities_in_one_token_are_one_span(told: Callable[..., Language]) -> None:
    text = "في 2023.2024"
    first, second = Entity(3, 7, "DATE", "2023"), Entity(8, 12, "DATE", "2024")
    doc = told(Document(text, (first, second)))(text)
    assert [(span.text, span._.hadath) for span in doc.ents] == [("2023.2024", first)]
    assert doc._.hadath.entities == (first, second)


def test_entities_of_other_components_stay_where_there_is_room(told: Callable[..., Language]) -> None:
    nlp = told(visit(), spans_key="triggers")

    @Language.component("others")
    def others(doc: Doc) -> Doc:
        doc.ents = [Span(doc, 1, 3, label="OTHER"), Span(doc, 5, 6, label="OTHER")]
        return doc

    nlp.add_pipe("others", first=True)
    doc = nlp(visit().text)
    assert [(span.start, span.end, span.label_) for span in doc.ents] == [(1, 2, "OCC"), (2, 3, "GPE"), (5, 6, "OTHER")]
    assert [span.label_ for span in doc.spans["triggers"]] == ["CONSULT", "RETREAT"]


def test_merged_tokens_still_stand_for_their_entities(told: Callable[..., Language]) -> None:
    text = "زار وزير الخارجية تونس"
    minister = Entity(4, 17, "OCC", "وزير الخارجية", 0.5)
    nlp = told(Document(text, (minister,)))
    nlp.add_pipe("merge_entities")
    doc = nlp(text)
    assert [token.text for token in doc] == ["زار", "وزير الخارجية", "تونس"]
    assert doc.ents[0]._.hadath == minister


def test_a_text_that_fails_goes_to_the_error_handler_alone(told: Callable[..., Language]) -> None:
    nlp = told(visit())
    failed: list[str] = []
    nlp.set_error_handler(lambda name, component, docs, error: failed.extend(doc.text for doc in docs))
    docs = list(nlp.pipe([visit().text, "نص سيئ", "آخر"]))
    assert [doc.text for doc in docs] == [visit().text, "آخر"]
    assert failed == ["نص سيئ"]
    with pytest.raises(ValueError, match="a bad text"):
        list(told()("نص سيئ"))


def test_a_saved_pipeline_needs_no_other_model(tiny_model_directory: Path, tmp_path: Path) -> None:
    model = Path(shutil.copytree(tiny_model_directory, tmp_path / "model"))
    nlp = spacy.blank("ar")
    nlp.add_pipe("hadath", config={"model": str(model), "threads": 1})
    expected = nlp(TEXT)
    nlp.to_disk(tmp_path / "pipeline")
    shutil.rmtree(model)
    loaded = spacy.load(tmp_path / "pipeline")
    assert loaded(TEXT)._.hadath == expected._.hadath
    # saved over itself it is still there
    loaded.to_disk(tmp_path / "pipeline")
    assert spacy.load(tmp_path / "pipeline")(TEXT)._.hadath == expected._.hadath


def test_processes_share_the_work(nlp: Language) -> None:
    texts = [TEXT * size for size in range(1, 7)]
    together = [doc._.hadath for doc in nlp.pipe(texts, n_process=2, batch_size=2)]
    assert together == [nlp(text)._.hadath for text in texts]
    copied = pickle.loads(pickle.dumps(nlp.get_pipe("hadath")))
    assert copied(nlp.make_doc(TEXT))._.hadath == nlp(TEXT)._.hadath


def test_wrong_settings_are_told(tmp_path: Path) -> None:
    nlp = spacy.blank("ar")
    with pytest.raises(Exception, match="alignment_mode"):
        nlp.add_pipe("hadath", config={"alignment_mode": "loose"})
    nlp.add_pipe("hadath", config={"model": str(tmp_path / "nowhere")})
    with pytest.raises(ModelError, match="no model at"):
        nlp(TEXT)
