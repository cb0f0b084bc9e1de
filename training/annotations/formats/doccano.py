"""doccano: the JSONL of a project of sequence labelling, with relations (``entities``, ``relations``) or without
(``label``: ``[[start, end, "LABEL"]]``).

doccano has no attributes of spans: a modality is written behind the label, ``RETREAT:Planned``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hadath.batch.storage import write_whole
from hadath.document import Event
from hadath.schema import DEFAULT_MODALITY, Schema
from training.annotations.articles import CorpusArticle, Findings, Link, SourceArticle, Span
from training.annotations.formats import no_folder
from training.annotations.formats.json_records import Fields, RecordError, articles_of_lines, metadata_of
from training.annotations.formats.offsets import grapheme_offsets
from training.annotations.identifiers import short_hash

SUFFIXES = (".jsonl", ".json", ".ndjson")
_SPANS = ("entities", "label", "labels")
_OWN = frozenset(
    {*_SPANS, "id", "text", "data", "relations", "cats", "annotation_approver", "meta", "article_id", "split"}
)
_COMMENTS = ("Comments", "comments")


@dataclass
class Options:
    """What can be set; explained in configs/format/doccano.yaml."""

    characters: str = "codepoints"
    modality_separator: str | None = ":"

    def __post_init__(self) -> None:
        if self.characters not in ("codepoints", "graphemes"):
            raise ValueError(f"characters is {self.characters}; expected codepoints or graphemes")
        if self.modality_separator == "":
            raise ValueError("modality_separator is empty; expected characters, or null for no modality in labels")


def read(source: Path, options: Options, findings: Findings) -> list[SourceArticle]:
    """Reads an export, or all exports in a folder.

    Args:
        source: The file or folder.
        options: How characters are counted and where the modality stands.
        findings: Gets what is wrong.

    Returns:
        An article for each line.
    """

    def take(article: SourceArticle, record: Fields) -> bool:
        _take(article, record, options, findings)
        return True

    return articles_of_lines(source, SUFFIXES, take, "doccano's export as JSONL", findings)


def _take(article: SourceArticle, record: Fields, options: Options, findings: Findings) -> None:
    article.text = record.text("text" if "text" in record.values or "data" not in record.values else "data")
    meta = Fields(record.values.get("meta") or {}, "'meta'").values
    fields = {**meta, **{name: value for name, value in record.values.items() if name not in _COMMENTS}}
    findings.note("comments left out", sum(bool(record.values.get(name)) for name in _COMMENTS))
    known = Fields(fields, "the line")
    number = record.values.get("id")
    # a line without a number has a name by its text, which does not change when lines are added before it
    unnamed = f"doccano-{short_hash(article.text) if number is None else number}"
    article.id = known.optional_text("article_id") or unnamed
    article.split = known.optional_text("split")
    article.metadata = metadata_of(fields, _OWN, findings)
    if not any(name in record.values for name in _SPANS):
        raise RecordError(
            f"has none of {', '.join(map(repr, _SPANS))}; expected the export of a sequence labelling project"
        )
    back = _back(article.text, options)
    index_of: dict[int, int] = {}
    for name in _SPANS:
        for order, value in enumerate(record.list(name), start=1):
            start, end, label, identifier = _span(value, f"{name} {order}")
            if start not in back or end not in back or start >= end:
                raise RecordError(
                    f"{label} at {start}-{end} lies outside of the text, which has {max(back)} {options.characters}; "
                    "expected its start before its end (see format.characters)"
                )
            label, modality = _parted(label, options)
            if modality is not None:
                article.modality[len(article.spans)] = modality
            if identifier is not None:
                if identifier in index_of:
                    raise RecordError(f"{name} {order} has the id {identifier} of another span; expected one each")
                index_of[identifier] = len(article.spans)
            place = f"span {order if identifier is None else identifier}"
            article.spans.append(Span(back[start], back[end], label, place))
    for order, value in enumerate(record.list("relations"), start=1):
        relation = Fields(value, f"relation {order}")
        ends = [relation.number(name) for name in ("from_id", "to_id")]
        for end in ends:
            if end not in index_of:
                raise RecordError(f"relation {order} is with {end}, which is the id of no span")
        article.links.append(Link(relation.text("type"), index_of[ends[0]], index_of[ends[1]], f"relation {order}"))


def _back(text: str, options: Options) -> dict[int, int]:
    if options.characters == "codepoints":
        return {offset: offset for offset in range(len(text) + 1)}
    return {offset: place for place, offset in enumerate(grapheme_offsets(text)) if offset is not None}


def _span(value: Any, where: str) -> tuple[int, int, str, int | None]:
    if isinstance(value, list):
        if len(value) != 3:
            raise RecordError(f"{where} has {len(value)} values; expected [start, end, label]")
        values = Fields(dict(zip(("start_offset", "end_offset", "label"), value, strict=True)), where)
        return values.number("start_offset"), values.number("end_offset"), values.text("label"), None
    values = Fields(value, where)
    return values.number("start_offset"), values.number("end_offset"), values.text("label"), values.number("id")


def _parted(label: str, options: Options) -> tuple[str, str | None]:
    """A label and the modality behind it."""
    separator = options.modality_separator
    if separator is None or separator not in label:
        return label, None
    name, _, modality = label.rpartition(separator)
    return (name, modality) if name and modality else (label, None)


def write(articles: Sequence[CorpusArticle], schema: Schema, to: Path, options: Options, findings: Findings) -> None:
    """Writes a file to import into a project of sequence labelling with relations.

    Args:
        articles: The articles.
        schema: The schema of the corpus.
        to: The file.
        options: How characters are counted and where the modality stands.
        findings: Gets what has no room.
    """
    no_folder(to, "the lines")
    lines = [json.dumps(_line(article, options, findings), ensure_ascii=False) for article in articles]
    findings.refuse("the export")
    to.parent.mkdir(parents=True, exist_ok=True)
    write_whole(to, lambda stream: stream.write("".join(f"{line}\n" for line in lines).encode("utf-8")))


def _line(article: CorpusArticle, options: Options, findings: Findings) -> dict[str, Any]:
    document = article.document
    offset = _forth(article, options, findings)
    numbers: dict[object, int] = {}
    entities = []
    for span in (*document.entities, *document.events):
        numbers[span] = len(numbers) + 1
        label = span.type
        if isinstance(span, Event) and span.modality != DEFAULT_MODALITY:
            if options.modality_separator is None:
                findings.note("modalities, for which format.modality_separator is not set, left out")
            else:
                label += options.modality_separator + span.modality
        entities.append(
            {
                "id": numbers[span],
                "label": label,
                "start_offset": offset(span.start),
                "end_offset": offset(span.end),
            }
        )
    relations = [
        {"from_id": numbers[event], "to_id": numbers[argument.entity], "type": argument.role}
        for event in document.events
        for argument in event.arguments
    ]
    return {
        "text": document.text,
        "entities": entities,
        "relations": [{"id": number, **relation} for number, relation in enumerate(relations, start=1)],
        **article.metadata,
        "article_id": article.id,
        "split": article.split,
    }


def _forth(article: CorpusArticle, options: Options, findings: Findings) -> Callable[[int], int]:
    if options.characters == "codepoints":
        return lambda place: place
    offsets = grapheme_offsets(article.document.text)

    def offset(place: int) -> int:
        found = offsets[place]
        if found is None:
            findings.problem_at(
                Path(f"{article.id}.ann"),
                0,
                f"a span begins or ends at {place}, within a grapheme cluster, which doccano cannot say; "
                "export with format.characters=codepoints",
            )
            return 0
        return found

    return offset
