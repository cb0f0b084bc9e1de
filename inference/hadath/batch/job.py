"""A batch job: input files to an output folder, gone on with after any interruption, with the same result."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

import onnxruntime

from hadath.batch.articles import Article, Columns, Rejected
from hadath.batch.chunks import Chunk, cut, read_records, record_digest
from hadath.batch.files import STANDARD_INPUT, InputFile, find_files, needed
from hadath.batch.manifest import (
    INPUTS,
    MANIFEST,
    Manifest,
    Part,
    differences,
    fingerprint_model,
    input_changes,
    write_inputs,
)
from hadath.batch.parts import new_part
from hadath.batch.readers import Reader, reader_of
from hadath.batch.storage import LOCK, TEMPORARY, append_from, locked, write_whole
from hadath.batch.tagging import Failed, Tagged
from hadath.batch.workers import OrderedWorkers, TaggerSpec, Work, Workers
from hadath.errors import HadathError, InputError
from hadath.machine import cores, fitting_processes
from hadath.model_directory import ModelConfig
from hadath.providers import check_available
from hadath.tagger import BATCH_TOKENS
from hadath.version import __version__

REJECTED = "rejected.jsonl"

_PART = "part-{number:05d}.{format}"
_OURS = re.compile(
    rf"(part-\d{{5,}}\.(parquet|jsonl)|{re.escape(MANIFEST)}|{re.escape(INPUTS)}|{re.escape(REJECTED)})({re.escape(TEMPORARY)})?"
)
_BEFORE_THE_MANIFEST = (LOCK, INPUTS, INPUTS + TEMPORARY, MANIFEST + TEMPORARY)
_DISK_FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))


@dataclass(frozen=True)
class Settings:
    """What the result of a job depends on, beside input, model and software.

    Attributes:
        columns: How the columns of tables are used.
        format: ``parquet`` or ``jsonl``.
        part_size: Most records in a part.
        batch_size: Most articles tagged at once.
        batch_tokens: Most subwords, padding counted, that the network is given at once.
        min_scores: Least scores that are not the model's own, by kind.
        providers: Execution providers, best first; by default as ``hadath.load`` chooses.
        shard: Which of how many shards is tagged.
        limit: Most records that are tagged.
    """

    columns: Columns = field(default_factory=Columns)
    format: str = "parquet"
    part_size: int = 2000
    batch_size: int = 64
    batch_tokens: int = BATCH_TOKENS
    min_scores: tuple[tuple[str, float], ...] = ()
    providers: tuple[str, ...] = ()
    shard: tuple[int, int] = (1, 1)
    limit: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """Returns the settings as the manifest keeps them, under the names of the command's options."""
        values = asdict(self)
        columns, min_scores, providers = (values.pop(name) for name in ("columns", "min_scores", "providers"))
        return {
            **values,
            "min_scores": " ".join(f"{kind}={score:g}" for kind, score in sorted(min_scores)) or None,
            "providers": " ".join(providers) or None,
            "shard": "/".join(map(str, self.shard)),
            "text_column": columns["text"],
            "id_column": columns["id"],
            "max_chars": columns["max_chars"],
        }


@dataclass(frozen=True)
class Summary:
    """How a job went.

    Attributes:
        articles: Articles tagged, by this run and those before it.
        rejected: Records rejected, likewise.
        words: Words of the articles, likewise.
        entities: Entities found, likewise.
        events: Events found, likewise.
        parts: Parts written, likewise.
        seconds: Time that this run took to tag.
        words_now: Words that this run tagged.
        resumed: Number of parts that earlier runs had finished.
    """

    articles: int
    rejected: int
    words: int
    entities: int
    events: int
    parts: int
    seconds: float
    words_now: int
    resumed: int


@dataclass(frozen=True)
class Progress:
    """How far a job is.

    Attributes:
        articles: Articles tagged in this run.
        words: Their words.
        rejected: Records rejected in this run.
        share: Share of the input that is read, 0 to 1.
    """

    articles: int
    words: int
    rejected: int
    share: float


