from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hadath.arguments import word_range
from hadath.document import Document, Entity, Event
from hadath.errors import InvalidTextError
from hadath.model_directory import load
from hadath.reading import Batch, Windowing
from hadath.schema import Schema, bio_labels
from hadath.tagger import Tagger
from hadath.text import normalize, segment
from hadath.tokens import WordTokenizer
from tests.fixtures.argument_weights import random_weights
from tests.fixtures.tiny_model import write_tiny_model
from tests.fixtures.tiny_tokenizers import wordpiece_tokenizer

ROLES = {"MEET": {"Who": ("PER",), "Where": ("PLACE",)}, "ATTACK": {"Who": ("PER",), "Target": ("PER", "PLACE")}}
SCHEMA = Schema(("PER", "PLACE"), ("MEET", "ATTACK"), ROLES, ("Asserted", "Planned", "Negated"))
TOKENIZER = WordTokenizer(wordpiece_tokenizer())
WINDOWING = Windowing(64, 8, 4)


REACH = 7
WEIGHTS = random_weights(roles=3, reach=REACH, seed=3)


class TableNetwork:
    """Answers for each word by its first subword alone, whatever stands around it; most answers are spans."""

    def __init__(self, schema: Schema, seed: int = 0) -> None:
        draw = np.random.default_rng(seed)
        size = TOKENIZER.vocabulary_size
        self.tables = {
            "entities": draw.normal(scale=2, size=(size, len(bio_labels(schema.entity_types)))).astype(np.float32),
            "events": draw.normal(scale=2, size=(size, len(bio_labels(schema.event_types)))).astype(np.float32),
            "modality": draw.normal(size=(size, len(schema.modalities))).astype(np.float32),
            "arguments": draw.normal(size=(size, WEIGHTS.width)).astype(np.float32),
        }
        self.tables = {head: table for head, table in self.tables.items() if table.shape[1] > 1}
        self.calls: list[Batch] = []

    def __call__(self, batch: Batch) -> dict[str, np.ndarray]:
        self.calls.append(batch)
        ids = batch.input_ids.reshape(-1)[batch.word_starts]
        return {head: table[ids] for head, table in self.tables.items()}


def tagger_of(
    schema: Schema = SCHEMA, windowing: Windowing = WINDOWING, batch_tokens: int = 256, seed: int = 0
) -> Tagger:
    weights = WEIGHTS if schema.roles else None
    network = TableNetwork(schema, seed)
    return Tagger(schema, TOKENIZER, windowing, network, batch_tokens, argument_weights=lambda: weights)


arabic = st.text(alphabet="ابتسلمنوي  .،«»؟", max_size=80)
anything = st.text(
    st.characters(exclude_categories=["Cs"])
    | st.sampled_from("ًٌَُِّْٰـ\u200f\u200e\u202b\u202c\u2066\u2069\u200c\u200d\ufeffﷺﷲﻻ٣۴😀🇹🇳\u0654\u0301")
    | st.sampled_from("ابتسلمنوي  .،«»؟"),
    max_size=60,
)


@given(text=anything)
def test_spans_of_any_text_are_where_they_say_and_do_not_overlap(text: str) -> None:
    document = tagger_of()(text)
    assert document.text == text
    spans: list[Entity | Event] = sorted([*document.entities, *document.events], key=lambda span: span.start)
    words = segment(text)
    end = 0
    for span in spans:
        assert text[span.start : span.end] == span.text
        assert span.start >= end
        assert span.start in words.starts
        assert span.end in words.ends
        assert 0 < span.score <= 1
        end = span.end
    for found in (document.entities, document.events):
        assert [span.start for span in found] == sorted(span.start for span in found)


TEXT = "التقى الوزير وفدا في تونس. زار رئيس قوات مدينة اجتماع قال اليوم، سلام في بيت المتن"


def without_arguments(document: Document) -> Document:
    return replace(document, events=tuple(replace(event, arguments=()) for event in document.events))


@given(texts=st.lists(anything, max_size=4))
def test_arguments_are_near_entities_of_the_text_that_the_schema_allows(texts: list[str]) -> None:
    for document in tagger_of().tag(texts):
        words = segment(document.text)
        places = {entity: number for number, entity in enumerate(document.entities)}
        for event in document.events:
            first, last = word_range(words, event.start, event.end)
            for argument in event.arguments:
                assert argument.entity.type in ROLES[event.type][argument.role]
                role = argument.score / (event.score * argument.entity.score)
                assert 0.2499 < role < 1.0001  # likelier than none and than two other roles
                begin, end = word_range(words, argument.entity.start, argument.entity.end)
                assert max(begin - last, first - end) < REACH
            order = [places[argument.entity] for argument in event.arguments]
            assert order == sorted(set(order))


