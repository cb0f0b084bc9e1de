"""The circle of retraining, by its commands: import, check, train from the champion, compare, promote, package, tag."""

from __future__ import annotations

import importlib
import json
import logging
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import mlflow
import pytest
import torch
from hydra.core.global_hydra import GlobalHydra

import hadath
from hadath.cli import main as hadath_command
from hadath.model_directory import ModelConfig
from tests.fixtures.label_studio_articles import article, write_corpus_articles, write_label_studio
from tests.fixtures.tiny_training import options_of
from training.annotations.__main__ import main as annotations
from training.bundle import bundle
from training.compare import articles_seen_by
from training.corpus import read_corpus
from training.registry import version_of
from training.seen_articles import LEARNT


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., int]]:
    """Runs a command of training in this process and returns its exit code."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level

    def run(name: str, *arguments: str) -> int:
        GlobalHydra.instance().clear()
        monkeypatch.setattr(sys, "argv", [name, *arguments])
        try:
            if name == "annotations":
                return annotations(list(arguments))
            importlib.import_module(f"training.{name}").main()
        except SystemExit as left:
            return int(left.code or 0)
        return 0

    yield run
    root.handlers[:], root.level = handlers, level
    torch.use_deterministic_algorithms(False)


def test_twenty_new_articles_make_a_better_champion(
    command: Callable[..., int],
    tiny_corpus: Path,
    tiny_encoder: Path,
    mlflow_store: str,
    capfd: pytest.CaptureFixture[str],
) -> None:
    corpus = Path(shutil.copytree(tiny_corpus, "data"))
    write_corpus_articles(corpus, range(40, 52), "test")
    write_corpus_articles(corpus, range(52, 55), "dev")
    here = [f"corpus.path={corpus}", f"tracking.uri={mlflow_store}"]
    tuned = [*options_of(corpus, tiny_encoder, mlflow_store), "optimization.patience=30"]
    everything = ["min_scores.entities=0", "min_scores.events=0", "log_model=false"]

    # the champion of today
    assert command("finetune", *tuned, "output_dir=runs/first", "optimization.epochs=2") == 0
    assert command("export", "model=runs/first/model", *here, *everything) == 0
    assert command("promote", "run=runs/first", "minimum=null", *here) == 0

    # new articles, annotated in another tool
    export = write_label_studio(Path("export.json"), range(20))
    into = ("format=label_studio", f"source={export}", f"into={corpus}", f"corpus.path={corpus}")
    assert command("annotations", "import", *into) == 0
    assert command("annotations", "check", f"corpus.path={corpus}") == 0
    taken = {document.id: document for document in read_corpus(corpus, ("train",)).splits["train"]}
    for number in range(20):
        document = article(number)
        assert (taken[document.id].entities, taken[document.id].events) == (document.entities, document.events)

    # trained from the champion, whose own folder is not needed for it
    shutil.rmtree("runs/first")
    start = ("start_from=models:/hadath@champion", "output_dir=runs/second")
    longer = ("optimization.epochs=12", "optimization.batch_size=4", "optimization.learning_rate=4e-3")
    assert command("finetune", *tuned, *start, *longer) == 0
    assert command("export", "model=runs/second/model", *here, *everything) == 0
    capfd.readouterr()
    models = "models=[models:/hadath@champion,runs/second]"
    assert command("evaluate", models, "splits=[test]", "output_dir=runs/compared", *here) == 0
    assert "B is better than A" in capfd.readouterr().out
    assert command("promote", "run=runs/second", "margin=1", *here) == 0
    assert "Version 2 of hadath is the champion in the place of version 1" in capfd.readouterr().out
    assert str(version_of("hadath", "champion").version) == "2"
    card = Path("runs/second/package/README.md").read_text(encoding="utf-8")
    assert "went on from | models:/hadath@champion" in card
    assert "optimization.epochs=12" in card
    seen = articles_seen_by(Path("runs/second/package"), mlflow_store)
    assert seen is not None
    assert list(seen.values()).count(LEARNT) == len(taken)

    # shipped, and in use
    shipped = bundle("models:/hadath@champion", Path("package/model"))
    assert ModelConfig.read(shipped).provenance["mlflow_run_id"] == version_of("hadath", "champion").run_id
    Path("article.txt").write_text(article(60).text, encoding="utf-8")
    capfd.readouterr()
    assert hadath_command(["tag", "article.txt", "--model", "models:/hadath@champion", "--format", "json"]) == 0
    tagged = hadath.Document.from_dict(json.loads(capfd.readouterr().out))
    assert tagged.entities == hadath.load(shipped)(article(60).text).entities
    assert {event.type for event in tagged.events} <= {"MEET", "ATTACK", "HELP"}
    assert tagged.events

    # put forward again it is the champion already; and there is a way back
    assert command("promote", "run=runs/second", *here) == 0
    assert command("promote", "rollback=true", *here) == 0
    assert "Version 1 of hadath is the champion again" in capfd.readouterr().out
    assert mlflow.get_run(version_of("hadath", "champion").run_id).data.params["optimization.epochs"] == "2"
