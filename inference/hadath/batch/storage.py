"""Files that are there whole or not at all, whenever the process dies, and a lock on their folder."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from hadath.errors import HadathError

TEMPORARY = ".tmp"
"""Ending of files that are being written; one that a killed process left behind is overwritten or removed."""

LOCK = ".lock"


def write_whole(path: Path, write: Callable[[IO[bytes]], object]) -> int:
    """Writes a file under a temporary name and gives it its own only once it is safe on the disk.

    Args:
        path: The file.
        write: Writes the content to the stream it is given.

    Returns:
        The file's size in bytes.

    Raises:
        OSError: If the disk is full or fails; then nothing is left behind.
    """
    temporary = path.with_name(path.name + TEMPORARY)
    try:
        with open(temporary, "wb") as stream:
            write(stream)
            stream.flush()
            os.fsync(stream.fileno())
            size = stream.tell()
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)
    return size


def append_from(path: Path, position: int, data: bytes) -> None:
    """Makes a file hold its first ``position`` bytes and then ``data``, and nothing that stood behind them."""
    with open(path, "r+b" if path.exists() else "w+b") as stream:
        stream.truncate(position)
        stream.seek(position)
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    if position == 0:
        sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Makes sure that the names in a folder are on the disk."""
    if os.name == "nt":  # a folder cannot be opened there
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keeps other processes from writing into a folder; the lock ends with the process, however that ends.

    Raises:
        HadathError: If another process holds it.
    """
    with open(folder / LOCK, "a+b") as stream:
        try:
            _lock(stream)
        except OSError:
            raise HadathError(
                f"{folder}: another process is writing there; wait for it, or write into another folder"
            ) from None
        yield


def _lock(stream: IO[Any]) -> None:
    if os.name == "nt":
        import msvcrt

        stream.seek(0)
        msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]  # only known on Windows
    else:
        import fcntl

        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
