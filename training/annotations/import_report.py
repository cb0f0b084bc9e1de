"""What an import or export did, as text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from hadath.terminal import counted
from training.annotations.articles import CorpusArticle

if TYPE_CHECKING:
    from training.annotations.importing import Imported


def report(imported: Imported, source: str, into: str | None) -> str:
    """Returns what an import took over, wrote, changed and left out."""
    lines = [f"{source}: {totals(imported.articles)}", *type_lines(imported.articles)]
    if imported.added is None:
        lines.append("nothing is written; name the folder of a corpus with into=FOLDER")
    else:
        new, present = len(imported.added.new), len(imported.added.present)
        lines.append(f"{into}: {counted(new, 'new article')}, {present:,} there already")
        lines += [f"  {split}: {count:,}" for split, count in _splits(imported).items()]
    return "\n".join([*lines, *note_lines(imported.notes)])


def totals(articles: Sequence[CorpusArticle]) -> str:
    """Returns how much there is of what."""
    documents = [article.document for article in articles]
    events = [event for document in documents for event in document.events]
    return ", ".join(
        [
            counted(len(documents), "article"),
            counted(sum(len(document.text.split()) for document in documents), "word"),
            counted(sum(len(document.entities) for document in documents), "entity", "entities"),
            counted(len(events), "event"),
            counted(sum(len(event.arguments) for event in events), "argument"),
        ]
    )


def type_lines(articles: Sequence[CorpusArticle]) -> list[str]:
    """Returns a line with the count of each entity type, event type, role and modality."""
    documents = [article.document for article in articles]
    events = [event for document in documents for event in document.events]
    kinds = {
        "entities": Counter(entity.type for document in documents for entity in document.entities),
        "events": Counter(event.type for event in events),
        "arguments": Counter(argument.role for event in events for argument in event.arguments),
        "modality": Counter(event.modality for event in events),
    }
    return [
        f"  {kind}: {', '.join(f'{name} {count:,}' for name, count in found.most_common())}"
        for kind, found in kinds.items()
        if found
    ]


def note_lines(notes: Mapping[str, int]) -> list[str]:
    """Returns a line for each thing that was changed or left out, the most frequent first."""
    if not notes:
        return []
    ordered = sorted(notes.items(), key=lambda item: (-item[1], item[0]))
    return ["changed or left out:", *(f"  {count:>6,}  {what}" for what, count in ordered)]


def _splits(imported: Imported) -> Mapping[str, int]:
    new = set(imported.added.new) if imported.added else set()
    return Counter(article.split for article in imported.articles if article.id in new)
