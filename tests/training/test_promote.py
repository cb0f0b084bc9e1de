"""From an exported model to the champion of the registry, and back."""

from __future__ import annotations

import logging
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import mlflow
import pytest
import yaml
from hydra.core.global_hydra import GlobalHydra
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import TEMPORARILY_UNAVAILABLE
from omegaconf import OmegaConf

import hadath
from hadath.errors import ModelError
from hadath.model_directory import ModelConfig
from tests.fixtures.tagged_corpus import write_tagged_corpus
from tests.fixtures.tiny_model import write_tiny_model
from tests.fixtures.tiny_training import composed
from training import promote as promotion_script
from training.bootstrap import Interval, PairedDifference
from training.compare import compare_models
from training.comparison import MEAN_F1, Comparison, ScoreDifference
from training.corpus import read_corpus
from training.model_card import training_command
from training.promote import Promotion, first_verdict, promote, told, verdict_on
from training.registry import RegistryError, package_digest, roll_back, version_of, versions
from training.script import ScriptError
from training.seen_articles import CHOSEN_BY, LEARNT, UNRECORDED, digest, write_seen_articles
from training.settings import SettingsError


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two exported models, each in the folder of a run, and a corpus that says what the second one finds."""
    folder = tmp_path_factory.mktemp("packages")
    for seed, name in enumerate(("worse", "better")):
        directory = write_tiny_model(folder / "runs" / name / "package", seed=seed, name="tiny")
        config = ModelConfig.read(directory)
        replace(config, min_scores={"entities": 0.0, "events": 0.0}).write(directory)
    write_tagged_corpus(folder / "corpus", folder / "runs" / "better" / "package")
    return folder


@pytest.fixture
def options(packages: Path, mlflow_store: str) -> tuple[str, ...]:
    shutil.copytree(packages / "runs", "runs")
    mlflow.set_tracking_uri(mlflow_store)
    corpus = (f"corpus.path={packages / 'corpus'}", "corpus.metadata_file=null")
    return (*corpus, f"tracking.uri={mlflow_store}", "name=tiny", "minimum=null", "replicates=100", "support=1")


def put_forward(options: tuple[str, ...], run: str, *more: str) -> Promotion:
    return promote(composed("promote", *options, f"run={run}", *more))


def test_the_champion_is_the_better_model_and_the_way_back_is_kept(options: tuple[str, ...]) -> None:
    first = put_forward(options, "runs/worse")
    assert (first.verdict.promoted, first.champion, first.comparison) == (True, None, None)
    assert told(first, "tiny", "champion").startswith("Version 1 of tiny is the champion:\n  - there was no champion")

    second = put_forward(options, "runs/better/package", "margin=1")
    assert second.verdict.promoted
    assert second.comparison is not None
    assert second.comparison[MEAN_F1].second == 1.0
    assert "in the place of version 1" in told(second, "tiny", "champion")
    assert second.table.splitlines()[:2] == ["A  models:/tiny/1", "B  runs/better/package"]
    text = "زار وزير تونس اليوم. قال رئيس"
    assert hadath.load("models:/tiny@champion")(text) == hadath.load("runs/better/package")(text)
    assert hadath.load("models:/tiny/1")(text) == hadath.load("runs/worse/package")(text)

    # a model that was put forward before is no new version
    third = put_forward(options, "runs/worse")
    assert not third.verdict.promoted
    assert third.version.version == first.version.version
    assert "it is not surely better: mean F1 1.000 to" in third.verdict.reasons[0]
    assert "version 2 stays the champion" in told(third, "tiny", "champion")
    again = put_forward(options, "runs/better")
    assert again.verdict.reasons == ("it has been so already",)
    assert [version.version for version in versions("tiny")] == [2, 1]
    tags = {int(version.version): version.tags for version in versions("tiny")}
    assert tags[1]["verdict"] == "not promoted"
    assert tags[2]["verdict"] == "promoted"
    assert tags[2]["champion.previous"] == "1"

    present, before = roll_back("tiny", "champion")
    assert (present.version, before.version) == (2, 1)
    assert hadath.load("models:/tiny@champion")(text) == hadath.load("runs/worse/package")(text)
    assert "champion.rolled_back" in version_of_number(2).tags
    with pytest.raises(RegistryError, match="version 1 of tiny is the first champion: there is none to go back to"):
        roll_back("tiny", "champion")


def version_of_number(number: int) -> mlflow.entities.model_registry.ModelVersion:
    return next(version for version in versions("tiny") if int(version.version) == number)


def test_a_model_below_the_least_is_registered_but_no_champion(options: tuple[str, ...]) -> None:
    promotion = put_forward(options, "runs/worse", "minimum={entities/f1: 0.9, events/f1: 0.0}")
    assert not promotion.verdict.promoted
    missed, doubt = promotion.verdict.reasons
    assert missed.startswith("entities/f1 is 0.")
    assert doubt == "what runs/worse/package learnt from is not recorded: it may know articles of test"
    assert version_of("tiny", "champion") is None
    assert version_of_number(1).tags["verdict"] == "not promoted"
    assert "there is no champion" in told(promotion, "tiny", "champion")
    with pytest.raises(
        RegistryError, match="tiny has no champion, so there is nothing to roll back; registered are: tiny"
    ):
        roll_back("tiny", "champion")


def test_the_card_tells_what_was_measured(options: tuple[str, ...], packages: Path) -> None:
    put_forward(options, "runs/better")
    text = Path("runs/better/package/README.md").read_text(encoding="utf-8")
    _, metadata, body = text.split("---\n", 2)
    card = yaml.safe_load(metadata)
    assert card["language"] == ["ar"]
    figures = {metric["name"]: metric["value"] for metric in card["model-index"][0]["results"][0]["metrics"]}
    assert figures["entities, strict F1, micro"] == 1.0
    assert "| entities, strict F1, micro | 1.000 [1.000, 1.000] |" in body
    assert "Measured on the split `test`, 8 articles" in body
    assert "$" not in body
    for part in ("Intended use", "Limits", "Data", "How it was trained", "Licence"):
        assert f"## {part}" in body
    assert ModelConfig.read(Path("runs/better/package")).metrics["test"]["entities/f1"] == 1.0
    # what is in the registry holds the card and the figures, and runs
    kept = hadath.model_directory.find("models:/tiny@champion")
    assert {path.name for path in kept.iterdir()} == {"model.onnx", "tokenizer.json", "config.json", "README.md"}
    assert (kept / "README.md").read_text(encoding="utf-8") == text
    assert ModelConfig.read(kept).metrics["test"]["entities/f1"] == 1.0


def test_figures_and_card_do_not_make_another_model_of_it(packages: Path, tmp_path: Path) -> None:
    directory = Path(shutil.copytree(packages / "runs" / "better" / "package", tmp_path / "package"))
    before = package_digest(directory)
    config = ModelConfig.read(directory)
    replace(config, metrics={"test": {}}).write(directory)
    (directory / "README.md").write_text("a card", encoding="utf-8")
    assert package_digest(directory) == before
    replace(config, min_scores={"entities": 0.5}).write(directory)
    assert package_digest(directory) != before
    assert package_digest(packages / "runs" / "worse" / "package") != before


def test_nobody_is_measured_on_what_it_learnt_from(options: tuple[str, ...], packages: Path) -> None:
    articles = read_corpus(packages / "corpus", ("test",), metadata_file=None).splits["test"]
    network = Path("runs/better/model")
    network.mkdir()
    write_seen_articles(network, {digest(document.text): LEARNT for document in articles[:2]})
    names = rf"\({articles[0].id}, {articles[1].id}\)"
    with pytest.raises(ScriptError, match=rf"(?s)learnt from:.*runs/better/package: 2 of 8 articles of test {names}"):
        put_forward(options, "runs/better")
    assert versions("tiny") == []
    seen = {digest(document.text): CHOSEN_BY for document in articles[:3]}
    write_seen_articles(network, {**seen, UNRECORDED: "unknown"})
    _, *doubts = put_forward(options, "runs/better").verdict.reasons
    assert doubts == [
        "all that runs/better/package learnt from is not recorded: it may know articles of test",
        "the best epoch of runs/better/package was chosen by 3 of the 8 articles of test: its score there is flattered",
    ]
    assert doubts[1] in version_of_number(1).tags["verdict.reasons"]


def test_a_registry_that_cannot_be_asked_has_not_lost_its_champion(
    options: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    put_forward(options, "runs/better")

    def unreachable(*_: object) -> None:
        raise MlflowException("no answer", error_code=TEMPORARILY_UNAVAILABLE)

    monkeypatch.setattr(mlflow.MlflowClient, "get_model_version_by_alias", unreachable)
    with pytest.raises(RegistryError, match=r"(?s)the champion of tiny cannot be looked up in sqlite.*: no answer"):
        put_forward(options, "runs/worse")
    assert [version.version for version in versions("tiny")] == [1]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("p_value=5", r"p_value is 5\.0; expected a number above 0 and at most 1"),
        ("margin=-1", r"margin is -1\.0; expected a number above 0"),
        ("replicates=39", "replicates is 39; expected more than 40, since fewer samples give no p-value below 0.05"),
        ("+splits=[test]", "splits: Key 'splits' not in 'Promoting'"),
    ],
)
def test_a_setting_with_which_nothing_could_be_decided_is_refused(
    options: tuple[str, ...], wrong: str, message: str
) -> None:
    with pytest.raises(SettingsError, match=message):
        put_forward(options, "runs/better", wrong)


def test_two_models_are_compared_by_the_command_of_evaluation(
    options: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    more = [option for option in options if option.startswith(("corpus", "tracking", "replicates"))]
    models = "models=[runs/worse,runs/better/package]"
    config = composed("evaluate", *more, models, "splits=[test]", "output_dir=compared")
    comparison = compare_models(config)["test"]
    assert comparison[MEAN_F1].second == 1.0 > comparison[MEAN_F1].first
    shown = capsys.readouterr().out
    assert Path("compared/test/comparison.txt").read_text(encoding="utf-8").splitlines()[:3] == shown.splitlines()[:3]
    assert "B is better than A" in shown
    run = mlflow.get_run(Path("compared/mlflow_run_id.txt").read_text(encoding="utf-8").strip())
    assert run.data.tags["compared.first"] == "runs/worse"
    assert run.data.metrics["test/mean_f1/difference"] == pytest.approx(comparison[MEAN_F1].paired.difference)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("models=[runs/worse]", r"models is \['runs/worse'\]; expected two models, such as"),
        ("splits=test", "splits: "),
        ("splits=[]", r"splits is \[\]; expected one split or more"),
        ("replicates=0", "replicates is 0; expected a number above 0"),
    ],
)
def test_a_comparison_with_a_wrong_setting_is_refused(wrong: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        compare_models(composed("evaluate", "models=[runs/worse,runs/better]", wrong))


def test_models_of_other_types_are_compared_in_what_they_share(
    options: tuple[str, ...], caplog: pytest.LogCaptureFixture
) -> None:
    package = Path("runs/worse/package")
    config = ModelConfig.read(package)
    names = ("SHIP", *config.schema.entity_types[1:])
    roles = {event: {} for event in config.schema.roles}
    replace(config, schema=replace(config.schema, entity_types=names, roles=roles)).write(package)
    more = [option for option in options if option.startswith(("corpus", "tracking", "replicates"))]
    more += ["models=[runs/worse,runs/better]", "splits=[test]", "output_dir=compared"]
    gone = config.schema.entity_types[0]
    with pytest.raises(ScriptError, match=rf"(?s)entity type {gone}: in .*, not in runs/worse.*shared_types=true"):
        compare_models(composed("evaluate", *more))
    caplog.set_level(logging.INFO)
    comparison = compare_models(composed("evaluate", *more, "shared_types=true"))["test"]
    assert f"entities/{gone}/f1" not in {score.name for score in comparison.scores}
    assert comparison[MEAN_F1].second == 1.0
    assert "Left out" in caplog.text


@pytest.mark.parametrize(
    ("run", "message"),
    [
        ("null", "no model is named"),
        ("runs/nowhere", "runs/nowhere holds no exported model; export it first: .* model=runs/nowhere/model"),
    ],
)
def test_what_cannot_be_put_forward_is_said(options: tuple[str, ...], run: str, message: str) -> None:
    with pytest.raises(ScriptError, match=message):
        put_forward(options, run)


def test_a_champion_that_cannot_be_loaded_is_said(options: tuple[str, ...]) -> None:
    put_forward(options, "runs/worse")
    (hadath.model_directory.find("models:/tiny/1") / "model.onnx").write_bytes(b"no network")
    with pytest.raises(
        ScriptError, match=r"(?s)the champion, models:/tiny/1, cannot be loaded.*delete_registered_model"
    ):
        put_forward(options, "runs/better")


def test_without_mlflow_nothing_is_registered(options: tuple[str, ...]) -> None:
    with pytest.raises(ScriptError, match=r"registered in MLflow; leave tracking\.enabled=false out"):
        put_forward(options, "runs/worse", "tracking.enabled=false")


def test_an_unknown_address_says_what_there_is(options: tuple[str, ...]) -> None:
    put_forward(options, "runs/worse")
    with pytest.raises(ModelError, match=r"tiny has the versions 1 and the aliases @champion \(version 1\)"):
        hadath.load("models:/tiny@challenger")
    with pytest.raises(ModelError, match=r"tiny has the versions 1"):
        hadath.load("models:/tiny/7")
    with pytest.raises(ModelError, match="Registered are: tiny"):
        hadath.load("models:/tine@champion")


@pytest.fixture
def exit_code(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., int]]:
    """Runs the command in this process and returns its exit code."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level

    def run(*arguments: str) -> int:
        GlobalHydra.instance().clear()
        monkeypatch.setattr(sys, "argv", ["promote", *arguments])
        try:
            promotion_script.main()
        except SystemExit as left:
            return int(left.code or 0)
        return 0

    yield run
    root.handlers[:], root.level = handlers, level


