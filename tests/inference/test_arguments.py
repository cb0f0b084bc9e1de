from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hadath.arguments import (
    BETWEEN,
    SENTENCES,
    ArgumentWeights,
    Pairs,
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

SCHEMA = Schema(
    ("PER", "PLACE", "LAW"),
    ("MEET", "ATTACK"),
    {"MEET": {"Who": ("PER",), "Where": ("PLACE",)}, "ATTACK": {"Target": ("PER", "PLACE")}},
)
ALLOWED = allowed_roles(SCHEMA)
HIDDEN = 6


def spans_of(places: Sequence[tuple[int, int, int]]) -> Spans:
    first, last, kind = (np.array([place[side] for place in places], dtype=np.int64) for side in range(3))
    return Spans(first, last, kind, np.ones(len(places), dtype=np.float32))


def weights_of(reach: int, roles: int = len(SCHEMA.role_names), seed: int = 0) -> ArgumentWeights:
    draw = np.random.default_rng(seed)
    shapes = {
        "distance": (2 * reach + 1, HIDDEN),
        "sentences": (SENTENCES, HIDDEN),
        "triggers": (BETWEEN, HIDDEN),
        "entities": (BETWEEN, HIDDEN),
        "output": (HIDDEN, roles),
        "bias": (roles,),
    }
    return ArgumentWeights(**{name: draw.normal(size=shape).astype(np.float32) for name, shape in shapes.items()})


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
    logits = np.random.default_rng(seed).normal(scale=3, size=(len(pairs), 4)).astype(np.float32)
    logits[:, 0] = 0
    roles = best_roles(logits, triggers, entities, pairs, ALLOWED)
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


def test_what_a_pair_is_scored_by() -> None:
    weights = weights_of(reach=3)
    triggers, entities = np.random.default_rng(1).normal(size=(2, 2, HIDDEN)).astype(np.float32)
    numbers = {"trigger": 1, "entity": 0, "distance": -2, "sentences": 2, "triggers": 1, "entities": 4}
    pairs = Pairs(**{name: np.array([number]) for name, number in numbers.items()})
    hidden = triggers[1] + entities[0] + weights.distance[1]
    hidden = hidden + weights.sentences[2] + weights.triggers[1] + weights.entities[4]
    expected = np.maximum(hidden, 0) @ weights.output + weights.bias
    before = triggers.copy()
    found = weights.logits(triggers, entities, pairs)
    np.testing.assert_allclose(found, [[0, *expected]], rtol=1e-5)
    assert np.array_equal(triggers, before)
    assert weights.reach == 3


@pytest.mark.parametrize(
    ("name", "shape"),
    [("distance", (4, HIDDEN)), ("sentences", (2, HIDDEN)), ("triggers", (BETWEEN, 2)), ("bias", (1,))],
)
def test_weights_that_do_not_fit_each_other_are_refused(name: str, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=rf"{name} is of shape .*; expected "):
        replace(weights_of(2), **{name: np.zeros(shape, np.float32)})


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
