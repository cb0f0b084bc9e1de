"""Sweeps of tiny trainings: reported together, and going on where they were killed."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import mlflow
import optuna
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.fixtures.tiny_training import composed, options_of
from training import finetune as script
from training.annotations.near_duplicates import Likeness
from training.finetune import SELECTED_BY
from training.folds import folds_by_story, write_fold
from training.script import ScriptError
from training.settings import SettingsError
from training.sweeps.child import Child, ChildScores
from training.sweeps.report import summary_scores, sweep_table
from training.sweeps.search import Search, search
from training.sweeps.sweep import sweep
from training.tracking import RUN_ID_FILE, TrackingCallback


@pytest.fixture(autouse=True)
def _torch_settings() -> Iterator[None]:
    yield
    torch.use_deterministic_algorithms(False)


@pytest.fixture
def options(tiny_corpus: Path, tiny_encoder: Path, mlflow_store: str) -> list[str]:
    """Overrides of a sweep of trainings of two epochs, of four steps each."""
    return [*options_of(tiny_corpus, tiny_encoder, mlflow_store), "optimization.epochs=2", "output_dir=out"]


def run(options: list[str], *more: str) -> list[ChildScores]:
    return sweep(composed("finetune", *options, *more), SELECTED_BY)


def run_id(folder: str) -> str:
    return Path(folder, RUN_ID_FILE).read_text(encoding="utf-8").strip()


def kept(folder: str) -> dict[str, Any]:
    return json.loads(Path(folder, "sweep.json").read_text(encoding="utf-8"))


class Killed(Exception):
    """Stands for the power cut."""


def killed_at(monkeypatch: pytest.MonkeyPatch, step: int, training: int) -> None:
    """Kills a training of the sweep, counted from 1, at one of its steps."""
    begun = 0

    class Breaking(TrackingCallback):
        def on_train_begin(self, *_: Any, **__: Any) -> None:
            nonlocal begun
            begun += 1

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            if begun == training and state.global_step == step:
                raise Killed

    monkeypatch.setattr(script, "TrackingCallback", Breaking)


def test_seeds_are_reported_together_and_a_killed_sweep_goes_on(
    options: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seeds = "sweep.seeds=[1,2]"
    with monkeypatch.context() as patched:
        # in the second epoch of the second training: the first is done, the second has a checkpoint
        killed_at(patched, step=6, training=2)
        with pytest.raises(Killed):
            run(options, "experiment=seeds", seeds)
    assert mlflow.get_run(run_id("out")).info.status == "FAILED"
    done, half = run_id("out/seed-1"), run_id("out/seed-2")
    with pytest.raises(ScriptError, match="out already holds a sweep; add resume=true"):
        run(options, "experiment=seeds", seeds)

    steps = []
    with monkeypatch.context() as patched:

        class Counting(TrackingCallback):
            def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
                steps.append(state.global_step)

        patched.setattr(script, "TrackingCallback", Counting)
        trained = run(options, "experiment=seeds", seeds, "resume=true")
    # from the checkpoint after four steps on, and nothing of the first training again
    assert steps == [5, 6, 7, 8]
    assert [each.run_id for each in trained] == [done, half]
    parent = mlflow.get_run(run_id("out"))
    assert parent.info.status == "FINISHED"
    for each in trained:
        child = mlflow.get_run(str(each.run_id))
        assert child.data.tags["mlflow.parentRunId"] == parent.info.run_id
        assert child.info.run_name == each.child.name
        assert not (each.directory / "checkpoints").exists()
    unbroken = run([*options, "output_dir=other"], "experiment=seeds", seeds)
    assert [each.scores for each in unbroken] == [pytest.approx(each.scores) for each in trained]
    expected = [each.scores["entities/f1"] for each in trained]
    assert parent.data.metrics["mean/entities/f1"] == pytest.approx(sum(expected) / 2)
    assert parent.data.metrics["sd/entities/f1"] == pytest.approx(abs(expected[0] - expected[1]) / 2**0.5)
    assert kept("out")["trainings"][1]["settings"] == {"seed": 2}
    assert "mean ± sd" in capsys.readouterr().out

    # another seed may be added; what was trained with other settings is not taken for this sweep's
    more = run(options, "experiment=seeds", "sweep.seeds=[2,3]", "resume=true")
    assert [each.child.name for each in more] == ["seed-2", "seed-3"]
    with pytest.raises(ScriptError, match=r"(?s)begun with other settings:.*optimization.epochs: was 2, is 3"):
        run(options, "experiment=seeds", seeds, "resume=true", "optimization.epochs=3")


def test_every_article_is_judged_on_once_and_the_test_split_never_read(
    options: list[str], tiny_corpus: Path, tmp_path: Path
) -> None:
    options = [*options, "optimization.epochs=1", "tracking.enabled=false"]
    trained = run(options, "experiment=kfold", "sweep.folds=3")
    assert [each.child.name for each in trained] == ["fold-1-of-3", "fold-2-of-3", "fold-3-of-3"]
    names = {
        split: (tiny_corpus / "splits" / f"{split}.txt").read_text(encoding="utf-8").split()
        for split in ("train", "dev", "test")
    }
    judged: list[str] = []
    for each in trained:
        folder = Path("out/splits", each.child.name)
        fold = {path.stem: path.read_text(encoding="utf-8").split() for path in folder.glob("*.txt")}
        assert sorted(fold["train"] + fold["dev"]) == sorted(names["train"] + names["dev"])
        assert fold["test"] == names["test"]
        judged += fold["dev"]
    assert sorted(judged) == sorted(names["train"] + names["dev"])
    assert run(options, "experiment=kfold", "sweep.folds=3", "resume=true") == trained
    (Path("out/splits/fold-2-of-3") / "dev.txt").write_text(judged[0] + "\n", encoding="utf-8")
    with pytest.raises(ScriptError, match="holds another division than the corpus gives now"):
        run(options, "experiment=kfold", "sweep.folds=3", "resume=true")


def test_a_search_tries_the_same_whether_it_was_killed_or_not(
    options: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    options = [*options, "experiment=search", "tracking.enabled=false"]
    with monkeypatch.context() as patched:
        killed_at(patched, step=6, training=2)
        with pytest.raises(Killed):
            sweep(small_search(options, trials=2), SELECTED_BY)
    resumed = sweep(small_search([*options, "resume=true"], trials=2), SELECTED_BY)
    whole = sweep(small_search([*options, "output_dir=other"], trials=2), SELECTED_BY)
    assert [each.child.settings for each in resumed] == [each.child.settings for each in whole]
    assert [each.scores for each in resumed] == [pytest.approx(each.scores) for each in whole]
    assert len({each.child.settings["optimization.learning_rate"] for each in whole}) == 2
    assert all(1e-4 <= each.child.settings["optimization.learning_rate"] <= 1e-2 for each in whole)


def small_search(options: list[str], trials: int) -> Any:
    config = composed("finetune", *options)
    config.sweep.trials = trials
    config.sweep.space = {
        "optimization.learning_rate": {"low": 1e-4, "high": 1e-2, "log": True},
        "optimization.batch_size": {"choices": [8, 16]},
    }
    return config


def fake_training(scores: list[list[float]]) -> Any:
    """A training of which each epoch's score is given, told to the callbacks as the Trainer would."""
    told: list[int] = []

    def train(child: Child, callbacks: list[Any]) -> ChildScores:
        number = int(child.name.removeprefix("trial-"))
        control = SimpleNamespace(should_training_stop=False)
        for epoch, score in enumerate(scores[number], start=1):
            told.append(number)
            for callback in callbacks:
                callback.on_evaluate(None, SimpleNamespace(epoch=epoch), control, {"eval_mean_f1": score})
            if control.should_training_stop:
                break
        return ChildScores(child, Path(child.name), {"mean_f1": max(scores[number])}, None, "")

    train.told = told  # type: ignore[attr-defined]
    return train


