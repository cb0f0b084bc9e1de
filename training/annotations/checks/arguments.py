"""Arguments that stand far from their event: mostly a wrong mention of the right participant."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence

from hadath.document import Document
from hadath.sentences import sentence_spans
from training.annotations.checks.finding import ArticleFiles, Finding, Level, sentence_pieces


def far_arguments(documents: Sequence[Document], files: ArticleFiles, *, sentences: int) -> Iterator[Finding]:
    """Yields a doubt for each argument that is more than some sentences away from its trigger.

    Args:
        documents: The articles.
        files: Where they are.
        sentences: Most sentences between trigger and argument that are not doubted; 0 for the same sentence only.
    """
    for document in documents:
        begins = [start for start, _ in sentence_spans(document.text)]
        for event in document.events:
            place = bisect_right(begins, event.start)
            for argument in event.arguments:
                entity = argument.entity
                distance = abs(place - bisect_right(begins, entity.start))
                if distance <= sentences:
                    continue
                path, line = files.of_span(document, event)
                yield Finding(
                    "far argument",
                    Level.DOUBT,
                    f"{argument.role} of {event.type} {event.text!r} is {entity.text!r} "
                    f"at {entity.start}-{entity.end}, {distance} sentences away; is there a mention nearby?",
                    path,
                    line,
                    str(document.id),
                    (event.start, event.end),
                    sentence_pieces(document.text, [(event.start, event.end, "here")]),
                    0.6 * (1 - 1 / distance),
                )
