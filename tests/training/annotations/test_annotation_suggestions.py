"""Which articles are chosen, what of raw files comes in, and why."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as drawn_with
from hypothesis import strategies as st

import hadath
from hadath.batch.articles import Columns
from hadath.errors import InputError
from hadath.reading import read
from tests.fixtures.tiny_model import write_tiny_model
from training.annotations.articles import Findings
from training.annotations.near_duplicates import Likeness
from training.annotations.suggestions.beliefs import Belief, believed_types, tagger_beliefs, text_beliefs
from training.annotations.suggestions.raw_articles import drawn_articles, new_articles
from training.annotations.suggestions.reasons import COLUMNS, write_reasons
from training.annotations.suggestions.strategies import OPENING_WORDS, Strategy, choose, type_weights

ALIKE = np.ones(2)


def belief(*words: tuple[str, float]) -> Belief:
    """An article of words, each with the probability that an event of the first of two types begins there."""
    return Belief([form for form, _ in words], np.array([[value, 0.0] for _, value in words], np.float32))


def chosen(beliefs: list[Belief], count: int, strategy: str = "diverse", per_word: bool = False) -> list[int]:
    how = Strategy(strategy, per_word, 0.0)
    return [choice.index for choice in choose(beliefs, count, how, ALIKE, seed=1)]


def test_what_is_sure_either_way_raises_no_doubt() -> None:
    doubts = belief(("زار", 1.0), ("تونس", 0.0), ("أمس", 0.5), ("مساء", 0.9)).errors
    assert doubts.tolist() == pytest.approx([0.0, 0.0, 0.5, 0.1], abs=1e-6)


def test_uncertainty_prefers_doubts_and_per_word_short_articles() -> None:
    sure = belief(("زار", 0.99), ("تونس", 0.01))
    short = belief(("زار", 0.5))
    long = belief(*[("كلمة", 0.1)] * 200)
    assert chosen([sure, short, long], 3, "uncertainty") == [2, 1, 0]
    assert chosen([sure, short, long], 3, "uncertainty", per_word=True) == [2, 1, 0]
    longer = belief(*[("كلمة", 0.01)] * 200)
    assert chosen([sure, short, longer], 3, "uncertainty") == [2, 1, 0]
    assert chosen([sure, short, longer], 3, "uncertainty", per_word=True) == [1, 2, 0]


def test_a_headline_does_not_win_by_being_short() -> None:
    headline = belief(("زار", 0.5))
    article = belief(*[("كلمة", 0.2)] * OPENING_WORDS)
    assert chosen([headline, article], 1, "uncertainty", per_word=True) == [1]


def test_diverse_does_not_choose_the_same_doubt_twice() -> None:
    first = belief(("أوقف", 0.5), ("احتج", 0.4))
    repeated = belief(("أوقف", 0.5), ("احتج", 0.39))
    other = belief(("تفاوض", 0.5), ("وعد", 0.3))
    assert chosen([first, repeated, other], 2, "uncertainty") == [0, 1]
    assert chosen([first, repeated, other], 2, "diverse") == [0, 2]


def test_random_chooses_by_its_seed_alone() -> None:
    beliefs = [belief(("زار", value / 40)) for value in range(20)]
    how = Strategy("random", True, 0.0)
    orders = [[choice.index for choice in choose(beliefs, 20, how, ALIKE, seed)] for seed in (1, 1, 2)]
    assert orders[0] == orders[1] != orders[2]
    assert sorted(orders[0]) == list(range(20))


def test_doubts_on_rare_types_count_more() -> None:
    weights = type_weights([400, 4], 0.5)
    assert weights[1] > 5 * weights[0]
    frequent = Belief(["زار"], np.array([[0.5, 0.0]], np.float32))
    rare = Belief(["احتج"], np.array([[0.0, 0.3]], np.float32))
    how = Strategy("diverse", True, 0.5)
    assert [choice.index for choice in choose([frequent, rare], 2, how, weights, seed=1)] == [1, 0]
    assert type_weights([400, 4], 0.0).tolist() == [1.0, 1.0]


articles_of_words = st.lists(
    st.lists(st.tuples(st.sampled_from("ابتثجحخ"), st.floats(0, 1, width=32)), min_size=1, max_size=6),
    min_size=1,
    max_size=8,
)


@given(articles_of_words, st.integers(1, 8), st.booleans())
@drawn_with(max_examples=60, deadline=None)
def test_the_lazy_choice_is_the_greedy_choice(
    articles: list[list[tuple[str, float]]], count: int, per_word: bool
) -> None:
    beliefs = [belief(*words) for words in articles]
    found = choose(beliefs, count, Strategy("diverse", per_word, 0.0), ALIKE, seed=3)
    assert len({choice.index for choice in found}) == len(found) == min(count, len(beliefs))
    covered: dict[str, float] = {}
    left = set(range(len(beliefs)))
    for choice in found:
        scores = {}
        for index in left:
            mass: dict[str, float] = {}
            for form, doubt in zip(beliefs[index].forms, beliefs[index].errors.tolist(), strict=True):
                if doubt > 1e-3:
                    mass[form] = mass.get(form, 0.0) + doubt
            gain = sum(np.log1p(value / (1 + covered.get(form, 0.0))) for form, value in mass.items())
            scores[index] = gain / ((len(beliefs[index].forms) + OPENING_WORDS) / 100 if per_word else 1.0)
        assert choice.score == pytest.approx(max(scores.values()), abs=1e-6)
        assert choice.score == pytest.approx(scores[choice.index], abs=1e-6)
        left.remove(choice.index)
        for form, doubt in zip(beliefs[choice.index].forms, beliefs[choice.index].errors.tolist(), strict=True):
            if doubt > 1e-3:
                covered[form] = covered.get(form, 0.0) + doubt


@pytest.mark.parametrize("wrong", [{"strategy": "entropy"}, {"rarity": 1.5}, {"rarity": -1.0}])
def test_settings_of_a_strategy_are_checked(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} is "):
        Strategy(**{"strategy": "random", "per_word": True, "rarity": 0.0, **wrong})


def test_beliefs_are_those_of_the_tagger(tmp_path: Path) -> None:
    tagger = hadath.load(write_tiny_model(tmp_path / "model"), min_scores={"entities": 0.0, "events": 0.0})
    texts = ["زار وزير تونس اليوم", "هجوم قوات على مدينة غدامس", "."]
    both = text_beliefs(tagger, texts, ["events", "entities"])
    events = text_beliefs(tagger, texts, ["events"])
    entities = text_beliefs(tagger, texts, ["entities"])
    types = believed_types(tagger, ["events", "entities"])
    assert [len(each.forms) for each in both] == [4, 5, 1]
    for joined, own, other in zip(both, events, entities, strict=True):
        assert joined.begins.shape[1] == len(types)
        np.testing.assert_array_equal(joined.begins, np.concatenate([own.begins, other.begins], axis=1))
        assert (joined.begins.sum(axis=1) <= 1 + 1e-5).all()
    # what the tagger reports begins where its belief is the greatest
    readings = [read(text, tagger.tokenizer, tagger.windowing) for text in texts]
    for reading, document, each in zip(readings, tagger.tag(texts), both, strict=True):
        for span in (*document.entities, *document.events):
            word = int(np.searchsorted(reading.words.starts, span.start))
            if span.score > 0.5:
                assert types[int(each.begins[word].argmax())] == span.type
    alone = [tagger_beliefs(tagger, [one], tagger.logits([one]), ["events"])[0] for one in readings]
    for one, together in zip(alone, events, strict=True):
        np.testing.assert_allclose(one.begins, together.begins, atol=1e-5)


def lines(path: Path, *records: Any) -> str:
    path.write_text("".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records), encoding="utf-8")
    return str(path)


def test_raw_articles_come_in_with_their_fields_and_without_what_is_none(tmp_path: Path) -> None:
    source = lines(
        tmp_path / "news.jsonl",
        {"id": "خبر/1", "text": "زار الوزير تونس أمس", "label": "politics", "date": "2026-01-02", "views": 7},
        {"id": 2, "text": None},
        {"id": 3, "text": " … "},
        {"text": "احتج العمال في الميناء"},
    )
    findings = Findings()
    drawn = drawn_articles([source], Columns(), None, 1, findings)
    assert (drawn.total, [str(each.place) for each in drawn.rejected]) == (2, [f"{source}:2"])
    fresh = new_articles(drawn.articles, {}, Likeness(0.4, 3), findings)
    assert [article.name.split("-")[0] for article in fresh] == ["خبر", "news.jsonl"]
    # doccano would take a label for a span
    assert fresh[0].metadata == {"input_label": "politics", "date": "2026-01-02", "views": "7"}
    assert findings.notes["articles without a word"] == 1


def test_a_pool_is_drawn_by_lot_from_all_files(tmp_path: Path) -> None:
    sources = [
        lines(tmp_path / f"{part}.jsonl", *({"id": f"{part}-{n}", "text": f"خبر {part} {n}"} for n in range(50)))
        for part in "ab"
    ]
    pools = []
    for seed in (1, 1, 2):
        findings = Findings()
        drawn = drawn_articles(sources, Columns(), 10, seed, findings)
        assert (len(drawn.articles), drawn.total) == (10, 100)
        assert findings.notes["articles not drawn, since there are more than pool"] == 90
        pools.append([article.id for article in drawn.articles])
    assert pools[0] == pools[1] != pools[2]
    assert pools[0] == sorted(pools[0], key=lambda name: (name[0], int(name[2:])))
    assert {name[0] for name in pools[0]} == {"a", "b"}


def test_near_duplicates_are_left_out_and_names_are_unique(tmp_path: Path) -> None:
    story = "وصل الوفد الوزاري إلى صنعاء مساء اليوم قادما من مسقط في زيارة تدوم ثلاثة أيام"
    source = lines(
        tmp_path / "news.jsonl",
        {"id": "one", "text": "افتتح الرئيس جسرا جديدا على النهر قرب العاصمة"},
        {"id": "ONE", "text": "أضرب عمال الميناء عن العمل احتجاجا على الأجور"},
        {"id": "two", "text": f"{story} جوا"},
        {"id": "three", "text": "أضرب عمال الميناء عن العمل احتجاجا على الأجور!"},
        {"id": "known", "text": "أعلنت الشركة نتائجها المالية السنوية في مؤتمر صحفي"},
    )
    findings = Findings()
    drawn = drawn_articles([source], Columns(), None, 1, findings)
    annotated = {"a1": story, "known": "اجتمع البرلمان"}
    fresh = new_articles(drawn.articles, annotated, Likeness(0.4, 3), findings)
    names = [article.name for article in fresh]
    assert [name.partition("-")[0] for name in names] == ["one", "ONE", "known"]
    assert len({name.casefold() for name in (*names, *annotated)}) == 5
    assert findings.notes == {
        "articles that tell a story of the corpus": 1,
        "articles that tell the story of another one": 1,
    }


def test_a_missing_source_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere\.jsonl"):
        drawn_articles([str(tmp_path / "nowhere.jsonl")], Columns(), None, 1, Findings())


def test_reasons_say_which_words_and_types(tmp_path: Path) -> None:
    beliefs = [belief(("زار", 0.98), ("تونس", 0.02)), belief(("أوقف", 0.4), ("فورا", 0.0), ("وعد", 0.7))]
    choices = choose(beliefs, 2, Strategy("diverse", True, 0.0), ALIKE, seed=1)
    write_reasons(tmp_path / "why.csv", choices, ["a", "b"], beliefs, ["CONSULT", "AGREE"])
    with open(tmp_path / "why.csv", encoding="utf-8", newline="") as stream:
        header, *rows = csv.reader(stream)
    assert tuple(header) == COLUMNS
    assert [row[:2] for row in rows] == [["1", "b"], ["2", "a"]]
    assert rows[0][3:] == ["3", "1.1", "0.7", "23.33", "أوقف 0.40; وعد 0.30", "CONSULT 1.10"]
