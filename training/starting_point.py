"""Going on from a trained network: its encoder, and its heads where they mean the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import nn

from hadath.reading import Windowing
from hadath.schema import Schema
from training.encoders import check_fit, set_dropouts
from training.heads import HeadSpec
from training.model import JointTagger, JointTaggerConfig, new_tagger
from training.networks import load_network
from training.provenance import read_provenance
from training.settings import Encoder


@dataclass(frozen=True)
class StartingPoint:
    """A trained network that another training goes on from.

    Attributes:
        source: How it was named.
        model: The network.
        tokenizer: Its tokenizer, which the new network shares.
        provenance: Where it comes from.
        directory: Where it lies.
    """

    source: str
    model: JointTagger
    tokenizer: Tokenizer
    provenance: Mapping[str, Any]
    directory: Path

    @property
    def encoder(self) -> str:
        """The encoder that it was trained from."""
        return str(self.provenance.get("encoder", "unknown"))

    def origin(self) -> dict[str, Any]:
        """Returns what the new network's provenance says of it."""
        known = ("mlflow_run_id", "corpus_fingerprint", "created")
        return {"source": self.source, **{name: self.provenance.get(name) for name in known}}


def read_starting_point(source: str, directory: Path, dropout: Encoder, windowing: Windowing) -> StartingPoint:
    """Loads a trained network to go on from.

    Args:
        source: How it was named.
        directory: Where it lies.
        dropout: Settings of the encoder, of which the dropouts are taken; its source is not.
        windowing: The windows that the new network will be trained with.

    Returns:
        The network with those dropouts.

    Raises:
        NetworkError: If it cannot be loaded.
        EncoderError: If its encoder cannot read such windows, or has no such dropout.
    """

    def with_dropouts(config: JointTaggerConfig) -> JointTaggerConfig:
        shape = config.encoder_config()
        set_dropouts(shape, dropout.hidden_dropout, dropout.attention_dropout)
        config.encoder = {**config.encoder, **{name: getattr(shape, name) for name in config.encoder}}
        return config

    model, tokenizer = load_network(directory, with_dropouts)
    check_fit(source, model.encoder, tokenizer, windowing.max_length)
    return StartingPoint(source, model, tokenizer, read_provenance(directory), directory)


def continued_tagger(
    start: StartingPoint, schema: Schema, heads: dict[str, HeadSpec], windowing: dict[str, Any], **kwargs: Any
) -> tuple[JointTagger, dict[str, str]]:
    """Returns a tagger with the encoder of a trained one, and with its heads where they mean the same.

    Args:
        start: What to go on from.
        schema: Types, roles and modalities of the new tagger.
        heads: The heads to build.
        windowing: ``hadath.reading.Windowing`` as a dict.
        **kwargs: Further fields of ``JointTaggerConfig``.

    Returns:
        The tagger, and for each head that starts fresh the reason.
    """
    model = new_tagger(start.model.encoder, schema, heads, windowing, **kwargs)
    trained = start.model
    fresh = {}
    for name, head in model.heads.items():
        reason = _difference(name, model, schema, trained)
        if reason is None:
            head.load_state_dict(trained.heads[name].state_dict())
        else:
            fresh[name] = reason
    return model, fresh


def _difference(name: str, model: JointTagger, schema: Schema, trained: JointTagger) -> str | None:
    """Why a trained head cannot be taken over."""
    if name not in trained.heads:
        return "the trained network has no such head"
    before, spec, known = trained.specs[name], model.specs[name], Schema.from_dict(trained.config.schema)
    if (before.kind, before.source) != (spec.kind, spec.source):
        return f"it was of kind {before.kind} over {before.source}"
    before_labels, labels = before.labels(known), spec.labels(schema)
    if before_labels != labels:
        return f"its labels differ ({_changes(before_labels, labels)})"
    if before.source not in _SPAN_SOURCES and _types(known) != _types(schema):
        return "the types of entities, events or roles differ"
    if _shapes(trained.heads[name]) != _shapes(model.heads[name]):
        return "its layers are of another size"
    return None


# what a head of these reads and scores is told by its labels alone
_SPAN_SOURCES = ("entity_types", "event_types", "modalities")


def _types(schema: Schema) -> tuple[Any, ...]:
    return schema.entity_types, schema.event_types, schema.roles


def _changes(before: tuple[str, ...], labels: tuple[str, ...]) -> str:
    new, gone = ([name for name in one if name not in other] for one, other in ((labels, before), (before, labels)))
    parts = [f"new: {', '.join(new)}"] if new else []
    parts += [f"no longer there: {', '.join(gone)}"] if gone else []
    return "; ".join(parts) or "another order"


def _shapes(head: nn.Module) -> dict[str, torch.Size]:
    return {place: value.shape for place, value in head.state_dict().items()}
