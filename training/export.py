"""Makes a hadath model directory of a trained network: ``python -m training.export model=runs/NAME/model``."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import onnx
from omegaconf import DictConfig

from hadath.document import Document
from hadath.model_directory import ModelConfig, load
from hadath.reading import Windowing
from hadath.schema import Schema
from training.corpus import CorpusError, read_corpus
from training.metrics import selection_scores
from training.networks import NetworkError, load_network
from training.onnx_graph import build_graph
from training.prediction import tag_documents, torch_tagger
from training.provenance import read_provenance
from training.pyfunc import log_model
from training.script import script
from training.tracking import TrackingError, tracked_run

log = logging.getLogger(__name__)


def export(config: DictConfig) -> Path:
    """Exports a network as configs/export.yaml says.

    Args:
        config: The composed configuration.

    Returns:
        The model directory.

    Raises:
        NetworkError: If the network cannot be loaded.
        CorpusError: If the articles to compare on cannot be read.
    """
    source = Path(config.model)
    model, tokenizer = load_network(source)
    directory = Path(config.output_dir) if config.output_dir else source.parent / "package"
    directory.mkdir(parents=True, exist_ok=True)
    onnx.save(build_graph(model, precision=config.precision), directory / "model.onnx")
    shutil.copyfile(source / "tokenizer.json", directory / "tokenizer.json")
    schema = Schema.from_dict(model.config.schema)
    model_config = ModelConfig(
        schema=schema,
        windowing=Windowing.from_dict(model.config.windowing),
        temperatures={},
        provenance={**read_provenance(source), "precision": config.precision},
        metrics={},
        name=config.name,
    )
    model_config.write(directory)
    documents = read_corpus(config.corpus, splits=(config.compared_on,)).documents(config.compared_on)
    trained = tag_documents(torch_tagger(model, tokenizer), documents)
    exported = tag_documents(load(directory), documents)
    metrics = comparison(documents, trained, exported, schema)
    log.info("Trained and exported on %s: %s", config.compared_on, metrics)
    return directory


def comparison(
    gold: Sequence[Document], trained: Sequence[Document], exported: Sequence[Document], schema: Schema
) -> dict[str, float]:
    """Returns the scores before and after export, and the share of spans on which the two agree.

    Args:
        gold: Annotated articles.
        trained: What the network found in them.
        exported: What the exported model found.
        schema: Types and roles.
    """
    before, after = selection_scores(gold, trained, schema), selection_scores(gold, exported, schema)
    agreement = selection_scores(trained, exported, schema)
    return {
        **{f"trained/{name}": value for name, value in before.items()},
        **{f"exported/{name}": value for name, value in after.items()},
        **{f"agreement/{name}": value for name, value in agreement.items()},
    }
