"""The page that shows tagged articles: entities, triggers, arguments and modality in the text, events in a table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from hadath.document import Document
from hadath.html.page import page, part
from hadath.html.spans import Names, coloured, entity_values, event_values, utf16_offsets
from hadath.html.wording import WORDING
from hadath.schema import DEFAULT_MODALITY

FIRST_ROLES = ("Actor", "Recipient", "Place", "Date")
"""Roles whose columns stand first where a page has them: who, to whom, where, when."""


@dataclass(frozen=True)
class TagSet:
    """The names that the documents of a page use.

    Attributes:
        entity_types: Entity types.
        event_types: Event types.
        modalities: Modality values, the unmarked default first.
        roles: Roles, those of ``FIRST_ROLES`` first.
    """

    entity_types: Names
    event_types: Names
    modalities: Names
    roles: Names

    @classmethod
    def of(cls, documents: Iterable[Document]) -> TagSet:
        """Collects the names."""
        entities: set[str] = set()
        events: set[str] = set()
        modalities: set[str] = set()
        roles: set[str] = set()
        for document in documents:
            entities.update(entity.type for entity in document.entities)
            for event in document.events:
                events.add(event.type)
                modalities.add(event.modality)
                roles.update(argument.role for argument in event.arguments)
        return cls(
            Names((), entities), Names((), events), Names((DEFAULT_MODALITY,), modalities), Names(FIRST_ROLES, roles)
        )

    def to_dict(self) -> dict[str, Any]:
        """Returns the names as the scripts read them."""
        return {
            "entityTypes": coloured(self.entity_types.names, "entities"),
            "eventTypes": coloured(self.event_types.names, "events"),
            "modalities": self.modalities.names,
            "defaultModality": DEFAULT_MODALITY,
            "roles": self.roles.names,
        }

    def document_values(self, document: Document) -> dict[str, Any]:
        """Returns a document's spans as the scripts read them."""
        offset = utf16_offsets(document.text)
        places = {entity: place for place, entity in enumerate(document.entities)}
        return {
            "entities": [entity_values(entity, offset, self.entity_types) for entity in document.entities],
            "events": [
                event_values(event, offset, self.event_types, self.modalities, self.roles, places)
                for event in document.events
            ],
        }


def tagged_page(
    documents: Sequence[Document],
    *,
    title: str | None = None,
    captions: Sequence[str | None] = (),
    language: str = "ar",
) -> str:
    """Returns a self-contained page that shows tagged articles.

    It fetches nothing, keeps the layout of the text, and can be filtered, searched, printed, and used with a keyboard
    or a screen reader. Thousands of articles fit: each is marked when it comes near the window.

    Args:
        documents: The articles.
        title: The page's title; by default the article's name, or that these are tagged articles.
        captions: What stands beside each article's name, such as its publication date.
        language: Language of the page's labels, ``ar`` or ``en``.

    Returns:
        The HTML.

    Raises:
        ValueError: If there are captions for another number of articles, or no labels in the language.

    Example:
        >>> from hadath.document import Entity
        >>> html = tagged_page([Document("في تونس", (Entity(3, 7, "GPE", "تونس"),))])
        >>> html.startswith("<!doctype html>"), "://" in html
        (True, False)
    """
    if captions and len(captions) != len(documents):
        raise ValueError(f"{len(captions)} captions for {len(documents)} documents; expected one for each")
    if title is None:
        single = documents[0].id if len(documents) == 1 else None
        title = single if single is not None else WORDING.get(language, {}).get("title", "")
    tags = TagSet.of(documents)
    data = {
        **tags.to_dict(),
        "documents": [
            {"id": document.id, "caption": caption, "text": document.text, **tags.document_values(document)}
            for document, caption in zip(documents, captions or [None] * len(documents), strict=True)
        ],
    }
    return page(data, title, language, part("view.js"))
