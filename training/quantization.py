"""8-bit numbers for an encoder's matrix products: the ranges of its activations, the rounding of its weights.

Every activation gets one fixed scale, found on sample texts, so a text's scores do not depend on what shares
its batch, as they would with scales taken from each batch. Two things make one scale enough although a few
features of a BERT are ten to fifty times larger than the others:

- where a vector can be divided feature by feature before it is rounded, the large features are divided and
  the weights that read them multiplied (SmoothQuant, Xiao et al. 2023, https://arxiv.org/abs/2211.10438);
- at the input of the second feed-forward product, where that would round the many small values of such a
  feature too coarsely, what exceeds the range in the few widest features is carried on in float (LLM.int8(),
  Dettmers et al. 2022, https://arxiv.org/abs/2208.07339, carries on the whole features).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

FloatArray = npt.NDArray[np.float32]

PAIR_LIMIT = 128
"""Most that two neighbouring weights of one output may add up to, so that 255 times the sum fits 16 bits.
Processors without 8-bit dot products (before AVX-512 VNNI) add neighbours in 16 bits and would cut off what
is more: the same model would score differently there."""


@dataclass(frozen=True)
class FeatureRange:
    """The least and the greatest value of each feature at the input of a product, [features] each."""

    low: FloatArray
    high: FloatArray

    def magnitude(self) -> FloatArray:
        """Returns the largest absolute value of each feature."""
        return np.maximum(np.abs(self.low), np.abs(self.high))


@dataclass(frozen=True)
class Grid:
    """The 256 evenly spaced numbers to which activations are rounded.

    Attributes:
        scale: Distance of two neighbours.
        zero_point: Which of them, 0 to 255, is zero.
    """

    scale: float
    zero_point: int

    @classmethod
    def over(cls, low: float, high: float) -> Grid:
        """Returns the grid that reaches from ``low`` to ``high`` and holds zero."""
        low, high = min(low, 0.0), max(high, 0.0)
        scale = max((high - low) / 255, 1e-9)
        return cls(scale, round(-low / scale))

    @property
    def high(self) -> float:
        """Its greatest number; what is greater is rounded to it."""
        return (255 - self.zero_point) * self.scale


def observe_ranges(
    encoder: nn.Module, products: dict[str, nn.Module], texts: Iterable[tuple[torch.Tensor, torch.Tensor]]
) -> dict[str, FeatureRange]:
    """Runs an encoder over sample texts and notes what goes into its products.

    Args:
        encoder: The encoder.
        products: The modules to watch by name; the first argument of each is noted.
        texts: ``input_ids`` and ``attention_mask``, [B, S] each; what stands in padding is not noted.

    Returns:
        The ranges by name.

    Raises:
        ValueError: If there are no texts.
    """
    lows: dict[str, torch.Tensor] = {}
    highs: dict[str, torch.Tensor] = {}
    kept = torch.empty(0, dtype=torch.bool)

    def watch(name: str) -> torch.utils.hooks.RemovableHandle:
        def note(_: nn.Module, arguments: tuple[torch.Tensor, ...]) -> None:
            rows = arguments[0].detach().flatten(0, -2)[kept].float()
            low, high = rows.amin(0), rows.amax(0)
            lows[name] = torch.minimum(lows[name], low) if name in lows else low
            highs[name] = torch.maximum(highs[name], high) if name in highs else high

        return products[name].register_forward_pre_hook(note)

    handles = [watch(name) for name in products]
    was_training = encoder.training
    encoder.eval()
    try:
        with torch.inference_mode():
            for input_ids, attention_mask in texts:
                kept = attention_mask.flatten().bool()
                encoder(input_ids=input_ids, attention_mask=attention_mask)
    finally:
        encoder.train(was_training)
        for handle in handles:
            handle.remove()
    if not lows:
        raise ValueError("no sample texts to find the ranges of the activations on; give at least one batch")
    return {name: FeatureRange(lows[name].cpu().numpy(), highs[name].cpu().numpy()) for name in products}


def smoothing(magnitude: FloatArray, weight: FloatArray, strength: float) -> FloatArray:
    """Returns by what each feature is divided before it is rounded.

    Args:
        magnitude: Largest absolute value of each feature, [features].
        weight: The weights that read the features, [features, outputs].
        strength: 0 makes all weights alike large, 1 all features, between them both somewhat.
    """
    largest = np.maximum(np.abs(weight).max(axis=1), 1e-5)
    divisor = np.maximum(magnitude, 1e-5) ** strength / largest ** (1 - strength)
    # a feature that never occurred in the samples must not be blown up when it does
    return np.maximum(divisor, np.median(divisor) * 1e-2).astype(np.float32)


def round_weights(weight: FloatArray) -> tuple[npt.NDArray[np.int8], FloatArray]:
    """Rounds weights to 8 bits with one scale for each output.

    Args:
        weight: [features, outputs].

    Returns:
        The rounded weights, [features, outputs], no two neighbours of which add up to more than
        ``PAIR_LIMIT``, and the scales, [outputs]; their product is about ``weight``.
    """
    largest = np.abs(weight).max(axis=0)
    pairs = weight[: len(weight) // 2 * 2].reshape(-1, 2, weight.shape[1])
    sums = np.maximum(np.maximum(pairs, 0).sum(axis=1), np.maximum(-pairs, 0).sum(axis=1)).max(axis=0, initial=0)
    # rounding may add a half to each of the two
    scale = np.maximum(np.maximum(largest / 127, sums / (PAIR_LIMIT - 1)), 1e-12)
    return np.rint(weight / scale).astype(np.int8), scale.astype(np.float32)


def round_rows(table: FloatArray) -> tuple[npt.NDArray[np.int8], FloatArray]:
    """Rounds a table to 8 bits with one scale for each row.

    Args:
        table: [rows, features].

    Returns:
        The rounded table, [rows, features], and the scales, [rows, 1].
    """
    scale = np.maximum(np.abs(table).max(axis=1, keepdims=True), 1e-12) / 127
    return np.rint(table / scale).astype(np.int8), scale.astype(np.float32)