def test_what_is_worse_than_the_others_is_ended_early(tmp_path: Path) -> None:
    wanted = Search("search", 7, {"seed": {"low": 1, "high": 100}}, 1, pruning=True)
    scores = [[0.5, 0.6, 0.7]] * 5 + [[0.1, 0.6, 0.9], [0.6, 0.7, 0.8]]
    train = fake_training(scores)
    reached = list(search(wanted, tmp_path, "mean_f1", train))
    assert [each.scores["mean_f1"] for each in reached] == [0.7] * 5 + [0.9, 0.8]
    assert train.told.count(5) == 1
    assert train.told.count(6) == 3
    study = optuna.load_study(study_name="search", storage=f"sqlite:///{tmp_path / 'optuna.db'}")
    assert [trial.state.name for trial in study.trials] == ["COMPLETE"] * 5 + ["PRUNED", "COMPLETE"]
    never = Search("search", 7, {"seed": {"low": 1, "high": 100}}, 1, pruning=False)
    patient = fake_training(scores)
    list(search(never, tmp_path / "patient", "mean_f1", patient))
    assert patient.told.count(5) == 3


def test_without_optuna_it_is_said_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    wanted = Search("search", 1, {"seed": {"low": 1, "high": 2}}, 1, pruning=False)
    with pytest.raises(ScriptError, match=r"pip install 'hadath\[sweep\]'"):
        next(search(wanted, tmp_path, "mean_f1", fake_training([[0.1]])))


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (("experiment=seeds", "sweep.seeds=[1,1]"), r"sweep\.seeds is \[1, 1\]"),
        (("experiment=kfold", "sweep.folds=1"), r"sweep\.folds is 1; expected at least 2"),
        (("experiment=kfold", "sweep.folds=99"), r"sweep\.folds is 99, but the articles tell [0-9] stories"),
        (("experiment=kfold", "sweep.near_duplicates.threshold=0"), r"sweep\.near_duplicates\.threshold is 0"),
        (("experiment=search", "sweep.trials=0"), r"sweep\.trials is 0"),
        (("experiment=search", "+sweep.space.seed={low:3,high:1}"), r"sweep\.space\.seed is"),
        (("experiment=seeds", "sweep.kind=folds"), r"sweep\.kind is folds; expected one of seeds, kfold, search"),
        (("experiment=seeds", "+sweep.folds=2"), r"sweep\.folds: "),
    ],
)
def test_a_wrong_option_of_a_sweep_is_refused(options: list[str], overrides: tuple[str, ...], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        run([*options, "tracking.enabled=false"], *overrides)


def test_a_setting_that_is_none_is_refused(options: list[str]) -> None:
    config = composed("finetune", *options, "experiment=search", "tracking.enabled=false")
    config.sweep.space = {"optimization.learning_rat": {"low": 1e-4, "high": 1e-2}}
    with pytest.raises(ScriptError, match=r"sweep sets optimization\.learning_rat, which is no setting"):
        sweep(config, SELECTED_BY)


def scored(name: str, **scores: float) -> ChildScores:
    return ChildScores(Child(name, {}), Path(name), scores, None, "")


def test_the_table_shows_each_training_and_the_spread() -> None:
    trained = [scored("seed-1", mean_f1=0.5, modality=0.9), scored("seed-2", mean_f1=0.7)]
    assert summary_scores(trained) == pytest.approx({"mean/mean_f1": 0.6, "sd/mean_f1": 0.1414213562})
    assert sweep_table(trained, "seeds").splitlines() == [
        "seeds            mean_f1",
        "seed-1             0.500",
        "seed-2             0.700",
        "mean ± sd  0.600 ± 0.141",
    ]
    assert summary_scores(trained[:1])["sd/mean_f1"] == 0.0


STORY = "وصل وفد من بلدية سبها إلى غدامس مساء أمس لبحث خط المياه الذي يمر بين المدينتين منذ عشرين عاما"


@given(st.lists(st.integers(0, 5), min_size=4, max_size=24), st.integers(2, 4), st.integers(0, 3))
def test_a_story_is_in_one_fold_and_every_article_in_one(stories: list[int], folds: int, seed: int) -> None:
    words = STORY.split()
    # each story has words of its own; its articles differ in the last one
    texts = {
        f"a{place}": " ".join(f"{word}{chr(0x0621 + story)}" for word in words) + f" {place}"
        for place, story in enumerate(stories)
    }
    number = len(set(stories))
    if number < folds:
        with pytest.raises(ValueError, match=f"tell {number} stories"):
            folds_by_story(texts, folds, Likeness(0.4, 3), seed=seed)
        return
    parts = folds_by_story(texts, folds, Likeness(0.4, 3), seed=seed)
    assert sorted(name for part in parts for name in part) == sorted(texts)
    assert all(parts)
    for story in set(stories):
        members = {f"a{place}" for place, each in enumerate(stories) if each == story}
        assert sum(bool(members & set(part)) for part in parts) == 1
    assert parts == folds_by_story(texts, folds, Likeness(0.4, 3), seed=seed)


def test_folds_of_single_articles_are_alike_in_size() -> None:
    texts = {f"a{number}": f"خبر رقم {number} عن موضوع {number * 7}" for number in range(11)}
    sizes = [len(part) for part in folds_by_story(texts, 4, Likeness(1.0, 3))]
    assert sorted(sizes) == [2, 3, 3, 3]
    assert folds_by_story(texts, 4, Likeness(1.0, 3), seed=1) != folds_by_story(texts, 4, Likeness(1.0, 3), seed=2)


def test_another_division_is_not_written_over(tmp_path: Path) -> None:
    parts = [["a", "b"], ["c"]]
    assert write_fold(tmp_path / "fold", parts[0], parts, {"test.txt": "d\n"})
    assert (tmp_path / "fold" / "train.txt").read_text(encoding="utf-8") == "c\n"
    assert write_fold(tmp_path / "fold", parts[0], parts, {"test.txt": "d\n"})
    assert not write_fold(tmp_path / "fold", parts[1], parts, {"test.txt": "d\n"})
    assert (tmp_path / "fold" / "dev.txt").read_text(encoding="utf-8") == "a\nb\n"
