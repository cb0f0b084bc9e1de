"""brat standoff (https://brat.nlplab.org/standoff.html): NAME.txt and NAME.ann, also in the layout of our corpus."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hadath.schema import DEFAULT_MODALITY, Schema
from training.annotations.articles import CorpusArticle, Findings, Kind, Link, SourceArticle, SourceError, Span
from training.annotations.corpus_folder import Layout, add_articles
from training.annotations.label_map import annotation_conf
from training.brat import Severity, parse_document, read_text

CONFIGURATION = "annotation.conf"
ARTICLES = "articles"
SPLITS = "splits"
METADATA = "articles.jsonl"

_LEFT_OUT = {"R": "relations", "*": "equivalences", "N": "normalisations", "#": "notes"}
_SPAN = re.compile(r"(T\d+)\t(\S+) ")
_EVENT = re.compile(r"E\d+\t(\S.*)")
_ATTRIBUTE = re.compile(r"[AM]\d+\t(\S+) \S+(?: (\S+))?")
_NUMBERED = re.compile(r"(.*\D)[2-9]\d*|(.*\D)1\d+")


@dataclass
class Options:
    """Nothing can be set."""


def read(source: Path, options: Options, findings: Findings) -> list[SourceArticle]:
    """Reads a folder of annotated texts, or a corpus in the layout of ours, or one article.

    Args:
        source: The folder, or a ``.txt`` or ``.ann`` file.
        options: Nothing.
        findings: Gets what is wrong.

    Returns:
        The articles. Types, roles and values of Modality are taken as they stand there.
    """
    root = source if source.is_dir() else source.parent
    if source.is_dir():
        folder = root / ARTICLES if (root / ARTICLES).is_dir() else root
        texts = sorted(
            path
            for path in folder.rglob("*.txt")
            if not any(part.startswith(".") or part == SPLITS for part in path.relative_to(folder).parts)
        )
        annotated = {path.with_suffix(".txt") for path in folder.rglob("*.ann")}
        texts = sorted({*texts, *annotated})
    elif source.suffix in (".txt", ".ann") and source.is_file():
        folder, texts = root, [source.with_suffix(".txt")]
    else:
        raise SourceError(f"{source}: no such folder, .txt or .ann file; check source")
    if not texts:
        raise SourceError(f"{source}: holds no article; expected NAME.txt and NAME.ann for each")
    configured = _configured(root, folder)
    metadata, splits = _metadata(root / METADATA, findings), _splits(root / SPLITS)
    articles = []
    for path in texts:
        text = read_text(path, findings.problems)
        annotations = read_text(path.with_suffix(".ann"), findings.problems)
        if text is None or annotations is None:
            continue
        article = SourceArticle(path.with_suffix(".ann"), text)
        article.id = path.relative_to(folder).with_suffix("").as_posix()
        article.metadata, article.split = metadata.get(article.id, {}), splits.get(article.id)
        if _take(article, annotations.removeprefix("\ufeff"), configured, findings):
            articles.append(article)
    return articles


def _configured(root: Path, folder: Path) -> Schema | None:
    for path in (root / CONFIGURATION, folder / CONFIGURATION):
        text = read_text(path, []) if path.is_file() else None
        if text is not None:
            return Schema.from_brat(text, str(path))
    return None


def _metadata(path: Path, findings: Findings) -> dict[str, dict[str, str]]:
    described: dict[str, dict[str, str]] = {}
    for number, line in enumerate((read_text(path, []) or "" if path.is_file() else "").split("\n"), start=1):
        if not line.strip():
            continue
        try:
            fields = json.loads(line)
            name = fields.pop("id")
            if not all(isinstance(value, str) for value in (name, *fields.values())):
                raise TypeError("a field is no text")
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            findings.problem_at(path, number, 'is no description of an article; expected {"id": "NAME", …}, all texts')
            continue
        described[name] = fields
    return described


def _splits(folder: Path) -> dict[str, str]:
    return {
        name.strip(): path.stem
        for path in sorted(folder.glob("*.txt"))
        for name in (read_text(path, []) or "").split("\n")
        if name.strip()
    }


def _take(article: SourceArticle, annotations: str, configured: Schema | None, findings: Findings) -> bool:
    """Reads an article's annotations; returns whether they are sound."""
    kept = []
    for line in annotations.split("\n"):
        attribute = _ATTRIBUTE.match(line)
        if attribute and attribute[1] != "Modality":
            findings.note(f"brat attributes {attribute[1]}, left out")
            line = ""
        elif line[:1] in _LEFT_OUT and line[:1]:
            findings.note(f"brat {_LEFT_OUT[line[0]]}, left out")
        kept.append(line)
    schema = _implied_schema(kept, configured)
    document, problems = parse_document(article.text, "\n".join(kept), schema, article.path)
    broken = [problem for problem in problems if problem.severity is Severity.BROKEN]
    findings.problems += broken
    if document is None:
        return False
    index_of = {}
    for entity in document.entities:
        index_of[entity] = len(article.spans)
        article.spans.append(Span(entity.start, entity.end, entity.type, "", Kind.ENTITY))
    for event in document.events:
        head = len(article.spans)
        article.spans.append(Span(event.start, event.end, event.type, "", Kind.EVENT))
        if event.modality != DEFAULT_MODALITY:
            article.modality[head] = event.modality
        article.links += [Link(argument.role, head, index_of[argument.entity]) for argument in event.arguments]
    return True


def _implied_schema(lines: Sequence[str], configured: Schema | None) -> Schema:
    """A schema that allows whatever stands in the lines, as long as they agree with each other."""
    types = {match[1]: match[2] for line in lines if (match := _SPAN.match(line))}
    events: dict[str, set[str]] = {}
    triggers = set()
    for line in lines:
        match = _EVENT.match(line)
        if match:
            (name, _, trigger), *arguments = (part.partition(":") for part in match[1].split())
            triggers.add(trigger)
            events.setdefault(name, set()).update(role for role, _, _ in arguments)
    entities = {name for span, name in types.items() if span not in triggers}
    known = set(configured.role_names) if configured else set()
    written = {role for roles in events.values() for role in roles}
    roles = {_role(role, known, written) for role in written} - {""}
    values = {match[2] for line in lines if (match := _ATTRIBUTE.match(line)) and match[2]} - {DEFAULT_MODALITY}
    modalities = configured.modalities if configured else ()
    return Schema(
        tuple(sorted(entities)),
        tuple(sorted(events)),
        {name: {role: tuple(sorted(entities)) for role in sorted(roles)} for name in events},
        tuple(dict.fromkeys([DEFAULT_MODALITY, *modalities, *sorted(values)])),
    )


def _role(written: str, known: set[str], all_written: set[str]) -> str:
    """The role that brat numbers: Actor of Actor2, where there is an Actor."""
    match = _NUMBERED.fullmatch(written)
    name = (match[1] or match[2]) if match else written
    return name if written not in known and (name in known or name in all_written) else written


def write(articles: Sequence[CorpusArticle], schema: Schema, to: Path, options: Options, findings: Findings) -> None:
    """Writes a folder in the layout of our corpus.

    Args:
        articles: The articles.
        schema: The schema of the corpus.
        to: The folder; it must not hold anything.
        options: Nothing.
        findings: Gets what cannot be written.
    """
    layout = Layout("", CONFIGURATION, ARTICLES, SPLITS, METADATA)
    add_articles(to, layout, annotation_conf(schema), schema, articles, findings)