def tag_corpus(
    inputs: Sequence[str],
    output: Path,
    model: Path,
    settings: Settings,
    processes: int | None = None,
    restart: bool = False,
    report: Callable[[Progress], None] | None = None,
    cluster: Callable[[TaggerSpec], OrderedWorkers] | None = None,
) -> Summary:
    """Tags files into a folder, or goes on with that.

    Args:
        inputs: Files and folders.
        output: The folder; made if it is not there.
        model: The model directory.
        settings: What the result depends on.
        processes: Number of processes that tag and share the cores; by default what fits this machine.
        restart: Whether to throw away what the folder holds of an earlier job.
        report: Told how far the job is, after every chunk.
        cluster: Starts workers elsewhere that tag in place of processes here. The result is the same.

    Returns:
        How it went.

    Raises:
        InputError: If the input cannot be read, or the folder belongs to a job that was begun otherwise.
        ModelError: If the model cannot be used.
        HadathError: If another process writes there, the disk is full, or a worker dies.
    """
    if STANDARD_INPUT in inputs:
        raise InputError("standard input cannot be read again after an interruption; save it to a file to use -o")
    config = ModelConfig.read(model)
    settings = replace(settings, providers=tuple(config.providers(settings.providers)))
    if cluster is None:
        check_available(settings.providers)
    kept = _kept_columns(inputs, output, settings)
    try:
        output.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise InputError(f"{output} is a file; expected a folder to write parts into (-o)") from None
    try:
        with locked(output):
            manifest = _begin(inputs, output, settings, model, list(config.schema.role_names), restart)
            if manifest.complete:
                return _summary(manifest, len(manifest.parts), 0.0)
            spec = TaggerSpec(model, settings.batch_tokens, settings.providers, settings.min_scores)
            processes = processes or fitting_processes(model, manifest.inputs["bytes"])
            started = cluster(spec) if cluster else Workers(spec, processes, max(1, cores() // processes))
            with started as workers:
                return _go_on(inputs, output, manifest, settings, kept, workers, report)
    except OSError as error:
        if error.errno not in _DISK_FULL:
            raise
        raise HadathError(
            f"{output}: no space left on the disk; finished parts are kept: free some space and run the same command "
            "again to go on"
        ) from error


def _kept_columns(inputs: Sequence[str], output: Path, settings: Settings) -> dict[str, Any]:
    """Looks into every table once, so that a wrong column is known before anything is written."""
    if settings.format == "parquet":
        needed("pyarrow", "writing Parquet (the default; --format jsonl needs nothing)")
    tables = (
        (file.path, reader_of(file, settings.columns).kept())
        for file in find_files(inputs, output)
        if file.kind != "text"
    )
    if settings.format == "jsonl":
        for _ in tables:
            pass
        return {}
    from hadath.batch.parquet import merged  # only here, since it needs the extra

    return merged(tables)


def _begin(
    inputs: Sequence[str], output: Path, settings: Settings, model: Path, roles: list[str], restart: bool
) -> Manifest:
    cleared = restart and _clear(output)
    before = Manifest.read(output)
    now = Manifest(
        settings=settings.to_dict(),
        software={"hadath": __version__, "onnxruntime": onnxruntime.__version__},
        model=fingerprint_model(model),
        inputs={},
        roles=roles,
    )
    if before is None:
        foreign = [path.name for path in output.iterdir() if path.name not in _BEFORE_THE_MANIFEST]
        if foreign and not cleared:
            raise InputError(
                f"{output} is not empty (it holds {foreign[0]}) and no job of hadath was begun there; "
                "write into an empty or a new folder"
            )
        now.inputs = write_inputs(output, find_files(inputs, output))
        now.write(output)
        return now
    changes = input_changes(output, find_files(inputs, output))
    found = [*differences(before, now), *changes.sentences]
    if not found and changes.touched:
        found = _unlike_before(inputs, output, before, settings)
    if found:
        raise InputError(
            f"{output} was begun otherwise: {'; '.join(found)}. Run it as then to go on, write into another folder, "
            "or throw away what is there with --restart"
        )
    for part in before.parts:
        path = output / part.name
        if not path.is_file() or path.stat().st_size != part.bytes:
            raise InputError(
                f"{path}, which was finished, is missing or changed; put it back, or begin anew with --restart"
            )
    return before


def _go_on(
    inputs: Sequence[str],
    output: Path,
    manifest: Manifest,
    settings: Settings,
    kept: Mapping[str, Any],
    workers: OrderedWorkers,
    report: Callable[[Progress], None] | None,
) -> Summary:
    resumed = len(manifest.parts)
    # what a killed run rejected after its last finished part comes again
    if manifest.rejected_bytes:
        append_from(output / REJECTED, manifest.rejected_bytes, b"")
    else:
        (output / REJECTED).unlink(missing_ok=True)
    begun = time.perf_counter()
    reading = _Reading(inputs, output, settings, manifest)
    part = _GrowingPart(output, settings.format, kept, manifest)
    articles = words = rejected = 0
    for chunk, results in workers.map(Work([a.text for a in chunk.articles], chunk) for chunk in reading.chunks()):
        added = part.add(chunk, results)
        articles, words, rejected = articles + added[0], words + added[1], rejected + added[2]
        if chunk.ends_part:
            manifest.parts.append(part.finish(chunk))
            manifest.write(output)
            part = _GrowingPart(output, settings.format, kept, manifest)
        if report is not None:
            report(Progress(articles, words, rejected, reading.share()))
    manifest.complete = True
    manifest.write(output)
    return _summary(manifest, resumed, time.perf_counter() - begun)


class _Reading:
    """The chunks that are still to be tagged, and how far reading has come."""

    def __init__(self, inputs: Sequence[str], output: Path, settings: Settings, manifest: Manifest) -> None:
        self._files = find_files(inputs, output)
        self._settings = settings
        self._start = manifest.position
        self._before = manifest.total("articles") + manifest.total("rejected")
        self._bytes = max(1, manifest.inputs["bytes"])
        self._bytes_finished = 0
        self._records = 0
        self._reader: Reader | None = None

    def chunks(self) -> Iterator[Chunk]:
        settings = self._settings
        records = read_records(self._counted(), settings.columns, settings.shard, self._start, self._watch)
        if settings.limit is not None:
            records = islice(records, max(0, settings.limit - self._before))
        for chunk in cut(records, settings.batch_size, settings.part_size):
            self._records += len(chunk.records)
            yield chunk

    def share(self) -> float:
        read = self._bytes_finished + (self._reader.bytes_read() if self._reader else 0)
        share: float = min(1.0, read / self._bytes)
        if self._settings.limit:
            share = max(share, (self._before + self._records) / self._settings.limit)
        return share

    def _counted(self) -> Iterator[InputFile]:
        for file in self._files:
            yield file
            self._bytes_finished += os.path.getsize(file.path)
            self._reader = None

    def _watch(self, reader: Reader) -> None:
        self._reader = reader


class _GrowingPart:
    """The part that is being filled."""

    def __init__(self, output: Path, form: str, kept: Mapping[str, Any], manifest: Manifest) -> None:
        self._output = output
        self._name = _PART.format(number=len(manifest.parts), format=form)
        self._rejected_bytes = manifest.rejected_bytes
        self._content = new_part(form, kept)
        self._rejected: list[Rejected] = []
        self._counts = dict.fromkeys(("articles", "words", "entities", "events"), 0)

    def add(self, chunk: Chunk, results: Sequence[Tagged | Failed]) -> tuple[int, int, int]:
        """Adds a chunk; returns the number of articles, of their words, and of rejected records."""
        answers = iter(results)
        articles: list[Article] = []
        tagged: list[Tagged] = []
        rejected: list[Rejected] = []
        for record in chunk.records:
            if isinstance(record, Rejected):
                rejected.append(record)
                continue
            answer = next(answers)
            if isinstance(answer, Failed):
                rejected.append(Rejected(record.place, answer.reason, record.id))
            else:
                articles.append(record)
                tagged.append(answer)
        self._content.add(articles, tagged)
        self._rejected += rejected
        words = sum(found.words for found in tagged)
        self._counts["articles"] += len(articles)
        self._counts["words"] += words
        self._counts["entities"] += sum(len(found.entities) for found in tagged)
        self._counts["events"] += sum(len(found.events) for found in tagged)
        return len(articles), words, len(rejected)

    def finish(self, last: Chunk) -> Part:
        """Writes the part, then its rejected records; they count once the manifest names the part."""
        size = write_whole(self._output / self._name, self._content.write)
        lines = "".join(json.dumps(rejected.to_dict(), ensure_ascii=False) + "\n" for rejected in self._rejected)
        data = lines.encode("utf-8")
        if data:
            append_from(self._output / REJECTED, self._rejected_bytes, data)
        return Part(
            name=self._name,
            bytes=size,
            rejected=len(self._rejected),
            digest=last.digest,
            rejected_bytes=self._rejected_bytes + len(data),
            position=last.after,
            **self._counts,
        )


def _unlike_before(inputs: Sequence[str], output: Path, before: Manifest, settings: Settings) -> list[str]:
    """Reads again what the finished parts were made of, and says which is not the same."""
    records = read_records(find_files(inputs, output), settings.columns, settings.shard)
    for part in before.parts:
        digest = hashlib.blake2b(digest_size=16)
        for record in islice(records, part.articles + part.rejected):
            record_digest(digest, record.content)
        if digest.hexdigest() != part.digest:
            return [f"the input that {part.name} was made of has other content"]
    return []


def _clear(output: Path) -> bool:
    """Removes what a job has written; returns whether there was one."""
    if not ((output / MANIFEST).is_file() and (output / INPUTS).is_file()):
        return False
    # the manifest late: until then the folder is known to be a job's
    ours = [path for path in output.iterdir() if _OURS.fullmatch(path.name)]
    last = (MANIFEST, INPUTS)
    for path in sorted(ours, key=lambda path: last.index(path.name) if path.name in last else -1):
        path.unlink()
    return True


def _summary(manifest: Manifest, resumed: int, seconds: float) -> Summary:
    return Summary(
        articles=manifest.total("articles"),
        rejected=manifest.total("rejected"),
        words=manifest.total("words"),
        entities=manifest.total("entities"),
        events=manifest.total("events"),
        parts=len(manifest.parts),
        seconds=seconds,
        words_now=sum(part.words for part in manifest.parts[resumed:]),
        resumed=resumed,
    )
