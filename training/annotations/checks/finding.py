"""One thing that is wrong or doubtful in a corpus: what, where, and in which words."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from pathlib import Path

from hadath.document import Document, Entity, Event
from hadath.sentences import sentence_at, sentence_spans

Mark = tuple[int, int, str]
"""Start and end of characters that are marked, and the mark's name."""

_LONGEST_CONTEXT = 160


class Level(str, Enum):
    """How sure it is that something has to be mended."""

    ERROR = "error"
    """It contradicts the format, the schema or the splits, or it makes what is measured on the corpus untrue."""
    DOUBT = "doubt"
    """It may be right; somebody should look."""
    DIFFERENCE = "difference"
    """Two annotators have it differently."""


@dataclass(frozen=True)
class Piece:
    """A stretch of a sentence.

    Attributes:
        text: Its characters.
        mark: What it is marked with: a mark's name, two joined by ``+`` where they overlap, or nothing.
    """

    text: str
    mark: str = ""


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong or doubtful.

    Attributes:
        kind: What it is about, such as ``overlap``.
        level: How sure it is.
        message: What was found and what to do.
        path: The file; empty where it is about the corpus as a whole.
        line: Its line, from 1; 0 where the file as a whole is meant.
        document: The article; empty where it is about none or several.
        span: Start and end of the characters meant, in the article's text.
        sentence: The sentence around them, what is meant marked.
        weight: How likely it has to be mended, 0 to 1: what comes first.
    """

    kind: str
    level: Level
    message: str
    path: str = ""
    line: int = 0
    document: str = ""
    span: tuple[int, int] | None = None
    sentence: tuple[Piece, ...] = ()
    weight: float = 1.0

    @property
    def place(self) -> str:
        """File, line and offsets, as far as there are any."""
        where = f"{self.path}:{self.line}" if self.line else self.path
        return f"{where} ({self.span[0]}-{self.span[1]})" if self.span else where

    @property
    def marked_sentence(self) -> str:
        """The sentence with what is meant in ⟦…⟧; empty where there is none."""
        return "".join(f"⟦{piece.text}⟧" if piece.mark else piece.text for piece in self.sentence)


def by_weight(findings: Iterable[Finding]) -> list[Finding]:
    """Returns findings with errors first, then doubts, the likeliest first."""
    return sorted(
        findings,
        key=lambda one: (one.level is not Level.ERROR, -one.weight, one.kind, one.path, one.line, one.span or (0, 0)),
    )


def sentence_pieces(text: str, marks: Sequence[Mark]) -> tuple[Piece, ...]:
    """Returns the sentence, or sentences, that marks stand in, cut where a mark begins or ends.

    Args:
        text: The article's text.
        marks: One or more marks. They may overlap.

    Returns:
        The pieces, in order; line breaks in them are spaces. Of a very long sentence what is far from the marks is
        left out.

    Example:
        >>> [(piece.text, piece.mark) for piece in sentence_pieces("سكت. زار الوزير تونس.", [(16, 20, "here")])]
        [('زار الوزير ', ''), ('تونس', 'here'), ('.', '')]
    """
    start, end = min(mark[0] for mark in marks), max(mark[1] for mark in marks)
    first, last = sentence_at(_sentences(text), start, end)
    first, last = max(first, start - _LONGEST_CONTEXT), min(last, end + _LONGEST_CONTEXT)
    cuts = sorted({first, last, *(place for mark in marks for place in mark[:2])})
    return tuple(
        Piece(
            re.sub(r"\s", " ", text[begin:stop]),
            "+".join(dict.fromkeys(name for from_, to, name in marks if from_ <= begin and stop <= to)),
        )
        for begin, stop in itertools.pairwise(cuts)
    )


@lru_cache(maxsize=64)
def _sentences(text: str) -> list[tuple[int, int]]:
    return sentence_spans(text)


@dataclass(frozen=True)
class ArticleFiles:
    """Where the files of the articles are.

    Attributes:
        folder: The folder of ``NAME.txt`` and ``NAME.ann``.
    """

    folder: Path

    def of_span(self, document: Document, span: Entity | Event) -> tuple[str, int]:
        """Returns the file and the line in which a span is annotated; line 0 where it is not found."""
        path = self.folder / f"{document.id}.ann"
        pattern = re.compile(rf"T[0-9]+\t{re.escape(span.type)} {span.start} {span.end}\t")
        for number, line in enumerate(_lines(path), start=1):
            if pattern.match(line):
                return str(path), number
        return str(path), 0

    def of_text(self, document: Document, start: int) -> tuple[str, int]:
        """Returns the file and the line in which a character of the text stands."""
        return str(self.folder / f"{document.id}.txt"), document.text.count("\n", 0, start) + 1


@lru_cache(maxsize=64)
def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError):
        return []
