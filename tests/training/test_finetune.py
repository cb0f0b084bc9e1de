"""Whole fine-tunings of a tiny encoder on the tiny corpus: what they give, and that a resumed one gives the same."""

from __future__ import annotations

import json
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlflow
import pytest
import torch
from hydra.core.global_hydra import GlobalHydra
from safetensors.torch import load_file

from hadath.errors import ModelError
from tests.fixtures.tiny_training import composed, options_of
from training import finetune as script
from training.corpus import CorpusError, fingerprint, read_corpus
from training.encoders import EncoderError
from training.finetune import Finetuned, finetune
from training.metrics import selection_scores
from training.networks import NetworkError, load_network
from training.prediction import tag_and_link, torch_tagger
from training.provenance import read_provenance
from training.script import EXIT_BAD_INPUT, ScriptError
from training.settings import SettingsError
from training.tracking import RUN_ID_FILE, TrackingCallback


@pytest.fixture(autouse=True)
def _torch_settings() -> Iterator[None]:
    yield
    torch.use_deterministic_algorithms(False)


@pytest.fixture
def options(tiny_corpus: Path, tiny_encoder: Path, mlflow_store: str) -> list[str]:
    """Overrides of a test that records in a store of its own."""
    return options_of(tiny_corpus, tiny_encoder, mlflow_store)


@dataclass(frozen=True)
class Straight:
    """What a training in one go gave: the best weights, the last ones, the scores, and what was recorded."""

    best: dict[str, torch.Tensor]
    last: dict[str, torch.Tensor]
    scores: dict[str, float]
    history: dict[str, list[tuple[int, float]]]


RECORDED = ("train/loss", "train/learning_rate", "dev/mean_f1")


@pytest.fixture(scope="module")
def straight(
    tiny_corpus: Path, tiny_encoder: Path, empty_store: Path, tmp_path_factory: pytest.TempPathFactory
) -> Straight:
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(tmp_path_factory.mktemp("straight"))
        shutil.copy(empty_store, "mlflow.db")
        result = run(options_of(tiny_corpus, tiny_encoder, "sqlite:///mlflow.db"), "output_dir=out")
        recorded = {name: history(result.run_id, name) for name in RECORDED}
        return Straight(weights("out"), last_weights("out"), result.scores, recorded)


def run(options: list[str], *more: str) -> Finetuned:
    return finetune(composed("finetune", *options, *more))


def weights(output: Path | str) -> dict[str, torch.Tensor]:
    return load_file(Path(output) / "model" / "model.safetensors")


def last_weights(output: Path | str) -> dict[str, torch.Tensor]:
    return load_file(Path(output) / "checkpoints" / "checkpoint-12" / "model.safetensors")


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor], tolerance: float = 0.0) -> bool:
    assert one.keys() == other.keys()
    return all(torch.allclose(one[name], other[name], rtol=0, atol=tolerance) for name in one)


def history(run_id: str | None, name: str) -> list[tuple[int, float]]:
    return [(metric.step, metric.value) for metric in mlflow.MlflowClient().get_metric_history(str(run_id), name)]


class Killed(Exception):
    """Stands for the power cut."""


def interrupted(monkeypatch: pytest.MonkeyPatch, options: list[str], *more: str, event: str, when: int) -> None:
    """Runs a fine-tuning that breaks off at an event of the Trainer, at a step."""

    class Breaking(TrackingCallback):
        pass

    def broken(self: Breaking, args: Any, state: Any, control: Any, **_: Any) -> None:
        if state.global_step == when:
            raise Killed

    setattr(Breaking, event, broken)
    with monkeypatch.context() as patched:
        patched.setattr(script, "TrackingCallback", Breaking)
        with pytest.raises(Killed):
            run(options, *more)


def test_a_line_an_epoch_is_shown_and_the_outcome(
    options: list[str], command: Callable[..., int], capfd: pytest.CaptureFixture[str]
) -> None:
    assert command(*options, "output_dir=out", "optimization.epochs=2", "tracking.enabled=false") == 0
    shown = capfd.readouterr()
    assert shown.out == ""
    assert [line.split()[0] for line in shown.err.splitlines()] == ["epoch", "epoch", "Dev:", "The"]


