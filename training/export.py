"""Makes a hadath model directory of a trained network: ``python -m training.export model=runs/NAME/model``."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import torch
from omegaconf import DictConfig

from hadath.document import Document
from hadath.model_directory import WEIGHTS_PREFIX, ModelConfig, load
from hadath.reading import Windowing, batches, read
from hadath.schema import Schema
from hadath.tokens import WordTokenizer
from training.calibration import fitted_temperatures
from training.corpus import CorpusError, read_corpus
from training.heads import ArgumentHead
from training.metrics import selection_scores
from training.model import JointTagger
from training.networks import NetworkError, load_network
from training.onnx_graph import Dense, GraphError, build_graph
from training.prediction import tag_documents, torch_tagger
from training.provenance import read_provenance
from training.registry import log_model
from training.script import script
from training.tracking import TrackingError, run_directory, tracked_run

log = logging.getLogger(__name__)

SAMPLE_SUBWORDS = 20_000
"""Subwords of the training articles from which the ranges of the activations are taken."""


def export(config: DictConfig) -> Path:
    """Exports a network as configs/export.yaml says.

    Args:
        config: The composed configuration.

    Returns:
        The model directory.

    Raises:
        NetworkError: If the network cannot be loaded.
        CorpusError: If the articles it is compared on cannot be read.
        GraphError: If the encoder is of a shape that cannot be exported, or the precision is none.
    """
    source = Path(config.model)
    model, tokenizer = load_network(source)
    corpus = read_corpus(**config.corpus, splits=("train", "dev"))
    directory = Path(config.output_dir) if config.output_dir else source.parent / "package"
    directory.mkdir(parents=True, exist_ok=True)

    windowing = Windowing.from_dict(model.config.windowing)
    samples = sample_texts(corpus.splits["train"], WordTokenizer(tokenizer, windowing.pieces_per_word), windowing)
    graph = build_graph(model.encoder, dense_layers(model), config.precision, samples, constant_outputs(model))
    onnx.save(graph, directory / "model.onnx")
    shutil.copyfile(source / "tokenizer.json", directory / "tokenizer.json")
    schema = Schema.from_dict(model.config.schema)
    origin = {**read_provenance(source), "precision": config.precision}
    least = {str(kind): float(score) for kind, score in config.min_scores.items()}
    written = ModelConfig(schema, windowing, {}, origin, {}, config.name, least)
    written.write(directory)

    dev = corpus.splits["dev"]
    if config.calibrate:
        written = replace(written, temperatures=fitted_temperatures(load(directory), dev))
        written.write(directory)
    # with the same temperatures and least scores, so that what differs is the export's doing
    same = {"temperatures": written.temperatures, "min_scores": least}
    trained = tag_documents(replace(torch_tagger(model, tokenizer), **same), dev)
    exported = tag_documents(load(directory), dev)
    effect = export_effect(dev, trained, exported, schema)
    with tracked_run(config.tracking, run_directory(source, directory)) as tracking:
        tracking.metrics({f"export/{name}": value for name, value in effect.items()}, step=0)
        if config.log_model:
            log_model(tracking, directory)
    megabytes = (directory / "model.onnx").stat().st_size / 1e6
    log.info("Exported to %s (model.onnx %.1f MB)", directory, megabytes)
    for name, value in effect.items():
        log.info("  %s %.4f", name, value)
    return directory


def dense_layers(model: JointTagger) -> dict[str, list[Dense]]:
    """Returns each head's layers as the graph takes them."""
    layers = {}
    for name, head in model.heads.items():
        if isinstance(head, ArgumentHead):
            layers[name] = [Dense.joined(*head.descriptions)]
            continue
        hidden = [] if head.hidden is None else [Dense.of(head.hidden, "gelu")]
        layers[name] = [*hidden, Dense.of(head.output)]
    return layers


def constant_outputs(model: JointTagger) -> dict[str, npt.NDArray[np.float32]]:
    """Returns the weights that score pairs of words, by the names that the graph gives them out under."""
    weights = model.argument_weights()
    return {} if weights is None else {f"{WEIGHTS_PREFIX}{name}": table for name, table in vars(weights).items()}


def sample_texts(
    documents: Sequence[Document], tokenizer: WordTokenizer, windowing: Windowing
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Yields input ids and attention masks, [B, S] each, of about ``SAMPLE_SUBWORDS`` subwords of articles."""
    taken = 0
    for document in documents:
        for batch in batches([read(document.text, tokenizer, windowing)], tokenizer, batch_tokens=4096):
            yield torch.from_numpy(batch.input_ids), torch.from_numpy(batch.attention_mask)
            taken += int(batch.attention_mask.sum())
        if taken >= SAMPLE_SUBWORDS:
            return


def export_effect(
    gold: Sequence[Document], trained: Sequence[Document], exported: Sequence[Document], schema: Schema
) -> dict[str, float]:
    """Tells what the export changed.

    Args:
        gold: Annotated articles.
        trained: What the network found in them in float32.
        exported: What the exported model found.
        schema: Types and roles.

    Returns:
        F1 before and after, and the F1 of the exported model's spans against the network's, by kind.
    """
    before, after = selection_scores(gold, trained, schema), selection_scores(gold, exported, schema)
    agreement = selection_scores(trained, exported, schema)
    return {
        **{f"trained/{name}": value for name, value in before.items()},
        **{f"exported/{name}": value for name, value in after.items()},
        **{f"agreement/{name}": value for name, value in agreement.items()},
    }


@script("export", CorpusError, NetworkError, TrackingError, GraphError)
def main(config: DictConfig) -> None:
    """Exports a network and tells what that changed."""
    export(config)


if __name__ == "__main__":
    main()
