from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from transformers import (
    DistilBertConfig,
    DistilBertModel,
    ModernBertConfig,
    ModernBertModel,
    PretrainedConfig,
    PreTrainedModel,
)

from hadath.schema import Schema
from hadath.tokens import WordTokenizer
from tests.fixtures.tiny_encoder import LAYERS, POSITIONS, write_tiny_encoder
from training.encoders import FOLDER, EncoderError, load_encoder
from training.heads import HeadSpec
from training.model import new_tagger


def load(
    source: Path | str, max_length: int = 64, hidden_dropout: float = 0.1
) -> tuple[PreTrainedModel, WordTokenizer]:
    encoder, tokenizer = load_encoder(
        str(source), hidden_dropout=hidden_dropout, attention_dropout=0.2, max_length=max_length
    )
    return encoder, WordTokenizer(tokenizer)


@pytest.mark.parametrize("tokenizer", ["unigram", "wordpiece"])
@pytest.mark.parametrize("architecture", ["bert", "xlm-roberta"])
def test_a_local_directory_of_each_kind(tmp_path: Path, tokenizer: str, architecture: str) -> None:
    encoder, words = load(write_tiny_encoder(tmp_path, tokenizer, architecture))
    assert encoder.config.model_type == architecture
    assert encoder.config.num_hidden_layers == LAYERS
    assert (encoder.config.hidden_dropout_prob, encoder.config.attention_probs_dropout_prob) == (0.1, 0.2)
    assert encoder.pooler is None
    assert encoder.dtype == torch.float32
    assert words.special_count == 2
    assert words.mask_id is not None
    pieces = words.pieces(["التقى", "سالم", "."], [False, False, True])
    assert words.unknown_id not in pieces.ids
    ids = torch.tensor([[*words.prefix_ids, *pieces.ids.tolist(), *words.suffix_ids]])
    assert encoder(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state.shape == (1, 5, 32)


@pytest.mark.parametrize(
    ("config", "model"),
    [
        (
            DistilBertConfig(vocab_size=144, dim=32, n_layers=2, n_heads=2, hidden_dim=64, pad_token_id=1),
            DistilBertModel,
        ),
        (
            ModernBertConfig(
                vocab_size=144,
                hidden_size=32,
                num_hidden_layers=2,
                num_attention_heads=2,
                intermediate_size=64,
                **{f"{name}_token_id": number for number, name in enumerate(("bos", "pad", "eos", "cls", "sep"))},
            ),
            ModernBertModel,
        ),
    ],
)
def test_encoders_of_other_shapes(
    tmp_path: Path,
    tiny_encoder: Path,
    tiny_schema: Schema,
    config: PretrainedConfig,
    model: type[PreTrainedModel],
) -> None:
    directory = shutil.copytree(tiny_encoder, tmp_path / "encoder")
    model(config).save_pretrained(directory)
    encoder, _ = load(directory)
    assert isinstance(encoder, model)
    assert encoder.config.attention_dropout == 0.2
    tagger = new_tagger(encoder, tiny_schema, {"entities": HeadSpec("spans", "entity_types")}, {})
    ids = torch.tensor([[0, 9, 2, 1]])
    logits = tagger(ids, (ids != 1).long(), torch.tensor([1]), torch.tensor([1])).logits
    assert logits["entities"].shape == (1, 9)


def test_the_encoder_of_the_repository_is_found_by_its_name(
    tiny_encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (FOLDER / "mini" / "config.json").is_file()
    shutil.copytree(tiny_encoder, tmp_path / "mini")
    monkeypatch.setattr("training.encoders.FOLDER", tmp_path)
    assert load("mini")[0].config.num_hidden_layers == LAYERS


@pytest.mark.parametrize("name", ["aubmindlab/bert-base-arabertv02", "arabert", "no/such/directory", "/no/such", "a b"])
def test_without_network_the_error_names_mini_and_a_local_directory(name: str) -> None:
    with pytest.raises(EncoderError) as raised:
        load(name)
    message = str(raised.value)
    assert repr(name) in message
    assert "encoder=mini" in message
    assert "encoder.source=path/to/directory" in message
    assert "config.json, model.safetensors and tokenizer.json" in message


def test_windows_longer_than_the_encoder_reads(tmp_path: Path) -> None:
    bert = write_tiny_encoder(tmp_path / "bert")
    load(bert, max_length=POSITIONS)
    with pytest.raises(EncoderError, match=rf"windows of 73 subwords .* set windowing\.max_length={POSITIONS} or less"):
        load(bert, max_length=POSITIONS + 1)
    # positions of XLM-RoBERTa begin after the padding id, which is 1
    roberta = write_tiny_encoder(tmp_path / "roberta", architecture="xlm-roberta")
    encoder, _ = load(roberta, max_length=POSITIONS - 2)
    encoder(input_ids=torch.full((1, POSITIONS - 2), 9))
    with pytest.raises(EncoderError, match=f"reads at most {POSITIONS - 2}"):
        load(roberta, max_length=POSITIONS - 1)


def write(name: str, content: str) -> Callable[[Path], object]:
    return lambda directory: (directory / name).write_text(content, encoding="utf-8")


def change(name: str, old: str, new: str) -> Callable[[Path], object]:
    return lambda directory: write(name, (directory / name).read_text(encoding="utf-8").replace(old, new))(directory)


def delete(*names: str) -> Callable[[Path], object]:
    return lambda directory: [(directory / name).unlink() for name in names]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (
            delete("config.json"),
            r"holds no config\.json; expected config\.json, model\.safetensors and tokenizer\.json",
        ),
        (delete("model.safetensors"), r"cannot be loaded: .*no file named model\.safetensors"),
        (delete("tokenizer.json"), "cannot be loaded: .*tokenizer"),
        (delete("tokenizer.json", "tokenizer_config.json"), "the tokenizer's files are missing"),
        (write("config.json", "{"), r"cannot be loaded: .*config\.json"),
        (write("config.json", '{"model_type": "nothing"}'), "cannot be loaded: .*nothing"),
        (write("tokenizer.json", "{"), "cannot be loaded"),
        (write("model.safetensors", "no weights" * 9), "cannot be loaded"),
        (
            change("config.json", '"num_hidden_layers": 2', '"num_hidden_layers": 3'),
            r"16 are missing, such as encoder\.lay",
        ),
        (change("config.json", '"intermediate_size": 64', '"intermediate_size": 32'), "cannot be loaded"),
    ],
)
def test_a_damaged_directory(
    tmp_path: Path, tiny_encoder: Path, damage: Callable[[Path], object], message: str
) -> None:
    directory = shutil.copytree(tiny_encoder, tmp_path / "encoder")
    damage(directory)
    with pytest.raises(EncoderError, match=message):
        load(directory)


def test_a_tokenizer_of_another_encoder(tmp_path: Path, tiny_encoder: Path) -> None:
    directory = shutil.copytree(tiny_encoder, tmp_path / "encoder")
    shutil.copy(FOLDER / "mini" / "tokenizer.json", directory)
    with pytest.raises(EncoderError, match=r"has 272.. subwords, but the encoder has 144: they do not belong together"):
        load(directory)


def test_a_trained_tagger_is_no_encoder(tmp_path: Path, tiny_encoder: Path, tiny_schema: Schema) -> None:
    encoder, _ = load(tiny_encoder)
    new_tagger(encoder, tiny_schema, {"events": HeadSpec("spans", "event_types")}, {}).save_pretrained(tmp_path)
    with pytest.raises(EncoderError, match="is a trained tagger, not an encoder"):
        load(tmp_path)


def test_an_encoder_without_such_a_dropout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_encoder: Path) -> None:
    monkeypatch.setattr("training.encoders._HIDDEN_DROPOUT", ("no_such_field",))
    with pytest.raises(EncoderError, match=r"kind bert have no such dropout .* set encoder\.hidden_dropout"):
        load(tiny_encoder)
    load(tiny_encoder, hidden_dropout=0.0)