def test_a_fine_tuning_learns_and_is_recorded(options: list[str], tiny_corpus: Path, tiny_encoder: Path) -> None:
    result = run(options, "output_dir=out", "optimization.epochs=2")
    # arguments are scored as soon as one is found
    always = {"mean_f1", "entities/f1", "events/f1", "modality/accuracy", "arguments_given_spans/f1"}
    assert always <= set(result.scores) <= {*always, "arguments/f1"}
    assert all(0 <= score <= 1 for score in result.scores.values())
    assert result.directory == Path("out/model")

    recorded = mlflow.MlflowClient().get_run(str(result.run_id))
    assert recorded.info.status == "FINISHED"
    assert recorded.data.params["optimization.batch_size"] == "16"
    assert recorded.data.params["encoder.source"] == str(tiny_encoder)
    splits = read_corpus(tiny_corpus, ("train", "dev")).splits
    learnt_from = fingerprint([*splits["train"], *splits["dev"]])
    assert recorded.data.tags["corpus.fingerprint"] == learnt_from
    files = [file.path for file in mlflow.MlflowClient().list_artifacts(str(result.run_id))]
    assert files == ["config.yaml", "network", "seen_articles.tsv"]
    losses = [loss for _, loss in history(result.run_id, "train/loss")]
    assert sum(losses[-3:-1]) < 0.8 * sum(losses[:2])  # the last one is the mean of all
    assert [step for step, _ in history(result.run_id, "dev/mean_f1")] == [4, 8]
    for name, score in result.scores.items():
        assert recorded.data.metrics[f"best/{name}"] == pytest.approx(score)

    origin = read_provenance(result.directory)
    assert origin["corpus_fingerprint"] == learnt_from
    assert origin["articles"] == {"train": 6, "dev": 2}
    assert (origin["mlflow_run_id"], origin["seed"]) == (result.run_id, 1)


def test_what_is_saved_is_the_network_that_was_scored(options: list[str], tiny_corpus: Path, tmp_path: Path) -> None:
    # dev articles that say what training articles say: what is learnt by heart shows
    corpus = shutil.copytree(tiny_corpus, tmp_path / "corpus")
    for number in ("01", "02", "03"):
        for kind in ("txt", "ann"):
            shutil.copy(corpus / f"articles/tiny-{number}.{kind}", corpus / f"articles/again-{number}.{kind}")
    with (corpus / "splits" / "dev.txt").open("a", encoding="utf-8") as split:
        split.write("\nagain-01\nagain-02\nagain-03\n")
    more = ("optimization.epochs=16", "optimization.learning_rate=5e-3", "optimization.patience=16")
    result = run(options, "output_dir=out", f"corpus.path={corpus}", "tracking.enabled=false", *more)
    assert result.scores["mean_f1"] > 0.3
    model, tokenizer = load_network(result.directory)
    assert not model.training
    read = read_corpus(corpus, ("dev",))
    found, linked = tag_and_link(torch_tagger(model, tokenizer), read.splits["dev"])
    assert selection_scores(read.splits["dev"], found, read.schema, linked) == result.scores
    assert [document.id for document in found] == [document.id for document in read.splits["dev"]]


