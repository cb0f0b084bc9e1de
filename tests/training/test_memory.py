from __future__ import annotations

import ctypes
import sys
from types import SimpleNamespace

import pytest

from training.memory import keep_freed_memory


def test_the_allocator_is_told_where_it_is_glibcs(monkeypatch: pytest.MonkeyPatch) -> None:
    told: dict[int, int] = {}
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(ctypes, "CDLL", lambda _: SimpleNamespace(mallopt=told.__setitem__))
    keep_freed_memory()
    # M_TRIM_THRESHOLD, M_TOP_PAD and M_MMAP_MAX of malloc.h
    assert told == {-1: 2**31 - 1, -2: 64 * 2**20, -4: 0}


def missing(_: str) -> None:
    raise OSError("no such library")


@pytest.mark.parametrize("library", [missing, lambda _: SimpleNamespace()])
def test_nothing_happens_where_the_c_library_is_another(monkeypatch: pytest.MonkeyPatch, library: object) -> None:
    monkeypatch.setattr(ctypes, "CDLL", library)
    monkeypatch.setattr(sys, "platform", "linux")
    keep_freed_memory()


def test_nothing_is_loaded_on_other_systems(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _: pytest.fail("loaded"))
    monkeypatch.setattr(sys, "platform", "darwin")
    keep_freed_memory()
