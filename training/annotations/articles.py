"""Annotated articles on their way: as a source says them, as the corpus holds them, and what was found on the way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from hadath.document import Document
from hadath.errors import HadathError
from training.brat import Problem

_SHOWN_PROBLEMS = 50


class SourceError(HadathError, ValueError):
    """Annotations that cannot be taken over as they are, with everything that is wrong.

    Attributes:
        problems: Every problem, in the order in which the source was read.
    """

    def __init__(self, what: str, problems: Sequence[Problem] = ()) -> None:
        self.problems = tuple(problems)
        shown = "".join(f"\n  {problem}" for problem in self.problems[:_SHOWN_PROBLEMS])
        more = len(self.problems) - _SHOWN_PROBLEMS
        super().__init__(f"{what}{shown}" + (f"\n  … and {more:,} more" if more > 0 else ""))


class Kind(Enum):
    """What a span marks, where the source says it."""

    ENTITY = "entity"
    EVENT = "event"


@dataclass(frozen=True)
class Span:
    """A labelled stretch of an article's text.

    Attributes:
        start: Offset of its first character (code points).
        end: Offset after its last character.
        label: Its label, in the source's words.
        place: What it is called in messages, such as ``T3``.
        kind: Entity or event; None where only the schema can tell.
    """

    start: int
    end: int
    label: str
    place: str = ""
    kind: Kind | None = None


@dataclass(frozen=True)
class Link:
    """A labelled relation of two spans.

    Attributes:
        label: Its label, in the source's words.
        head: Index of the span that it goes out from; of an argument, the trigger.
        target: Index of the span that it goes to.
        place: What it is called in messages.
    """

    label: str
    head: int
    target: int
    place: str = ""


@dataclass
class SourceArticle:
    """An article as a source has it: labels and relations of whatever names, spans that may nest.

    Attributes:
        path: The file that it stands in.
        text: Its text.
        id: Its name in the source; None where it has none.
        line: The line that it stands in, from 1; 0 where the file as a whole is meant.
        place: What it is called in messages, such as ``task 7``; empty where file and line tell.
        spans: The annotated spans.
        links: Relations between them.
        modality: Modality values, by the index of their span.
        metadata: What else is known of the article.
        split: The split that the source puts it into; None where it says nothing.
    """

    path: Path
    text: str
    id: str | None = None
    line: int = 0
    place: str = ""
    spans: list[Span] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    modality: dict[int, str] = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)
    split: str | None = None


@dataclass(frozen=True)
class CorpusArticle:
    """An article of the corpus.

    Attributes:
        document: Text and annotations, with an id.
        metadata: What else is known of it.
        split: The split that it is in.
    """

    document: Document
    metadata: Mapping[str, str]
    split: str

    @property
    def id(self) -> str:
        """The name of its files."""
        return str(self.document.id)


class Findings:
    """What is wrong in a source, and what was changed or left out, with counts.

    Attributes:
        problems: What forbids to take the source over.
        notes: What was done otherwise than the source says it, each with how often.
    """

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.notes: Counter[str] = Counter()

    def problem(self, article: SourceArticle, message: str) -> None:
        """Notes something that is wrong in an article."""
        self.problem_at(article.path, article.line, f"{article.place}: {message}" if article.place else message)

    def problem_at(self, path: Path, line: int, message: str) -> None:
        """Notes something that is wrong in a file."""
        self.problems.append(Problem(path, line, message))

    def note(self, what: str, count: int = 1) -> None:
        """Counts something that was changed or left out."""
        if count:
            self.notes[what] += count

    def refuse(self, what: str) -> None:
        """Raises the problems as one error, where there are any.

        Args:
            what: The source, for the message.

        Raises:
            SourceError: With all of them.
        """
        if self.problems:
            count = len(self.problems)
            raise SourceError(
                f"{what} has {count:,} problem{'' if count == 1 else 's'}; nothing was written:", self.problems
            )
