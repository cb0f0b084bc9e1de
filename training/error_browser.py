"""A page on which to read a model's errors: annotated beside predicted text, filtered by kind of error and by type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hadath.document import Document, Event
from hadath.html.page import page, part
from hadath.html.view import TagSet
from training.alignment import KINDS, AlignedDocument, Span
from training.argument_errors import ArgumentError, argument_errors
from training.error_analysis import TaggingError
from training.metrics import has_arguments

_WORDING: Mapping[str, str] = {
    "gold": "annotated",
    "predicted": "predicted",
    "kind": "What",
    "error": "Error",
    "type": "Type",
    "role": "Role",
    "errors": "Errors",
    "arguments": "arguments",
    "filters": "Filters",
    "previous": "Previous",
    "next": "Next",
    "onlyErrors": "Only lines with errors",
    "address": "Link",
    "link": "Link to this error",
    "keys": "n and p go to the next and previous error, arrow keys move between marks, Enter pins one, Esc lets it go.",
    "nothing": "No error matches the filters.",
}


def write_error_browser(
    documents: Sequence[AlignedDocument], errors: Sequence[TaggingError], path: Path, title: str
) -> None:
    """Writes the page.

    Args:
        documents: Texts as annotated and as tagged.
        errors: Their errors, from ``error_analysis.find_errors``; those of arguments are found here, where both
            sides have arguments.
        path: The HTML file.
        title: What was evaluated on what.
    """
    path.write_text(error_page(documents, errors, title), encoding="utf-8")


def error_page(documents: Sequence[AlignedDocument], errors: Sequence[TaggingError], title: str) -> str:
    """Returns the page: self-contained, every article that has an error with all its spans.

    Args:
        documents: Texts as annotated and as tagged.
        errors: Their errors, from ``error_analysis.find_errors``.
        title: What was evaluated on what.

    Returns:
        The HTML.
    """
    of_document: dict[str, list[TaggingError]] = {}
    for error in errors:
        if error.kind in KINDS:
            of_document.setdefault(error.document, []).append(error)
    arguments = has_arguments(documents)
    tags = TagSet.of(version for document in documents for version in (document.gold, document.predicted))
    articles = [
        {
            "id": document.name,
            "text": document.gold.text,
            "gold": tags.document_values(document.gold),
            "predicted": tags.document_values(document.predicted),
            "errors": listed,
        }
        for document in documents
        if (listed := _error_values(document, of_document.get(document.name, ()), arguments))
    ]
    data = {**tags.to_dict(), "documents": articles, "words": _WORDING, "tagged": len(documents)}
    return page(data, title, "en", part("error_browser.js", "training"), styles=[part("error_browser.css", "training")])


def _error_values(document: AlignedDocument, errors: Sequence[TaggingError], arguments: bool) -> list[dict[str, Any]]:
    """Errors with the places of their spans among the entities or events of either side."""
    gold, predicted = _places(document.gold), _places(document.predicted)
    values: list[dict[str, Any]] = [
        {
            "kind": error.kind,
            "error": error.error,
            "gold": None if error.gold is None else gold[error.gold],
            "predicted": None if error.predicted is None else predicted[error.predicted],
        }
        for error in errors
    ]
    for wrong in argument_errors(document) if arguments else ():
        values.append(
            {
                "kind": "arguments",
                "error": wrong.error,
                "gold": gold[wrong.gold_event],
                "predicted": predicted[wrong.predicted_event],
                **_roles(wrong, gold, predicted),
            }
        )
    return values


def _roles(
    error: ArgumentError, gold: Mapping[Span, int], predicted: Mapping[Span, int]
) -> dict[str, tuple[str, int] | None]:
    return {
        "goldArgument": None if error.gold is None else (error.gold.role, gold[error.gold.entity]),
        "predictedArgument": None
        if error.predicted is None
        else (error.predicted.role, predicted[error.predicted.entity]),
    }


def _places(document: Document) -> dict[Span, int]:
    places: dict[Span, int] = {entity: place for place, entity in enumerate(document.entities)}
    events: Sequence[Event] = document.events
    return {**places, **{event: place for place, event in enumerate(events)}}
