"""Input files: which there are, what kind each is, how it is opened, and how a changed one is recognised."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import IO, Any, cast

from hadath.errors import InputError

KINDS = {
    ".txt": "text",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".tsv": "csv",
    ".parquet": "parquet",
    ".pq": "parquet",
}
COMPRESSIONS = {".gz": "gzip", ".zst": "zstd"}
EXPECTED = "a folder, or .txt, .jsonl, .csv, .tsv (the last three also .gz or .zst) or .parquet"

STANDARD_INPUT = "-"

_SAMPLED_ABOVE = 4 * 1024 * 1024
_SAMPLES = 64
_SAMPLE_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class InputFile:
    """A file to read articles from.

    Attributes:
        path: Where it is, as messages show it; ``-`` for standard input.
        name: Its path inside the folder that was given, or its file name.
        kind: ``text``, ``jsonl``, ``csv`` or ``parquet``.
        compression: ``gzip``, ``zstd`` or nothing.
    """

    path: str
    name: str
    kind: str
    compression: str = ""


def find_files(inputs: Sequence[str], exclude: Path | None = None) -> Iterator[InputFile]:
    """Finds the files that were meant, in a fixed order: as given, and by name inside folders.

    Args:
        inputs: Files and folders; folders are searched at every depth, names that begin with ``.`` or ``_`` left out.
        exclude: A folder to leave out, such as the output inside the input.

    Yields:
        The files.

    Raises:
        InputError: If one is missing, of an unknown kind, or a folder that holds nothing to read.
    """
    for given in inputs:
        if given == STANDARD_INPUT:
            yield InputFile(STANDARD_INPUT, "stdin", "text")
        elif os.path.isdir(given):
            found = False
            for file in _inside(given, given, exclude.resolve() if exclude else None):
                found = True
                yield file
            if not found:
                raise InputError(f"{given}: the folder holds nothing to tag; expected files of {EXPECTED}")
        elif not os.path.exists(given):
            raise InputError(f"{given}: no such file or folder; check the path")
        else:
            kind = _kind(given)
            if kind is None:
                raise InputError(f"{given}: cannot tell what kind of file this is; expected {EXPECTED}")
            yield InputFile(given, os.path.basename(given), *kind)


@contextmanager
def open_stream(file: InputFile) -> Iterator[tuple[IO[bytes], IO[bytes]]]:
    """Opens a file for reading bytes.

    Yields:
        The stream of its decompressed bytes, and the file itself, whose place tells how far reading has come.

    Raises:
        InputError: If it needs a package that is not installed.
    """
    with open(file.path, "rb") as raw:
        if file.compression == "gzip":
            with gzip.GzipFile(fileobj=raw) as unzipped:
                yield cast("IO[bytes]", unzipped), raw
        elif file.compression == "zstd":
            with io.BufferedReader(_ZstdStream(raw), 1024 * 1024) as buffered:
                yield buffered, raw
        else:
            yield raw, raw


class _ZstdStream(io.RawIOBase):
    """The content of a .zst file of any number of frames; unlike zstandard's own stream it tells a cut file."""

    def __init__(self, raw: IO[bytes]) -> None:
        self._raw = raw
        self._zstandard = needed("zstandard", f"{raw.name}: reading .zst")
        self._frame: Any = None
        self._compressed = b""
        self._ready = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._ready:
            # small blocks, since a block can hold many times its size
            self._compressed = self._compressed or self._raw.read(16 * 1024)
            if not self._compressed:
                if self._frame is not None:
                    raise EOFError("the compressed data is cut off")
                return 0
            self._frame = self._frame or self._zstandard.ZstdDecompressor().decompressobj()
            self._ready = memoryview(self._frame.decompress(self._compressed))
            self._compressed = b""
            if self._frame.eof:
                self._compressed, self._frame = self._frame.unused_data, None
        count = min(len(buffer), len(self._ready))
        buffer[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count


def damage_errors(file: InputFile) -> tuple[type[Exception], ...]:
    """Returns what reading a damaged compressed file raises; a disk or network failure is none of it."""
    if file.compression == "gzip":
        return (EOFError, gzip.BadGzipFile, zlib.error)
    if file.compression == "zstd":
        zstd_error: type[Exception] = needed("zstandard", f"{file.path}: reading .zst").ZstdError
        return (EOFError, zstd_error)
    return ()


def skip(stream: IO[bytes], count: int, seekable: bool) -> None:
    """Moves a stream forward from its beginning to a place."""
    if seekable:
        stream.seek(count)
        return
    while count > 0:
        block = stream.read(min(count, 1024 * 1024))
        if not block:
            return
        count -= len(block)


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What a file was when a job began.

    Attributes:
        name: The file's name inside the input.
        bytes: Its size.
        modified: Its time of change, ns.
        digest: Hash of its content up to 4 MB; of a larger file, of 64 blocks of 64 KB spread evenly over it.
    """

    name: str
    bytes: int
    modified: int
    digest: str

    @property
    def is_sample(self) -> bool:
        """Whether only a part of the content was hashed."""
        return self.bytes > _SAMPLED_ABOVE


def fingerprint(file: InputFile) -> Fingerprint:
    """Returns a file's fingerprint, which costs at most 4 MB of reading however large the file is."""
    status = os.stat(file.path)
    digest = hashlib.blake2b(digest_size=16)
    with open(file.path, "rb") as stream:
        if status.st_size <= _SAMPLED_ABOVE:
            digest.update(stream.read())
        else:
            for sample in range(_SAMPLES):
                stream.seek((status.st_size - _SAMPLE_BYTES) * sample // (_SAMPLES - 1))
                digest.update(stream.read(_SAMPLE_BYTES))
    return Fingerprint(printable(file.name), status.st_size, status.st_mtime_ns, digest.hexdigest())


def printable(name: str) -> str:
    """Returns a file's name as valid Unicode; bytes that are no UTF-8 become U+FFFD."""
    return os.fsencode(name).decode("utf-8", "replace")


def needed(module: str, purpose: str, extra: str = "batch") -> Any:
    """Imports a package that only an extra brings.

    Args:
        module: The package's module.
        purpose: What it is needed for, as a sentence begins with it.
        extra: The extra.

    Raises:
        InputError: If it is not installed.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module.partition(".")[0]:
            raise
        raise InputError(f"{purpose} needs {error.name}; install it with: pip install 'hadath[{extra}]'") from None


def _inside(folder: str, root: str, exclude: Path | None) -> Iterator[InputFile]:
    for name in sorted(os.listdir(folder)):
        if name.startswith((".", "_")):
            continue
        path = os.path.join(folder, name)
        if os.path.isdir(path):
            if not os.path.islink(path) and (exclude is None or Path(path).resolve() != exclude):
                yield from _inside(path, root, exclude)
        elif (kind := _kind(path)) is not None and "." in name:
            yield InputFile(path, os.path.relpath(path, root), *kind)


def _kind(path: str) -> tuple[str, str] | None:
    stem, suffix = os.path.splitext(path)
    compression = COMPRESSIONS.get(suffix.lower(), "")
    if compression:
        suffix = os.path.splitext(stem)[1]
    if not suffix:
        return None if compression else ("text", "")
    kind = KINDS.get(suffix.lower())
    if kind is None or (compression and kind in ("text", "parquet")):
        return None
    return kind, compression
