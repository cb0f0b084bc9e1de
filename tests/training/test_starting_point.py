"""Trainings that go on from a trained network: what they take over, what starts fresh, and what is refused."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from pathlib import Path

import mlflow
import pytest
import torch

from tests.fixtures.tiny_training import composed, options_of
from training.encoders import EncoderError
from training.finetune import Finetuned, finetune
from training.model_sources import network_directory
from training.networks import NetworkError, load_network
from training.provenance import read_provenance
from training.seen_articles import CHOSEN_BY, LEARNT, UNRECORDED, read_seen_articles, seen_articles


@pytest.fixture(autouse=True)
def _torch_settings() -> Iterator[None]:
    yield
    torch.use_deterministic_algorithms(False)


@pytest.fixture
def options(tiny_corpus: Path, tiny_encoder: Path, mlflow_store: str) -> list[str]:
    """Overrides of a training of one epoch."""
    return [*options_of(tiny_corpus, tiny_encoder, mlflow_store), "optimization.epochs=1"]


def run(options: list[str], *more: str) -> Finetuned:
    return finetune(composed("finetune", *options, *more))


# so small that what was taken over can still be recognised
STILL = "optimization.learning_rate=1e-30"


def test_a_training_goes_on_from_the_network_of_an_mlflow_run(
    options: list[str], mlflow_store: str, caplog: pytest.LogCaptureFixture
) -> None:
    first = run(options, "output_dir=first")
    shutil.rmtree("first")
    client = mlflow.MlflowClient()
    client.create_registered_model("tiny")
    client.create_model_version("tiny", "somewhere", first.run_id)
    client.set_registered_model_alias("tiny", "champion", "1")
    caplog.set_level(logging.INFO)
    second = run(options, "output_dir=second", "start_from=models:/tiny@champion", STILL, "encoder.source=no-such")
    for name, values in first.model.state_dict().items():
        assert torch.equal(values, second.model.state_dict()[name]), name
    assert "its heads entities, events, modality" in caplog.text
    origin = read_provenance(second.directory)
    assert origin["started_from"]["source"] == "models:/tiny@champion"
    assert origin["started_from"]["mlflow_run_id"] == first.run_id
    assert origin["encoder"] != "no-such"
    tags = mlflow.get_run(str(second.run_id)).data.tags
    assert tags["started_from.mlflow_run_id"] == first.run_id
    # what was fetched for the start is not kept
    assert not Path("second/start_from").exists()
    assert network_directory(f"runs:/{second.run_id}", mlflow_store, Path("fetched")) == Path("fetched")
    load_network(Path("fetched"))


def test_what_an_interrupted_training_had_fetched_is_not_taken_for_another_start(options: list[str]) -> None:
    first = run(options, "output_dir=first")
    second = run(options, "output_dir=second", "seed=2")
    shutil.copytree(first.directory, "out/start_from")
    third = run(options, "output_dir=out", f"start_from=runs:/{second.run_id}", STILL)
    weights = second.model.state_dict()["heads.events.output.weight"]
    assert torch.equal(third.model.state_dict()["heads.events.output.weight"], weights)


def test_a_head_of_other_labels_starts_fresh_and_that_is_said(
    options: list[str], tiny_corpus: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = run(options, "output_dir=first", "tracking.enabled=false")
    corpus = shutil.copytree(tiny_corpus, tmp_path / "corpus")
    schema = corpus / "annotation.conf"
    schema.write_text(schema.read_text(encoding="utf-8").replace("[entities]", "[entities]\nSHIP"), encoding="utf-8")
    caplog.set_level(logging.INFO)
    more = ("output_dir=second", "start_from=first", STILL, f"corpus.path={corpus}", "tracking.enabled=false")
    second = run(options, *more)
    assert "the head entities starts fresh: its labels differ (new: B-SHIP, I-SHIP)" in caplog.text
    before, after = first.model.state_dict(), second.model.state_dict()
    assert torch.equal(before["heads.events.output.weight"], after["heads.events.output.weight"])
    assert len(after["heads.entities.output.bias"]) == len(before["heads.entities.output.bias"]) + 2


def test_dropout_is_that_of_the_new_training(options: list[str]) -> None:
    run(options, "output_dir=first", "tracking.enabled=false")
    more = ("encoder.hidden_dropout=0.3", "encoder.attention_dropout=0.2", "tracking.enabled=false")
    second = run(options, "output_dir=second", "start_from=first/model", *more)
    assert second.model.encoder.embeddings.dropout.p == 0.3
    assert second.model.encoder.encoder.layer[0].attention.self.dropout.p == 0.2
    assert load_network(second.directory)[0].encoder.config.hidden_dropout_prob == 0.3


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("nowhere", "there is no folder nowhere; give the folder runs/NAME"),
        ("models:/tiny@champion", "models:/tiny@champion is not in the registry .*\nRegistered are: no models"),
        ("models:/tiny", "models:/tiny is no address of a model"),
        ("runs:/0123456789abcdef0123456789abcdef", "the run 0123456789abcdef0123456789abcdef of .* is not in"),
    ],
)
def test_a_starting_point_that_is_not_there_is_refused(options: list[str], source: str, message: str) -> None:
    with pytest.raises(NetworkError, match=message):
        run(options, "output_dir=out", f"start_from={source}")
    assert not Path("out").exists()


def test_a_run_without_its_network_and_an_unknown_version_say_what_there_is(options: list[str]) -> None:
    first = run(options, "output_dir=first", "log_network=false")
    assert [file.path for file in mlflow.MlflowClient().list_artifacts(str(first.run_id), "network")] == []
    with pytest.raises(NetworkError, match="holds no trained network, since it was trained with log_network=false"):
        run(options, "output_dir=out", f"start_from=runs:/{first.run_id}")
    client = mlflow.MlflowClient()
    client.create_registered_model("tiny")
    client.create_model_version("tiny", "somewhere", first.run_id)
    client.set_registered_model_alias("tiny", "champion", "1")
    with pytest.raises(NetworkError, match=r"tiny has the versions 1 and the aliases @champion \(version 1\)"):
        run(options, "output_dir=out", "start_from=models:/tiny/7")


def test_windows_that_the_trained_encoder_cannot_read_are_refused(options: list[str]) -> None:
    run(options, "output_dir=first", "tracking.enabled=false")
    with pytest.raises(EncoderError, match="windows of 100 subwords were asked for, but 'first' reads at most 72"):
        run(options, "output_dir=out", "start_from=first", "windowing.max_length=100", "tracking.enabled=false")


def test_an_exported_model_is_no_starting_point(tiny_model_directory: Path) -> None:
    with pytest.raises(NetworkError, match="is an exported model, which cannot be trained further"):
        network_directory(str(tiny_model_directory), "sqlite:///none.db", Path("kept"))


def test_what_a_starting_point_had_seen_counts_as_seen(options: list[str], tiny_corpus: Path, tmp_path: Path) -> None:
    first = run(options, "output_dir=first", "tracking.enabled=false", "article_limit=2")
    seen = read_seen_articles(first.directory)
    assert seen is not None
    assert sorted(seen.values()) == [CHOSEN_BY, CHOSEN_BY, LEARNT, LEARNT]
    corpus = shutil.copytree(tiny_corpus, tmp_path / "corpus")
    splits = corpus / "splits"
    # the articles learnt from, now for development
    train, dev = ((splits / f"{name}.txt").read_text(encoding="utf-8").split() for name in ("train", "dev"))
    (splits / "train.txt").write_text("\n".join(train[2:]), encoding="utf-8")
    (splits / "dev.txt").write_text("\n".join(train[:2]), encoding="utf-8")
    (splits / "rest.txt").write_text("\n".join(dev), encoding="utf-8")
    more = ("output_dir=second", "start_from=first", f"corpus.path={corpus}", "tracking.enabled=false")
    again = read_seen_articles(run(options, *more).directory)
    assert again is not None
    assert {place for place, how in again.items() if how == LEARNT} > {p for p, how in seen.items() if how == LEARNT}
    assert sorted(again.values()) == [CHOSEN_BY, CHOSEN_BY, *[LEARNT] * 6]


def test_an_article_is_learnt_from_whatever_else_it_served_for() -> None:
    from hadath.document import Document

    one, other = Document("زار الوزير سبها"), Document("عادت المياه إلى غدامس")
    first = seen_articles([one], [other])
    assert sorted(first.values()) == [CHOSEN_BY, LEARNT]
    assert set(seen_articles([other], [one], [first]).values()) == {LEARNT}
    assert seen_articles([], [one, other], [first]) == first


def test_what_was_not_recorded_of_one_network_is_not_recorded_of_those_after_it() -> None:
    from hadath.document import Document

    one, other = Document("زار الوزير سبها"), Document("عادت المياه إلى غدامس")
    first = seen_articles([one], [], [None, {}])
    assert UNRECORDED in first
    second = seen_articles([other], [], [first])
    assert UNRECORDED in second
    assert [how for place, how in second.items() if place != UNRECORDED] == [LEARNT, LEARNT]
    assert UNRECORDED not in seen_articles([one], [other], [{}])
