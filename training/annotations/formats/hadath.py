"""hadath's own documents: what ``hadath tag -o`` writes, so that tagged articles become a corpus to learn from."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hadath.batch.files import needed
from hadath.batch.manifest import Manifest
from hadath.batch.storage import write_whole
from hadath.document import Document
from hadath.errors import InputError, InvalidDocumentError
from hadath.schema import DEFAULT_MODALITY, Schema
from training.annotations.articles import CorpusArticle, Findings, Kind, Link, SourceArticle, Span
from training.annotations.formats import no_folder, source_files
from training.annotations.formats.json_records import json_lines, metadata_of
from training.annotations.identifiers import short_hash

SUFFIXES = (".jsonl", ".parquet")
_REJECTED = "rejected.jsonl"


@dataclass
class Options:
    """What can be set; explained in configs/format/hadath.yaml."""

    min_entity_score: float = 0.0
    min_event_score: float = 0.0

    def __post_init__(self) -> None:
        for name in ("min_entity_score", "min_event_score"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is {getattr(self, name)}; expected a number from 0 to 1")


def read(source: Path, options: Options, findings: Findings) -> list[SourceArticle]:
    """Reads the folder of a batch job, or files of documents.

    Args:
        source: The folder or file.
        options: Which spans are sure enough.
        findings: Gets what is wrong.

    Returns:
        An article for each document.
    """
    articles = []
    for path in _files(source, findings):
        before, count = len(findings.problems), 0
        for line, values in _documents(path, findings):
            count += 1
            article = SourceArticle(path, "", line=line)
            try:
                document = Document.from_dict(values)
            except InvalidDocumentError as error:
                findings.problem(article, str(error))
                continue
            unsure = [span for span in (*document.entities, *document.events) if not 0 <= span.score <= 1]
            if unsure:
                span = unsure[0]
                message = f"{span.type} at {span.start}-{span.end} has the score {span.score}; expected one from 0 to 1"
                findings.problem(article, message)
                continue
            _take(article, document, values, options, findings)
            articles.append(article)
        if not count and len(findings.problems) == before:
            findings.note(f"files without a document: {path.name}")
    return articles


def _files(source: Path, findings: Findings) -> list[Path]:
    manifest = Manifest.read(source) if source.is_dir() else None
    if manifest is None:
        return [path for path in source_files(source, SUFFIXES) if path.name != _REJECTED]
    if not manifest.complete:
        findings.note("job that is not finished: only its finished parts are read")
    return [source / part.name for part in manifest.parts]


def _documents(path: Path, findings: Findings) -> Iterator[tuple[int, Any]]:
    if path.suffix != ".parquet":
        yield from json_lines(path, findings)
        return
    needed("pyarrow", f"{path}: reading Parquet")
    from hadath.batch.parquet import documents  # only here, since it needs the extra

    try:
        yield from enumerate(documents(str(path)), start=1)
    except InputError as error:
        findings.problem_at(path, 0, str(error).removeprefix(f"{path}: "))


def _take(article: SourceArticle, document: Document, values: Any, options: Options, findings: Findings) -> None:
    article.text = document.text
    article.id = document.id if document.id is not None else f"{article.path.stem}-{short_hash(document.text)}"
    fields = {name: value for name, value in values.items() if name not in ("id", "text", "entities", "events")}
    split = fields.pop("split", None)
    article.split = split if isinstance(split, str) else None
    article.metadata = metadata_of(fields, (), findings)
    index_of = {}
    for number, entity in enumerate(document.entities):
        if entity.score < options.min_entity_score:
            findings.note("entities below format.min_entity_score, left out")
        else:
            index_of[entity] = len(article.spans)
            article.spans.append(Span(entity.start, entity.end, entity.type, f"entity {number}", Kind.ENTITY))
    for number, event in enumerate(document.events):
        if event.score < options.min_event_score:
            findings.note("events below format.min_event_score, left out")
            continue
        head = len(article.spans)
        article.spans.append(Span(event.start, event.end, event.type, f"event {number}", Kind.EVENT))
        if event.modality != DEFAULT_MODALITY:
            article.modality[head] = event.modality
        for argument in event.arguments:
            if argument.entity in index_of:
                article.links.append(Link(argument.role, head, index_of[argument.entity], f"event {number}"))
            else:
                findings.note("arguments whose entity was left out")


def write(articles: Sequence[CorpusArticle], schema: Schema, to: Path, options: Options, findings: Findings) -> None:
    """Writes a file of JSON lines, a document each.

    Args:
        articles: The articles.
        schema: The schema of the corpus.
        to: The file.
        options: Not used.
        findings: Not used: all has room.
    """
    no_folder(to, "the documents")
    lines = [
        json.dumps({**article.document.to_dict(), **article.metadata, "split": article.split}, ensure_ascii=False)
        for article in articles
    ]
    to.parent.mkdir(parents=True, exist_ok=True)
    write_whole(to, lambda stream: stream.write("".join(f"{line}\n" for line in lines).encode("utf-8")))
