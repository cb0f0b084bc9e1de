"""The same words annotated in two ways: as two types, or in one place and not in another.

What is consistent is learnt from the corpus itself, for any schema: a surface that is annotated nearly always the same
way makes the few places where it is not doubtful; one that is annotated now so, now so, says nothing. A single word has
several senses far more often than a name of several words has two bearers: more is needed to doubt it, and it ranks
lower.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain

from hadath.document import Document, Entity
from hadath.text import Words
from training.alignment import KINDS, Kind, Span
from training.annotations.checks.finding import ArticleFiles, Finding, Level, sentence_pieces

Surface = tuple[str, ...]
"""The normalised words of a span."""

# written onto the word behind them: and, so, by, for, like; with the article لل stands for ل + ال
_PROCLITICS = "وفبلك"
_SHORTEST = 3

# added to the weight where the same article has it otherwise
_IN_ARTICLE = 0.1


@dataclass(frozen=True)
class Use:
    """A place at which a surface stands.

    Attributes:
        document: The article.
        start: Offset of its first character.
        end: Offset after its last one.
        span: What it is annotated as; None where it is bare.
    """

    document: Document
    start: int
    end: int
    span: Span | None


@dataclass
class Thresholds:
    """When something is doubtful enough to be told; each is explained in configs/annotations_check.yaml."""

    one_word: float
    several_words: float

    def weight(self, surface: Surface, regular: int, exceptions: int, in_article: bool = False) -> float | None:
        """Returns how doubtful exceptions are, or None where they are not worth telling."""
        share = exception_weight(regular, exceptions)
        if share < (self.one_word if len(surface) == 1 else self.several_words):
            return None
        ranked = share / 2 if len(surface) == 1 else (1 + share) / 2
        return min(1.0, ranked + _IN_ARTICLE) if in_article else ranked


def inconsistencies(
    documents: Sequence[Document], words: Sequence[Words], files: ArticleFiles, thresholds: Thresholds
) -> list[Finding]:
    """Finds what is annotated otherwise than the same words elsewhere.

    Args:
        documents: The articles.
        words: The words of each.
        files: Where they are.
        thresholds: When something is told.

    Returns:
        Doubts of the kinds ``two types`` and ``left bare``, one for each place that is the exception.
    """
    findings: list[Finding] = []
    for kind in KINDS:
        uses = _uses(documents, words, kind)
        for surface, places in uses.items():
            findings += _two_types(surface, places, files, thresholds)
            findings += _left_bare(surface, places, files, thresholds)
    return findings


def exception_weight(regular: int, exceptions: int) -> float:
    """Returns how sure it is that exceptions to a rule are mistakes: the rule's share, less where little was seen.

    Example:
        >>> round(exception_weight(19, 1), 2), round(exception_weight(2, 1), 2)
        (0.9, 0.5)
    """
    return regular / (regular + exceptions + 1)


def _two_types(
    surface: Surface, places: Sequence[Use], files: ArticleFiles, thresholds: Thresholds
) -> Iterator[Finding]:
    counts = Counter(use.span.type for use in places if use.span is not None)
    if len(counts) < 2:
        return
    (usual, number), *_ = counts.most_common()
    total = sum(counts.values())
    weight = thresholds.weight(surface, number, total - number)
    if weight is None:
        return
    example = next(use for use in places if use.span is not None and use.span.type == usual)
    for use in places:
        if use.span is None or use.span.type == usual:
            continue
        told = (
            f"{' '.join(surface)!r} is {use.span.type} here and {usual} in {number} of {total} places, such as "
            f"{example.document.id}:{example.start}-{example.end}"
        )
        yield _doubt("two types", told, files.of_span(use.document, use.span), use, weight)


def _left_bare(
    surface: Surface, places: Sequence[Use], files: ArticleFiles, thresholds: Thresholds
) -> Iterator[Finding]:
    annotated = [use for use in places if use.span is not None]
    bare = [use for use in places if use.span is None]
    if not bare:
        return
    if thresholds.weight(surface, len(annotated), len(bare)) is None:
        return
    usual, _ = Counter(use.span.type for use in annotated if use.span is not None).most_common(1)[0]
    named_in: dict[str | None, Use] = {}
    for use in annotated:
        named_in.setdefault(use.document.id, use)
    for use in bare:
        example = named_in.get(use.document.id)
        where = (
            f"and at {example.start}-{example.end} of this article"
            if example is not None
            else f"such as {annotated[0].document.id}:{annotated[0].start}-{annotated[0].end}"
        )
        told = (
            f"{' '.join(surface)!r} is not annotated here, but in {len(annotated)} of {len(places)} places it is "
            f"({usual}), {where}"
        )
        weight = thresholds.weight(surface, len(annotated), len(bare), example is not None) or 0.0
        yield _doubt("left bare", told, files.of_text(use.document, use.start), use, weight)


def _doubt(what: str, told: str, place: tuple[str, int], use: Use, weight: float) -> Finding:
    path, line = place
    words = (use.start, use.end)
    shown = sentence_pieces(use.document.text, [(*words, "here")])
    return Finding(what, Level.DOUBT, told, path, line, str(use.document.id), words, shown, weight)


def _uses(documents: Sequence[Document], words: Sequence[Words], kind: Kind) -> dict[Surface, list[Use]]:
    """Every place at which a surface that is annotated somewhere stands, annotated or bare."""
    annotated: list[tuple[Surface, Use]] = []
    free: list[list[bool]] = []
    for document, cut in zip(documents, words, strict=True):
        starts = {start: index for index, start in enumerate(cut.starts.tolist())}
        ends = {end: index for index, end in enumerate(cut.ends.tolist(), start=1)}
        unused = [True] * len(cut)
        for span in chain[Span](document.entities, document.events):
            first, last = starts.get(span.start), ends.get(span.end)
            if first is None or last is None:
                continue
            unused[first:last] = [False] * (last - first)
            if isinstance(span, Entity) == (kind == "entities"):
                annotated.append((tuple(cut.forms[first:last]), Use(document, span.start, span.end, span)))
        free.append(unused)
    known = {surface for surface, _ in annotated}
    uses: dict[Surface, list[Use]] = defaultdict(list)
    for surface, use in annotated:
        uses[_without_proclitic(surface, known)].append(use)
    by_first: dict[str, list[Surface]] = defaultdict(list)
    for surface in sorted(uses, key=len, reverse=True):
        by_first[surface[0]].append(surface)

    @cache
    def beginning_with(form: str) -> Sequence[Surface]:
        return [surface for first in (form, *_stripped(form)) for surface in by_first.get(first, ())]

    for document, cut, unused in zip(documents, words, free, strict=True):
        for first, last, surface in _bare(cut.forms, unused, beginning_with):
            use = Use(document, int(cut.starts[first]), int(cut.ends[last - 1]), None)
            uses[surface].append(use)
    return uses


def _bare(
    forms: Sequence[str], free: Sequence[bool], beginning_with: Callable[[str], Sequence[Surface]]
) -> Iterator[tuple[int, int, Surface]]:
    """Places outside of all annotations at which a known surface stands, the longest one first."""
    place = 0
    while place < len(forms):
        after = place + 1
        if free[place]:
            for surface in beginning_with(forms[place]):
                last = place + len(surface)
                if tuple(forms[place + 1 : last]) == surface[1:] and all(free[place:last]):
                    yield place, last, surface
                    after = last
                    break
        place = after


def _without_proclitic(surface: Surface, known: set[Surface]) -> Surface:
    """The surface without a proclitic, where it is annotated so elsewhere."""
    for form in _stripped(surface[0]):
        if (form, *surface[1:]) in known:
            return (form, *surface[1:])
    return surface


def _stripped(form: str) -> Iterator[str]:
    if form[0] in _PROCLITICS and len(form) > _SHORTEST:
        yield form[1:]
        if form.startswith("لل"):
            yield f"ال{form[2:]}"
