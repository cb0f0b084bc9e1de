"""Encoders: the one kept in this folder, local directories, and models of the Hugging Face hub."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from tokenizers import Tokenizer
from transformers import AutoConfig, AutoModel, AutoTokenizer, PretrainedConfig, PreTrainedModel

from training.model import JointTaggerConfig, without_pooler
from training.settings import Encoder

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
        EncoderError: If it is not there, is damaged, has no tokenizer of its own, or reads fewer than ``max_length``
            subwords.
    """
    location = _location(source)
    try:
        config = AutoConfig.from_pretrained(location)
        if isinstance(config, JointTaggerConfig):
            raise EncoderError(
                f"{source} is a trained tagger, not an encoder; give the encoder that it was trained from"
            )
        tokenizer = AutoTokenizer.from_pretrained(location)
        set_dropouts(config, hidden_dropout, attention_dropout)
        encoder, loading = AutoModel.from_pretrained(
            location, config=config, dtype="float32", output_loading_info=True, **without_pooler(config)
        )
    except EncoderError:
        raise
    except Exception as error:  # transformers, tokenizers and safetensors raise many kinds
        reason = str(error).strip().splitlines()[0]
        if Path(location).is_dir() or not isinstance(error, OSError):
            raise EncoderError(f"the encoder {source!r} cannot be loaded: {reason}\n{_EXPECTED_FILES}") from error
        raise EncoderError(
            f"the encoder {source!r} is neither a local directory nor could it be fetched from the hub: {reason}\n"
            "Without network use encoder=mini, which comes with the repository, or give a local directory: "
            f"encoder.source=path/to/directory. {_EXPECTED_FILES}"
        ) from error
    missing = sorted(name for name in loading["missing_keys"] if "pooler" not in name)
    if missing:
        raise EncoderError(
            f"the weights of the encoder {source!r} are of another architecture than its config.json says: "
            f"{len(missing)} are missing, such as {missing[0]}"
        )
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        raise EncoderError(
            f"the encoder {source!r} has no fast tokenizer (tokenizer.json), which exact offsets need; "
            "save one with AutoTokenizer.from_pretrained(..., use_fast=True).save_pretrained(directory)"
        )
    check_fit(source, encoder, backend, max_length)
    return encoder, backend


def configured_encoder(wanted: Encoder, max_length: int) -> tuple[PreTrainedModel, Tokenizer]:
    """Loads the encoder that a configuration names; ``max_length``, returns and errors as of ``load_encoder``."""
    return load_encoder(
        wanted.source,
        hidden_dropout=wanted.hidden_dropout,
        attention_dropout=wanted.attention_dropout,
        max_length=max_length,
    )


def save_encoder(encoder: PreTrainedModel, source: str, directory: Path) -> None:
    """Writes an encoder as a directory that ``load_encoder`` reads: float16 weights, and the tokenizer it came with.

    Args:
        encoder: The encoder; it stays as it is.
        source: Where it was loaded from: its tokenizer is taken from there.
        directory: Where to.
    """
    weights = {name: value.half().contiguous() for name, value in encoder.state_dict().items()}
    encoder.save_pretrained(directory, state_dict=weights)
    location = Path(_location(source))
    if not location.is_dir():
        AutoTokenizer.from_pretrained(source).save_pretrained(directory)
        return
    # file by file: written anew by another version, the same tokenizer looks different
    for name in _TOKENIZER_FILES:
        if (location / name).is_file():
            shutil.copyfile(location / name, directory / name)


_TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt")

_EXPECTED_FILES = "A directory holds config.json, model.safetensors and tokenizer.json, as save_pretrained writes them."

# what the architectures call the same
_HIDDEN_DROPOUT = ("hidden_dropout_prob", "dropout", "mlp_dropout", "embd_pdrop")
_ATTENTION_DROPOUT = ("attention_probs_dropout_prob", "attention_dropout", "attn_pdrop")


def set_dropouts(config: PretrainedConfig, hidden: float, attention: float) -> None:
    """Sets the dropout of an encoder's hidden states and attention weights, 0 to 1, whatever its kind calls them.

    Raises:
        EncoderError: If encoders of its kind have no such dropout.
    """
    _set_dropout(config, _HIDDEN_DROPOUT, hidden)
    _set_dropout(config, _ATTENTION_DROPOUT, attention)


def _set_dropout(config: PretrainedConfig, names: Sequence[str], value: float) -> None:
    known = [name for name in names if hasattr(config, name)]
    if value and not known:
        raise EncoderError(
            f"encoders of the kind {config.model_type} have no such dropout (none of {', '.join(names)}); "
            "set encoder.hidden_dropout or encoder.attention_dropout to 0"
        )
    for name in known:
        setattr(config, name, value)


def check_fit(source: str, encoder: PreTrainedModel, tokenizer: Tokenizer, max_length: int) -> None:
    """Checks that an encoder belongs to a tokenizer and reads windows of ``max_length`` subwords.

    Raises:
        EncoderError: If it does not.
    """
    subwords = tokenizer.get_vocab_size(with_added_tokens=False)
    embedded = encoder.get_input_embeddings().num_embeddings
    # without its files transformers makes a tokenizer that knows no word
    if subwords > embedded or subwords < embedded / 2:
        raise EncoderError(
            f"the tokenizer of {source!r} has {subwords} subwords, but the encoder has {embedded}: they do not belong "
            f"together, or the tokenizer's files are missing. {_EXPECTED_FILES}"
        )
    readable = _readable_length(encoder)
    if max_length > readable:
        raise EncoderError(
            f"windows of {max_length} subwords were asked for, but {source!r} reads at most {readable}; "
            f"set windowing.max_length={readable} or less"
        )


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
    # RoBERTa and its kin count positions from the padding id on
    counted_from_padding = any(name in encoder.config.model_type for name in ("roberta", "camembert"))
    return positions - (encoder.config.pad_token_id + 1 if counted_from_padding else 0)
