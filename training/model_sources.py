"""Where a trained network or a model lies that is named by a folder or by an address in MLflow."""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

import mlflow
from mlflow.exceptions import MlflowException
from sqlalchemy.exc import SQLAlchemyError

from hadath.model_directory import ModelConfig
from hadath.registered_models import PREFIX, registered, registered_model_directory
from training.networks import NetworkError, missing_files
from training.provenance import read_provenance
from training.resumption import NETWORK
from training.seen_articles import FILE as SEEN_FILE
from training.seen_articles import read_seen_articles

PACKAGE = "package"
"""Folder of a run that ``training.export`` writes the model directory to."""

NETWORK_ARTIFACT = "network"
"""Folder of an MLflow run's artifacts that holds the trained network."""

_MODEL_VERSION = re.compile(r"models:/(?P<name>[^/@]+)(?:@(?P<alias>[^/]+)|/(?P<version>[^/]+))")
_RUN = re.compile(rf"runs:/(?P<run>[^/]+)(?:/{NETWORK_ARTIFACT})?/?")

_FORMS = (
    "give the folder runs/NAME or runs/NAME/model of a training, or, from MLflow, models:/NAME@ALIAS, "
    "models:/NAME/VERSION or runs:/RUN_ID"
)


def is_mlflow_address(source: str) -> bool:
    """Returns whether a model is named by an address in MLflow.

    Example:
        >>> is_mlflow_address("models:/hadath@champion"), is_mlflow_address("runs/first/model")
        (True, False)
    """
    return source.startswith(("models:/", "runs:/"))


def network_directory(source: str, store: str, kept: Path) -> Path:
    """Returns the folder of a trained network.

    Args:
        source: A run's folder, its folder ``model``, ``models:/NAME@ALIAS``, ``models:/NAME/VERSION`` or
            ``runs:/RUN_ID``.
        store: The MLflow tracking store that addresses are looked up in.
        kept: Where what MLflow holds is copied to. What lies there already is taken: a resumed training goes on from
            the same network even where the alias has moved on.

    Returns:
        A folder with ``config.json``, ``model.safetensors`` and ``tokenizer.json``.

    Raises:
        NetworkError: If there is none, with the reason.
    """
    if is_mlflow_address(source):
        return kept if not missing_files(kept) else _from_mlflow(source, store, kept)
    directory = Path(source)
    if not directory.is_dir():
        raise NetworkError(f"there is no folder {source}; {_FORMS}")
    for candidate in (directory, directory / NETWORK):
        if not missing_files(candidate):
            return candidate
    if (directory / "model.onnx").is_file():
        raise NetworkError(
            f"{source} is an exported model, which cannot be trained further; give the network that it was exported "
            f"from, such as {directory.parent / NETWORK}"
        )
    raise NetworkError(f"{source} holds no trained network ({', '.join(missing_files(directory))} missing); {_FORMS}")


def run_of(source: str, store: str) -> str:
    """Returns the id of the MLflow run that an address names, for a registered version that of its training.

    Raises:
        NetworkError: If there is no such run, version or alias; versions and aliases that there are are listed.
    """
    mlflow.set_tracking_uri(store)
    client = mlflow.MlflowClient()
    if (match := _RUN.fullmatch(source)) is not None:
        return match["run"]
    match = _MODEL_VERSION.fullmatch(source)
    if match is None:
        raise NetworkError(f"{source} is no address of a model; {_FORMS}")
    try:
        found = (
            client.get_model_version_by_alias(match["name"], match["alias"])
            if match["alias"]
            else client.get_model_version(match["name"], match["version"])
        )
    except (MlflowException, SQLAlchemyError) as error:
        raise NetworkError(
            f"{source} is not in the registry of {store}: {str(error).splitlines()[0]}\n{registered(mlflow, source)}"
        ) from error
    if not found.run_id:
        raise NetworkError(f"{source} was registered without its training's run; register it with training.promote")
    return str(found.run_id)


def _from_mlflow(source: str, store: str, kept: Path) -> Path:
    run = run_of(source, store)
    client = mlflow.MlflowClient()
    try:
        held = [file.path for file in client.list_artifacts(run, NETWORK_ARTIFACT)]
    except (MlflowException, SQLAlchemyError) as error:
        raise NetworkError(f"the run {run} of {source} is not in {store}: {str(error).splitlines()[0]}") from error
    if not held:
        raise NetworkError(
            f"the run {run} of {source} holds no trained network, since it was trained with log_network=false; "
            "give the folder runs/NAME/model of that training"
        )
    shutil.rmtree(kept, ignore_errors=True)
    kept.parent.mkdir(parents=True, exist_ok=True)
    partial = kept.with_name(f"{kept.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    client.download_artifacts(run, NETWORK_ARTIFACT, str(partial))
    (partial / NETWORK_ARTIFACT).rename(kept)
    partial.rmdir()
    return kept


def model_directory(source: str, store: str) -> Path:
    """Returns the folder of a model to tag with.

    Args:
        source: A run's folder, of which the exported model is taken where there is one; its folder ``package`` or
            ``model``; or ``models:/NAME@ALIAS`` or ``models:/NAME/VERSION``.
        store: The MLflow tracking store that addresses are looked up in.

    Returns:
        A model directory of ``training.export``, or the folder of a trained network.

    Raises:
        ModelError: If the registry holds no such model.
        NetworkError: If there is none in the folder.
    """
    if source.startswith(PREFIX):
        mlflow.set_tracking_uri(store)
        return registered_model_directory(source)
    directory = Path(source)
    for candidate in (directory, directory / PACKAGE, directory / NETWORK):
        if (candidate / "model.onnx").is_file() or not missing_files(candidate):
            return candidate
    raise NetworkError(
        f"{source} {'holds' if directory.is_dir() else 'is no folder and names'} no model; give runs/NAME, its folder "
        f"{PACKAGE} or {NETWORK}, or, from MLflow, models:/NAME@ALIAS or models:/NAME/VERSION"
    )


def origin_of(directory: Path) -> dict[str, Any]:
    """Returns the provenance of a model directory or a trained network."""
    if (directory / "model.onnx").is_file():
        return dict(ModelConfig.read(directory).provenance)
    return read_provenance(directory)


def articles_seen_by(directory: Path, store: str) -> dict[str, str] | None:
    """Returns how each article that a model has seen was seen, by its digest.

    It stands beside the network; where that is not here, in the MLflow run of the training.

    Args:
        directory: A model directory or the folder of a trained network.
        store: The MLflow tracking store of its run.

    Returns:
        As ``seen_articles.read_seen_articles``; None where it was not recorded.
    """
    for folder in (directory, directory.parent / NETWORK):
        seen = read_seen_articles(folder)
        if seen is not None and origin_of(folder).get("mlflow_run_id") == origin_of(directory).get("mlflow_run_id"):
            return seen
    run = origin_of(directory).get("mlflow_run_id")
    if run is None:
        return None
    mlflow.set_tracking_uri(store)
    with tempfile.TemporaryDirectory() as folder:
        try:
            mlflow.MlflowClient().download_artifacts(run, SEEN_FILE, folder)
        except (MlflowException, SQLAlchemyError, OSError):
            return None
        return read_seen_articles(Path(folder))
