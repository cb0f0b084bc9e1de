"""Simulated annotation: what is chosen, what is written down, what a killed simulation goes on with."""

from __future__ import annotations

import csv
import itertools
import json
from collections.abc import Sequence
from pathlib import Path

import mlflow
import numpy as np
import pytest
from hydra import initialize_config_dir
from omegaconf import DictConfig

from tests.fixtures.label_studio_articles import write_corpus_articles
from tests.fixtures.tiny_training import composed, options_of
from training.annotations.suggestions.beliefs import Belief
from training.learning_curve import LearningCurves, learning_curves
from training.learning_curves.curves import Point, curve, full_score, paired_difference, reached
from training.learning_curves.learners import SCORE, Learnt
from training.learning_curves.report import curves_text, write_picture
from training.learning_curves.rounds import FILE, Plan, Round, rounds, written_rounds
from training.script import CONFIGS, ScriptError
from training.settings import SettingsError
from training.tracking import RUN_ID_FILE

NAMES = [f"a{number}" for number in range(10)]
LENGTHS = list(range(10, 20))


class Counting:
    """A learner whose score is the share of the articles, and which counts how often it learns."""

    def __init__(self, most: int | None = None) -> None:
        self.learnt: list[tuple[int, ...]] = []
        self.most = most

    def learn(self, articles: Sequence[int], seed: int) -> Learnt:
        if self.most is not None and len(self.learnt) == self.most:
            raise KeyboardInterrupt
        self.learnt.append(tuple(articles))
        return Learnt({SCORE: len(articles) / len(NAMES)}, lambda asked: [belief(place) for place in asked])


def belief(place: int) -> Belief:
    return Belief([NAMES[place]], np.full((1, 1), place / 100, np.float32))


def largest(beliefs: Sequence[Belief], count: int, annotated: Sequence[int], seed: int) -> list[int]:
    return np.argsort([-each.begins[0, 0] for each in beliefs])[:count].tolist()


def first(beliefs: Sequence[Belief], count: int, annotated: Sequence[int], seed: int) -> list[int]:
    return list(range(count))


def plan(most: int | None = None, start: int = 3) -> Plan:
    return Plan({"random": first, "diverse": largest}, [1, 2], start, 3, most)


def test_each_round_learns_from_what_was_chosen_before(tmp_path: Path) -> None:
    learner = Counting()
    found = list(rounds(plan(), learner, NAMES, LENGTHS, tmp_path / FILE))
    assert [(each.seed, each.strategy, len(each.articles)) for each in found] == [
        (seed, strategy, size) for seed in (1, 2) for strategy in ("random", "diverse") for size in (3, 6, 9, 10)
    ]
    for before, after in itertools.pairwise(found):
        if before.chosen:
            assert [*before.articles, *before.chosen] == list(after.articles)
    starts = {(each.seed, tuple(each.articles)) for each in found if len(each.articles) == 3}
    assert len(starts) == 2
    assert all(each.words == sum(LENGTHS[NAMES.index(name)] for name in each.articles) for each in found)
    # the first articles, and all of them, are learnt once for both strategies
    assert len(learner.learnt) == 12
    left = sorted(set(NAMES) - set(found[4].articles))
    assert list(found[4].chosen) == left[:-4:-1]


def test_a_simulation_ends_where_it_is_told(tmp_path: Path) -> None:
    found = list(rounds(plan(most=7), Counting(), NAMES, LENGTHS, tmp_path / FILE))
    assert [len(each.articles) for each in found] == [3, 6, 7] * 4


@pytest.mark.parametrize("killed_after", [0, 1, 4, 7])
def test_a_killed_simulation_goes_on_where_it_was(killed_after: int, tmp_path: Path) -> None:
    whole = list(rounds(plan(), Counting(), NAMES, LENGTHS, tmp_path / "whole.jsonl"))
    path = tmp_path / FILE
    with pytest.raises(KeyboardInterrupt):
        list(rounds(plan(), Counting(killed_after), NAMES, LENGTHS, path))
    there = len(written_rounds(path))
    if path.exists():
        with path.open("ab") as stream:
            stream.write(b'{"strategy": "ran')
    again = Counting()
    assert list(rounds(plan(), again, NAMES, LENGTHS, path)) == whole
    assert len(again.learnt) <= 16 - there
    assert written_rounds(path) == whole


