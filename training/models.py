"""Models to measure: networks as finetune saved them, and exported model directories."""

from __future__ import annotations

from pathlib import Path

from hadath.model_directory import load
from hadath.tagger import BATCH_TOKENS, Tagger
from training.networks import load_network
from training.optimization import bfloat16_is_fast
from training.prediction import torch_tagger


def load_tagger(directory: Path, batch_tokens: int = BATCH_TOKENS) -> Tagger:
    """Loads a tagger of either kind.

    Args:
        directory: A folder ``model/`` of finetune, or a model directory of export.
        batch_tokens: Most subwords, padding counted, that the network is given at once.

    Returns:
        The tagger.

    Raises:
        NetworkError: If a network cannot be loaded.
        ModelError: If a model directory cannot be loaded.
    """
    if (directory / "model.safetensors").is_file():
        model, tokenizer = load_network(directory)
        return torch_tagger(model, tokenizer, bfloat16=bfloat16_is_fast(), batch_tokens=batch_tokens)
    return load(directory, batch_tokens=batch_tokens)
