"""Records of many files as one stream, and the stream cut into the chunks that are tagged at once.

Where a chunk ends depends on the records alone, never on workers, time or earlier runs: what shares a chunk shares
batches, and a quantised network's answers can depend on that.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from hadath.batch.articles import Article, Columns, Rejected, plain
from hadath.batch.files import InputFile
from hadath.batch.manifest import Position
from hadath.batch.readers import Reader, reader_of

CHUNK_CHARACTERS = 400_000
PART_CHARACTERS = 20_000_000


@dataclass(frozen=True, slots=True)
class Record:
    """A record and where the next one begins.

    Attributes:
        content: The article, or why there is none.
        after: The place behind it.
    """

    content: Article | Rejected
    after: Position


@dataclass
class Chunk:
    """Records that are tagged at once.

    Attributes:
        records: Articles and rejected records in their order.
        after: The place behind the last one.
        ends_part: Whether it is the last of its part.
        digest: Of a part's last chunk, the hash of the part's records.
    """

    records: list[Article | Rejected] = field(default_factory=list)
    after: Position = field(default_factory=Position)
    ends_part: bool = False
    digest: str = ""

    @property
    def articles(self) -> list[Article]:
        """The records that can be tagged."""
        return [record for record in self.records if isinstance(record, Article)]


def read_records(
    files: Iterable[InputFile],
    columns: Columns,
    shard: tuple[int, int] = (1, 1),
    start: Position | None = None,
    watch: Callable[[Reader], None] | None = None,
) -> Iterator[Record]:
    """Reads the records of files one after the other.

    Args:
        files: The files.
        columns: How columns are used.
        shard: Which of how many shards: of n shards, the i-th gets records i, i + n, i + 2 n, …
        start: Where to begin.
        watch: Told the reader of each file that is begun.

    Yields:
        The records.

    Raises:
        InputError: If a file is not what its name says or has no text column.
        OSError: If the disk or network fails.
    """
    start = start or Position()
    turn, shards = shard[0] - 1, shard[1]
    index = start.index
    for file_number, file in enumerate(files):
        if file_number < start.file:
            continue
        resumed = file_number == start.file
        reader = reader_of(file, columns)
        if watch is not None:
            watch(reader)
        for row in reader.rows(start.number, start.offset) if resumed else reader.rows():
            mine = index % shards == turn
            index += 1
            if mine:
                yield Record(reader.article(row), Position(file_number, row.number, row.after, index))


def cut(records: Iterable[Record], batch_size: int, part_size: int) -> Iterator[Chunk]:
    """Cuts records into chunks and parts.

    Args:
        records: The records, from the beginning of a part on.
        batch_size: Most articles in a chunk; fewer where they are long.
        part_size: Most records in a part; fewer where articles are very long.

    Yields:
        The chunks; the last chunk of a part may be empty.
    """
    chunk = Chunk()
    chunk_characters = chunk_articles = part_records = part_characters = 0
    digest = hashlib.blake2b(digest_size=16)
    for record in records:
        content = record.content
        length = len(content.text) if isinstance(content, Article) else 0
        if chunk_articles and chunk_characters + length > CHUNK_CHARACTERS:
            yield chunk
            chunk, chunk_characters, chunk_articles = Chunk(after=chunk.after), 0, 0
        chunk.records.append(content)
        chunk.after = record.after
        record_digest(digest, content)
        chunk_articles += isinstance(content, Article)
        chunk_characters += length
        part_records += 1
        part_characters += length
        if part_records == part_size or part_characters > PART_CHARACTERS:
            chunk.ends_part, chunk.digest = True, digest.hexdigest()
            part_records = part_characters = 0
            digest = hashlib.blake2b(digest_size=16)
        # rejected records also fill a chunk, so that a file of nothing else does not fill the memory
        if chunk.ends_part or chunk_articles == batch_size or len(chunk.records) == 16 * batch_size:
            yield chunk
            chunk, chunk_characters, chunk_articles = Chunk(after=chunk.after), 0, 0
    if part_records:
        chunk.ends_part, chunk.digest = True, digest.hexdigest()
        yield chunk


def record_digest(digest: Any, content: Article | Rejected) -> None:
    """Adds a record, as it was read, to a hash."""
    if isinstance(content, Rejected):
        values: tuple[object, ...] = (content.place.number, content.reason)
    else:
        values = (content.id, content.text, [(name, plain(value)) for name, value in content.kept.items()])
    digest.update(repr(values).encode("utf-8", "surrogatepass"))
