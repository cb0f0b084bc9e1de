"""From the labels of a source to the types, roles and modality values of the corpus."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from hadath.schema import DEFAULT_MODALITY, Schema
from training.annotations.articles import Findings, Kind, SourceArticle

SETTINGS = {"label": "labels", "role": "roles", "modality": "modalities"}
"""The setting that maps each kind of name."""


@dataclass(frozen=True)
class LabelMap:
    """How names of a source are called in the corpus; a name that is not mapped keeps its own.

    Attributes:
        labels: Types by labels of spans; None drops the spans.
        roles: Roles by labels of relations; None drops the relations.
        modalities: Modality values by the source's; None drops the mark.
    """

    labels: Mapping[str, str | None] = field(default_factory=dict)
    roles: Mapping[str, str | None] = field(default_factory=dict)
    modalities: Mapping[str, str | None] = field(default_factory=dict)

    def applied(self, article: SourceArticle, findings: Findings) -> SourceArticle:
        """Returns an article with its names mapped; what is dropped is noted.

        Example:
            >>> from pathlib import Path
            >>> from training.annotations.articles import Findings, SourceArticle, Span
            >>> article = SourceArticle(Path("a"), "في تونس", spans=[Span(3, 7, "LOC")])
            >>> LabelMap({"LOC": "GPE"}).applied(article, Findings()).spans[0].label
            'GPE'
        """
        kept: dict[int, int] = {}
        spans = []
        for index, span in enumerate(article.spans):
            label = self.labels.get(span.label, span.label)
            if label is None:
                findings.note(f"spans labelled {span.label} dropped, as the label map says")
            else:
                kept[index] = len(spans)
                spans.append(replace(span, label=label))
        links = []
        for link in article.links:
            role = self.roles.get(link.label, link.label)
            if role is None:
                findings.note(f"relations labelled {link.label} dropped, as the label map says")
            elif link.head in kept and link.target in kept:
                links.append(replace(link, label=role, head=kept[link.head], target=kept[link.target]))
            else:
                findings.note("relations dropped with a span that they link")
        modality = {}
        for index, value in article.modality.items():
            mapped = self.modalities.get(value, value)
            if mapped is None:
                findings.note(f"modality {value} dropped, as the label map says")
            elif index in kept:
                modality[kept[index]] = mapped
        return replace(article, spans=spans, links=links, modality=modality)


class Unmapped:
    """Names that the schema does not know, with how often and where first."""

    def __init__(self) -> None:
        self.counts: Counter[tuple[str, str]] = Counter()
        self._first: dict[tuple[str, str], SourceArticle] = {}

    def add(self, kind: str, name: str, article: SourceArticle) -> None:
        """Counts a name; ``kind`` is one of ``SETTINGS``."""
        self.counts[kind, name] += 1
        self._first.setdefault((kind, name), article)

    def report(self, schema: Schema, findings: Findings, drop: bool) -> None:
        """Tells of each name: as a problem, or, where they are dropped by choice, as a note."""
        known = {
            "label": (*schema.entity_types, *schema.event_types),
            "role": schema.role_names,
            "modality": schema.modalities,
        }
        for (kind, name), count in sorted(self.counts.items()):
            if drop:
                findings.note(f"{kind} {name}: not in the schema, dropped", count)
                continue
            close = difflib.get_close_matches(name.upper(), known[kind], n=1)
            hint = f" (did you mean {close[0]}?)" if close else ""
            setting = SETTINGS[kind]
            article = self._first[kind, name]
            findings.problem(
                article,
                f"the {kind} {name!r}, {count:,} in all, is not in the schema{hint}; expected one of "
                f"{', '.join(known[kind]) or 'none'}; map it with '{setting}={{{name}: NAME}}', drop it with "
                f"'{setting}={{{name}: null}}', or drop all such with unmapped=drop",
            )


def found_schema(articles: Iterable[SourceArticle], events: Sequence[str] = ()) -> Schema:
    """Returns the schema that articles imply.

    Args:
        articles: The articles, their labels mapped.
        events: Labels that are event types though nothing in the articles shows it.

    Returns:
        A type for each label, in alphabetical order: an event type where the source says so, or a span of it heads a
        relation or carries a modality, an entity type otherwise; roles with the types that fill them.
    """
    labels: set[str] = set()
    event_types = set(events)
    entity_types: set[str] = set()
    modalities: set[str] = set()
    seen = list(articles)
    for article in seen:
        for index, span in enumerate(article.spans):
            labels.add(span.label)
            if span.kind is Kind.ENTITY:
                entity_types.add(span.label)
            if span.kind is Kind.EVENT or (span.kind is None and index in article.modality):
                event_types.add(span.label)
        event_types.update(
            article.spans[link.head].label for link in article.links if article.spans[link.head].kind is not Kind.ENTITY
        )
        modalities.update(article.modality.values())
    entity_types |= labels - event_types
    roles: dict[str, dict[str, set[str]]] = {name: {} for name in sorted(event_types)}
    for article in seen:
        for link in article.links:
            head, target = article.spans[link.head], article.spans[link.target]
            if head.label in roles and target.label in entity_types:
                roles[head.label].setdefault(link.label, set()).add(target.label)
    return Schema(
        tuple(sorted(entity_types)),
        tuple(sorted(event_types)),
        {
            name: {role: tuple(sorted(allowed)) for role, allowed in sorted(found.items())}
            for name, found in roles.items()
        },
        (DEFAULT_MODALITY, *sorted(modalities - {DEFAULT_MODALITY})) if modalities else (),
    )


def annotation_conf(schema: Schema) -> str:
    r"""Returns a schema as brat's ``annotation.conf``; ``Schema.from_brat`` reads it back.

    Example:
        >>> schema = Schema(("PER",), ("MEET",), {"MEET": {"Who": ("PER",)}}, ("Asserted", "Planned"))
        >>> Schema.from_brat(annotation_conf(schema)) == schema
        True
    """
    lines = ["[entities]", *schema.entity_types, "", "[relations]", "", "[events]"]
    for name in schema.event_types:
        roles = ", ".join(f"{role}*:{'|'.join(allowed)}" for role, allowed in schema.roles.get(name, {}).items())
        lines.append(f"{name}\t{roles}" if roles else name)
    lines += ["", "[attributes]"]
    if schema.modalities:
        lines.append(f"Modality\tArg:<EVENT>, Value:{'|'.join(schema.modalities[1:] or schema.modalities)}")
    return "\n".join(lines) + "\n"
