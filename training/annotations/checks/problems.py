"""What the reader of the corpus refuses, as findings with the sentence they stand in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path

from training.annotations.checks.finding import Finding, Level, Piece, sentence_pieces
from training.brat import Problem, ProblemKind


def problem_findings(problems: Iterable[Problem], *, unsplit: Level) -> Iterator[Finding]:
    """Yields a finding for each problem.

    Args:
        problems: From ``training.corpus.examine_corpus``.
        unsplit: What articles are that no split names yet.
    """
    for problem in problems:
        article = problem.path.suffix in (".ann", ".txt") and problem.kind is not ProblemKind.SPLIT
        yield Finding(
            problem.kind.value,
            unsplit if problem.kind is ProblemKind.UNSPLIT else Level.ERROR,
            problem.message,
            str(problem.path),
            problem.line,
            problem.path.stem if article else "",
            problem.span,
            _sentence(problem) if problem.span else (),
        )


def _sentence(problem: Problem) -> tuple[Piece, ...]:
    assert problem.span is not None
    text = _text(problem.path.with_suffix(".txt"))
    if text is None or problem.span[1] > len(text):
        return ()
    return sentence_pieces(text, [(*problem.span, "here")])


@lru_cache(maxsize=64)
def _text(path: Path) -> str | None:
    try:
        return path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError):
        return None
