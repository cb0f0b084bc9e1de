"""Recording runs in MLflow: one run per training, and the same one when it is resumed."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlflow
from mlflow.exceptions import MlflowException
from omegaconf import DictConfig, OmegaConf
from sqlalchemy.exc import SQLAlchemyError
from transformers import TrainerCallback

from training.settings import Store, leaves, settings

RUN_ID_FILE = "mlflow_run_id.txt"

# what MLflow takes for a parameter's value and in one call
_LONGEST_VALUE = 500
_PARAMETERS_PER_CALL = 100


class TrackingError(RuntimeError):
    """A run that cannot be recorded or found again."""


@dataclass(frozen=True)
class Tracking:
    """An open MLflow run, or none where tracking is switched off.

    Attributes:
        run_id: The run's id; None where nothing is recorded.
    """

    run_id: str | None

    def parameters(self, values: Mapping[str, Any]) -> None:
        """Records a nested configuration, one parameter for each leaf, long values cut."""
        if self.run_id is None:
            return
        flat = {name: str(value)[:_LONGEST_VALUE] for name, value in leaves(values)}
        known = mlflow.get_run(self.run_id).data.params
        new = [(name, value) for name, value in flat.items() if name not in known]
        for first in range(0, len(new), _PARAMETERS_PER_CALL):
            mlflow.log_params(dict(new[first : first + _PARAMETERS_PER_CALL]), run_id=self.run_id)

    def metrics(self, values: Mapping[str, float], step: int) -> None:
        """Records metrics at a step."""
        if self.run_id is not None:
            mlflow.log_metrics(dict(values), step=step, run_id=self.run_id)

    def artifact(self, path: Path, folder: str | None = None) -> None:
        """Records a file, or all files of a directory."""
        if self.run_id is None:
            return
        if path.is_dir():
            mlflow.log_artifacts(str(path), folder, run_id=self.run_id)
        else:
            mlflow.log_artifact(str(path), folder, run_id=self.run_id)

    def tags(self, values: Mapping[str, str]) -> None:
        """Sets tags of the run."""
        if self.run_id is not None:
            mlflow.MlflowClient().log_batch(
                self.run_id, tags=[mlflow.entities.RunTag(name, str(value)) for name, value in values.items()]
            )


@contextmanager
def tracked_run(config: DictConfig, directory: Path) -> Iterator[Tracking]:
    """Opens the MLflow run of an output directory.

    The run's id is kept in the directory: where one is there already, that run is continued.

    Args:
        config: The group ``tracking`` of the configuration.
        directory: The output directory.

    Yields:
        The run. It ends as failed where the block raises, as killed where it is interrupted.

    Raises:
        SettingsError: If a setting has a wrong name or type.
        TrackingError: If the store cannot be used, or the directory's run is not in it.
    """
    store = settings(Store, config, "tracking")
    if not store.enabled:
        yield Tracking(None)
        return
    # mlflow asks its home for telemetry and prints a link to a server that is not running
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    mlflow.set_tracking_uri(store.uri)
    kept = directory / RUN_ID_FILE
    known = kept.read_text(encoding="utf-8").strip() if kept.is_file() else None
    try:
        if known is None:
            mlflow.set_experiment(store.experiment)
        else:
            # mlflow refuses to continue a run of another experiment than the one set last in this process
            mlflow.set_experiment(experiment_id=mlflow.get_run(known).info.experiment_id)
        run = mlflow.start_run(
            run_id=known,
            # a training of a sweep is shown under it
            nested=mlflow.active_run() is not None,
            run_name=None if known else store.run_name,
            tags=None if known else {name: str(value) for name, value in store.tags.items()},
        )
    except (MlflowException, SQLAlchemyError, OSError) as error:
        reason = str(error).strip().splitlines()[0]
        if known is None:
            raise TrackingError(
                f"no run can be recorded in {store.uri}: {reason}\n"
                "Check tracking.uri and tracking.experiment, or record nothing with tracking.enabled=false"
            ) from error
        raise TrackingError(
            f"the MLflow run {known} named in {kept} is not in {store.uri}: {reason}\n"
            f"Give the store it was recorded in (tracking.uri=...), or delete {kept} to begin a new run"
        ) from error
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text(run.info.run_id + "\n", encoding="utf-8")
    status = "FAILED"
    try:
        yield Tracking(run.info.run_id)
        status = "FINISHED"
    except KeyboardInterrupt:
        status = "KILLED"
        raise
    finally:
        mlflow.end_run(status)


def run_directory(model: Path, otherwise: Path) -> Path:
    """Returns the directory whose MLflow run a model belongs to: that of its training where it lies there still.

    Args:
        model: The network or model directory.
        otherwise: Where a run of its own is kept.
    """
    return model.parent if (model.parent / RUN_ID_FILE).is_file() else otherwise


class TrackingCallback(TrainerCallback):  # type: ignore[misc]
    """Records what the Trainer logs, at its step.

    Args:
        tracking: The open run.
    """

    def __init__(self, tracking: Tracking) -> None:
        self.tracking = tracking

    def on_log(self, args: Any, state: Any, control: Any, logs: Mapping[str, Any] | None = None, **_: Any) -> None:
        """Records training loss and dev scores."""
        values = {}
        for name, value in (logs or {}).items():
            if isinstance(value, (int, float)):
                kind, _, rest = name.partition("_")
                values[f"dev/{rest}" if kind == "eval" else f"train/{name.removeprefix('train_')}"] = float(value)
        self.tracking.metrics(values, step=state.global_step)


def plain(config: DictConfig) -> dict[str, Any]:
    """Returns a configuration as nested plain values, interpolations resolved."""
    values = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    assert isinstance(values, dict)
    return {str(name): value for name, value in values.items()}
