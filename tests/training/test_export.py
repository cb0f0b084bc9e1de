"""From a trained network to a model directory, its figures, and what a person is shown of them."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import mlflow
import pandas as pd
import pytest
import torch
from rich.console import Console

import hadath
from hadath.document import Document
from hadath.errors import ModelError
from hadath.model_directory import ModelConfig
from hadath.terminal import rendered
from tests.fixtures.tiny_training import composed, options_of
from training.calibration import fitted_temperatures
from training.corpus import CorpusError, read_corpus
from training.evaluate import HEADLINE, evaluate
from training.export import export
from training.finetune import finetune
from training.networks import NetworkError, load_network
from training.onnx_graph import GraphError
from training.prediction import tag_and_link, tag_documents, torch_tagger
from training.registry import EXAMPLE
from training.script import EXIT_BAD_INPUT
from training.summary import main as summary_command
from training.summary import read_article, summary
from training.tracking import RUN_ID_FILE

# a network of two layers finds little; with nothing left out there is something to compare
EVERYTHING = ("min_scores.entities=0", "min_scores.events=0", "min_scores.arguments=0", "calibrate=false")


@dataclass(frozen=True)
class Trained:
    """A tiny training: where it lies, and the options of the scripts that come after it."""

    output: Path
    options: tuple[str, ...]

    @property
    def run_id(self) -> str:
        """Its MLflow run."""
        return (self.output / RUN_ID_FILE).read_text(encoding="utf-8").strip()


@pytest.fixture(scope="module")
def training(
    tiny_corpus: Path, tiny_encoder: Path, empty_store: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A folder in which a tiny network was trained until it finds something."""
    folder = tmp_path_factory.mktemp("training")
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(folder)
        shutil.copy(empty_store, "mlflow.db")
        options = options_of(tiny_corpus, tiny_encoder, "sqlite:///mlflow.db")
        finetune(composed("finetune", *options, "output_dir=run", "optimization.epochs=30", "optimization.patience=30"))
        # dev tells nothing of so small a network, and what it was after the first epoch is full of near ties, which
        # rounding decides; after the last one it knows the articles by heart
        last = max(Path("run/checkpoints").iterdir(), key=lambda path: int(path.name.partition("-")[2]))
        shutil.copy(last / "model.safetensors", "run/model/model.safetensors")
    torch.use_deterministic_algorithms(False)
    return folder