def test_some_arguments_are_found_and_some_are_not() -> None:
    document = tagger_of()(TEXT)
    found = [argument for event in document.events for argument in event.arguments]
    assert {argument.role for argument in found} == set(SCHEMA.role_names)
    assert len(found) < len(document.events) * len(document.entities)
    least = sorted(argument.score for argument in found)[len(found) // 2]
    surer = replace(tagger_of(), min_scores={"arguments": least})(TEXT)
    kept = [argument for event in surer.events for argument in event.arguments]
    assert kept == [argument for argument in found if argument.score >= least] != found
    assert without_arguments(surer) == without_arguments(document)


def test_a_temperature_of_arguments_makes_their_scores_softer_and_moves_no_role() -> None:
    plain, soft = tagger_of()(TEXT), replace(tagger_of(), temperatures={"arguments": 3.0})(TEXT)
    for one, other in zip(plain.events, soft.events, strict=True):
        assert [(a.role, a.entity) for a in one.arguments] == [(a.role, a.entity) for a in other.arguments]
        assert all(a.score > b.score for a, b in zip(one.arguments, other.arguments, strict=True) if a.score > 0.6)


@given(texts=st.lists(anything, max_size=4))
def test_arguments_of_known_spans_are_those_that_are_found_with_the_spans(texts: list[str]) -> None:
    tagger = tagger_of()
    found = tagger.tag(texts)
    known = [without_arguments(document) for document in found]
    assert tagger.find_arguments(known) == found
    assert tagger.find_arguments(found) == found


def test_spans_of_unknown_types_and_without_words_have_no_arguments() -> None:
    tagger = tagger_of()
    found = tagger(TEXT)
    strange = Entity(0, 5, "WEAPON", TEXT[:5])
    others = Event(0, 5, "RAIN", TEXT[:5]), Event(5, 6, "MEET", " ")
    known = replace(found, entities=(strange, *found.entities), events=(*others, *found.events), id="a1")
    assert tagger.find_arguments([known]) == [known]


def test_a_network_without_arguments_finds_none() -> None:
    tagger = tagger_of()
    found = tagger(TEXT)
    without = replace(tagger, argument_weights=lambda: None)
    assert without(TEXT) == without_arguments(found)
    assert without.find_arguments([found]) == [without_arguments(found)]


@given(texts=st.lists(anything, max_size=12), batch_size=st.integers(1, 5), batch_tokens=st.integers(1, 400))
def test_texts_piped_together_are_tagged_as_each_alone(texts: list[str], batch_size: int, batch_tokens: int) -> None:
    together = list(tagger_of(batch_tokens=batch_tokens).pipe(texts, batch_size=batch_size))
    alone = tagger_of()
    assert together == [alone(text) for text in texts]
    assert [document.text for document in together] == texts


def test_a_real_network_gives_texts_together_what_it_gives_each_alone(tmp_path: Path) -> None:
    tagger = load(write_tiny_model(tmp_path, arguments=True), threads=1)
    texts = [
        "التقى الوزير وفدا في تونس.",
        "",
        "هجوم " * 90,
        "،؟!",
        "زار رئيس قوات مدينة اجتماع\nقال اليوم",
    ] * 3
    together = list(tagger.pipe(texts, batch_size=4))
    for document, text in zip(together, texts, strict=True):
        alone = tagger(text)
        assert document.text == text
        for found, expected in ((document.entities, alone.entities), (document.events, alone.events)):
            assert [(span.start, span.end, span.type) for span in found] == [
                (span.start, span.end, span.type) for span in expected
            ]
            np.testing.assert_allclose([s.score for s in found], [s.score for s in expected], rtol=1e-4)
        for event, expected in zip(document.events, alone.events, strict=True):
            assert event.modality == expected.modality
            assert [(a.role, a.entity.start) for a in event.arguments] == [
                (a.role, a.entity.start) for a in expected.arguments
            ]
    assert any(event.arguments for document in together for event in document.events)
    assert any(document.entities for document in together)
    assert any(document.events for document in together)


diacritics = "ًٌٍَُِّْٰ"
# only after a letter does tatweel draw it out
marked_letters = st.tuples(st.sampled_from("ابتسلمنوي"), st.text(alphabet=diacritics + "ـ", max_size=3))
marked_others = st.tuples(st.sampled_from("  ."), st.text(alphabet=diacritics, max_size=2))


@given(parts=st.lists(marked_letters | marked_others, max_size=60))
def test_diacritics_and_tatweel_change_no_span(parts: list[tuple[str, str]]) -> None:
    clean = "".join(letter for letter, _ in parts)
    marked = "".join(letter + marks for letter, marks in parts)
    places = np.cumsum([0, *(1 + len(marks) for _, marks in parts)])
    tagger = tagger_of()
    expected, found = tagger(clean), tagger(marked)
    for one, other in ((expected.entities, found.entities), (expected.events, found.events)):
        assert [(places[span.start], places[span.end], span.type, span.score) for span in one] == [
            (span.start, span.end, span.type, span.score) for span in other
        ]
    assert [event.modality for event in expected.events] == [event.modality for event in found.events]


@given(
    parts=st.lists(
        st.tuples(
            st.sampled_from("ابتسلمنوي  ."),
            st.text(alphabet="\u200e\u200f\u202a\u202b\u202c\u2066\u2067\u2069\u200b\u200d\ufeff\u061c", max_size=2),
        ),
        max_size=60,
    )
)
def test_direction_and_zero_width_marks_change_no_span(parts: list[tuple[str, str]]) -> None:
    tagger = tagger_of()
    clean = tagger("".join(letter for letter, _ in parts))
    marked = tagger("".join(letter + marks for letter, marks in parts))
    for one, other in ((clean.entities, marked.entities), (clean.events, marked.events)):
        assert [(span.text, span.type) for span in one] == [(normalize(span.text).text, span.type) for span in other]


@given(text=st.text(alphabet="ابتسلمنوي     .،", min_size=100, max_size=600))
def test_a_long_article_in_windows_is_tagged_as_in_one(text: str) -> None:
    windowed = tagger_of(windowing=Windowing(32, 8, 4))
    whole = tagger_of(windowing=Windowing(10_000, 8, 4), batch_tokens=10_000)
    assert windowed(text) == whole(text)


def test_a_long_article_is_cut() -> None:
    tagger = tagger_of(windowing=Windowing(32, 8, 4))
    tagger("سلام سالم. " * 50)
    assert isinstance(tagger.run, TableNetwork)
    assert sum(len(batch.input_ids) for batch in tagger.run.calls) > 10


@pytest.mark.parametrize("text", ["", " ", "\n\t\n", "ًٌٍ", "\u200f\u200e", "\ufeff"])
def test_a_text_without_words_is_a_document_without_spans(text: str) -> None:
    tagger = tagger_of()
    assert tagger(text) == Document(text)
    # beside a text with words too
    assert next(iter(tagger.pipe([text, "سلام"]))) == Document(text)
    assert list(tagger.pipe(["سلام", text]))[1] == Document(text)


@pytest.mark.parametrize("text", [".", "،؟!", "«»", "... --- ...", "😀", "ﷺ"])
def test_a_text_of_punctuation_and_symbols_alone(text: str) -> None:
    document = tagger_of()(text)
    assert document.text == text


def test_no_texts() -> None:
    assert list(tagger_of().pipe([])) == []
    assert tagger_of().tag([]) == []


def test_a_stream_without_end_is_read_as_it_is_needed() -> None:
    taken: list[int] = []

    def endless() -> Iterator[str]:
        for number in count():
            taken.append(number)
            yield f"سلام {number}"

    documents = tagger_of().pipe(endless(), batch_size=3)
    assert [next(documents).text for _ in range(4)] == ["سلام 0", "سلام 1", "سلام 2", "سلام 3"]
    assert len(taken) == 6


@pytest.mark.parametrize("batch_size", [0, -1])
def test_batches_of_no_texts_are_refused(batch_size: int) -> None:
    with pytest.raises(ValueError, match=f"batch_size is {batch_size}; expected 1 or more"):
        list(tagger_of().pipe(["سلام"], batch_size=batch_size))


@pytest.mark.parametrize("text", [None, b"abc", 3, "سلام \udfff"])
def test_what_is_no_text_is_refused(text: object) -> None:
    with pytest.raises(InvalidTextError):
        tagger_of()(text)  # type: ignore[arg-type]
    with pytest.raises(InvalidTextError):
        list(tagger_of().pipe(["سلام", text]))  # type: ignore[list-item]


def test_the_modality_of_an_event_is_that_of_its_first_word() -> None:
    tagger = tagger_of()
    alphabet = "ابتثجحخدذرزسشصضطظعغفقكلمنهوي"
    documents = list(tagger.pipe([f"{one} {other}" for one in alphabet for other in alphabet[::3]]))
    events = [(document, event) for document in documents for event in document.events]
    assert events
    assert isinstance(tagger.run, TableNetwork)
    for document, event in events:
        words = segment(document.text)
        first = words.starts.tolist().index(event.start)
        pieces = TOKENIZER.encode(words)
        piece = pieces.ids[(np.cumsum(pieces.counts) - pieces.counts)[first]]
        scores = tagger.run.tables["modality"][piece]
        assert event.modality == SCHEMA.modalities[scores.argmax()]
    assert len({event.modality for _, event in events}) > 1


def softmax(values: list[float]) -> np.ndarray:
    exponentials = np.exp(np.array(values))
    return exponentials / exponentials.sum()


def test_temperatures_make_scores_softer() -> None:
    schema = Schema(("PER",), ("MEET",), {})

    def run(batch: Batch) -> dict[str, np.ndarray]:
        rows = len(batch.word_starts)
        return {
            "entities": np.tile(np.float32([0, 3, 0]), (rows, 1)),
            "events": np.tile(np.float32([2, 0, 0]), (rows, 1)),
        }

    plain = Tagger(schema, TOKENIZER, Windowing(), run)("سلام").entities[0].score
    # the score is that of the word as an entity and as no event
    assert plain == pytest.approx(softmax([0, 3, 0])[1] * softmax([2, 0, 0])[0])
    soft = Tagger(schema, TOKENIZER, Windowing(), run, temperatures={"entities": 2.0})("سلام").entities[0].score
    assert soft == pytest.approx(softmax([0, 1.5, 0])[1] * softmax([2, 0, 0])[0])


@pytest.mark.parametrize(
    "schema",
    [Schema(("PER",), (), {}), Schema((), ("MEET",), {}), Schema(("PER",), ("MEET",), {})],
    ids=["entities alone", "events alone", "no modality"],
)
def test_schemas_without_a_part(schema: Schema) -> None:
    documents = list(tagger_of(schema).pipe(["سلام سالم. منى", "وليد يوسف ليلى", "", "تامر أمل بلال نوال"]))
    entities = [entity for document in documents for entity in document.entities]
    events = [event for document in documents for event in document.events]
    assert bool(entities) == bool(schema.entity_types)
    assert bool(events) == bool(schema.event_types)
    assert {event.modality for event in events} <= {"Asserted"}


@pytest.mark.parametrize("missing", ["entities", "events", "modality"])
def test_a_network_without_one_of_the_heads_finds_the_rest(missing: str) -> None:
    tagger = tagger_of()
    assert isinstance(tagger.run, TableNetwork)
    del tagger.run.tables[missing]
    document = tagger("سلام سالم. منى وليد يوسف ليلى تامر أمل بلال نوال")
    assert bool(document.entities) == (missing != "entities")
    assert bool(document.events) == (missing != "events")
    assert {event.type for event in document.events} <= set(SCHEMA.event_types)


def test_spans_below_the_least_score_are_left_out() -> None:
    text = TEXT
    everything = tagger_of()(text)
    scores = sorted(entity.score for entity in everything.entities)
    middle = scores[len(scores) // 2]
    sure = replace(tagger_of(), min_scores={"entities": middle})(text)
    assert sure.entities == tuple(entity for entity in everything.entities if entity.score >= middle)
    assert 0 < len(sure.entities) < len(everything.entities)
    assert without_arguments(sure).events == without_arguments(everything).events
    none = replace(tagger_of(), min_scores={"events": 1.1})(text)
    assert none.entities == everything.entities
    assert everything.events
    assert not none.events


@settings(max_examples=25)
@given(texts=st.lists(anything, max_size=8), threads=st.integers(2, 4), batch_tokens=st.integers(1, 400))
def test_threads_change_no_result(texts: list[str], threads: int, batch_tokens: int) -> None:
    alone = tagger_of(batch_tokens=batch_tokens)
    assert replace(alone, threads=threads).tag(texts) == alone.tag(texts)


def test_few_texts_are_shared_out_among_the_threads() -> None:
    tagger = replace(tagger_of(batch_tokens=10_000), threads=2)
    tagger.tag(["سلام في بيت المتن"] * 4)
    assert isinstance(tagger.run, TableNetwork)
    assert len(tagger.run.calls) == 2
