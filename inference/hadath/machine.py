"""What this machine has for a job: cores and memory, a container's limits considered."""

from __future__ import annotations

import os
from pathlib import Path

_CONTROL_GROUP = Path("/sys/fs/cgroup")
_MEMORY_INFORMATION = Path("/proc/meminfo")

_MEGABYTE = 1_000_000
_PROCESS_BYTES = 400 * _MEGABYTE
"""What a process needs beside the model: libraries, a chunk of articles and what the network makes of it."""

_WORTH_PROCESSES = 300_000
"""Size in bytes of an input for which starting processes takes longer than they save."""


def cores() -> int:
    """Returns how many CPU cores this process may use."""
    try:
        usable = len(os.sched_getaffinity(0))
    except AttributeError:  # not on this system
        usable = os.cpu_count() or 1
    try:
        quota, period = (_CONTROL_GROUP / "cpu.max").read_text(encoding="ascii").split()
        return min(usable, max(1, round(int(quota) / int(period))))
    except (OSError, ValueError):  # no such file, or "max"
        return usable


def free_memory() -> int | None:
    """Returns how many bytes of memory this process may still use, or None where nothing tells."""
    found = []
    try:
        for line in _MEMORY_INFORMATION.read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                found.append(int(line.split()[1]) * 1024)
        limit = int((_CONTROL_GROUP / "memory.max").read_text(encoding="ascii"))
        found.append(limit - int((_CONTROL_GROUP / "memory.current").read_text(encoding="ascii")))
    except (OSError, ValueError):  # no such file, or "max"
        pass
    return min(found, default=None)


def fitting_processes(model: Path, input_bytes: int) -> int:
    """Returns how many processes tag an input fastest here.

    A process for each core, with one thread each, does more than one process with many threads, for it waits for no
    other; unless the memory does not hold so many, or the input is too small to be worth their start.

    Args:
        model: The model directory.
        input_bytes: Size of the input files.
    """
    if input_bytes < _WORTH_PROCESSES:
        return 1
    memory = free_memory()
    if memory is None:
        return cores()
    each = _PROCESS_BYTES + 2 * sum(path.stat().st_size for path in model.iterdir())
    return max(1, min(cores(), memory // each))
