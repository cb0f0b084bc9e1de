"""From a source article's spans and relations to a document of the corpus: whole words, flat, within the schema."""

from __future__ import annotations

import bisect
from dataclasses import dataclass, replace

from hadath.batch.articles import surrogate
from hadath.document import Argument, Document, Entity, Event
from hadath.schema import DEFAULT_MODALITY, Schema
from hadath.text import segment
from training.annotations.articles import Findings, Kind, SourceArticle, Span
from training.annotations.label_map import Unmapped


@dataclass
class Rules:
    """What is done with annotations that the corpus cannot hold as they are; explained in annotations_import.yaml."""

    unmapped: str = "refuse"
    misaligned: str = "refuse"
    overlaps: str = "refuse"

    def __post_init__(self) -> None:
        for name, allowed in CHOICES.items():
            if getattr(self, name) not in allowed:
                raise ValueError(f"{name} is {getattr(self, name)}; expected one of {', '.join(allowed)}")


CHOICES = {"unmapped": ("refuse", "drop"), "misaligned": ("refuse", "snap"), "overlaps": ("refuse", "longest")}


def assembled(
    article: SourceArticle, schema: Schema, rules: Rules, unmapped: Unmapped, findings: Findings
) -> Document | None:
    """Makes a document of a source article whose names are mapped.

    Args:
        article: The article.
        schema: The types, roles and modality values of the corpus.
        rules: What is done with what the corpus cannot hold.
        unmapped: Gets the names that the schema does not know.
        findings: Gets what is wrong, and what was changed or left out.

    Returns:
        The document, without its id; None where the text itself is unusable or spans lie outside of it.
    """
    if not article.text.strip():
        findings.problem(article, "has no text; expected the text of an article")
        return None
    if (at := surrogate(article.text)) is not None:
        findings.problem(article, f"its text holds half a character (a lone surrogate) at {at}; expected Unicode text")
        return None
    builder = _Builder(article, schema, rules, unmapped, findings)
    return builder.document()


