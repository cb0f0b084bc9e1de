"""Every place at which two annotators differ, with its sentence: what the first has and what the second has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain

from hadath.document import Document
from training.alignment import KINDS, AlignedDocument, Kind, Relation, Span, SpanPair, WordSpans, span_pairs
from training.annotations.agreement_scores import Pair, arguments_of, same_events, same_label
from training.annotations.checks.finding import ArticleFiles, Finding, Level, sentence_pieces

FIRST, SECOND = "first", "second"
"""The marks of what each annotator has."""

_NAMES = {"entities": "entity", "events": "event"}
_WHAT = {
    Relation.WRONG_TYPE: "type",
    Relation.WRONG_SPAN: "span",
    Relation.WRONG_SPAN_AND_TYPE: "span and type",
    Relation.MISSED: "only first",
    Relation.SPURIOUS: "only second",
}


def disagreements(pairs: Sequence[Pair], first: ArticleFiles, second: ArticleFiles) -> list[Finding]:
    """Lists what differs, article by article, in the order of the text.

    Args:
        pairs: Articles, each as both have it.
        first: Where the first annotator's files are.
        second: Where the second one's are.
    """
    findings: list[Finding] = []
    for pair in pairs:
        found = [
            *(one for kind in KINDS for one in _spans(pair, kind, first, second)),
            *_modalities(pair, first),
            *_arguments(pair, first, second),
        ]
        findings += sorted(found, key=lambda one: (one.span or (0, 0), one.kind))
    return findings


def _spans(pair: Pair, kind: Kind, first: ArticleFiles, second: ArticleFiles) -> Iterator[Finding]:
    for found in _pairs(pair, kind):
        if found.gold is None or found.predicted is None:
            span = found.gold or found.predicted
            assert span is not None
            message = f"{_shown(span)}; the other has nothing there"
        else:
            message = f"{_shown(found.gold)} or {_shown(found.predicted)}"
        yield _finding(f"{_NAMES[kind]}: {_WHAT[found.relation]}", message, pair, found, first, second)


def _pairs(pair: Pair, kind: Kind) -> Iterator[SpanPair]:
    """Spans that only one has, or that the two have differently."""
    ours, theirs = ({same_label(span): span for span in getattr(document, kind)} for document in pair)
    shared = ours.keys() & theirs.keys()
    rest = [_by_place([span for key, span in spans.items() if key not in shared]) for spans in (ours, theirs)]
    aligned = AlignedDocument(str(pair[0].id), *pair, len(pair[0].text), {kind: rest[0]}, {kind: rest[1]})
    return (found for found in span_pairs(aligned, kind) if found.relation is not Relation.CORRECT)


def _by_place(spans: Sequence[Span]) -> WordSpans:
    """Spans by their characters rather than words, so that those that cut words or overlap are paired too."""
    placed: dict[tuple[int, int], Span] = {}
    others = []
    for span in spans:
        if (span.start, span.end) in placed:
            others.append(span)
        else:
            placed[span.start, span.end] = span
    return WordSpans(placed, tuple(others))


def _modalities(pair: Pair, files: ArticleFiles) -> Iterator[Finding]:
    document = pair[0]
    for one, other in same_events(*pair):
        if one.modality != other.modality:
            path, line = files.of_span(document, one)
            yield Finding(
                "modality",
                Level.DIFFERENCE,
                f"{_shown(one)} is {one.modality} or {other.modality}",
                path,
                line,
                str(document.id),
                (one.start, one.end),
                sentence_pieces(document.text, [(one.start, one.end, FIRST), (one.start, one.end, SECOND)]),
            )


def _arguments(pair: Pair, first: ArticleFiles, second: ArticleFiles) -> Iterator[Finding]:
    """Arguments that one has between an event and an entity that both have."""
    both = [
        {same_label(span): span for span in getattr(pair[0], kind)}.keys()
        & {same_label(span) for span in getattr(pair[1], kind)}
        for kind in ("events", "entities")
    ]
    roles = [_roles(document) for document in pair]
    spans = {same_label(span): span for span in chain[Span](pair[0].entities, pair[0].events)}
    for event, entity in sorted({*roles[0], *roles[1]}):
        if event not in both[0] or entity not in both[1]:
            continue
        ours, theirs = (of.get((event, entity), set()) for of in roles)
        if ours == theirs:
            continue
        trigger, filler = spans[event], spans[entity]
        path, line = (first if ours else second).of_span(pair[0], trigger)
        has = " or ".join(", ".join(sorted(names)) or "nothing" for names in (ours, theirs))
        yield Finding(
            f"argument: {'role' if ours and theirs else 'only first' if ours else 'only second'}",
            Level.DIFFERENCE,
            f"{_shown(filler)} is {has} of {_shown(trigger)}",
            path,
            line,
            str(pair[0].id),
            (trigger.start, trigger.end),
            sentence_pieces(
                pair[0].text, [(trigger.start, trigger.end, "event"), (filler.start, filler.end, "argument")]
            ),
        )


def _roles(document: Document) -> dict[tuple[tuple[int, int, str], tuple[int, int, str]], set[str]]:
    roles: dict[tuple[tuple[int, int, str], tuple[int, int, str]], set[str]] = {}
    for role, event, entity in arguments_of(document):
        roles.setdefault((event, entity), set()).add(role)
    return roles


def _finding(
    kind: str, message: str, pair: Pair, found: SpanPair, first: ArticleFiles, second: ArticleFiles
) -> Finding:
    marks = [
        (span.start, span.end, name)
        for span, name in ((found.gold, FIRST), (found.predicted, SECOND))
        if span is not None
    ]
    span, files = (found.gold, first) if found.gold is not None else (found.predicted, second)
    assert span is not None
    path, line = files.of_span(pair[0], span)
    return Finding(
        kind,
        Level.DIFFERENCE,
        message,
        path,
        line,
        str(pair[0].id),
        (span.start, span.end),
        sentence_pieces(pair[0].text, marks),
    )


def _shown(span: Span) -> str:
    return f"{span.type} {span.text!r}"
