from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import mlflow
import pytest
from mlflow.entities import Run
from omegaconf import DictConfig, OmegaConf

from training.settings import SettingsError
from training.tracking import RUN_ID_FILE, Tracking, TrackingCallback, TrackingError, plain, tracked_run


@pytest.fixture
def config(mlflow_store: str) -> DictConfig:
    return OmegaConf.create(
        {"enabled": True, "uri": mlflow_store, "experiment": "tests", "run_name": "first", "tags": {"annotator": 7}}
    )


def recorded(run_id: str) -> Run:
    return mlflow.MlflowClient().get_run(run_id)


def test_a_run_has_the_name_the_tags_and_the_experiment_of_the_config(config: DictConfig, tmp_path: Path) -> None:
    with tracked_run(config, tmp_path / "out") as tracking:
        assert tracking.run_id is not None
        assert recorded(tracking.run_id).info.status == "RUNNING"
        tracking.tags({"corpus.fingerprint": "abc", "count": 3})
    run = recorded(tracking.run_id)
    assert run.info.status == "FINISHED"
    assert run.info.run_name == "first"
    assert {"annotator": "7", "corpus.fingerprint": "abc", "count": "3"}.items() <= run.data.tags.items()
    assert mlflow.get_experiment(run.info.experiment_id).name == "tests"
    assert (tmp_path / "out" / RUN_ID_FILE).read_text(encoding="utf-8").strip() == tracking.run_id


def test_parameters_are_the_leaves_of_the_config(config: DictConfig, tmp_path: Path) -> None:
    with tracked_run(config, tmp_path) as tracking:
        tracking.parameters({"a": {"b": {"c": 1.5, "d": None}}, "e": [1, 2], "f": {}, "g": True})
    assert recorded(str(tracking.run_id)).data.params == {
        "a.b.c": "1.5",
        "a.b.d": "None",
        "e": "[1, 2]",
        "f": "{}",
        "g": "True",
    }


def test_long_values_and_many_parameters_are_recorded(config: DictConfig, tmp_path: Path) -> None:
    values: dict[str, Any] = {f"option_{number}": number for number in range(250)}
    with tracked_run(config, tmp_path) as tracking:
        tracking.parameters({**values, "long": "طويل" * 5000})
    params = recorded(str(tracking.run_id)).data.params
    assert len(params) == 251
    assert all(params[name] == str(value) for name, value in values.items())
    assert len(params["long"]) >= 500
    assert ("طويل" * 5000).startswith(params["long"])


def test_metrics_have_their_steps(config: DictConfig, tmp_path: Path) -> None:
    with tracked_run(config, tmp_path) as tracking:
        for step, value in ((10, 0.5), (20, 0.75)):
            tracking.metrics({"dev/mean_f1": value, "events/رفض/f1": value}, step=step)
    client = mlflow.MlflowClient()
    for name in ("dev/mean_f1", "events/رفض/f1"):
        history = client.get_metric_history(str(tracking.run_id), name)
        assert [(metric.step, metric.value) for metric in history] == [(10, 0.5), (20, 0.75)]


def test_files_and_folders_are_recorded(config: DictConfig, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "a.txt").write_text("أ", encoding="utf-8")
    with tracked_run(config, tmp_path) as tracking:
        tracking.artifact(tmp_path / "folder", "evaluation")
        tracking.artifact(tmp_path / "folder" / "a.txt")
    client = mlflow.MlflowClient()
    assert [file.path for file in client.list_artifacts(str(tracking.run_id), "evaluation")] == ["evaluation/a.txt"]
    assert "a.txt" in [file.path for file in client.list_artifacts(str(tracking.run_id))]


def test_a_resumed_run_is_the_same_run(config: DictConfig, tmp_path: Path) -> None:
    with tracked_run(config, tmp_path) as first:
        first.parameters({"a": 1, "b": 2})
        first.metrics({"loss": 2.0}, step=1)
    later = OmegaConf.merge(config, {"run_name": "second", "tags": {"annotator": 8}})
    with tracked_run(later, tmp_path) as second:
        # parameters cannot change in MLflow: the first value stays, and nothing fails
        second.parameters({"a": 5, "b": 2, "c": 3})
        second.metrics({"loss": 1.0}, step=2)
        assert recorded(str(second.run_id)).info.status == "RUNNING"
    assert second.run_id == first.run_id
    run = recorded(str(first.run_id))
    assert run.info.status == "FINISHED"
    assert run.info.run_name == "first"
    assert run.data.tags["annotator"] == "7"
    assert run.data.params == {"a": "1", "b": "2", "c": "3"}
    history = mlflow.MlflowClient().get_metric_history(str(first.run_id), "loss")
    assert [(metric.step, metric.value) for metric in history] == [(1, 2.0), (2, 1.0)]


