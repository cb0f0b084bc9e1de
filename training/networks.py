"""Loading what finetune saved."""

from __future__ import annotations

from pathlib import Path

from tokenizers import Tokenizer

from training.model import JointTagger


class NetworkError(ValueError):
    """A directory that holds no trained network."""


def load_network(directory: Path) -> tuple[JointTagger, Tokenizer]:
    """Loads a trained network and its tokenizer.

    Args:
        directory: The folder ``model`` that ``training.finetune`` wrote.

    Returns:
        The network, in evaluation mode, and the tokenizer.

    Raises:
        NetworkError: If a file is missing or does not fit the others.
    """
    expected = ("config.json", "model.safetensors", "tokenizer.json")
    missing = [name for name in expected if not (directory / name).is_file()]
    if missing:
        raise NetworkError(
            f"{directory} is no trained network: it holds no {', '.join(missing)}; "
            "give the folder model/ that `python -m training.finetune` wrote"
        )
    try:
        model = JointTagger.from_pretrained(directory)
        tokenizer = Tokenizer.from_file(str(directory / "tokenizer.json"))
    except Exception as error:  # transformers and tokenizers raise many kinds for a damaged file
        raise NetworkError(f"{directory} cannot be read: {error}; train it again") from error
    return model.eval(), tokenizer