class _Builder:
    def __init__(
        self, article: SourceArticle, schema: Schema, rules: Rules, unmapped: Unmapped, findings: Findings
    ) -> None:
        self.article = article
        self.schema = schema
        self.rules = rules
        self.unmapped = unmapped
        self.findings = findings
        self.heads = {link.head for link in article.links}
        self.roles = frozenset(schema.role_names) if article.links else frozenset()

    def document(self) -> Document | None:
        known = self._known()
        if known is None:
            return None
        whole = self._whole_words(known)
        merged, stands_for = self._merged(whole)
        flat = self._flat(merged)
        text = self.article.text
        entities = {
            index: Entity(span.start, span.end, span.label, text[span.start : span.end])
            for index, span in flat.items()
            if span.kind is Kind.ENTITY
        }
        arguments = self._arguments(flat, entities, stands_for)
        modality = self._modality(flat, stands_for)
        events = [
            Event(
                span.start,
                span.end,
                span.label,
                text[span.start : span.end],
                modality=modality.get(index, DEFAULT_MODALITY),
                arguments=tuple(sorted(arguments.get(index, ()), key=lambda a: (a.entity.start, a.entity.end))),
            )
            for index, span in flat.items()
            if span.kind is Kind.EVENT
        ]
        return Document(
            text,
            tuple(sorted(entities.values(), key=lambda entity: (entity.start, entity.end))),
            tuple(sorted(events, key=lambda event: (event.start, event.end))),
        )

    def _known(self) -> dict[int, Span] | None:
        """Spans within the text whose labels the schema knows, each with its kind."""
        known: dict[int, Span] = {}
        length, sound = len(self.article.text), True
        for index, span in enumerate(self.article.spans):
            if not 0 <= span.start < span.end <= length:
                self.findings.problem(
                    self.article,
                    f"{span.place or span.label} is at {span.start}-{span.end}; expected its start before its end, "
                    f"and both within the {length} characters of the text",
                )
                sound = False
                continue
            kind = self._kind(index, span)
            if kind is None:
                self.unmapped.add("label", span.label, self.article)
            else:
                known[index] = replace(span, kind=kind)
        return known if sound else None

    def _kind(self, index: int, span: Span) -> Kind | None:
        is_entity, is_event = span.label in self.schema.entity_types, span.label in self.schema.event_types
        if is_entity and is_event:
            says_event = index in self.article.modality or index in self.heads
            return span.kind or (Kind.EVENT if says_event else Kind.ENTITY)
        if is_entity and span.kind is not Kind.EVENT:
            return Kind.ENTITY
        # a source that knows one kind of label only says entity of triggers too
        return Kind.EVENT if is_event else None

    def _whole_words(self, spans: dict[int, Span]) -> dict[int, Span]:
        """The spans, each from the beginning of a word to the end of one."""
        if not spans:
            return spans
        words = segment(self.article.text)
        starts, ends = words.starts.tolist(), words.ends.tolist()
        start_set, end_set = set(starts), set(ends)
        whole = {}
        for index, span in spans.items():
            if span.start in start_set and span.end in end_set:
                whole[index] = span
                continue
            first, last = bisect.bisect_right(ends, span.start), bisect.bisect_left(starts, span.end)
            if first >= last:
                self.findings.problem(self.article, f"{self._named(span)} holds no word; expected whole words")
                continue
            snapped = replace(span, start=starts[first], end=ends[last - 1])
            if self.rules.misaligned == "refuse":
                self.findings.problem(
                    self.article,
                    f"{self._named(span)} does not begin and end where words do; mend it, or take the words that it "
                    f"touches, {self.article.text[snapped.start : snapped.end]!r}, with misaligned=snap",
                )
                continue
            self.findings.note("spans moved to the edges of the words that they touch")
            whole[index] = snapped
        return whole

    def _merged(self, spans: dict[int, Span]) -> tuple[dict[int, Span], dict[int, int]]:
        """The spans without repetitions, and which one stands for each."""
        first: dict[tuple[int, int, str, Kind | None], int] = {}
        stands_for = {}
        for index, span in spans.items():
            stands_for[index] = first.setdefault((span.start, span.end, span.label, span.kind), index)
            if stands_for[index] != index:
                self.findings.note("spans that repeat another one of the same label, kept once")
        return {index: span for index, span in spans.items() if stands_for[index] == index}, stands_for

    def _flat(self, spans: dict[int, Span]) -> dict[int, Span]:
        """The spans that lie side by side: of those that overlap the longest, of equal ones the first."""
        order = sorted(spans, key=lambda index: (spans[index].start - spans[index].end, index))
        kept: list[tuple[int, int, int]] = []
        flat = []
        for index in order:
            span = spans[index]
            at = bisect.bisect_right(kept, (span.start, len(self.article.text) + 1, 0))
            rivals = [kept[place] for place in (at - 1, at) if 0 <= place < len(kept)]
            rival = next((r for r in rivals if r[0] < span.end and span.start < r[1]), None)
            if rival is None:
                bisect.insort(kept, (span.start, span.end, index))
                flat.append(index)
                continue
            other = spans[rival[2]]
            if self.rules.overlaps == "refuse":
                self.findings.problem(
                    self.article,
                    f"{self._named(span)} overlaps {self._named(other)}; expected spans side by side: keep one of the "
                    "two, or the longest of all such with overlaps=longest",
                )
            nested = other.start <= span.start and span.end <= other.end
            relation = "nested in" if nested else "overlapping"
            self.findings.note(f"{span.label} {relation} {other.label}: the longest kept, {span.label} left out")
        return {index: spans[index] for index in sorted(flat)}

    def _arguments(
        self, flat: dict[int, Span], entities: dict[int, Entity], stands_for: dict[int, int]
    ) -> dict[int, dict[Argument, None]]:
        arguments: dict[int, dict[Argument, None]] = {}
        for link in self.article.links:
            head, target = stands_for.get(link.head, -1), stands_for.get(link.target, -1)
            if head not in flat or target not in flat:
                self.findings.note("relations dropped with a span that they link")
                continue
            if flat[head].kind is Kind.ENTITY and flat[target].kind is Kind.EVENT:
                # a relation drawn from the entity to the event says the same
                head, target = target, head
            event, filler = flat[head], flat[target]
            roles = self.schema.roles.get(event.label, {})
            if event.kind is not Kind.EVENT or filler.kind is not Kind.ENTITY:
                self._misfit(f"relation {link.label} between two {_plural(event.kind)} is no argument of an event")
            elif link.label not in self.roles:
                self.unmapped.add("role", link.label, self.article)
            elif filler.label not in roles.get(link.label, ()):
                allowed = f"; expected {' or '.join(roles[link.label])}" if roles.get(link.label) else ""
                self._misfit(f"{link.label} of {event.label} is a {filler.label}, which the schema forbids{allowed}")
            else:
                argument = Argument(link.label, entities[target])
                if argument in arguments.setdefault(head, {}):
                    self.findings.note("arguments that repeat another one, kept once")
                arguments[head][argument] = None
        return arguments

    def _misfit(self, what: str) -> None:
        if self.rules.unmapped == "drop":
            self.findings.note(f"{what}: dropped")
        else:
            self.findings.problem(self.article, f"{what}; mend it, or drop all such with unmapped=drop")

    def _modality(self, flat: dict[int, Span], stands_for: dict[int, int]) -> dict[int, str]:
        found: dict[int, str] = {}
        for given, value in self.article.modality.items():
            index = stands_for.get(given, -1)
            if index not in flat:
                continue  # it went with its span, which is noted
            if flat[index].kind is not Kind.EVENT:
                self._misfit(f"{flat[index].label} is an entity type and has the modality {value}")
            elif value not in (self.schema.modalities or (DEFAULT_MODALITY,)):
                self.unmapped.add("modality", value, self.article)
            elif found.setdefault(index, value) != value:
                self.findings.problem(
                    self.article, f"{self._named(flat[index])} has two modalities, {found[index]} and {value}; keep one"
                )
        return found

    def _named(self, span: Span) -> str:
        shown = self.article.text[span.start : span.end]
        shown = shown if len(shown) <= _SHOWN_CHARACTERS else f"{shown[: _SHOWN_CHARACTERS - 1]}…"
        return f"{span.place + ' ' if span.place else ''}{span.label} {shown!r} ({span.start}-{span.end})"


_SHOWN_CHARACTERS = 60


def _plural(kind: Kind | None) -> str:
    return "events" if kind is Kind.EVENT else "entities"
