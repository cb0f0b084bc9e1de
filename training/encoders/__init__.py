"""Encoders: the one kept in this folder, local directories, and models of the Hugging Face hub."""

from __future__ import annotations

from pathlib import Path

from tokenizers import Tokenizer
from transformers import AutoConfig, AutoModel, AutoTokenizer, PreTrainedModel

from training.model import without_pooler

FOLDER = Path(__file__).parent


class EncoderError(ValueError):
    """An encoder that cannot be loaded or does not fit the windows asked for."""


def load_encoder(
    source: str, *, hidden_dropout: float, attention_dropout: float, max_length: int
) -> tuple[PreTrainedModel, Tokenizer]:
    """Loads an encoder and its tokenizer.

    Args:
        source: The name of a folder beside this file (``mini``), a local directory, or a hub name such as
            ``aubmindlab/bert-base-arabertv02``.
        hidden_dropout: Dropout of the hidden states while training, 0 to 1.
        attention_dropout: Dropout of the attention weights while training, 0 to 1.
        max_length: Most subwords that a window will have.

    Returns:
        The encoder with float32 weights, and its tokenizer.

    Raises:
        EncoderError: If it is not there, has no fast tokenizer, or reads fewer than ``max_length`` subwords.
    """
    location = _location(source)
    dropout = {"hidden_dropout_prob": hidden_dropout, "attention_probs_dropout_prob": attention_dropout}
    try:
        tokenizer = AutoTokenizer.from_pretrained(location)
        encoder = AutoModel.from_pretrained(location, dtype="float32", **without_pooler(AutoConfig.from_pretrained(location)), **dropout)
    except OSError as error:
        raise EncoderError(
            f"the encoder {source!r} is neither a local directory nor could it be fetched from the hub: "
            f"{str(error).splitlines()[0]}\nWithout network use encoder=mini, which comes with the repository, or a "
            "directory that holds config.json, model.safetensors and tokenizer.json: encoder.source=path/to/directory"
        ) from error
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        raise EncoderError(
            f"the encoder {source!r} has no fast tokenizer (tokenizer.json), which exact offsets need; "
            "save one with AutoTokenizer.from_pretrained(..., use_fast=True).save_pretrained(directory)"
        )
    readable = _readable_length(encoder)
    if max_length > readable:
        raise EncoderError(
            f"windows of {max_length} subwords were asked for, but {source!r} reads at most {readable}; "
            f"set windowing.max_length={readable} or less"
        )
    return encoder, backend


def _location(source: str) -> str:
    kept_here = FOLDER / source
    if (kept_here / "config.json").is_file():
        return str(kept_here)
    if Path(source).is_dir() and not (Path(source) / "config.json").is_file():
        raise EncoderError(
            f"the directory {source} holds no config.json; expected config.json, model.safetensors and tokenizer.json"
        )
    return source


def _readable_length(encoder: PreTrainedModel) -> int:
    positions = int(getattr(encoder.config, "max_position_embeddings", 1 << 30))
    # RoBERTa counts its positions from the padding id on
    offset = encoder.config.pad_token_id + 1 if "roberta" in encoder.config.model_type else 0
    return positions - offset
