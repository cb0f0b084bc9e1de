"""Takes annotations of another tool or format into a corpus: ``python -m training.annotations import format=NAME``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf
from rich.console import Console

from hadath.batch.articles import surrogate
from hadath.errors import SchemaError
from hadath.schema import Schema
from training.annotations.articles import CorpusArticle, Findings, SourceArticle, SourceError
from training.annotations.assembling import Rules, assembled
from training.annotations.corpus_folder import Added, Layout, add_articles
from training.annotations.formats import format_named
from training.annotations.identifiers import article_id
from training.annotations.import_report import report
from training.annotations.label_map import LabelMap, Unmapped, annotation_conf, found_schema
from training.brat import read_text
from training.script import script
from training.settings import settings

FOUND = "found"
"""The schema that is made of the labels that are found."""

SPLIT_NAME = re.compile(r"\w[\w.-]*")
"""What the name of a split looks like."""

_TYPE_NAME = re.compile(r"[^\s:|,*<>#\[\]!-][^\s:|,*<>#]*")


@dataclass
class Import(Rules):
    """The settings outside of all groups; each is explained in configs/annotations_import.yaml."""

    source: str = ""
    into: str | None = None
    schema: str | None = None
    events: list[str] | None = None
    labels: dict[str, str | None] | None = None
    roles: dict[str, str | None] | None = None
    modalities: dict[str, str | None] | None = None
    prefix: str = ""
    split: str | None = None


@dataclass(frozen=True)
class Imported:
    """What an import gives.

    Attributes:
        articles: The articles, as the corpus has them.
        schema: Their schema.
        added: Which of them were written; None where nothing was to be written.
        notes: What was changed or left out, with counts.
    """

    articles: Sequence[CorpusArticle]
    schema: Schema
    added: Added | None
    notes: Mapping[str, int]


def import_annotations(config: DictConfig) -> Imported:
    """Imports annotations as configs/annotations_import.yaml says.

    Args:
        config: The composed configuration.

    Returns:
        The articles, and what was done with them.

    Raises:
        SourceError: With everything that is wrong; nothing is written then.
        SettingsError: If a setting has a wrong name, type or value.
        HadathError: If another process is writing into the corpus, or a package is missing.
    """
    source = Path(config.source)
    groups = ("corpus", "format")
    wanted = settings(Import, OmegaConf.masked_copy(config, [name for name in config if name not in groups]), "")
    layout = settings(Layout, config.corpus, "corpus")
    usual: Mapping[str, str | None] = OmegaConf.to_object(config.format.get("labels", OmegaConf.create()))  # type: ignore[assignment]
    label_map = LabelMap({**usual, **(wanted.labels or {})}, wanted.roles or {}, wanted.modalities or {})
    form, options = format_options(config.format)
    findings = Findings()

    read = form.read(source, options, findings)
    articles = [label_map.applied(article, findings) for article in read]
    into = Path(wanted.into) if wanted.into else None
    schema, schema_text = _schema(wanted, layout, into, articles)
    unmapped = Unmapped()
    taken: dict[str, tuple[SourceArticle, CorpusArticle]] = {}
    for article in articles:
        document = assembled(article, schema, wanted, unmapped, findings)
        if document is None:
            continue
        name = article_id(wanted.prefix + str(article.id))
        _check_metadata(article, findings)
        found = CorpusArticle(replace(document, id=name), article.metadata, _split(article, wanted, findings))
        if name.casefold() in taken:
            other = taken[name.casefold()][0]
            where = f"{other.path}:{other.line}" if other.line else f"{other.path} {other.place}".strip()
            findings.problem(article, f"has the name of {where}, {name}; expected one article of each name")
        taken.setdefault(name.casefold(), (article, found))
    unmapped.report(schema, findings, drop=wanted.unmapped == "drop")
    findings.refuse(f"{source}")
    done = [found for _, found in taken.values()]
    if not done:
        raise SourceError(f"{source} holds no annotated article; {_nothing(findings)}")
    added = None
    if into is not None:
        added = add_articles(into, layout, schema_text, schema, done, findings)
    return Imported(done, schema, added, dict(findings.notes))


def format_options(config: DictConfig) -> tuple[Any, Any]:
    """Returns the module of a format and its options, of the settings in the group ``format``."""
    form = format_named(str(config.reader))
    given = OmegaConf.masked_copy(config, [str(name) for name in config if name not in ("reader", "labels")])
    return form, settings(form.Options, given, "format")


def _schema(wanted: Import, layout: Layout, into: Path | None, articles: Sequence[SourceArticle]) -> tuple[Schema, str]:
    """The schema of the corpus, and its annotation configuration."""
    there = into / layout.schema_file if into is not None else None
    if there is not None and there.is_file():
        own = _read_schema(there)
        if wanted.schema is not None and (wanted.schema == FOUND or _read_schema(Path(wanted.schema))[0] != own[0]):
            raise SourceError(f"{there} is the schema of the corpus; leave schema out, or import into a new folder")
        return own
    if there is not None and there.parent.is_dir() and any(there.parent.iterdir()):
        raise SourceError(f"{there.parent} holds something else than a corpus: it has no {layout.schema_file}")
    if wanted.schema == FOUND:
        schema = found_schema(articles, wanted.events or ())
        names = (*schema.entity_types, *schema.event_types, *schema.role_names, *schema.modalities)
        unfit = [name for name in names if not _TYPE_NAME.fullmatch(name)]
        if unfit:
            raise SourceError(
                f"{', '.join(map(repr, unfit))}: brat cannot call a type, role or value so; expected names without "
                "white space and : | , * < > #; map them with labels, roles or modalities"
            )
        return schema, annotation_conf(schema)
    return _read_schema(Path(wanted.schema) if wanted.schema else Path(layout.path) / layout.schema_file)


def _read_schema(path: Path) -> tuple[Schema, str]:
    problems: list[Any] = []
    text = read_text(path, problems)
    if text is None:
        raise SourceError(
            f"the schema cannot be read; give schema=PATH, or schema={FOUND} for the labels found:", problems
        )
    try:
        return Schema.from_brat(text, str(path)), text
    except SchemaError as error:
        raise SourceError(f"the schema does not parse:\n{error}") from error


def _split(article: SourceArticle, wanted: Import, findings: Findings) -> str:
    split = wanted.split or article.split or "train"
    if not SPLIT_NAME.fullmatch(split):
        findings.problem(
            article, f"is in the split {split!r}; expected a name such as train, or set split=train for all"
        )
    return split


def _check_metadata(article: SourceArticle, findings: Findings) -> None:
    for name, value in article.metadata.items():
        if surrogate(name + value) is not None:
            findings.problem(article, f"its field {name!r} holds half a character; expected Unicode text")


def _nothing(findings: Findings) -> str:
    notes = "; ".join(f"{what} ({count:,})" for what, count in findings.notes.items())
    return notes or "expected at least one"


@script("annotations_import")
def main(config: DictConfig) -> None:
    """Imports, and tells what came in."""
    imported = import_annotations(config)
    Console(soft_wrap=True).print(report(imported, config.source, config.into), markup=False, highlight=False)
