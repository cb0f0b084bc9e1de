"""Models that lie in an MLflow registry and are named by their address there; MLflow is loaded only for these."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from hadath.errors import ModelError

PREFIX = "models:/"


def registered_model_directory(address: str) -> Path:
    """Returns the model directory of a registered model, copied here where the registry is on another machine.

    The registry is the one that MLflow is set to: by ``MLFLOW_TRACKING_URI``, else ``mlflow.db`` in the working
    directory.

    Args:
        address: ``models:/NAME@ALIAS`` or ``models:/NAME/VERSION``.

    Returns:
        A folder with ``model.onnx``, ``tokenizer.json`` and ``config.json``.

    Raises:
        ModelError: If MLflow is not installed, or the registry holds no such hadath model; what it holds is listed.

    Example:
        >>> registered_model_directory("models:/hadath@champion")  # doctest: +SKIP
        PosixPath('mlruns/1/models/m-5f…/artifacts/artifacts/package')
    """
    try:
        mlflow: Any = importlib.import_module("mlflow")
    except ImportError as error:
        raise ModelError(
            f"{address} lies in an MLflow registry, but MLflow is not installed; install it (pip install mlflow), or "
            "give a model directory"
        ) from error
    try:
        folder = Path(mlflow.artifacts.download_artifacts(artifact_uri=address))
    except Exception as error:  # MLflow's stores raise errors of their own, of databases and of networks
        store = mlflow.get_registry_uri()
        raise ModelError(
            f"{address} cannot be had from the registry {store}: {_first_line(error)}\n{registered(mlflow, address)}"
        ) from error
    found = sorted(path.parent for path in folder.rglob("model.onnx"))
    if not found:
        raise ModelError(
            f"{address} is in the registry, but is no hadath model: it holds no model.onnx; expected one that "
            "`python -m training.promote` registered"
        )
    return found[0]


def registered(mlflow: Any, address: str) -> str:
    """Tells in a sentence what a registry holds instead of a model that it does not hold."""
    name = address.removeprefix(PREFIX).partition("@")[0].partition("/")[0]
    try:
        client = mlflow.MlflowClient()
        models = {model.name: model for model in client.search_registered_models()}
        if name not in models:
            return f"Registered are: {', '.join(models) or 'no models'}. Another registry: MLFLOW_TRACKING_URI=…"
        versions = sorted(int(version.version) for version in client.search_model_versions(f"name='{name}'"))
        aliases = [f"@{alias} (version {version})" for alias, version in sorted(models[name].aliases.items())]
    except Exception as error:  # as above: where the registry itself cannot be reached, that is what is wrong
        return f"The registry cannot be read: {_first_line(error)}; check MLFLOW_TRACKING_URI"
    return f"{name} has the versions {', '.join(map(str, versions)) or '-'} and the aliases {', '.join(aliases) or '-'}"


def _first_line(error: Exception) -> str:
    return (str(error).strip() or repr(error)).splitlines()[0]
