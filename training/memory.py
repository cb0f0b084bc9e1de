"""Keeping the memory of one training step for the next."""

from __future__ import annotations

import ctypes
import sys

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_MAX = -1, -2, -4
_LARGEST = 2**31 - 1
_TOP_PAD_BYTES = 64 * 2**20


def keep_freed_memory() -> None:
    """Tells glibc's allocator not to give freed memory back to the system.

    A training step on a CPU frees and asks again for the same large tensors; by default each round trip through the
    system costs a page fault for every 4 KiB, tens of thousands a step. Does nothing where the C library is another.
    """
    if sys.platform != "linux":
        return
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):
        return
    mallopt(_MMAP_MAX, 0)
    mallopt(_TRIM_THRESHOLD, _LARGEST)
    mallopt(_TOP_PAD, _TOP_PAD_BYTES)
