from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hadath.arguments import (
    BETWEEN,
    EXCLUDED,
    SENTENCES,
    allowed_roles,
    best_roles,
    candidate_pairs,
    sentence_numbers,
    word_spans,
)
from hadath.decode import Spans
from hadath.document import Entity
from hadath.schema import Schema
from hadath.text import segment
from tests.fixtures.argument_weights import random_weights

SCHEMA = Schema(
    ("PER", "PLACE", "LAW"),
    ("MEET", "ATTACK"),
    {"MEET": {"Who": ("PER",), "Where": ("PLACE",)}, "ATTACK": {"Target": ("PER", "PLACE")}},
)
ALLOWED = allowed_roles(SCHEMA)


def spans_of(places: Sequence[tuple[int, int, int]]) -> Spans:
    first, last, kind = (np.array([place[side] for place in places], dtype=np.int64) for side in range(3))
    return Spans(first, last, kind, np.ones(len(places), dtype=np.float32))


@st.composite
def texts_with_spans(draw: st.DrawFn) -> tuple[list[int], np.ndarray, Spans, Spans]:
    """Lengths of texts, the number of each word's sentence, triggers and entities, which may overlap each other."""
    lengths = draw(st.lists(st.integers(0, 12), min_size=1, max_size=4))
    sentences: list[int] = []
    found: list[list[tuple[int, int, int]]] = [[], []]
    for length in lengths:
        begin = len(sentences)
        sentences += np.cumsum(draw(st.lists(st.integers(0, 1), min_size=length, max_size=length))).tolist()
        for kinds, places in zip((2, 3), found, strict=True):
            for first in sorted(draw(st.lists(st.integers(0, length - 1), max_size=5))) if length else []:
                last = draw(st.integers(first + 1, length))
                places.append((begin + first, begin + last, draw(st.integers(0, kinds - 1))))
    return lengths, np.array(sentences, dtype=np.int64), spans_of(found[0]), spans_of(found[1])


def distance(trigger: tuple[int, int], entity: tuple[int, int]) -> int:
    if entity[0] >= trigger[1]:
        return entity[0] - trigger[1] + 1
    return min(entity[1] - 1 - trigger[0], 0)


@given(given=texts_with_spans(), reach=st.integers(1, 14))
def test_pairs_are_those_that_a_search_through_all_finds(
    given: tuple[list[int], np.ndarray, Spans, Spans], reach: int
) -> None:
    lengths, sentences, triggers, entities = given
    text_of_word = np.repeat(np.arange(len(lengths)), lengths)
    expected = []
    for t in range(len(triggers)):
        for e in range(len(entities)):
            begin, other = int(triggers.first[t]), int(entities.first[e])
            apart = distance((begin, int(triggers.last[t])), (other, int(entities.last[e])))
            allowed = ALLOWED[triggers.type[t], entities.type[e]].any()
            if text_of_word[begin] != text_of_word[other] or abs(apart) > reach or not allowed:
                continue
            low, high = sorted((begin, other))
            between = [sum(low < first < high for first in spans.first.tolist()) for spans in (triggers, entities)]
            ends = min(int(sentences[high] - sentences[low]), SENTENCES - 1)
            expected.append((t, e, apart, ends, *(min(number, BETWEEN - 1) for number in between)))
    pairs = candidate_pairs(triggers, entities, sentences, lengths, reach, ALLOWED)
    assert list(zip(*(values.tolist() for values in vars(pairs).values()), strict=True)) == expected


@given(given=texts_with_spans(), seed=st.integers(0, 99))
def test_roles_are_the_likeliest_that_the_schema_allows(
    given: tuple[list[int], np.ndarray, Spans, Spans], seed: int
) -> None:
    lengths, sentences, triggers, entities = given
    pairs = candidate_pairs(triggers, entities, sentences, lengths, 10, ALLOWED)
    weights = random_weights(len(SCHEMA.role_names), seed=seed, reach=10)
    described = np.random.default_rng(seed).normal(size=(len(sentences), weights.width)).astype(np.float32)
    logits = weights.logits(described, triggers, entities, pairs, ALLOWED)
    roles = best_roles(logits, pairs)
    found = {(t, e): (r, s) for t, e, r, s in zip(*(values.tolist() for values in vars(roles).values()), strict=True)}
    for number, (trigger, entity) in enumerate(zip(pairs.trigger.tolist(), pairs.entity.tolist(), strict=True)):
        allowed = [0, *(1 + np.flatnonzero(ALLOWED[triggers.type[trigger], entities.type[entity]])).tolist()]
        shares = np.exp(logits[number, allowed].astype(np.float64))
        best = int(shares.argmax())
        if allowed[best] == 0:
            assert (trigger, entity) not in found
        else:
            role, score = found[trigger, entity]
            assert role == allowed[best] - 1
            assert score == pytest.approx(shares[best] / shares.sum(), rel=1e-4)


