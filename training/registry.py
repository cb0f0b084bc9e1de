"""Models in MLflow: logged as pyfunc models without pickle, registered as versions, and one of them in use."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path

import mlflow
import pandas as pd
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType
from mlflow.types.schema import Schema

from hadath.version import __version__
from training.tracking import Tracking

CODE = Path(__file__).parent / "pyfunc.py"

SIGNATURE = ModelSignature(
    inputs=Schema([ColSpec(DataType.string, "text")]), outputs=Schema([ColSpec(DataType.string, "document")])
)

EXAMPLE = pd.DataFrame({"text": ["زار وزير الخارجية التونسي بنغازي أمس."]})

DIGEST = "package.digest"
"""Tag of a version: what its network, tokenizer and settings are, so that no model is registered twice."""

# what MLflow takes for a tag's value
_LONGEST_TAG = 5000


# of a model that is not there, and of an alias
_NOT_THERE = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")


class RegistryError(RuntimeError):
    """A version or alias that the registry does not hold, or a registry that cannot be asked."""


def log_model(tracking: Tracking, directory: Path) -> str | None:
    """Records a model directory as the model of a run.

    Args:
        tracking: The open run.
        directory: The model directory.

    Returns:
        The model's address in MLflow; None where nothing is recorded.
    """
    if tracking.run_id is None:
        return None
    logged = mlflow.pyfunc.log_model(
        name="model",
        python_model=str(CODE),
        artifacts={"model": str(directory)},
        signature=SIGNATURE,
        input_example=EXAMPLE,
        pip_requirements=[f"hadath>={__version__}"],
    )
    return str(logged.model_uri)


def package_digest(directory: Path) -> str:
    """Identifies a model directory by what it computes; figures measured later and the card do not count."""
    config = json.loads((directory / "config.json").read_text(encoding="utf-8"))
    counted = {name: value for name, value in config.items() if name != "metrics"}
    digest = hashlib.sha256(json.dumps(counted, sort_keys=True).encode("ascii"))
    for name in ("model.onnx", "tokenizer.json"):
        digest.update(hashlib.sha256((directory / name).read_bytes()).digest())
    return digest.hexdigest()


def register(tracking: Tracking, directory: Path, name: str) -> ModelVersion:
    """Registers a model directory as a version of a model; the same one only once.

    Args:
        tracking: The open run of its training.
        directory: The model directory.
        name: Name of the model in the registry.

    Returns:
        The new version, or the one that it has already.
    """
    client = mlflow.MlflowClient()
    digest = package_digest(directory)
    for version in versions(name):
        if version.tags.get(DIGEST) == digest:
            return version
    address = log_model(tracking, directory)
    try:
        client.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    return client.create_model_version(name, str(address), tracking.run_id, tags={DIGEST: digest})


def versions(name: str) -> list[ModelVersion]:
    """Returns the versions of a registered model, newest first; none where there is no such model."""
    found = mlflow.MlflowClient().search_model_versions(f"name='{name}'")
    return sorted(found, key=lambda version: int(version.version), reverse=True)


def version_of(name: str, alias: str) -> ModelVersion | None:
    """Returns the version that an alias stands for; None where there is no such model or alias.

    Raises:
        RegistryError: If the registry cannot be asked: what could not be looked up may be there.
    """
    try:
        return mlflow.MlflowClient().get_model_version_by_alias(name, alias)
    except MlflowException as error:
        if error.error_code in _NOT_THERE:
            return None
        reason = str(error).strip().splitlines()[0]
        raise RegistryError(
            f"the {alias} of {name} cannot be looked up in {mlflow.get_tracking_uri()}: {reason}\n"
            "Check tracking.uri, or try again"
        ) from error


def tag_version(version: ModelVersion, tags: Mapping[str, str]) -> None:
    """Sets tags of a version, long values cut."""
    client = mlflow.MlflowClient()
    for name, value in tags.items():
        client.set_model_version_tag(version.name, str(version.version), name, value[:_LONGEST_TAG])


def move_alias(alias: str, version: ModelVersion, previous: ModelVersion | None) -> None:
    """Makes an alias stand for a version, which remembers the one before it.

    Args:
        alias: The alias.
        version: The version that it stands for from now on.
        previous: The version that it stood for; None where it is new.
    """
    # the way back is written first: between the two steps nothing is lost
    tag_version(version, {f"{alias}.since": _now(), f"{alias}.previous": str(previous.version) if previous else ""})
    mlflow.MlflowClient().set_registered_model_alias(version.name, alias, str(version.version))


def roll_back(name: str, alias: str) -> tuple[ModelVersion, ModelVersion]:
    """Makes an alias stand for the version before the present one again.

    Args:
        name: Name of the model in the registry.
        alias: The alias.

    Returns:
        The version that it stood for and the one that it stands for now.

    Raises:
        RegistryError: If there is no such model or alias, or no version before.
    """
    client = mlflow.MlflowClient()
    present = version_of(name, alias)
    if present is None:
        known = ", ".join(model.name for model in client.search_registered_models()) or "no models"
        raise RegistryError(f"{name} has no {alias}, so there is nothing to roll back; registered are: {known}")
    number = present.tags.get(f"{alias}.previous")
    if not number:
        raise RegistryError(f"version {present.version} of {name} is the first {alias}: there is none to go back to")
    before = next((version for version in versions(name) if str(version.version) == number), None)
    if before is None:
        raise RegistryError(
            f"version {number} of {name}, the {alias} before version {present.version}, is no longer in the registry"
        )
    tag_version(present, {f"{alias}.rolled_back": _now()})
    client.set_registered_model_alias(name, alias, number)
    return present, before


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