def test_a_run_is_resumed_whatever_experiment_was_used_in_between(config: DictConfig, tmp_path: Path) -> None:
    with tracked_run(config, tmp_path / "one") as first:
        pass
    other = OmegaConf.merge(config, {"experiment": "others"})
    with tracked_run(other, tmp_path / "two") as second:
        pass
    with tracked_run(other, tmp_path / "one") as resumed:
        pass
    assert resumed.run_id == first.run_id != second.run_id
    assert mlflow.get_experiment(recorded(str(resumed.run_id)).info.experiment_id).name == "tests"


@pytest.mark.parametrize(("error", "status"), [(RuntimeError, "FAILED"), (KeyboardInterrupt, "KILLED")])
def test_a_run_that_breaks_off_is_marked_and_can_be_resumed(
    config: DictConfig, tmp_path: Path, error: type[BaseException], status: str
) -> None:
    def broken() -> None:
        with tracked_run(config, tmp_path):
            raise error

    with pytest.raises(error):
        broken()
    run_id = (tmp_path / RUN_ID_FILE).read_text(encoding="utf-8").strip()
    assert recorded(run_id).info.status == status
    assert mlflow.active_run() is None
    with tracked_run(config, tmp_path) as resumed:
        assert resumed.run_id == run_id
    assert recorded(run_id).info.status == "FINISHED"


def test_a_run_of_another_store_is_not_found(config: DictConfig, tmp_path: Path) -> None:
    (tmp_path / RUN_ID_FILE).write_text("0123456789abcdef0123456789abcdef\n", encoding="utf-8")
    with (
        pytest.raises(TrackingError, match=r"the MLflow run 0123456789abcdef.* is not in sqlite") as raised,
        tracked_run(config, tmp_path),
    ):
        pass
    assert f"tracking.uri=...), or delete {tmp_path / RUN_ID_FILE} to begin a new run" in str(raised.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"uri": "nothing://here"}, "no run can be recorded in nothing://here: .*\nCheck tracking.uri"),
        ({"uri": "sqlite:///config.yaml"}, "no run can be recorded in sqlite:///config.yaml: .*not a database"),
        ({"experiment": ""}, "no run can be recorded in .*: Invalid experiment name"),
    ],
)
def test_a_store_that_cannot_be_used(
    config: DictConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("config.yaml").write_text("no: database\n" * 100, encoding="utf-8")
    with pytest.raises(TrackingError, match=message), tracked_run(OmegaConf.merge(config, changes), tmp_path):
        pass
    assert not (tmp_path / RUN_ID_FILE).exists()


def test_a_wrong_setting(config: DictConfig, tmp_path: Path) -> None:
    with (
        pytest.raises(SettingsError, match=r"tracking\.enabled: Value 'maybe'"),
        tracked_run(OmegaConf.merge(config, {"enabled": "maybe"}), tmp_path),
    ):
        pass


def test_nothing_is_recorded_where_tracking_is_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    off = {"enabled": False, "uri": "sqlite:///none.db", "experiment": "a", "run_name": None, "tags": {}}
    with tracked_run(OmegaConf.create(off), tmp_path / "out") as tracking:
        assert tracking == Tracking(None)
        tracking.parameters({"a": 1})
        tracking.metrics({"a": 1.0}, step=1)
        tracking.tags({"a": "b"})
        tracking.artifact(tmp_path)
        log(TrackingCallback(tracking), {"loss": 1.0})
    assert list(tmp_path.iterdir()) == []


def log(callback: TrackingCallback, values: dict[str, Any], step: int = 0) -> None:
    callback.on_log(None, SimpleNamespace(global_step=step), None, logs=values)


def test_what_the_trainer_logs_is_recorded_at_its_step(config: DictConfig, tmp_path: Path) -> None:
    with tracked_run(config, tmp_path) as tracking:
        callback = TrackingCallback(tracking)
        log(callback, {"loss": 2.5, "learning_rate": 1e-3, "epoch": 0.5}, step=7)
        log(callback, {"eval_mean_f1": 0.25, "eval_entities/f1": 0.5, "note": "no number"}, step=9)
        log(callback, {"train_runtime": 3.0, "train_loss": 2.0}, step=9)
    assert recorded(str(tracking.run_id)).data.metrics == {
        "train/loss": 2.0,
        "train/learning_rate": 1e-3,
        "train/epoch": 0.5,
        "train/runtime": 3.0,
        "dev/mean_f1": 0.25,
        "dev/entities/f1": 0.5,
    }
    history = mlflow.MlflowClient().get_metric_history(str(tracking.run_id), "train/loss")
    assert [(metric.step, metric.value) for metric in history] == [(7, 2.5), (9, 2.0)]


def test_plain_values_of_a_configuration() -> None:
    config = OmegaConf.create({"a": {"b": "${c}"}, "c": [1, {"d": None}]})
    assert plain(config) == {"a": {"b": [1, {"d": None}]}, "c": [1, {"d": None}]}
