"""The files of the splits, changed all together or not at all, whenever the process dies."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from hadath.batch.storage import TEMPORARY, sync_folder, write_whole

_PENDING = ".pending"
_REMOVED = ".removed"


def write_splits(folder: Path, splits: Mapping[str, Sequence[str]], remove: Sequence[str] = ()) -> None:
    """Writes the names of the articles of splits.

    The new files are first written beside the old ones, in a folder of their own; only when all of them are safe on the
    disk does the folder get the name by which ``finish_pending`` knows it. Whatever happens after that, the change is
    finished; whatever happens before, nothing has changed.

    Args:
        folder: The folder of the splits.
        splits: Names of the articles of each.
        remove: Splits whose files are removed.

    Raises:
        OSError: If the disk is full or fails.
    """
    prepared = folder / f"{_PENDING}{TEMPORARY}"
    shutil.rmtree(prepared, ignore_errors=True)
    try:
        prepared.mkdir()
        for split, names in splits.items():
            content = "".join(f"{name}\n" for name in names).encode("utf-8")
            write_whole(prepared / f"{split}.txt", lambda stream, content=content: stream.write(content))  # type: ignore[misc]
        for split in remove:
            write_whole(prepared / f"{split}{_REMOVED}", lambda stream: stream.write(b""))
        os.replace(prepared, folder / _PENDING)
    except BaseException:
        shutil.rmtree(prepared, ignore_errors=True)
        raise
    sync_folder(folder)
    finish_pending(folder)


def finish_pending(folder: Path) -> None:
    """Finishes a change that a killed process had prepared; does nothing where there is none."""
    pending = folder / _PENDING
    if not pending.is_dir():
        return
    for path in sorted(pending.iterdir()):
        if path.suffix == _REMOVED:
            (folder / f"{path.stem}.txt").unlink(missing_ok=True)
            path.unlink()
        elif path.suffix == ".txt":
            os.replace(path, folder / path.name)
    sync_folder(folder)
    shutil.rmtree(pending)
