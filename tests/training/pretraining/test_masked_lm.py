from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from hadath.tokens import WordTokenizer
from tests.fixtures.tiny_tokenizers import unigram_tokenizer
from training.encoders import load_encoder
from training.pretraining.masked_lm import MaskedLM, WordMasking, shortened
from training.pretraining.packing import Packed, Rows, pack, parts_of

WORDS = WordTokenizer(unigram_tokenizer())
assert WORDS.mask_id is not None


@pytest.fixture(scope="module")
def rows() -> Rows:
    return pack(["ابتثجح خد ذرز سشص ضط"] * 200, WORDS, 32).rows


def masked(rows: Rows, share: float = 0.15, epoch: int = 0) -> dict[str, torch.Tensor]:
    masking = WordMasking(share, WORDS.mask_id, WORDS.vocabulary_size, seed=1)
    return masking([Packed(rows, epoch)[place] for place in range(len(rows))])


def test_whole_words_are_hidden_and_special_subwords_never(rows: Rows) -> None:
    ids, starts = parts_of(rows)
    batch = masked(rows)
    hidden = np.zeros(ids.size, bool)
    hidden[batch["hidden"].numpy()] = True
    special = np.isin(ids.flatten(), [*WORDS.prefix_ids, *WORDS.suffix_ids])
    assert not hidden[special].any()
    assert 0.12 < hidden[~special].mean() < 0.18
    word = (starts.cumsum(1) + 1000 * np.arange(len(ids))[:, None]).flatten()
    for number in np.unique(word):
        inside = (word == number) & ~special
        assert hidden[inside].all() or not hidden[inside].any()


def test_what_stood_there_is_the_target_and_eight_in_ten_show_the_mask(rows: Rows) -> None:
    ids = torch.from_numpy(parts_of(rows)[0]).flatten()
    batch = masked(rows, share=0.5)
    shown = batch["input_ids"].flatten()
    assert torch.equal(batch["targets"], ids[batch["hidden"]])
    there = shown[batch["hidden"]]
    assert 0.75 < (there == WORDS.mask_id).float().mean() < 0.85
    assert 0.05 < (there == batch["targets"]).float().mean() < 0.17
    kept = torch.ones(len(ids), dtype=torch.bool)
    kept[batch["hidden"]] = False
    assert torch.equal(shown[kept], ids[kept])


def test_masks_are_fresh_each_epoch_and_depend_on_nothing_else(rows: Rows) -> None:
    first, second = masked(rows), masked(rows, epoch=1)
    assert not torch.equal(first["input_ids"], second["input_ids"])
    torch.manual_seed(5)
    # whatever else is in the batch
    assert torch.equal(masked(rows[:3])["input_ids"], first["input_ids"][:3])


def test_the_loss_is_that_of_all_places_taken_where_words_are_hidden(tiny_encoder: Path, rows: Rows) -> None:
    encoder, _ = load_encoder(str(tiny_encoder), hidden_dropout=0.0, attention_dropout=0.0, max_length=32)
    model = MaskedLM(encoder).eval()
    batch = masked(rows[:6])
    loss = model(**batch).loss
    states = encoder(input_ids=batch["input_ids"]).last_hidden_state
    states = model.norm(torch.nn.functional.gelu(model.transform(states)))
    logits = states @ encoder.get_input_embeddings().weight.T + model.bias
    targets = torch.full((6 * 32,), -100)
    targets[batch["hidden"]] = batch["targets"]
    torch.testing.assert_close(loss, torch.nn.functional.cross_entropy(logits.flatten(0, 1), targets))


def test_short_rows_hide_the_same_subwords(rows: Rows) -> None:
    batch = masked(rows[:4])
    short = shortened(batch, 8)
    assert short["input_ids"].shape == (16, 8)
    assert torch.equal(short["input_ids"].flatten(), batch["input_ids"].flatten())
    assert short["hidden"] is batch["hidden"]