def softmax(scores: np.ndarray) -> np.ndarray:
    return np.exp(scores) / np.exp(scores).sum()


@given(given=texts_with_spans(), seed=st.integers(0, 99))
def test_what_pairs_are_scored_by(given: tuple[list[int], np.ndarray, Spans, Spans], seed: int) -> None:
    lengths, sentences, triggers, entities = given
    weights = random_weights(len(SCHEMA.role_names), seed=seed, reach=10)
    described = np.random.default_rng(seed).normal(size=(len(sentences), weights.width)).astype(np.float32)
    pairs = candidate_pairs(triggers, entities, sentences, lengths, 10, ALLOWED)
    as_trigger, as_entity, as_between = np.split(described, [6, 12], axis=1)
    hidden, first = [], []
    for t, e, distance, ends, others, mentions in zip(*vars(pairs).values(), strict=True):
        begin, other = triggers.first[t], entities.first[e]
        between = np.log1p(np.maximum(as_between[min(begin, other) + 1 : max(begin, other)], 0).sum(axis=0))
        nothing = np.zeros(2)
        said = np.concatenate([between, nothing] if other > begin else [nothing, between]) @ weights.words
        said = said + as_trigger[begin] + as_entity[other] + weights.distance[distance + 10] + weights.sentences[ends]
        hidden.append(said + weights.triggers[others] + weights.entities[mentions])
        scores = np.where(ALLOWED[triggers.type[t], entities.type[e]], np.maximum(hidden[-1], 0) @ weights.output, -1e4)
        scores = np.where(scores > -1e4, scores + weights.bias, -1e4)
        first.append(softmax(np.array([0, *scores]))[1:])
    before = described.copy()
    found = weights.logits(described, triggers, entities, pairs, ALLOWED)
    assert np.array_equal(described, before)
    for number, (t, e) in enumerate(zip(pairs.trigger, pairs.entity, strict=True)):
        rest = [other for other in range(len(pairs)) if other != number]
        of_trigger = sum((first[other] for other in rest if pairs.trigger[other] == t), np.zeros(3))
        of_entity = sum((first[other] for other in rest if pairs.entity[other] == e), np.zeros(3))
        seen = np.concatenate([of_trigger, of_entity, first[number]]) @ weights.others
        scores = np.maximum(hidden[number] + seen, 0) @ weights.final_output + weights.final_bias
        allowed = ALLOWED[triggers.type[t], entities.type[e]]
        np.testing.assert_allclose(found[number], [0, *np.where(allowed, scores, EXCLUDED)], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("distance", (4, 6)),
        ("sentences", (2, 6)),
        ("triggers", (BETWEEN, 2)),
        ("words", (3, 6)),
        ("bias", (1,)),
        ("others", (6, 6)),
        ("final_output", (6, 1)),
        ("output", (6,)),
    ],
)
def test_weights_that_do_not_fit_each_other_are_refused(name: str, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"(\w+) is of shape .*; expected "):
        replace(random_weights(3), **{name: np.zeros(shape, np.float32)})


def test_allowed_roles_of_a_schema() -> None:
    names = [
        (event, entity, SCHEMA.role_names[role])
        for event, kind in enumerate(SCHEMA.event_types)
        for entity in range(3)
        for role in np.flatnonzero(ALLOWED[event, entity])
        if kind
    ]
    assert names == [(0, 0, "Who"), (0, 1, "Where"), (1, 0, "Target"), (1, 1, "Target")]
    assert allowed_roles(Schema(("PER",), ("MEET",), {})).shape == (1, 1, 0)


def test_words_are_counted_by_sentences() -> None:
    text = " عاد عمر.\nثم «سافر!» إلى\n\nدرنة"
    words = segment(text)
    numbers = dict(zip(words.forms, sentence_numbers(text, words.starts).tolist(), strict=True))
    assert [numbers[form] for form in ("عاد", "عمر", "ثم", "سافر", "إلى", "درنة")] == [0, 0, 1, 1, 2, 3]
    assert sentence_numbers("", np.zeros(0, np.int64)).tolist() == []


def test_spans_are_placed_among_words_in_the_order_of_the_text() -> None:
    text = "زار عمر المختار درنة"
    derna = Entity(16, 20, "PLACE", "درنة")
    omar = Entity(5, 14, "PER", "مر المختا")
    space = Entity(15, 16, "PER", " ")
    named, places = word_spans([derna, space, omar], segment(text), SCHEMA.entity_types)
    assert named == [omar, derna]
    assert list(zip(places.first, places.last, places.type, strict=True)) == [(1, 3, 0), (3, 4, 1)]
