"""Execution providers: which of a machine's processors onnxruntime runs a network on."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Sequence

import onnxruntime

from hadath.errors import ModelError

CPU = "CPUExecutionProvider"
CUDA = "CUDAExecutionProvider"

_ENDING = "ExecutionProvider"
_CUDA_DRIVER = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"


def provider_name(name: str) -> str:
    """Returns the full name of an execution provider.

    Args:
        name: Its name in any case, with or without ``ExecutionProvider``.

    Raises:
        ModelError: If onnxruntime knows none of that name.

    Example:
        >>> provider_name("cuda"), provider_name("CPUExecutionProvider")
        ('CUDAExecutionProvider', 'CPUExecutionProvider')
    """
    wanted = name.lower().removesuffix(_ENDING.lower())
    for known in onnxruntime.get_all_providers():
        if known.lower().removesuffix(_ENDING.lower()) == wanted:
            return str(known)
    known_names = ", ".join(known.removesuffix(_ENDING) for known in onnxruntime.get_all_providers())
    raise ModelError(f"onnxruntime has no execution provider {name!r}; it has {known_names}")


def default_providers(precision: str | None) -> list[str]:
    """Returns what a network runs on where nothing is said: CUDA where there is a device for it, else the CPU.

    A network in 8-bit numbers runs on the CPU: onnxruntime's CUDA provider has no kernel for the products of its dense
    layers (MatMulIntegerToFloat), so each would be computed on the CPU, with a copy there and back.

    Args:
        precision: The network's, as ``training.export`` notes it: ``int8``, ``fp32``; None where it is not known.
    """
    usable = precision != "int8" and CUDA in onnxruntime.get_available_providers() and cuda_devices() > 0
    return [CUDA, CPU] if usable else [CPU]


def check_available(providers: Sequence[str]) -> None:
    """Checks that this installation of onnxruntime has providers.

    Raises:
        ModelError: If it lacks one.
    """
    available = onnxruntime.get_available_providers()
    missing = [name for name in providers if name not in available]
    if missing:
        raise ModelError(
            f"onnxruntime has no {', '.join(missing)} here, only {', '.join(available)}; "
            "install the onnxruntime build for your device (onnxruntime-gpu for CUDA) or leave providers out"
        )


def cuda_devices() -> int:
    """Returns how many CUDA devices the driver of this machine shows; 0 where there is no driver."""
    try:
        driver = ctypes.CDLL(_CUDA_DRIVER)
    except OSError:
        return 0
    count = ctypes.c_int(0)
    if driver.cuInit(0) != 0 or driver.cuDeviceGetCount(ctypes.byref(count)) != 0:
        return 0
    return count.value
