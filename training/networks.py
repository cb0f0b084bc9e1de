"""Loading what finetune saved and what export made."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tokenizers import Tokenizer

from hadath.model_directory import load
from hadath.tagger import BATCH_TOKENS, Tagger
from training.model import JointTagger, JointTaggerConfig
from training.optimization import bfloat16_is_fast
from training.prediction import torch_tagger

FILES = ("config.json", "model.safetensors", "tokenizer.json")
"""What a trained network consists of."""


class NetworkError(ValueError):
    """A directory that holds no trained network."""


def missing_files(directory: Path) -> list[str]:
    """Returns which files of a trained network a directory does not hold."""
    return [name for name in FILES if not (directory / name).is_file()]


def load_network(
    directory: Path, change: Callable[[JointTaggerConfig], JointTaggerConfig] | None = None
) -> tuple[JointTagger, Tokenizer]:
    """Loads a trained network and its tokenizer.

    Args:
        directory: The folder ``model`` that ``training.finetune`` wrote.
        change: Changes its config before it is built, such as its dropout.

    Returns:
        The network, in evaluation mode, and the tokenizer.

    Raises:
        NetworkError: If a file is missing or does not fit the others.
    """
    missing = missing_files(directory)
    if missing:
        raise NetworkError(
            f"{directory} is no trained network: it holds no {', '.join(missing)}; "
            "give the folder model/ that `python -m training.finetune` wrote"
        )
    try:
        config = JointTaggerConfig.from_pretrained(directory)
        model = JointTagger.from_pretrained(directory, config=config if change is None else change(config))
        tokenizer = Tokenizer.from_file(str(directory / "tokenizer.json"))
    except Exception as error:  # transformers and tokenizers raise many kinds for a damaged file
        raise NetworkError(f"{directory} cannot be read: {error}; train it again") from error
    return model.eval(), tokenizer


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
