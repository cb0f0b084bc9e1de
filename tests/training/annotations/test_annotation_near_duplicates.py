from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.annotations.near_duplicates import (
    PERMUTATIONS,
    NearDuplicate,
    groups,
    near_duplicates,
    shingles,
    signatures,
    similarity,
)

SENTENCE = "وصل الوفد إلى صنعاء مساء أمس قادما من مسقط في زيارة تدوم ثلاثة أيام يلتقي فيها وزير النقل"
VOCABULARY = tuple(SENTENCE.split(" "))


def text_of(draw: random.Random, words: int) -> str:
    return " ".join(draw.choice(VOCABULARY) for _ in range(words))


@given(st.integers(0, 10**6), st.integers(0, 60))
@settings(max_examples=40)
def test_the_signatures_estimate_the_jaccard_index(seed: int, changed: int) -> None:
    draw = random.Random(seed)
    first = text_of(draw, 120).split()
    second = [draw.choice(VOCABULARY) if place < changed else word for place, word in enumerate(first)]
    sets = [shingles(" ".join(words), 3) for words in (first, second)]
    rows = signatures(sets)
    exact = similarity(*sets)
    # five standard errors: one in a million estimates is further off
    assert abs((rows[0] == rows[1]).mean() - exact) <= 5 * np.sqrt(max(exact * (1 - exact), 0.01) / PERMUTATIONS)


@given(st.lists(st.text(alphabet="ابتثجحخ ،.", max_size=40), max_size=12), st.sampled_from([0.2, 0.5, 1.0]))
@settings(max_examples=40)
def test_every_pair_that_is_told_is_alike_and_as_alike_as_is_told(texts: list[str], threshold: float) -> None:
    for pair in near_duplicates(texts, threshold):
        assert pair.first < pair.second
        assert pair.similarity == similarity(shingles(texts[pair.first]), shingles(texts[pair.second])) >= threshold


@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.8])
def test_what_is_alike_is_found(threshold: float) -> None:
    draw = random.Random(7)
    texts = [text_of(draw, 80) for _ in range(60)]
    for index in range(30):
        words = texts[index].split()
        words[: index // 2] = text_of(draw, index // 2).split()
        texts.append(" ".join(words))
    sets = [shingles(text) for text in texts]
    alike = {
        (first, second)
        for second in range(len(texts))
        for first in range(second)
        if similarity(sets[first], sets[second]) >= threshold
    }
    assert len(alike) >= 10
    found = {(pair.first, pair.second) for pair in near_duplicates(texts, threshold)}
    assert found <= alike
    assert len(found) >= 0.97 * len(alike)


def test_diacritics_tatweel_and_punctuation_make_no_difference() -> None:
    assert near_duplicates(["زارَ الوزيـر «تونس» أمس", "زار الوزير تونس، أمس."], 1.0) == [NearDuplicate(0, 1, 1.0)]


def test_texts_without_words_are_like_no_other() -> None:
    assert near_duplicates(["", " ", "...", "", "كلمة", "كلمة"], 0.1) == [NearDuplicate(4, 5, 1.0)]


def test_a_great_many_copies_hang_together_without_all_pairs() -> None:
    texts = [f"{' '.join(VOCABULARY)} {number}" for number in range(300)]
    pairs = near_duplicates(texts, 0.5)
    assert len(pairs) < 300 * 299 / 4
    assert groups(300, pairs) == [list(range(300))]


@pytest.mark.parametrize("threshold", [0.0, -1.0, 1.5])
def test_a_threshold_that_is_no_share_is_refused(threshold: float) -> None:
    with pytest.raises(ValueError, match="expected a number above 0 and at most 1"):
        near_duplicates(["أ"], threshold)


@given(st.integers(1, 30).flatmap(lambda count: st.tuples(st.just(count), st.lists(
    st.tuples(st.integers(0, count - 1), st.integers(0, count - 1)), max_size=40))))  # fmt: skip
def test_groups_part_the_texts_and_hold_every_pair(case: tuple[int, list[tuple[int, int]]]) -> None:
    count, links = case
    found = groups(count, [NearDuplicate(min(link), max(link), 1.0) for link in links])
    assert sorted(index for group in found for index in group) == list(range(count))
    home = {index: number for number, group in enumerate(found) for index in group}
    assert all(home[first] == home[second] for first, second in links)
    assert len(found) >= count - len(links)
