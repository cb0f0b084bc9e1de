"""Prodigy: the JSONL that ``db-out`` writes (https://prodi.gy/docs/api-interfaces), spans and relations.

Relations name the last token of each span and repeat the span; modality is a property of a trigger's span.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hadath.batch.storage import write_whole
from hadath.document import Entity, Event
from hadath.schema import DEFAULT_MODALITY, Schema
from hadath.text import segment
from training.annotations.articles import CorpusArticle, Findings, Link, SourceArticle, Span
from training.annotations.formats import no_folder
from training.annotations.formats.json_records import Fields, RecordError, articles_of_lines, metadata_of
from training.annotations.identifiers import short_hash

SUFFIXES = (".jsonl", ".ndjson")


@dataclass
class Options:
    """Nothing can be set."""


def read(source: Path, options: Options, findings: Findings) -> list[SourceArticle]:
    """Reads an export, or all exports in a folder.

    Args:
        source: The file or folder.
        options: Nothing.
        findings: Gets what is wrong.

    Returns:
        An article for each line that was accepted.
    """

    def take(article: SourceArticle, record: Fields) -> bool:
        answer = record.values.get("answer", "accept")
        if answer in ("reject", "ignore"):
            findings.note(f"lines with the answer {answer}, left out")
            return False
        if answer != "accept":
            raise RecordError(f"has the answer {answer!r}; expected accept, reject or ignore")
        _take(article, record, findings)
        return True

    return articles_of_lines(source, SUFFIXES, take, "what prodigy db-out writes", findings)


@dataclass(frozen=True)
class _Token:
    start: int
    end: int


def _take(article: SourceArticle, record: Fields, findings: Findings) -> None:
    article.text = record.text("text")
    meta = Fields(record.values.get("meta") or {}, "'meta'")
    given = meta.values.get("id")
    article.id = str(given) if given is not None else f"prodigy-{short_hash(article.text)}"
    article.split = meta.optional_text("split")
    article.metadata = metadata_of(meta.values, {"id", "split", "text"}, findings)
    tokens = _tokens(article.text, record)
    index_of: dict[tuple[int, int], list[int]] = {}
    for order, value in enumerate(record.list("spans"), start=1):
        fields = Fields(value, f"span {order}")
        if "label" not in fields.values:
            findings.note("spans without a label, left out")
            continue
        start, end = fields.number("start"), fields.number("end")
        _check_span(article.text, fields, start, end, tokens)
        index_of.setdefault((start, end), []).append(len(article.spans))
        modality = fields.optional_text("modality")
        if modality is not None:
            article.modality[len(article.spans)] = modality
        article.spans.append(Span(start, end, fields.text("label"), f"span {order}"))
    for order, value in enumerate(record.list("relations"), start=1):
        relation = Fields(value, f"relation {order}")
        head, child = (_end(article, relation, name, index_of, tokens) for name in ("head", "child"))
        article.links.append(Link(relation.text("label"), head, child, f"relation {order}"))


def _tokens(text: str, record: Fields) -> list[_Token]:
    tokens = []
    for order, value in enumerate(record.list("tokens")):
        fields = Fields(value, f"token {order}")
        token = _Token(fields.number("start"), fields.number("end"))
        shown = fields.optional_text("text")
        if shown is not None and (token.start < 0 or text[token.start : token.end] != shown):
            raise RecordError(
                f"token {order} is {shown!r}, but the text at {token.start}-{token.end} is "
                f"{text[max(0, token.start) : max(0, token.end)]!r}; export it once more"
            )
        tokens.append(token)
    return tokens


def _check_span(text: str, fields: Fields, start: int, end: int, tokens: Sequence[_Token]) -> None:
    if not 0 <= start < end <= len(text):
        raise RecordError(
            f"{fields.where} is at {start}-{end}; expected a place in the {len(text)} characters of the text"
        )
    shown = fields.optional_text("text")
    if shown is not None and shown != text[start:end]:
        raise RecordError(f"{fields.where} is {shown!r}, but the text at {start}-{end} is {text[start:end]!r}")
    for name, edge in (("token_start", start), ("token_end", end)):
        if tokens and fields.values.get(name) is not None:
            number = fields.number(name)
            token = tokens[number] if 0 <= number < len(tokens) else None
            if token is None or edge != (token.start if name == "token_start" else token.end):
                raise RecordError(f"{fields.where} is at {start}-{end}, but its {name} {number} is another place")


def _end(
    article: SourceArticle,
    relation: Fields,
    name: str,
    index_of: dict[tuple[int, int], list[int]],
    tokens: Sequence[_Token],
) -> int:
    """The span that a relation means by its head or child."""
    number = relation.number(name)
    value = relation.values.get(f"{name}_span")
    label = None
    if value is not None:
        span = Fields(value, f"{relation.where}: {name}_span")
        place = (span.number("start"), span.number("end"))
        label = span.optional_text("label")
        if tokens and not (0 <= number < len(tokens) and place[0] <= tokens[number].start < place[1]):
            raise RecordError(
                f"{relation.where}: {name} is token {number}, but {name}_span is at {place[0]}-{place[1]}"
            )
        found = index_of.get(place, [])
    elif 0 <= number < len(tokens):
        edge = tokens[number].end
        found = [index for (_, end), indices in index_of.items() if end == edge for index in indices]
    else:
        raise RecordError(
            f"{relation.where}: {name} is token {number}, and there is neither {name}_span nor such a token"
        )
    found = [index for index in found if label in (None, article.spans[index].label)]
    if len(found) != 1:
        raise RecordError(
            f"{relation.where}: {name} is {len(found)} spans; expected one that ends at token {number}"
            f"{f' and is labelled {label}' if label else ''}"
        )
    return found[0]


def write(articles: Sequence[CorpusArticle], schema: Schema, to: Path, options: Options, findings: Findings) -> None:
    """Writes a file to load with ``rel.manual`` or ``ner.manual``.

    Args:
        articles: The articles.
        schema: The schema of the corpus.
        to: The file.
        options: Nothing.
        findings: Not used: all has room.
    """
    no_folder(to, "the lines")
    lines = [json.dumps(_line(article), ensure_ascii=False) for article in articles]
    to.parent.mkdir(parents=True, exist_ok=True)
    write_whole(to, lambda stream: stream.write("".join(f"{line}\n" for line in lines).encode("utf-8")))


def _line(article: CorpusArticle) -> dict[str, Any]:
    text = article.document.text
    words = segment(text)
    starts, ends = words.starts.tolist(), words.ends.tolist()
    places = list(zip(starts, ends, strict=True))
    tokens = [
        {"text": text[start:end], "start": start, "end": end, "id": number, "ws": text[end : end + 1] == " "}
        for number, (start, end) in enumerate(places)
    ]
    first = {start: number for number, start in enumerate(starts)}
    last = {end: number for number, end in enumerate(ends)}

    def span(found: Entity | Event) -> dict[str, Any]:
        values = {
            "start": found.start,
            "end": found.end,
            "token_start": first[found.start],
            "token_end": last[found.end],
        }
        return {**values, "label": found.type}

    spans, relations = [span(entity) for entity in article.document.entities], []
    for event in article.document.events:
        asserted = event.modality == DEFAULT_MODALITY
        spans.append(span(event) if asserted else {**span(event), "modality": event.modality})
        for argument in event.arguments:
            head, child = span(event), span(argument.entity)
            relations.append(
                {
                    "head": head["token_end"],
                    "child": child["token_end"],
                    "head_span": head,
                    "child_span": child,
                    "label": argument.role,
                }
            )
    meta = {**article.metadata, "id": article.id, "split": article.split}
    return {"text": text, "tokens": tokens, "spans": spans, "relations": relations, "meta": meta, "answer": "accept"}
