"""Where a trained network lies that is named by a folder or by an address in MLflow."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import mlflow
from mlflow.exceptions import MlflowException
from sqlalchemy.exc import SQLAlchemyError

from training.networks import NetworkError, missing_files
from training.resumption import NETWORK

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
    client = mlflow.MlflowClient(store, store)
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
            f"{source} is not in the registry of {store}: {str(error).splitlines()[0]}\n{_known(client, match['name'])}"
        ) from error
    if not found.run_id:
        raise NetworkError(f"{source} was registered without its training's run; register it with training.promote")
    return str(found.run_id)


def _from_mlflow(source: str, store: str, kept: Path) -> Path:
    run = run_of(source, store)
    client = mlflow.MlflowClient(store, store)
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


def _known(client: mlflow.MlflowClient, name: str) -> str:
    models = {model.name: model for model in client.search_registered_models()}
    if name not in models:
        return f"Registered are: {', '.join(models) or 'no models'}"
    versions = sorted(int(version.version) for version in client.search_model_versions(f"name='{name}'"))
    aliases = [f"@{alias} (version {version})" for alias, version in sorted(models[name].aliases.items())]
    return f"{name} has the versions {', '.join(map(str, versions))} and the aliases {', '.join(aliases) or 'none'}"
