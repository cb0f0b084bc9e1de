from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from datasets import Dataset

from hadath.decode import spans_of
from hadath.document import Argument, Document, Entity, Event
from hadath.reading import Windowing, batches, read
from hadath.schema import Schema
from hadath.text import segment
from hadath.tokens import WordTokenizer
from tests.fixtures.tiny_tokenizers import unigram_tokenizer
from training.corpus import read_corpus
from training.features import WindowCollator, label_counts, labelled_pairs, training_windows, word_labels
from training.heads import HeadSpec
from training.model import IGNORED

HEADS = {
    "entities": HeadSpec("spans", "entity_types"),
    "events": HeadSpec("spans", "event_types"),
    "modality": HeadSpec("trigger", "modalities"),
}
TOKENIZER = WordTokenizer(unigram_tokenizer(), 6)
WINDOWING = Windowing(max_length=40, overlap=8, pieces_per_word=6)
SCHEMA = Schema(("PER", "PLACE"), ("MEET",), {}, ("Asserted", "Planned"))


def entity(text: str, words: str, kind: str) -> Entity:
    start = text.index(words)
    return Entity(start, start + len(words), kind, words)


def event(text: str, words: str, kind: str, modality: str = "Asserted") -> Event:
    start = text.index(words)
    return Event(start, start + len(words), kind, words, modality=modality)


@pytest.fixture(scope="module")
def articles(tiny_corpus: Path) -> Sequence[Document]:
    return read_corpus(tiny_corpus, ("train",)).splits["train"]


@pytest.fixture(scope="module")
def windows(articles: Sequence[Document], tiny_schema: Schema) -> Dataset:
    return training_windows(articles, TOKENIZER, WINDOWING, tiny_schema, HEADS)


TEXT = "سيلتقي سالم القروي، وفدا من حي الواحة."
DOCUMENT = Document(
    TEXT,
    (entity(TEXT, "سالم القروي", "PER"), entity(TEXT, "حي الواحة", "PLACE")),
    (event(TEXT, "سيلتقي", "MEET", "Planned"),),
)


def test_labels_of_words() -> None:
    words = segment(TEXT)
    names = HEADS["entities"].labels(SCHEMA)
    entities = [names[label] for label in word_labels(DOCUMENT, words, HEADS["entities"], SCHEMA)]
    assert list(zip(words.forms, entities, strict=True)) == [
        ("سيلتقي", "O"),
        ("سالم", "B-PER"),
        ("القروي", "I-PER"),
        ("،", "O"),
        ("وفدا", "O"),
        ("من", "O"),
        ("حي", "B-PLACE"),
        ("الواحة", "I-PLACE"),
        (".", "O"),
    ]
    assert word_labels(DOCUMENT, words, HEADS["events"], SCHEMA).tolist() == [1, 0, 0, 0, 0, 0, 0, 0, 0]
    assert word_labels(DOCUMENT, words, HEADS["modality"], SCHEMA).tolist() == [1] + [IGNORED] * 8


def test_a_span_without_its_proclitic_labels_the_whole_word() -> None:
    text = "زار بنغازي وطرابلس"
    document = Document(text, (entity(text, "بنغازي", "PLACE"), entity(text, "طرابلس", "PLACE")))
    assert word_labels(document, segment(text), HEADS["entities"], SCHEMA).tolist() == [0, 2, 2]


def test_diacritics_and_marks_do_not_shift_labels() -> None:
    text = "اِلتَقى\u200f سالِـــمٌ القَرَويّ"
    document = Document(text, (entity(text, "سالِـــمٌ القَرَويّ", "PER"),))
    assert word_labels(document, segment(text), HEADS["entities"], SCHEMA).tolist() == [0, 1, 3]


@pytest.mark.parametrize("place", ["في تونس \u200f", "في تونس  "])
def test_an_annotated_mark_or_space_has_no_label(place: str) -> None:
    last = len(place)
    document = Document(
        place, (Entity(last - 1, last, "PLACE", place[-1]),), (Event(last - 1, last, "MEET", place[-1]),)
    )
    for name, nothing in (("entities", 0), ("events", 0), ("modality", IGNORED)):
        assert word_labels(document, segment(place), HEADS[name], SCHEMA).tolist() == [nothing, nothing]


def test_labels_of_the_corpus_read_back_as_its_spans(articles: Sequence[Document], tiny_schema: Schema) -> None:
    for article in articles:
        words = segment(article.text)
        for name, spans, types in (
            ("entities", article.entities, tiny_schema.entity_types),
            ("events", article.events, tiny_schema.event_types),
        ):
            labels = word_labels(article, words, HEADS[name], tiny_schema)
            found = spans_of(labels, np.ones(len(labels), np.float32), len(types))
            # whole words: a proclitic that the annotation leaves out comes with its word
            read_back = [
                (words.starts[first] <= span.start < words.ends[first], int(words.ends[last - 1]), types[kind])
                for first, last, kind, span in zip(found.first, found.last, found.type, spans, strict=True)
            ]
            assert read_back == [(True, span.end, span.type) for span in spans]


