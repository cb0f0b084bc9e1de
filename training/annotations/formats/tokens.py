"""What formats of a token a line share: tags and spans, sentences and articles, text rebuilt from tokens."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hadath.document import Document
from hadath.schema import DEFAULT_MODALITY
from hadath.text import segment
from training.annotations.articles import CorpusArticle, Findings, Kind, SourceArticle, Span

REBUILT = "tokens"
"""Field of the metadata that marks a text rebuilt from tokens: its tokens are what stands between white space."""
WHITE_SPACE = "white space"

OUTSIDE = "O"
SCHEMES = ("bio2", "iob1", "bilou")
_BILOU = str.maketrans({"E": "L", "S": "U"})
_SENTENCE_END = frozenset(".؟!?…")

SPLIT_NAMES = {
    "train": "train",
    "dev": "dev",
    "val": "dev",
    "valid": "dev",
    "validation": "dev",
    "development": "dev",
    "test": "test",
}


@dataclass(frozen=True)
class Token:
    """A token of a source, and what stands beside it.

    Attributes:
        line: Its line, from 1.
        text: Its characters.
        tags: Its tags, by layer: entities, events.
        modality: The modality of the event that it begins.
        before: White space before it, where the source says it; only for the first token of an article.
        after: White space behind it; None where the source does not say it.
    """

    line: int
    text: str
    tags: Mapping[Kind, Sequence[str]] = field(default_factory=dict)
    modality: str | None = None
    before: str = ""
    after: str | None = None


@dataclass
class Passage:
    """Sentences that belong together: an article of the source, or its whole file where it marks none.

    Attributes:
        sentences: Its sentences.
        id: Its name, where the source gives one.
        line: The line that it begins in.
        metadata: What else is known of it.
        split: The split that the source puts it into.
    """

    sentences: list[list[Token]] = field(default_factory=list)
    id: str | None = None
    line: int = 1
    metadata: dict[str, str] = field(default_factory=dict)
    split: str | None = None


def packed(sentences: Sequence[list[Token]], words: int) -> Iterator[list[list[Token]]]:
    """Puts neighbouring sentences together into articles.

    Args:
        sentences: The sentences in their order.
        words: Most tokens of an article, unless one sentence has more; 0 for one sentence an article.
    """
    article: list[list[Token]] = []
    size = 0
    for sentence in sentences:
        if article and size + len(sentence) > words:
            yield article
            article, size = [], 0
        article.append(sentence)
        size += len(sentence)
    if article:
        yield article


def source_article(
    path: Path,
    passage: Passage,
    decode: Callable[[Sequence[Token], Kind, Findings, Path], list[Found]],
    findings: Findings,
) -> SourceArticle:
    """Makes an article of a passage: tokens joined by spaces, sentences by line breaks, unless it says otherwise.

    Args:
        path: Its file.
        passage: The passage.
        decode: Reads the spans of a layer from the tags of a sentence.
        findings: Gets what is wrong.
    """
    pieces: list[str] = []
    places: list[list[tuple[int, int]]] = []
    position = 0
    rebuilt = True
    for sentence in passage.sentences:
        within = []
        for token in sentence:
            position += len(token.before)
            within.append((position, position + len(token.text)))
            after = token.after
            if after is None:
                after = "\n" if token is sentence[-1] else " "
            else:
                rebuilt = False
            pieces += [token.before, token.text, after]
            position += len(token.text) + len(after)
        places.append(within)
    text = "".join(pieces)
    if rebuilt and text.endswith("\n"):
        text = text[:-1]
    article = SourceArticle(path, text, id=passage.id, line=passage.line, split=passage.split)
    article.metadata = {**passage.metadata, **({REBUILT: WHITE_SPACE} if rebuilt else {})}
    for sentence, within in zip(passage.sentences, places, strict=True):
        for kind in Kind:
            for found in decode(sentence, kind, findings, path):
                if found.modality is not None:
                    article.modality[len(article.spans)] = found.modality
                start, end = within[found.first][0], within[found.last][1]
                place = f"line {sentence[found.first].line}"
                article.spans.append(Span(start, end, found.label, place, found.kind))
    return article


@dataclass(frozen=True)
class Found:
    """A span of tokens: the first and the last one, label, kind and modality."""

    first: int
    last: int
    label: str
    kind: Kind | None = None
    modality: str | None = None


def decoded(
    tags: Sequence[str], scheme: str, stray: str, wrong: Callable[[int, str], None], note: Callable[[str], None]
) -> list[tuple[int, int, str]]:
    """Reads spans from the tags of a sentence.

    Args:
        tags: The tags: ``O``, ``B-TYPE``, ``I-TYPE``, with ``bilou`` also L (or E) and U (or S).
        scheme: ``bio2``: each span begins with B; ``iob1``: B stands only between two spans of a type; ``bilou``.
        stray: With ``bio2``, what an I without its B is: ``begin`` (of a span, as conlleval reads it) or ``refuse``.
        wrong: Called with index and message for a tag that does not fit.
        note: Called with what was read otherwise than written.

    Returns:
        First and last token and label of each span.

    Example:
        >>> decoded(["B-PER", "I-PER", "O", "B-GPE"], "bio2", "refuse", print, print)
        [(0, 1, 'PER'), (3, 3, 'GPE')]
    """
    spans: list[tuple[int, int, str]] = []
    open_label = ""
    letters = "BILU" if scheme == "bilou" else "BI"
    for index, tag in enumerate(tags):
        prefix, dash, label = tag.partition("-")
        if scheme == "bilou":
            prefix = prefix.translate(_BILOU)
        if tag == OUTSIDE or prefix not in letters or len(prefix) != 1 or not dash or not label:
            if tag != OUTSIDE:
                expected = ", ".join(f"{letter}-TYPE" for letter in letters)
                wrong(index, f"the tag {tag!r} is none; expected O, {expected} ({scheme})")
            if open_label and scheme == "bilou":
                wrong(index, f"{open_label} is not closed before {tag!r}; expected I-{open_label} or L-{open_label}")
            open_label = ""
            continue
        goes_on = prefix in "IL" and label == open_label
        if scheme == "bilou":
            if prefix in "IL" and not goes_on:
                wrong(index, f"{tag!r} follows no B-{label}; expected the span to begin with B-{label}")
            elif prefix in "BU" and open_label:
                wrong(index, f"{open_label} is not closed before {tag!r}; expected I-{open_label} or L-{open_label}")
        elif prefix == "I" and not goes_on and scheme == "bio2":
            if stray == "refuse":
                wrong(index, f"{tag!r} follows no B-{label}; begin the span with B-{label}, or set format.stray=begin")
            else:
                note(f"I-{label} without B-{label} read as the beginning of a span")
        if goes_on:
            spans[-1] = (spans[-1][0], index, label)
        else:
            spans.append((index, index, label))
        open_label = "" if scheme == "bilou" and prefix in "LU" else label
    if open_label and scheme == "bilou":
        wrong(len(tags) - 1, f"{open_label} is not closed at the end of the sentence; expected L-{open_label}")
    return spans


def encoded(spans: Iterable[tuple[int, int, str]], count: int, scheme: str) -> list[str]:
    """Returns the tags of a sentence's spans, which lie side by side; ``decoded`` reads them back.

    Example:
        >>> encoded([(0, 1, "PER"), (3, 3, "GPE")], 4, "bilou")
        ['B-PER', 'L-PER', 'O', 'U-GPE']
    """
    tags = [OUTSIDE] * count
    before: tuple[int, str] = (-2, "")
    for first, last, label in sorted(spans):
        begin, inside = "B", "I"
        if scheme == "iob1" and before != (first - 1, label):
            begin = "I"
        for index in range(first, last + 1):
            tags[index] = f"{begin if index == first else inside}-{label}"
        if scheme == "bilou":
            tags[last] = f"{'U' if first == last else 'L'}-{label}"
        before = (last, label)
    return tags


@dataclass(frozen=True)
class WrittenToken:
    """A token of an article that is written: where it stands, and the white space around it."""

    start: int
    end: int
    before: str
    after: str


def token_sentences(article: CorpusArticle) -> list[list[WrittenToken]]:
    """Cuts an article into sentences of tokens.

    Returns:
        Words and punctuation marks, a sentence ending at a line break or a full stop; for a text that was rebuilt from
        tokens these tokens and sentences. Nothing for a text without a word.
    """
    document = article.document
    text = document.text
    rebuilt = article.metadata.get(REBUILT) == WHITE_SPACE
    places = _white_space_tokens(document) if rebuilt else _word_tokens(text)
    inside = {
        position for span in (*document.entities, *document.events) for position in range(span.start, span.end - 1)
    }
    sentences: list[list[WrittenToken]] = [[]]
    for number, (start, end) in enumerate(places):
        after = text[end : places[number + 1][0] if number + 1 < len(places) else len(text)]
        sentences[-1].append(WrittenToken(start, end, text[:start] if number == 0 else "", after))
        stops = "\n" in after or (not rebuilt and after and text[end - 1] in _SENTENCE_END)
        if stops and end - 1 not in inside:
            sentences.append([])
    return [sentence for sentence in sentences if sentence]


def _word_tokens(text: str) -> list[tuple[int, int]]:
    words = segment(text)
    return list(zip(words.starts.tolist(), words.ends.tolist(), strict=True))


def _white_space_tokens(document: Document) -> list[tuple[int, int]]:
    """What stands between white space, cut where a span begins or ends."""
    cuts = sorted({edge for span in (*document.entities, *document.events) for edge in (span.start, span.end)})
    places = []
    number = 0
    for match in re.finditer(r"[^ \n]+", document.text):
        start = match.start()
        while number < len(cuts) and cuts[number] <= start:
            number += 1
        while number < len(cuts) and cuts[number] < match.end():
            places.append((start, cuts[number]))
            start = cuts[number]
            number += 1
        places.append((start, match.end()))
    return places


def layer(document: Document, sentence: Sequence[WrittenToken], kind: Kind) -> list[tuple[int, int, str, str]]:
    """Returns the spans of a sentence: first and last token, type and modality."""
    index_of_start = {token.start: index for index, token in enumerate(sentence)}
    index_of_end = {token.end: index for index, token in enumerate(sentence)}
    spans = document.entities if kind is Kind.ENTITY else document.events
    return [
        (index_of_start[span.start], index_of_end[span.end], span.type, getattr(span, "modality", DEFAULT_MODALITY))
        for span in spans
        if span.start in index_of_start and span.end in index_of_end
    ]


def note_arguments(articles: Iterable[CorpusArticle], name: str, findings: Findings) -> None:
    """Notes the arguments of events, for which formats of a token a line have no room."""
    count = sum(len(event.arguments) for article in articles for event in article.document.events)
    findings.note(f"arguments of events, for which {name} has no room, left out", count)


def note_modality(articles: Iterable[CorpusArticle], name: str, findings: Findings) -> None:
    """Notes the modality of events, where it is left out."""
    count = sum(event.modality != DEFAULT_MODALITY for article in articles for event in article.document.events)
    findings.note(f"modalities, for which {name} has no room, left out", count)