@pytest.fixture
def trained(training: Path, tiny_corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Trained:
    """A copy of that folder, and the scripts run in it."""
    shutil.copytree(training, tmp_path / "work")
    monkeypatch.chdir(tmp_path / "work")
    mlflow.set_tracking_uri(store := f"sqlite:///{tmp_path / 'work' / 'mlflow.db'}")
    return Trained(Path("run"), (f"corpus.path={tiny_corpus}", f"tracking.uri={store}"))


def exported(trained: Trained, *more: str) -> Path:
    return export(composed("export", f"model={trained.output}/model", *trained.options, *EVERYTHING, *more))


def roles_in(documents: Sequence[Document]) -> list[list[tuple[int, int, str]]]:
    return [
        [
            (event.start, argument.entity.start, argument.role)
            for event in document.events
            for argument in event.arguments
        ]
        for document in documents
    ]


def test_the_exported_network_finds_what_the_trained_one_does(trained: Trained, tiny_corpus: Path) -> None:
    directory = exported(trained, "precision=fp32", "name=tiny")
    assert directory == trained.output / "package"
    assert {path.name for path in directory.iterdir()} == {"model.onnx", "tokenizer.json", "config.json"}
    articles = read_corpus(tiny_corpus, ("train",)).splits["train"]
    network, tokenizer = load_network(trained.output / "model")
    expected, expected_links = tag_and_link(torch_tagger(network, tokenizer), articles)
    found, links = tag_and_link(hadath.load(directory), articles)
    for before, after in ((expected, found), (expected_links, links)):
        assert roles_in(before) == roles_in(after)
        assert any(roles_in(before))
    assert any(document.entities for document in expected)
    for one, other in zip(expected, found, strict=True):
        assert [(e.start, e.end, e.type) for e in one.entities] == [(e.start, e.end, e.type) for e in other.entities]
        assert [(e.start, e.end, e.type, e.modality) for e in one.events] == [
            (e.start, e.end, e.type, e.modality) for e in other.events
        ]
    config = ModelConfig.read(directory)
    assert config.name == "tiny"
    assert config.provenance["precision"] == "fp32"
    assert config.provenance["mlflow_run_id"] == trained.run_id
    recorded = mlflow.get_run(trained.run_id).data.metrics
    assert recorded["export/agreement/entities/f1"] == 1.0
    assert recorded["export/trained/entities/f1"] == recorded["export/exported/entities/f1"]


def test_least_scores_go_into_the_model_and_into_the_comparison(trained: Trained, tiny_corpus: Path) -> None:
    # what it learnt it finds best, so these articles are put in the place of the dev split
    splits = Path(shutil.copytree(tiny_corpus, "swapped")) / "splits"
    learnt, other = ((splits / f"{split}.txt").read_text(encoding="utf-8") for split in ("train", "dev"))
    (splits / "dev.txt").write_text(learnt, encoding="utf-8")
    (splits / "train.txt").write_text(other, encoding="utf-8")
    fp32 = ("precision=fp32", "log_model=false", "corpus.path=swapped")
    everything = hadath.load(exported(trained, *fp32))
    articles = read_corpus("swapped", ("dev",)).splits["dev"]
    scores = sorted(entity.score for document in tag_documents(everything, articles) for entity in document.entities)
    least = (scores[0] + scores[-1]) / 2
    directory = exported(trained, *fp32, f"min_scores.entities={least}")
    assert ModelConfig.read(directory).min_scores == {"entities": least, "events": 0.0, "arguments": 0.0}
    found = tag_documents(hadath.load(directory), articles)
    assert sum(len(document.entities) for document in found) == sum(score >= least for score in scores)
    assert scores[0] < least < scores[-1]
    # the network is compared with the same least score
    assert mlflow.get_run(trained.run_id).data.metrics["export/agreement/entities/f1"] == 1.0


def test_temperatures_are_found_on_the_dev_articles(trained: Trained, tiny_corpus: Path) -> None:
    splits = Path(shutil.copytree(tiny_corpus, "learnt")) / "splits"
    rest = [(splits / f"{split}.txt").read_text(encoding="utf-8").strip() for split in ("test", "dev")]
    (splits / "test.txt").write_text("\n".join(rest), encoding="utf-8")
    train = (splits / "train.txt").read_text(encoding="utf-8").splitlines()
    (splits / "dev.txt").write_text("\n".join(train[:4]), encoding="utf-8")
    (splits / "train.txt").write_text("\n".join(train[4:]), encoding="utf-8")
    fp32 = ("precision=fp32", "log_model=false", "corpus.path=learnt", "min_scores.entities=0")
    directory = exported(trained, *fp32, "calibrate=true")
    kept = ModelConfig.read(directory).temperatures
    dev = read_corpus("learnt", ("dev",)).splits["dev"]
    assert kept == fitted_temperatures(hadath.load(directory), dev)
    assert "entities" in kept
    # the network is compared with the same temperatures
    assert mlflow.get_run(trained.run_id).data.metrics["export/agreement/entities/f1"] == 1.0


def test_the_recorded_model_answers_in_mlflow(trained: Trained) -> None:
    directory = exported(trained)
    assert ModelConfig.read(directory).provenance["precision"] == "int8"
    (logged,) = mlflow.search_logged_models(output_format="list")
    assert logged.source_run_id == trained.run_id
    served = mlflow.pyfunc.load_model(f"models:/{logged.model_id}")
    assert served.metadata.signature is not None
    texts = [*EXAMPLE["text"], "التقى الوزير وفدا في تونس أمس"]
    answers = served.predict(pd.DataFrame({"text": texts}))
    tagger = hadath.load(directory)
    assert [hadath.Document.from_dict(json.loads(each)) for each in answers["document"]] == [*tagger.pipe(texts)]


def test_what_cannot_be_exported_is_said(trained: Trained, tmp_path: Path) -> None:
    with pytest.raises(GraphError, match="precision is int4"):
        exported(trained, "precision=int4")
    with pytest.raises(NetworkError, match=r"is no trained network: it holds no .*model\.safetensors"):
        export(composed("export", f"model={tmp_path}/run", *trained.options))


def test_a_model_is_measured_and_keeps_its_figures(trained: Trained, tiny_corpus: Path) -> None:
    directory = exported(trained, "log_model=false")
    before = ModelConfig.read(directory)
    evaluations = evaluate(composed("evaluate", f"model={directory}", *trained.options, "replicates=50"))
    assert list(evaluations) == ["dev", "test"]
    corpus = read_corpus(tiny_corpus, ("dev", "test"))
    assert [len(each.documents) for each in evaluations.values()] == [len(each) for each in corpus.splits.values()]
    for split in evaluations:
        reports = trained.output / "evaluation" / split
        assert {path.name for path in reports.iterdir()} >= {"report.txt", "metrics.json", "errors.jsonl"}
        assert any(path.suffix == ".png" for path in reports.iterdir())
    data = mlflow.get_run(trained.run_id).data
    expected = evaluations["test"].metrics.to_dict()["entities/f1"]
    assert data.metrics["test/entities/f1"] == pytest.approx(expected)
    assert {each.path for each in mlflow.artifacts.list_artifacts(run_id=trained.run_id)} >= {"evaluation"}
    after = ModelConfig.read(directory)
    assert after.metrics["test"]["entities/f1"] == pytest.approx(expected, abs=1e-4)
    assert replace(after, metrics={}) == replace(before, metrics={})


def test_a_network_is_measured_as_it_was_trained(trained: Trained, tiny_corpus: Path) -> None:
    evaluations = evaluate(
        composed("evaluate", f"model={trained.output}/model", *trained.options, "splits=[dev]", "output_dir=measured")
    )
    assert (Path("measured") / "dev" / "report.txt").is_file()
    best = mlflow.get_run(trained.run_id).data.metrics["best/entities/f1"]
    assert evaluations["dev"].metrics.to_dict()["entities/f1"] == pytest.approx(best, abs=0.05)
    assert not (trained.output / "model" / "model.onnx").exists()


def test_what_cannot_be_measured_is_said(trained: Trained) -> None:
    with pytest.raises(ModelError, match="no model at nowhere"):
        evaluate(composed("evaluate", "model=nowhere", *trained.options))
    with pytest.raises(CorpusError, match="holdout"):
        evaluate(composed("evaluate", f"model={trained.output}/model", *trained.options, "splits=[holdout]"))


def test_the_summary_shows_article_scores_and_places(trained: Trained, tmp_path: Path) -> None:
    directory = exported(trained, "log_model=false")
    evaluate(composed("evaluate", f"model={directory}", *trained.options, "replicates=50"))
    text = "التقى الوزير وفدا في تونس أمس"
    (tmp_path / "article.txt").write_text(text, encoding="utf-8")
    console = Console(width=120, record=True, file=open("/dev/null", "w", encoding="utf-8"))  # noqa: SIM115
    summary(trained.output, str(tmp_path / "article.txt"), console)
    shown = console.export_text()
    found = hadath.load(directory)(text)
    assert rendered(replace(found, id="article.txt")).strip() in shown
    for name in HEADLINE:
        assert name in shown
    record = json.loads((trained.output / "evaluation" / "test" / "metrics.json").read_text(encoding="utf-8"))
    assert f"{record['metrics']['entities/f1']:.3f}" in shown
    assert str(directory) in shown
    console.file.close()


def test_without_an_article_one_of_the_test_split_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    root = Path(__file__).parents[2]
    monkeypatch.chdir(root)
    text, name = read_article(None)
    first = (root / "data" / "splits" / "test.txt").read_text(encoding="utf-8").split()[0]
    assert name == f"{first}.txt"
    assert text == (root / "data" / "articles" / name).read_bytes().decode("utf-8")


def test_the_summary_command_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["summary", str(tmp_path), "--article", str(tmp_path / "nowhere.txt")])
    assert summary_command() == EXIT_BAD_INPUT
    assert "nowhere.txt" in capsys.readouterr().err


@pytest.mark.parametrize("script", ["export", "evaluate"])
def test_the_commands_end_in_a_sentence(script: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", f"training.{script}", f"model={tmp_path}/nowhere", "tracking.enabled=false"],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == EXIT_BAD_INPUT
    assert "error: " in done.stderr
    assert "Traceback" not in done.stderr