def test_the_network_of_the_best_epoch_is_kept(options: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    given = iter([0.1, 0.9, 0.3, 0.9])  # three epochs, and the kept network once more
    found: list[dict[str, torch.Tensor]] = []

    def scores(*_: Any) -> dict[str, float]:
        return {"mean_f1": next(given)}

    class Keeping(TrackingCallback):
        def on_evaluate(self, args: Any, state: Any, control: Any, model: Any = None, **_: Any) -> None:
            found.append({name: values.clone() for name, values in model.state_dict().items()})

    monkeypatch.setattr(script, "selection_scores", scores)
    monkeypatch.setattr(script, "TrackingCallback", Keeping)
    result = run(options, "output_dir=out")
    assert result.scores == {"mean_f1": 0.9}
    kept = weights("out")
    assert same(kept, {name: values for name, values in found[1].items() if name in kept})
    assert not same(kept, {name: values for name, values in found[2].items() if name in kept})


def test_the_same_seed_gives_the_same_weights(options: list[str]) -> None:
    for output, seed in (("a", 5), ("b", 5), ("c", 6)):
        run(options, f"output_dir={output}", f"seed={seed}", "optimization.epochs=1", "tracking.enabled=false")
    assert same(weights("a"), weights("b"))
    assert not same(weights("a"), weights("c"))


@pytest.mark.parametrize(("event", "when"), [("on_save", 4), ("on_save", 8), ("on_step_end", 6)])
def test_a_resumed_training_gives_the_weights_of_one_in_one_go(
    straight: Straight, options: list[str], monkeypatch: pytest.MonkeyPatch, event: str, when: int
) -> None:
    interrupted(monkeypatch, options, "output_dir=out", event=event, when=when)
    run_id = Path("out", RUN_ID_FILE).read_text(encoding="utf-8").strip()
    assert mlflow.MlflowClient().get_run(run_id).info.status == "FAILED"
    assert not Path("out/model").exists()

    resumed = run(options, "output_dir=out", "resume=true")
    assert resumed.run_id == run_id
    assert mlflow.MlflowClient().get_run(run_id).info.status == "FINISHED"
    assert resumed.scores == straight.scores
    assert same(straight.best, weights("out"), tolerance=1e-5)
    assert same(straight.last, last_weights("out"), tolerance=1e-5)
    assert not same(straight.best, straight.last, tolerance=1e-3)
    for name in ("train/learning_rate", "dev/mean_f1"):
        recorded = history(run_id, name)
        assert dict(recorded) == pytest.approx(dict(straight.history[name]))
        # steps go on where the checkpoint was: only what came after it is there twice
        twice = 1 if event == "on_step_end" and name.startswith("train") else 0
        assert len(recorded) == len(straight.history[name]) + twice


def test_a_checkpoint_that_was_not_written_to_its_end_is_passed_over(
    straight: Straight, options: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupted(monkeypatch, options, "output_dir=missing", event="on_save", when=8)
    shutil.copytree("missing", "half")
    Path("missing/checkpoints/checkpoint-8/trainer_state.json").unlink()
    Path("half/checkpoints/checkpoint-8/trainer_state.json").write_text('{"epoch": 2.', encoding="utf-8")
    Path("half/checkpoints/checkpoint-x").mkdir()
    for output in ("missing", "half"):
        run(options, f"output_dir={output}", "resume=true")
        assert same(straight.last, last_weights(output), tolerance=1e-5)


def constant_scores(*_: Any) -> dict[str, float]:
    return {"mean_f1": 0.5}


@pytest.mark.parametrize("when", [8, 12])
def test_early_stopping_counts_on_where_a_training_was_interrupted(
    options: list[str], monkeypatch: pytest.MonkeyPatch, when: int
) -> None:
    monkeypatch.setattr(script, "selection_scores", constant_scores)
    more = ("optimization.epochs=6", "optimization.patience=2", "output_dir=out")
    # the first epoch is the best one, and the two after it are no better
    interrupted(monkeypatch, options, *more, event="on_save", when=when)
    resumed = run(options, *more, "resume=true")
    assert [step for step, _ in history(resumed.run_id, "dev/mean_f1")] == [4, 8, 12]
    best = load_file("out/checkpoints/checkpoint-4/model.safetensors")
    assert same(weights("out"), best)


def test_a_finished_training_may_be_resumed_and_stays_as_it_is(options: list[str]) -> None:
    first = run(options, "output_dir=out")
    before = weights("out")
    again = run(options, "output_dir=out", "resume=true")
    assert again.run_id == first.run_id
    assert again.scores == first.scores
    assert same(before, weights("out"))


def test_nothing_to_resume(options: list[str]) -> None:
    for output in ("nowhere", "empty"):
        Path("empty/checkpoints").mkdir(parents=True, exist_ok=True)
        with pytest.raises(ScriptError, match=f"nothing to resume: {output}/checkpoints holds no checkpoint"):
            run(options, f"output_dir={output}", "resume=true")


@pytest.mark.parametrize("left", ["checkpoints", "model"])
def test_a_training_is_not_overwritten(options: list[str], left: str) -> None:
    run(options, "output_dir=out", "optimization.epochs=1", "tracking.enabled=false")
    shutil.rmtree({"checkpoints": "out/model", "model": "out/checkpoints"}[left])
    with pytest.raises(ScriptError, match=r"out already holds a training; add resume=true .* another output_dir"):
        run(options, "output_dir=out", "optimization.epochs=1", "tracking.enabled=false")


def test_a_training_is_resumed_with_its_own_settings_only(options: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    interrupted(monkeypatch, options, "output_dir=out", event="on_save", when=4)
    with pytest.raises(ScriptError) as raised:
        run(options, "output_dir=out", "resume=true", "seed=2", "heads.events.dropout=0.3", "tracking.run_name=b")
    assert str(raised.value).splitlines()[:3] == [
        "the training in out was begun with other settings:",
        "  heads.events.dropout: was 0.1, is 0.3",
        "  seed: was 1, is 2",
    ]
    assert "out/config.yaml" in str(raised.value)
    assert "tracking" not in str(raised.value)
    run(options, "output_dir=out", "resume=true", "optimization.log_steps=5")


def test_a_training_interrupted_before_its_first_checkpoint_begins_a_new_run(
    options: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupted(monkeypatch, options, "output_dir=out", event="on_step_end", when=2)
    broken = Path("out", RUN_ID_FILE).read_text(encoding="utf-8").strip()
    result = run(options, "output_dir=out", "optimization.epochs=1")
    assert result.run_id != broken
    assert [step for step, _ in history(result.run_id, "train/learning_rate")] == [1, 2, 3, 4]


def test_the_articles_of_the_test_split_are_not_read(options: list[str], tiny_corpus: Path, tmp_path: Path) -> None:
    corpus = shutil.copytree(tiny_corpus, tmp_path / "corpus")
    for name in (corpus / "splits" / "test.txt").read_text(encoding="utf-8").split():
        for kind in ("txt", "ann"):
            (corpus / "articles" / f"{name}.{kind}").write_bytes(b"\xff\xfe no text, no annotation")
    short = ("optimization.epochs=1", "tracking.enabled=false", f"corpus.path={corpus}")
    run(options, "output_dir=out", *short)
    # the same in the dev split would have been noticed
    dev = (corpus / "splits" / "dev.txt").read_text(encoding="utf-8").split()[0]
    (corpus / "articles" / f"{dev}.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(CorpusError, match=f"{dev}.txt"):
        run(options, "output_dir=out-2", *short)
    assert not Path("out-2").exists()


def test_heads_may_be_left_out_and_articles_limited(options: list[str]) -> None:
    short = ("optimization.epochs=1", "tracking.enabled=false", "article_limit=3")
    result = run(options, "output_dir=a", "heads.modality=null", "heads.entities=null", *short)
    assert list(result.model.heads) == ["events", "arguments"]
    assert result.run_id is None
    assert read_provenance(result.directory)["articles"] == {"train": 3, "dev": 2}


@pytest.mark.parametrize(
    "settings",
    [
        ("precision=bfloat16", "schedule=cosine", "max_grad_norm=0"),
        ("accumulate=2", "schedule=constant_with_warmup", "warmup=0", "input_masking=0", "layer_decay=1"),
    ],
)
def test_other_settings_of_the_optimization(options: list[str], settings: tuple[str, ...]) -> None:
    more = [f"optimization.{setting}" for setting in settings]
    result = run(options, *more, "output_dir=out", "optimization.epochs=2", "deterministic=false")
    assert all(values.isfinite().all() for values in weights("out").values())
    rates = [rate for _, rate in history(result.run_id, "train/learning_rate")]
    if "accumulate=2" in settings:
        assert rates == pytest.approx([2e-3] * 4)  # two steps an epoch
    else:
        assert rates[0] == 0
        assert rates == sorted(rates[:2]) + sorted(rates[2:], reverse=True)
    losses = [loss for _, loss in history(result.run_id, "train/loss")]
    assert 1 < losses[0] < 10  # a mean over the words, however many steps are gathered


@pytest.mark.parametrize(
    ("override", "error", "message"),
    [
        ("seed=one", SettingsError, "^seed: Value 'one'"),
        ("+sed=1", SettingsError, "^sed: "),
        ("article_limit=0", SettingsError, "^article_limit is 0"),
        ("optimization.epochs=none", SettingsError, r"^optimization\.epochs: Value 'none'"),
        ("+optimization.epoch=3", SettingsError, r"^optimization\.epoch: "),
        ("heads.events.kind=words", SettingsError, r"^heads\.events\.kind is words"),
        ("heads.modality.source=event_types", SettingsError, r"^heads\.modality\.a head of kind trigger cannot"),
        ("tracking.enabled=maybe", SettingsError, r"^tracking\.enabled"),
        ("windowing.overlap=60", ModelError, "leave no room in max_length"),
        ("windowing.max_length=wide", SettingsError, r"^windowing\.max_length: Value 'wide'"),
        ("windowing.max_length=500", EncoderError, r"windows of 500 subwords .* windowing\.max_length=72 or less"),
        ("encoder.source=no-such-encoder", EncoderError, "'no-such-encoder' is neither"),
        ("corpus.path=nowhere", CorpusError, "nowhere"),
        ("corpus.articles_folder=nowhere", CorpusError, "nowhere"),
    ],
)
def test_a_wrong_option_is_refused_before_anything_is_written(
    options: list[str], override: str, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        run(options, "output_dir=out", override)
    assert not Path("out").exists()


def test_the_command_with_a_wrong_value(options: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "training.finetune", *options, "output_dir=out", "optimization.epochs=-1"],
        capture_output=True,
        env={**os.environ, "COLUMNS": "200", "PYTHONIOENCODING": "utf-8"},
        timeout=300,
        check=False,
    )
    message = done.stderr.decode("utf-8")
    assert done.returncode == EXIT_BAD_INPUT == 2
    assert "error: optimization.epochs is -1; expected a number above 0" in message
    assert "Traceback" not in message


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., int]]:
    """Runs the command in this process and returns its exit code."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level

    def exit_code(*arguments: str) -> int:
        GlobalHydra.instance().clear()
        monkeypatch.setattr(sys, "argv", ["finetune", *arguments])
        try:
            script.main()
        except SystemExit as left:
            return int(left.code or 0)
        return 0

    yield exit_code
    # the command sets up the terminal's log
    root.handlers[:], root.level = handlers, level


def test_the_command_with_an_unknown_option(
    options: list[str], command: Callable[..., int], capfd: pytest.CaptureFixture[str]
) -> None:
    assert command(*options, "optimization.learning_rat=1") == 1
    message = capfd.readouterr().err
    assert "Key 'learning_rat' is not in struct" in message
    assert "Traceback" not in message


def test_the_command_with_a_choice_that_a_group_does_not_have(
    options: list[str], command: Callable[..., int], capfd: pytest.CaptureFixture[str]
) -> None:
    assert command(*options, "encoder=bertt") == 1
    message = capfd.readouterr().err
    assert "Could not find 'encoder/bertt'" in message
    assert "arabertv02" in message


@pytest.mark.parametrize("override", ["corpus.path=nowhere", "encoder.source=no-such-encoder", "resume=true"])
def test_the_command_says_in_a_sentence_what_cannot_be_done(
    options: list[str], command: Callable[..., int], capfd: pytest.CaptureFixture[str], override: str
) -> None:
    assert command(*options, "output_dir=out", override) == 2
    message = capfd.readouterr().err
    assert "error: " in message
    assert "Traceback" not in message


def test_the_command_trains_for_each_of_two_seeds(
    options: list[str], command: Callable[..., int], capfd: pytest.CaptureFixture[str]
) -> None:
    assert command("--multirun", *options, "optimization.epochs=1", "seed=1,2", "output_dir=sweep") == 0
    runs = {Path("sweep", job, RUN_ID_FILE).read_text(encoding="utf-8") for job in "01"}
    assert len(runs) == 2
    assert [read_provenance(Path("sweep", job, "model"))["seed"] for job in "01"] == [1, 2]
    assert not same(weights("sweep/0"), weights("sweep/1"))
    assert "The network is in sweep/1/model" in "".join(capfd.readouterr())


def damaged_config(directory: Path) -> None:
    values = json.loads((directory / "config.json").read_text(encoding="utf-8"))
    values["schema"]["entity_types"].append("MORE")
    (directory / "config.json").write_text(json.dumps(values), encoding="utf-8")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda directory: shutil.rmtree(directory), r"holds no config\.json, model\.safetensors, tokenizer\.json"),
        (
            lambda directory: (directory / "tokenizer.json").unlink(),
            r"no trained network: it holds no tokenizer\.json",
        ),
        (lambda directory: (directory / "tokenizer.json").write_text("{"), "cannot be read"),
        (lambda directory: (directory / "model.safetensors").write_bytes(b"no weights"), "cannot be read"),
        (lambda directory: (directory / "config.json").write_text("{"), "cannot be read"),
        (damaged_config, "cannot be read"),
    ],
)
def test_a_damaged_network_is_refused(
    trained: Path, tmp_path: Path, damage: Callable[[Path], object], message: str
) -> None:
    directory = shutil.copytree(trained, tmp_path / "model")
    damage(directory)
    with pytest.raises(NetworkError, match=message):
        load_network(directory)


@pytest.fixture(scope="module")
def trained(tiny_corpus: Path, tiny_encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("trained") / "out"
    size = ["windowing.max_length=64", "windowing.overlap=8", "windowing.pieces_per_word=8", "optimization.epochs=1"]
    places = [f"corpus.path={tiny_corpus}", f"encoder.source={tiny_encoder}", f"output_dir={output}"]
    return run([*size, *places, "article_limit=2", "tracking.enabled=false"]).directory