def test_rounds_of_another_simulation_are_refused(tmp_path: Path) -> None:
    list(rounds(plan(), Counting(), NAMES, LENGTHS, tmp_path / FILE))
    with pytest.raises(ScriptError, match="another simulation"):
        list(rounds(plan(), Counting(), NAMES[::-1], LENGTHS, tmp_path / FILE))


def one(strategy: str, seed: int, size: int, score: float, words: int = 0) -> Round:
    return Round(strategy, seed, [f"{strategy}{n}" for n in range(size)], words or 100 * size, {SCORE: score}, [])


def test_curves_are_means_over_seeds_and_sizes_that_all_have() -> None:
    found = [one("random", 1, 4, 0.2, 300), one("random", 2, 4, 0.4, 500), one("random", 1, 8, 0.5)]
    assert curve(found, "random", SCORE) == [Point(4, 400, pytest.approx(0.3), pytest.approx(0.1414, abs=1e-4))]
    assert full_score([curve(found, "random", SCORE)], 8) is None
    assert full_score([[Point(8, 800, 0.5, 0)], [Point(8, 800, 0.7, 0)], []], 8) == pytest.approx(0.6)


def test_what_is_needed_lies_between_the_rounds() -> None:
    points = [Point(10, 1000, 0.4, 0), Point(20, 2200, 0.5, 0), Point(40, 4000, 0.48, 0)]
    assert reached(points, 0.45, 1.0).articles == pytest.approx(15)
    assert reached(points, 0.45, 1.0).words == pytest.approx(1600)
    assert reached(points, 0.3, 1.0).articles == 10
    assert reached(points, 0.6, 1.0).articles is None
    text = curves_text({"random": points, "diverse": [Point(10, 900, 0.5, 0)]}, 0.5, "random")
    assert "diverse: 10 articles, 900 words (-50% articles, -59% words)" in text
    assert "   0.400 ± 0.000    0.500 ± 0.000" in text


def test_strategies_are_compared_seed_by_seed() -> None:
    found = [one(s, seed, size, base + gain) for s, gain in (("random", 0.0), ("diverse", 0.1)) for seed, base in
             ((1, 0.2), (2, 0.5)) for size in (4, 8)]  # fmt: skip
    assert paired_difference(found, "diverse", "random", SCORE) == (pytest.approx(0.1), pytest.approx(0.0))
    assert paired_difference(found, "uncertainty", "random", SCORE) is None


def test_the_picture_is_drawn_with_and_without_a_full_score(tmp_path: Path) -> None:
    curves = {"random": [Point(10, 1000, 0.4, 0.02), Point(20, 2000, 0.5, 0.01)], "diverse": [Point(10, 900, 0.45, 0)]}
    for full in (None, 0.5):
        assert write_picture(curves, full, "event F1", tmp_path / "deep" / f"{full}.png").stat().st_size > 10_000


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    folder = tmp_path / "corpus"
    (folder / "articles").mkdir(parents=True)
    (folder / "splits").mkdir()
    (folder / "articles.jsonl").write_text("")
    (folder / "annotation.conf").write_text(
        "[entities]\nPLACE\nORG\nDATE\n[relations]\n[events]\nMEET\tWhere:PLACE, When:DATE\nATTACK\tTarget:PLACE\n"
        "HELP\tWith:ORG\n[attributes]\n"
    )
    write_corpus_articles(folder, range(12), "train")
    write_corpus_articles(folder, range(12, 16), "dev")
    write_corpus_articles(folder, range(16, 17), "test")
    return folder


def configuration(corpus: Path, encoder: Path, store: str, *more: str) -> DictConfig:
    return composed(
        "learning_curve",
        f"corpus.path={corpus}",
        f"encoder.source={encoder}",
        "windowing={max_length: 64, overlap: 8, pieces_per_word: 8}",
        "frozen.layers=[1,2]",
        "frozen.batch_words=16",
        "frozen.least_steps=60",
        "frozen.learning_rate=0.02",
        "start=3",
        "step=5",
        "seeds=[1,2]",
        f"tracking.uri={store}",
        "output_dir=out",
        *more,
    )


def run(corpus: Path, encoder: Path, store: str, *more: str) -> LearningCurves:
    return learning_curves(configuration(corpus, encoder, store, *more))


