"""Learning rates by depth, and the precision that the hardware is fast in."""

from __future__ import annotations

import os
import re
from typing import Any

import torch
from torch import nn

_LAYER = re.compile(r"(?:^|\.)(?:layer|layers|h|block)\.(\d+)\.")
_NO_DECAY = re.compile(r"(?:bias|norm\.weight|layernorm\.weight|layer_norm\.weight)$", re.IGNORECASE)


def parameter_groups(
    model: nn.Module,
    *,
    learning_rate: float,
    layer_decay: float,
    head_factor: float,
    weight_decay: float,
) -> list[dict[str, Any]]:
    """Groups a tagger's parameters by learning rate and weight decay.

    The encoder's top layer learns at ``learning_rate``, each layer below at ``layer_decay`` times the one above it,
    the embeddings slowest (Howard and Ruder 2018, discriminative fine-tuning); what is not part of ``model.encoder``
    learns at ``head_factor`` times ``learning_rate``. Biases and layer norms are not decayed.

    Args:
        model: A model with its encoder under ``encoder``.
        learning_rate: Learning rate of the encoder's top layer.
        layer_decay: Factor from each layer to the one below, 0 to 1; 1 for one rate throughout.
        head_factor: Factor of everything outside the encoder.
        weight_decay: AdamW's weight decay.

    Returns:
        Parameter groups for an optimizer; every trainable parameter is in exactly one.
    """
    named = [(name, parameter) for name, parameter in model.named_parameters() if parameter.requires_grad]
    layers = [int(match[1]) for name, _ in named if (match := _LAYER.search(name))]
    depth = max(layers, default=-1) + 1
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in named:
        rate = learning_rate * (
            layer_decay ** _layers_above(name, depth) if name.startswith("encoder.") else head_factor
        )
        decay = 0.0 if _NO_DECAY.search(name) else weight_decay
        groups.setdefault((rate, decay), []).append(parameter)
    return [{"params": parameters, "lr": rate, "weight_decay": decay} for (rate, decay), parameters in groups.items()]


def _layers_above(name: str, depth: int) -> int:
    match = _LAYER.search(name)
    if match:
        return depth - 1 - int(match[1])
    return depth if "embedding" in name.lower() else 0


def make_deterministic() -> None:
    """Makes torch choose algorithms that give the same result on every run on the same machine."""
    # cuBLAS reads this when it is first used
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.benchmark = False
    # filling every fresh tensor would only make reads of uninitialised memory repeatable, at the cost of a step's fifth
    torch.utils.deterministic.fill_uninitialized_memory = False


def uses_bfloat16(precision: str) -> bool:
    """Tells whether a setting of ``optimization.precision`` means bfloat16 on this machine."""
    return {"auto": bfloat16_is_fast(), "bfloat16": True, "float32": False}[precision]


def bfloat16_is_fast() -> bool:
    """Tells whether this machine multiplies bfloat16 matrices in hardware."""
    if torch.cuda.is_available():
        return torch.cuda.is_bf16_supported(including_emulation=False)
    supported = (
        getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False),
        getattr(torch.cpu, "_is_amx_tile_supported", lambda: False),
    )
    return any(check() for check in supported)
