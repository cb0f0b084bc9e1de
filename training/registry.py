"""The model in MLflow: a pyfunc model with signature, made of code and a model directory, without pickle."""

from __future__ import annotations

from pathlib import Path

import mlflow
import pandas as pd
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
