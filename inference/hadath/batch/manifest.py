"""The manifest: what a job was begun with and which parts are finished, so that it can be gone on with, exactly.

An input file is the same as before if its size and its hash are. Of a file above 4 MB only 64 blocks are hashed, or
fifty gigabytes would be read once more before the first article is tagged; if such a file's time of change is another,
the records that the finished parts were made of are read again and compared, each part's hash with the one noted when
it was written. What that leaves open is an edit that keeps size and time and falls between the blocks.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import Any

from hadath.batch.files import Fingerprint, InputFile, fingerprint
from hadath.batch.storage import write_whole
from hadath.errors import InputError

FORMAT = 1
"""Version of the output folder that this package writes and reads."""

MANIFEST = "manifest.json"
INPUTS = "inputs.jsonl"

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Position:
    """How far reading has come.

    Attributes:
        file: Number of files read to their end.
        number: Last line or row read in the next one.
        offset: Where the row after it begins, in the reader's measure.
        index: Number of records read in all files, those of other shards counted.
    """

    file: int = 0
    number: int = 0
    offset: int = 0
    index: int = 0


@dataclass(frozen=True)
class Part:
    """A finished part.

    Attributes:
        name: Its file.
        bytes: The file's size.
        articles: Articles in it.
        rejected: Records rejected on the way.
        words: Words of its articles.
        entities: Entities found.
        events: Events found.
        digest: Hash of the records as they were read.
        rejected_bytes: Size of the file of rejected records after this part.
        position: Where the next part begins.
    """

    name: str
    bytes: int
    articles: int
    rejected: int
    words: int
    entities: int
    events: int
    digest: str
    rejected_bytes: int
    position: Position


@dataclass
class Manifest:
    """The content of ``manifest.json``.

    Attributes:
        settings: Everything that the result depends on beside input, model and software.
        software: Versions that the result may depend on.
        model: Hash of each file of the model.
        inputs: Number, size and hash of the input files; each one's own stand in ``inputs.jsonl``.
        roles: Roles that arguments may have, in the order of the schema.
        parts: Finished parts, in order.
        complete: Whether all are.
    """

    settings: dict[str, Any]
    software: dict[str, str]
    model: dict[str, str]
    inputs: dict[str, Any]
    roles: list[str]
    parts: list[Part] = field(default_factory=list)
    complete: bool = False

    @property
    def position(self) -> Position:
        """Where reading goes on."""
        return self.parts[-1].position if self.parts else Position()

    @property
    def rejected_bytes(self) -> int:
        """Size of the rejected records of the finished parts."""
        return self.parts[-1].rejected_bytes if self.parts else 0

    def total(self, name: str) -> int:
        """Sum of a number over the finished parts, such as ``articles``."""
        return sum(getattr(part, name) for part in self.parts)

    def write(self, folder: Path) -> None:
        """Writes it into the output folder."""
        content = json.dumps({"format": FORMAT, **asdict(self)}, ensure_ascii=False, indent=1) + "\n"
        write_whole(folder / MANIFEST, lambda stream: stream.write(content.encode("utf-8")))

    @classmethod
    def read(cls, folder: Path) -> Manifest | None:
        """Reads the manifest of a folder, or returns None if there is none.

        Raises:
            InputError: If it is damaged or of another version.
        """
        path = folder / MANIFEST
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            version = values.pop("format")
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, AttributeError, TypeError) as error:
            raise InputError(f"{path} is no manifest of hadath ({error}); write into another folder") from error
        if version != FORMAT:
            raise InputError(
                f"{path} has format {version}, this version of hadath reads format {FORMAT}; use the version that "
                "wrote it"
            )
        try:
            parts = [Part(**{**part, "position": Position(**part["position"])}) for part in values.pop("parts")]
            return cls(**values, parts=parts)
        except (KeyError, TypeError) as error:
            raise InputError(f"{path} is damaged ({error}); begin anew with --restart") from error


def differences(before: Manifest, now: Manifest) -> list[str]:
    """Returns what a job was begun with that is different now, a sentence each; inputs are looked at elsewhere."""
    found = []
    for name, value in now.settings.items():
        old = before.settings.get(name)
        if old != value:
            found.append(f"{name.replace('_', '-')} was {_shown(old)}, is now {_shown(value)}")
    for name in sorted({*before.model, *now.model}):
        if before.model.get(name) != now.model.get(name):
            found.append(f"the model's {name} is another")
    for name in sorted({*before.software, *now.software}):
        if before.software.get(name) != now.software.get(name):
            found.append(f"{name} was {before.software.get(name)}, is now {now.software.get(name)}")
    return found


def fingerprint_model(directory: Path) -> dict[str, str]:
    """Returns the hash of each file of a model directory."""
    return {
        path.name: hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest() for path in model_files(directory)
    }


def model_files(directory: Path) -> list[Path]:
    """Returns the files of a model directory that a tagger reads."""
    return [
        path for path in sorted(directory.iterdir()) if path.is_file() and path.suffix in (".onnx", ".json", ".data")
    ]


def write_inputs(folder: Path, files: Iterator[InputFile]) -> dict[str, Any]:
    """Writes the fingerprint of every input file and returns their sum for the manifest."""
    digest = hashlib.blake2b(digest_size=16)
    count = size = 0

    def write(stream: Any) -> None:
        nonlocal count, size
        for file in files:
            found = fingerprint(file)
            stream.write(json.dumps(asdict(found), ensure_ascii=False).encode("utf-8") + b"\n")
            digest.update(json.dumps([found.name, found.bytes, found.digest]).encode("ascii"))
            count += 1
            size += found.bytes

    write_whole(folder / INPUTS, write)
    return {"files": count, "bytes": size, "digest": digest.hexdigest()}


@dataclass
class InputChanges:
    """How input files differ from what they were.

    Attributes:
        sentences: What changed, for a person to read.
        touched: Whether a file of which only samples were hashed has another time of change, so that what was read
            of it must be read again to be sure.
    """

    sentences: list[str]
    touched: bool


def input_changes(folder: Path, files: Iterator[InputFile]) -> InputChanges:
    """Compares the input files with ``inputs.jsonl``."""
    sentences: list[str] = []
    touched = False
    for before, file in zip_longest(_fingerprints(folder), files):
        now = None if file is None else fingerprint(file)
        sentence = _difference(before, now)
        if sentence is not None:
            sentences.append(sentence)
            if len(sentences) == _SHOWN:
                sentences.append("and maybe more")
                break
        if before and now:
            if before.name != now.name:
                break  # one file more or less shifts all others
            touched = touched or (now.is_sample and before.modified != now.modified)
    return InputChanges(sentences, touched)


def _fingerprints(folder: Path) -> Iterator[Fingerprint]:
    try:
        with open(folder / INPUTS, encoding="utf-8") as stream:
            for line in stream:
                yield Fingerprint(**json.loads(line))
    except (OSError, ValueError, TypeError) as error:
        raise InputError(f"{folder / INPUTS} cannot be read ({error}); begin anew with --restart") from error


def _difference(before: Fingerprint | None, now: Fingerprint | None) -> str | None:
    if before is None:
        return f"input file {now.name} is new" if now else None
    if now is None:
        return f"input file {before.name} is gone"
    if before.name != now.name:
        return f"input file {before.name} stood where {now.name} stands now"
    if before.bytes != now.bytes:
        return f"input file {now.name} had {before.bytes:,} bytes, has now {now.bytes:,}"
    if before.digest != now.digest:
        return f"input file {now.name} has other content"
    return None


def _shown(value: Any) -> str:
    return "not given" if value is None else str(value)