def test_windows_hold_every_word_of_every_article_once(
    windows: Dataset, articles: Sequence[Document], tiny_schema: Schema
) -> None:
    expected = [word_labels(article, segment(article.text), HEADS["entities"], tiny_schema) for article in articles]
    assert [label for row in windows for label in row["labels_entities"]] == np.concatenate(expected).tolist()
    for row in windows:
        assert len(row["word_starts"]) == len(row["labels_entities"]) == len(row["labels_modality"]) > 0
        assert row["length"] == len(row["input_ids"]) <= WINDOWING.max_length
    assert len(windows) > len(articles)  # the long one is cut


def test_training_reads_what_tagging_reads(windows: Dataset, articles: Sequence[Document]) -> None:
    readings = [read(article.text, TOKENIZER, WINDOWING) for article in articles]
    tagged = {
        tuple(ids[mask > 0].tolist())
        for batch in batches(readings, TOKENIZER, 512)
        for ids, mask in zip(batch.input_ids, batch.attention_mask, strict=True)
    }
    assert {tuple(row["input_ids"]) for row in windows} == tagged
    first_pieces = np.concatenate(
        [reading.pieces.ids[np.cumsum(reading.pieces.counts) - reading.pieces.counts] for reading in readings]
    )
    assert [row["input_ids"][start] for row in windows for start in row["word_starts"]] == first_pieces.tolist()
    last_pieces = np.concatenate([reading.pieces.ids[np.cumsum(reading.pieces.counts) - 1] for reading in readings])
    assert [row["input_ids"][end] for row in windows for end in row["word_ends"]] == last_pieces.tolist()


def test_a_schema_without_modalities_and_events_gives_no_labels_for_them(articles: Sequence[Document]) -> None:
    bare = [Document(article.text, article.entities) for article in articles]
    schema = Schema(("PER", "ORG", "PLACE", "DATE"), (), {})
    found = training_windows(bare, TOKENIZER, WINDOWING, schema, HEADS)
    assert set(found.column_names) == {"input_ids", "word_starts", "word_ends", "labels_entities", "length"}
    assert list(label_counts(found, schema, HEADS)) == ["entities"]


def test_an_article_without_words_has_no_window() -> None:
    found = training_windows([Document(" \n"), DOCUMENT], TOKENIZER, WINDOWING, SCHEMA, HEADS)
    assert len(found) == 1


def test_label_counts(windows: Dataset, articles: Sequence[Document], tiny_schema: Schema) -> None:
    counts = label_counts(windows, tiny_schema, HEADS)
    entities = [entity for article in articles for entity in article.entities]
    for number, kind in enumerate(tiny_schema.entity_types, start=1):
        assert counts["entities"][number] == sum(entity.type == kind for entity in entities)
    assert counts["entities"].sum() == sum(len(segment(article.text)) for article in articles)
    modalities = [event.modality for article in articles for event in article.events]
    assert counts["modality"].tolist() == [modalities.count(value) for value in tiny_schema.modalities]


def test_a_batch_is_padded_and_its_words_are_found_in_it(windows: Dataset) -> None:
    rows = [windows[0], windows[1], windows[2]]
    batch = WindowCollator(TOKENIZER.pad_id, list(HEADS), WINDOWING.max_length)(rows)
    width = batch["input_ids"].shape[1]
    assert width % 8 == 0
    assert width - max(row["length"] for row in rows) < 8
    for position, row in enumerate(rows):
        length = row["length"]
        assert batch["input_ids"][position].tolist() == row["input_ids"] + [TOKENIZER.pad_id] * (width - length)
        assert batch["attention_mask"][position].tolist() == [1] * length + [0] * (width - length)
    flat = batch["input_ids"].flatten()
    expected = [row["input_ids"][start] for row in rows for start in row["word_starts"]]
    assert flat[batch["word_starts"]].tolist() == expected
    expected = [row["input_ids"][end] for row in rows for end in row["word_ends"]]
    assert flat[batch["word_ends"]].tolist() == expected
    for name in HEADS:
        assert batch["labels"][name].tolist() == [label for row in rows for label in row[f"labels_{name}"]]
        assert batch["labels"][name].dtype == torch.long


@pytest.mark.parametrize(("length", "most", "width"), [(9, 64, 16), (16, 64, 16), (9, 12, 12), (12, 12, 12)])
def test_a_batch_is_no_wider_than_the_encoder_reads(length: int, most: int, width: int) -> None:
    row = {"input_ids": [5] * length, "word_starts": [1], "word_ends": [1], "labels_entities": [0]}
    batch = WindowCollator(1, ["entities"], most)([row, row])
    assert batch["input_ids"].shape == (2, width)


