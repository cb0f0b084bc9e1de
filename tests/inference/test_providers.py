from __future__ import annotations

import ctypes
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import onnxruntime
import pytest

from hadath import providers
from hadath.commands.info import information
from hadath.errors import ModelError
from hadath.model_directory import ModelConfig
from hadath.providers import CPU, CUDA, check_available, cuda_devices, default_providers, provider_name


def machine(monkeypatch: pytest.MonkeyPatch, available: Sequence[str], devices: int | None) -> None:
    """What onnxruntime offers, and what the driver of CUDA says; None: there is no driver."""

    def library(name: str) -> Any:
        if devices is None:
            raise OSError(name)

        def count(result: Any) -> int:
            result._obj.value = devices
            return 0

        return SimpleNamespace(cuInit=lambda flags: 0 if devices else 100, cuDeviceGetCount=count)

    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: list(available))
    monkeypatch.setattr(ctypes, "CDLL", library)


@pytest.mark.parametrize("name", ["cuda", "CUDA", "CUDAExecutionProvider", "cudaexecutionprovider"])
def test_a_provider_may_be_named_in_short(name: str) -> None:
    assert provider_name(name) == CUDA


def test_every_provider_goes_by_its_full_name() -> None:
    names = onnxruntime.get_all_providers()
    assert list(map(provider_name, names)) == names
    with pytest.raises(ModelError, match=r"no execution provider 'gpu'; it has .*CUDA"):
        provider_name("gpu")


@pytest.mark.parametrize(
    ("available", "devices", "precision", "expected"),
    [
        ([CUDA, CPU], 1, "fp32", [CUDA, CPU]),
        ([CUDA, CPU], 2, None, [CUDA, CPU]),
        ([CUDA, CPU], 1, "int8", [CPU]),  # without kernels for its products
        ([CUDA, CPU], 0, "fp32", [CPU]),
        ([CUDA, CPU], None, "fp32", [CPU]),
        ([CPU], 1, "fp32", [CPU]),
    ],
)
def test_cuda_is_chosen_where_it_serves(
    monkeypatch: pytest.MonkeyPatch, available: list[str], devices: int | None, precision: str, expected: list[str]
) -> None:
    machine(monkeypatch, available, devices)
    assert default_providers(precision) == expected
    assert cuda_devices() == (devices or 0)


def test_a_provider_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    machine(monkeypatch, [CPU], None)
    check_available([CPU])
    with pytest.raises(ModelError, match=r"onnxruntime has no CUDAExecutionProvider here, only CPUExecutionProvider"):
        check_available([CUDA, CPU])


@pytest.mark.parametrize(
    ("available", "devices", "precision", "said"),
    [
        ([CUDA, CPU], 1, "fp32", "CUDAExecutionProvider"),
        ([CUDA, CPU], 1, "int8", "CPUExecutionProvider; for CUDA export the model with precision=fp32"),
        ([CPU], 1, "fp32", "CPUExecutionProvider; for CUDA install onnxruntime-gpu in place of onnxruntime"),
        ([CPU], None, "fp32", "CPUExecutionProvider"),
    ],
)
def test_info_tells_what_is_used_and_why_nothing_better(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    tiny_model_directory: Path,
    available: list[str],
    devices: int | None,
    precision: str,
    said: str,
) -> None:
    from hadath.cli import main

    machine(monkeypatch, available, devices)
    model = Path(shutil.copytree(tiny_model_directory, tmp_path / "model"))
    config = ModelConfig.read(model)
    replace(config, provenance={**config.provenance, "precision": precision}).write(model)
    assert information(model)["cuda_devices"] == (devices or 0)
    assert main(["info", str(model)]) == 0
    [line] = [line for line in capsys.readouterr().out.splitlines() if line.startswith("Runs on")]
    assert line.split(maxsplit=2)[2] == said


def test_this_machine_has_a_cpu() -> None:
    assert CPU in onnxruntime.get_available_providers()
    assert providers.cuda_devices() >= 0