def test_the_exit_code_tells(
    options: tuple[str, ...], exit_code: Callable[..., int], capfd: pytest.CaptureFixture[str]
) -> None:
    assert exit_code(*options, "run=runs/better") == 0
    assert exit_code(*options, "run=runs/worse") == 1
    assert "Version 2 of tiny is registered, but version 1 stays the champion" in capfd.readouterr().out
    assert exit_code(*options, "rollback=true") == 2
    assert "is the first champion" in capfd.readouterr().err
    assert exit_code(*options, "run=runs/nowhere") == 2


def score(name: str, difference: float, p_value: float, support: int = 50, of_type: bool = True) -> ScoreDifference:
    paired = PairedDifference(difference, Interval(difference - 0.1, difference + 0.1), p_value)
    return ScoreDifference(name, 0.6, 0.6 + difference, support, paired, of_type)


@pytest.mark.parametrize(
    ("mean", "p_value", "falls", "promoted"),
    [
        (0.05, 0.01, (), True),
        (0.05, 0.2, (), False),
        (-0.05, 0.01, (), False),
        (0.05, 0.01, ((-0.11, 20),), False),
        (0.05, 0.01, ((-0.11, 19), (-0.09, 200)), True),
        (0.05, 0.2, ((-0.3, 20), (-0.2, 20)), False),
    ],
)
def test_the_verdict(mean: float, p_value: float, falls: tuple[tuple[float, int], ...], promoted: bool) -> None:
    types = [score(f"events/T{place}/f1", fall, 0.3, support) for place, (fall, support) in enumerate(falls)]
    groups = [score(MEAN_F1, mean, p_value, 500, of_type=False), score("events/f1_macro", -0.5, 0.3, of_type=False)]
    verdict = verdict_on(Comparison(9, (*groups, *types), 100, 0), p_value=0.05, margin=0.1, support=20)
    assert verdict.promoted is promoted
    listed = [reason for reason in verdict.reasons if "falls by" in reason and reason.startswith("events/")]
    assert len(listed) == sum(fall < -0.1 and support >= 20 for fall, support in falls)
    if listed:
        assert listed[0].startswith(
            f"events/T0 falls by {-falls[0][0]:.3f} (0.600 to {0.6 + falls[0][0]:.3f}, 20 annotated)"
        )


def test_the_first_verdict_names_all_that_is_missed() -> None:
    verdict = first_verdict({"entities/f1": 0.4}, {"entities/f1": 0.5, "events/f1": 0.3})
    assert verdict.reasons == (
        "entities/f1 is 0.400, expected at least 0.5",
        "events/f1 is 0.000, expected at least 0.3",
    )
    assert first_verdict({"entities/f1": 0.5}, {"entities/f1": 0.5}).promoted


def test_the_command_of_a_training_holds_what_was_changed(tmp_path: Path) -> None:
    config = composed(
        "finetune", "seed=7", "heads.modality=null", "optimization.epochs=2", "output_dir=a", "resume=true"
    )
    OmegaConf.save(config, tmp_path / "config.yaml", resolve=True)
    assert training_command(tmp_path / "config.yaml") == (
        "python -m training.finetune heads.modality=null optimization.epochs=2 seed=7"
    )
    assert training_command(tmp_path / "none.yaml").startswith("# not recorded")
