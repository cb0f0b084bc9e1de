"""What MLflow runs when it serves a hadath model: texts in, documents as JSON out."""

from __future__ import annotations

import json
from typing import Any

import mlflow
import pandas as pd

import hadath


class HadathModel(mlflow.pyfunc.PythonModel):  # type: ignore[misc]
    """A hadath model directory as an MLflow model."""

    def load_context(self, context: Any) -> None:
        """Loads the model directory."""
        self.tagger = hadath.load(context.artifacts["model"])

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Returns ``Document.to_dict()`` as JSON for each row's ``text``."""
        documents = self.tagger.pipe(model_input["text"])
        return pd.DataFrame({"document": [json.dumps(each.to_dict(), ensure_ascii=False) for each in documents]})


mlflow.models.set_model(HadathModel())
