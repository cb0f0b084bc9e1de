"""Masked language modelling: words are hidden, and the encoder learns to tell what stood there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from transformers import PreTrainedModel
from transformers.modeling_outputs import ModelOutput

from training.pretraining.packing import Rows, parts_of

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]


class WordMasking:
    """Makes a batch of rows in which whole words are hidden, never a part of one.

    Of the hidden words eight in ten are replaced by the mask, one by other subwords, and one stays, so that the encoder
    cannot rely on the mask (Devlin et al. 2019; whole words as in its later release). What is hidden of a row depends
    on the seed, the epoch and the row alone: fresh each epoch, and the same in a training that was interrupted.

    Args:
        share: Share of the words that are hidden, 0 to 1.
        mask_id: The mask's subword id.
        vocabulary: Number of subwords.
        seed: Of the masks.
    """

    def __init__(self, share: float, mask_id: int, vocabulary: int, seed: int) -> None:
        self.share = share
        self.mask_id = mask_id
        self.vocabulary = vocabulary
        self.seed = seed

    def __call__(self, rows: Sequence[tuple[Rows, int, int]]) -> dict[str, torch.Tensor]:
        """Makes a batch.

        Args:
            rows: Of ``Packed``: for each row its subwords, [L], its place and the epoch.

        Returns:
            ``input_ids`` [B, L], ``hidden``, the places of the hidden subwords in the flattened [B * L], [M], and
            ``targets``, what stood there, [M].
        """
        ids, starts = parts_of(np.stack([row for row, _, _ in rows]))
        word = starts.cumsum(axis=1)
        # the subword that ends a text begins no word, and would count to the word before it
        special = (word == 0) | (ids == ids[:, -1:])
        draws = [self._draws(ids.shape[1], epoch, place) for _, place, epoch in rows]
        chance, fate = (np.take_along_axis(np.stack(part), word, axis=1) for part in list(zip(*draws, strict=True))[:2])
        other = np.stack([drawn[2] for drawn in draws])
        hidden = (chance < self.share) & ~special
        shown = np.where(hidden & (fate < 0.8), self.mask_id, ids)
        shown = np.where(hidden & (fate >= 0.9), other, shown)
        places = np.flatnonzero(hidden)
        return {
            "input_ids": torch.from_numpy(shown),
            "hidden": torch.from_numpy(places),
            "targets": torch.from_numpy(ids.ravel()[places]),
        }

    def _draws(self, length: int, epoch: int, place: int) -> tuple[FloatArray, FloatArray, IntArray]:
        """For each word its chance and its fate, and for each subword another one."""
        generator = np.random.default_rng((self.seed, epoch, place))
        # no row has more words than subwords
        chance, fate = generator.random((2, length + 1), np.float32)
        return chance, fate, generator.integers(self.vocabulary, size=length)


class MaskedLM(nn.Module):
    """An encoder with a masked-LM head that is computed only where words are hidden.

    The head is BERT's: a layer, a norm, and the encoder's own input embeddings as the output layer, with a bias. Where
    hidden words are a seventh of the text, this saves six sevenths of the largest product.

    Args:
        encoder: The encoder; it is trained in place.
    """

    def __init__(self, encoder: PreTrainedModel) -> None:
        super().__init__()
        width = encoder.config.hidden_size
        embeddings = encoder.get_input_embeddings()
        self.encoder = encoder
        self.transform = nn.Linear(width, width)
        self.norm = nn.LayerNorm(width, eps=getattr(encoder.config, "layer_norm_eps", 1e-12))
        self.bias = nn.Parameter(torch.zeros(embeddings.num_embeddings))
        nn.init.normal_(self.transform.weight, std=0.02)
        nn.init.zeros_(self.transform.bias)

    def forward(self, input_ids: torch.Tensor, hidden: torch.Tensor, targets: torch.Tensor) -> ModelOutput:
        """Returns the loss, the mean over hidden subwords, in nats.

        Args:
            input_ids: Subword ids with words hidden, [B, L], no padding.
            hidden: Places of the hidden subwords in the flattened [B * L], [M].
            targets: What stood there, [M].
        """
        states = self.encoder(input_ids=input_ids).last_hidden_state.flatten(0, 1)[hidden]
        states = self.norm(nn.functional.gelu(self.transform(states)))
        embeddings = self.encoder.get_input_embeddings()
        logits = nn.functional.linear(states, embeddings.weight) + self.bias
        # a batch without a hidden word teaches nothing, rather than not-a-number
        loss = nn.functional.cross_entropy(logits.float(), targets, reduction="sum") / max(1, len(targets))
        return ModelOutput(loss=loss)


def shortened(batch: dict[str, Any], length: int) -> dict[str, Any]:
    """Returns a batch with its rows cut into shorter ones, for the first steps: attention then costs less.

    The same subwords are hidden, for places in the flattened batch stay what they are.

    Args:
        batch: What ``WordMasking`` made.
        length: Subwords in a row; must divide that of the batch.
    """
    return {**batch, "input_ids": batch["input_ids"].reshape(-1, length)}
