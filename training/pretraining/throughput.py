"""How fast an encoder is trained, and how near that is to what the machine can do."""

from __future__ import annotations

import time

import torch
from transformers import PretrainedConfig, PreTrainedModel

_TRAINING = 3
"""A step's work in forward passes: backward, the gradients of inputs and of weights are each another one."""


def operations_per_subword(encoder: PreTrainedModel, length: int, hidden_share: float) -> float:
    """Returns the floating-point operations that training spends on a subword.

    Counted are the matrix products: those with the layers' weights, attention's two, and the masked-LM head's where a
    word is hidden. Norms, activations and the optimizer are not.

    Args:
        encoder: The encoder.
        length: Subwords in a row.
        hidden_share: Share of the subwords that the head is computed for.
    """
    config: PretrainedConfig = encoder.config
    width, layers = config.hidden_size, config.num_hidden_layers
    embedded = sum(parameter.numel() for parameter in encoder.get_input_embeddings().parameters())
    weights = sum(
        parameter.numel()
        for name, parameter in encoder.named_parameters()
        if parameter.dim() == 2 and "embedding" not in name
    )
    attention = 2 * 2 * layers * width * length
    head = 2 * (width * width + embedded) * hidden_share
    return float(_TRAINING * (2 * weights + attention + head))


def matrix_rate(device: torch.device, dtype: torch.dtype, seconds: float = 1.0) -> float:
    """Measures how many floating-point operations a second a device makes in products of large square matrices."""
    size = 8192 if device.type == "cuda" else 1024
    left, right = (torch.randn(size, size, device=device, dtype=dtype) for _ in range(2))

    def run(repeats: int) -> float:
        _wait(device)
        started = time.perf_counter()
        for _ in range(repeats):
            torch.matmul(left, right)
        _wait(device)
        return time.perf_counter() - started

    run(3)
    repeats = max(3, int(seconds / max(run(3) / 3, 1e-6)))
    return 2.0 * size**3 * repeats / run(repeats)


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