def test_the_frozen_learner_learns_and_all_is_recorded(corpus: Path, tiny_encoder: Path, mlflow_store: str) -> None:
    result = run(corpus, tiny_encoder, mlflow_store)
    assert [point.articles for point in result.curves["diverse"]] == [3, 8, 12]
    assert result.full is not None
    assert result.full > 0.8
    same = {(each.seed, each.scores[SCORE]) for each in result.rounds if len(each.articles) == 12}
    assert len(same) == 2
    with open("out/learning_curve.csv", encoding="utf-8", newline="") as stream:
        assert len(list(csv.reader(stream))) == 1 + 3 * 3
    run_id = Path("out", RUN_ID_FILE).read_text().strip()
    client = mlflow.MlflowClient()
    history = client.get_metric_history(run_id, f"diverse/mean/{SCORE}")
    assert [(each.step, each.value) for each in history] == [
        (point.articles, pytest.approx(point.mean)) for point in result.curves["diverse"]
    ]
    assert {each.path for each in client.list_artifacts(run_id)} >= {"learning_curve.png", "learning_curve.csv", FILE}
    assert "random/articles_to_95_percent" in client.get_run(run_id).data.metrics

    with pytest.raises(ScriptError, match="already holds a simulation"):
        run(corpus, tiny_encoder, mlflow_store)
    with pytest.raises(ScriptError, match="step: was 5, is 4"):
        run(corpus, tiny_encoder, mlflow_store, "resume=true", "step=4")
    # killed after its seventh round: it goes on, in the same run, to the same result
    kept = Path("out", FILE).read_bytes().split(b"\n")
    Path("out", FILE).write_bytes(b"\n".join(kept[:7]) + b"\n" + kept[7][:20])
    again = run(corpus, tiny_encoder, mlflow_store, "resume=true")
    assert again.curves == result.curves
    assert Path("out", RUN_ID_FILE).read_text().strip() == run_id
    assert [json.loads(line) for line in Path("out", FILE).read_bytes().splitlines()] == [
        json.loads(line) for line in kept[:-1]
    ]


def test_the_finetuning_learner_trains_on_the_chosen_articles_alone(
    corpus: Path, tiny_encoder: Path, mlflow_store: str
) -> None:
    tiny = [
        each
        for each in options_of(corpus, tiny_encoder, mlflow_store)
        if not each.startswith(("corpus.", "tracking.", "optimization.epochs"))
    ]
    settings = ",".join(f"'{each}'" for each in [*tiny, "optimization.epochs=1", "deterministic=false"])
    more = ("learner=finetune", f"finetune=[{settings}]", "strategies=[random,diverse]", "seeds=[7]", "most=8")
    config = configuration(corpus, tiny_encoder, mlflow_store, *more)
    # finetune's own configuration is composed as the command line of this one is
    with initialize_config_dir(str(CONFIGS), version_base="1.3"):
        result = learning_curves(config)
    assert [len(each.articles) for each in result.rounds] == [3, 8, 3, 8]
    assert result.full is None
    for each in result.rounds:
        [splits] = {
            folder
            for folder in Path("out", "splits").iterdir()
            if set((folder / "train.txt").read_text().split()) == set(each.articles)
        }
        assert len((splits / "waiting.txt").read_text().split()) == 12 - len(each.articles)
        assert (splits / "test.txt").read_text().split() == ["new-16"]
    # each set of articles is a run of its own under that of the simulation
    parent = Path("out", RUN_ID_FILE).read_text().strip()
    children = mlflow.search_runs(
        search_all_experiments=True, filter_string=f"tags.mlflow.parentRunId = '{parent}'", output_format="list"
    )
    assert len(children) == len({frozenset(each.articles) for each in result.rounds})


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("learner=svm", "learner is svm; expected one of frozen, finetune"),
        ("strategies=[diverse]", "expected random and others of"),
        ("seeds=[1,1]", "expected at least one, each once"),
        ("start=0", "expected numbers above 0"),
        ("start=13", "start is 13; expected at most 12"),
        ("frozen.layers=[9]", "frozen.layers is [9]; expected numbers from 0 to 2"),
        ("frozen.epochs=0", "frozen.epochs is 0"),
    ],
)
def test_wrong_settings_are_said(more: str, said: str, corpus: Path, tiny_encoder: Path, mlflow_store: str) -> None:
    with pytest.raises(SettingsError) as raised:
        run(corpus, tiny_encoder, mlflow_store, "tracking.enabled=false", more)
    assert said in str(raised.value)
