from __future__ import annotations

import os
from pathlib import Path

import pytest

from hadath import machine


@pytest.fixture
def container(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A control group and memory information of one's own making."""
    monkeypatch.setattr(machine, "_CONTROL_GROUP", tmp_path)
    monkeypatch.setattr(machine, "_MEMORY_INFORMATION", tmp_path / "meminfo")
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(16)), raising=False)
    return tmp_path


def test_cores_are_those_the_container_may_use(container: Path) -> None:
    assert machine.cores() == 16
    for content, cores in (("max 100000", 16), ("400000 100000", 4), ("50000 100000", 1), ("9900000 100000", 16)):
        (container / "cpu.max").write_text(content)
        assert machine.cores() == cores


def test_memory_is_what_the_container_leaves(container: Path) -> None:
    assert machine.free_memory() is None
    (container / "meminfo").write_text("MemTotal: 99 kB\nMemAvailable:    5000000 kB\n")
    assert machine.free_memory() == 5_000_000 * 1024
    (container / "memory.max").write_text("3000000000")
    (container / "memory.current").write_text("1000000000")
    assert machine.free_memory() == 2_000_000_000
    (container / "memory.max").write_text("max")
    assert machine.free_memory() == 5_000_000 * 1024


def test_processes_fit_cores_memory_and_input(container: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    model = tmp_path_factory.mktemp("model")
    (model / "model.onnx").write_bytes(b"x" * 100)
    assert machine.fitting_processes(model, 1000) == 1
    assert machine.fitting_processes(model, 10**9) == 16
    (container / "meminfo").write_text("MemAvailable: 2000000 kB\n")
    assert machine.fitting_processes(model, 10**9) == 5
    (container / "meminfo").write_text("MemAvailable: 1000 kB\n")
    assert machine.fitting_processes(model, 10**9) == 1