ROLES = {"MEET": {"Who": ("PER",), "Where": ("PLACE",), "Host": ("PER", "PLACE")}}
LINKED = Schema(("PER", "PLACE", "DATE"), ("MEET",), ROLES)
ARGUMENTS = HeadSpec("arguments", "roles", hidden=4, reach=20)


def linked(text: str, *roles: tuple[str, str, str]) -> Document:
    """The first word meets; the roles are of the words named, of such types."""
    entities = {words: entity(text, words, kind) for words, kind, _ in roles}
    arguments = tuple(Argument(role, entities[words]) for words, _, role in roles if role)
    trigger = text.split()[0]
    return Document(text, tuple(entities.values()), (replace(event(text, trigger, "MEET"), arguments=arguments),))


def test_pairs_and_their_labels() -> None:
    text = "زار سالم القروي حي الواحة مع عمر. عاد أمس إلى درنة"
    document = linked(
        text,
        ("حي الواحة", "PLACE", "Where"),
        ("سالم القروي", "PER", "Host"),
        ("سالم القروي", "PER", "Who"),  # two roles: the schema's first counts
        ("عمر", "PER", ""),
        ("أمس", "DATE", ""),  # fills no role of any event
        ("درنة", "PLACE", "Who"),  # not allowed: not learnt
    )
    found = labelled_pairs(document, segment(text), ARGUMENTS, LINKED)
    names = ARGUMENTS.labels(LINKED)
    assert names == ("none", "Who", "Where", "Host")
    assert [names[label] for label in found.labels] == ["Who", "Where", "none", "none"]
    assert found.pairs.distance.tolist() == [1, 3, 6, 11]
    assert found.pairs.sentences.tolist() == [0, 0, 0, 1]
    assert found.pairs.entities.tolist() == [0, 1, 2, 4]
    columns = found.columns(0, 7)
    assert columns["entity"].tolist() == [1, 3, 6]
    assert columns["labels"].tolist() == [1, 2, 0]
    assert columns["entity_type"].tolist() == [0, 1, 0]
    assert not any(len(values) for values in found.columns(1, 12).values())


def test_arguments_out_of_reach_are_not_learnt() -> None:
    text = "زار الوفد ثم عاد إلى درنة"
    document = linked(text, ("درنة", "PLACE", "Where"))
    near = replace(ARGUMENTS, reach=4)
    assert len(labelled_pairs(document, segment(text), near, LINKED).labels) == 0
    assert labelled_pairs(document, segment(text), ARGUMENTS, LINKED).labels.tolist() == [2]


def test_pairs_of_a_batch_point_to_their_words(articles: Sequence[Document], tiny_schema: Schema) -> None:
    heads = {**HEADS, "arguments": ARGUMENTS}
    windows = training_windows(articles, TOKENIZER, WINDOWING, tiny_schema, heads)
    batch = WindowCollator(TOKENIZER.pad_id, list(heads), WINDOWING.max_length)([*windows])
    pairs, labels = batch["pairs"], batch["labels"]
    assert len(labels["arguments"]) == len(pairs["trigger"]) > 0
    assert {values.dtype for values in pairs.values()} == {torch.long}
    # the labels of the words say that they are first words of what the pairs say they are
    assert torch.equal(labels["events"][pairs["trigger"]], pairs["event_type"] + 1)
    assert torch.equal(labels["entities"][pairs["entity"]], pairs["entity_type"] + 1)
    counts = label_counts(windows, tiny_schema, heads)["arguments"]
    assert counts.tolist() == torch.bincount(labels["arguments"], minlength=len(counts)).tolist()
    annotated = sum(len(event.arguments) for document in articles for event in document.events)
    assert 0 < int(counts[1:].sum()) <= annotated
    whole = training_windows(articles, TOKENIZER, Windowing(4000, 8, 6), tiny_schema, heads)
    assert int(label_counts(whole, tiny_schema, heads)["arguments"][1:].sum()) == annotated


def test_texts_without_events_have_no_pairs() -> None:
    documents = [Document("لا حدث هنا"), Document("ولا هنا")]
    windows = training_windows(documents, TOKENIZER, WINDOWING, LINKED, {"arguments": ARGUMENTS})
    assert label_counts(windows, LINKED, {"arguments": ARGUMENTS})["arguments"].tolist() == [0, 0, 0, 0]
    batch = WindowCollator(TOKENIZER.pad_id, ["arguments"], 40)([*windows])
    assert {len(values) for values in batch["pairs"].values()} == {0}
    assert batch["labels"]["arguments"].dtype == torch.long
