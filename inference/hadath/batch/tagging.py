"""What a worker does: texts in, spans as plain values out, a text that fails kept from failing its neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hadath.reading import read
from hadath.tagger import Tagger


@dataclass(frozen=True, slots=True)
class Tagged:
    """What was found in a text.

    Attributes:
        words: Number of words in the text.
        entities: Entities as ``Document.to_dict`` makes them.
        events: Events likewise.
    """

    words: int
    entities: list[dict[str, Any]]
    events: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Failed:
    """A text that the tagger failed on.

    Attributes:
        reason: The error.
    """

    reason: str


def tag_texts(tagger: Tagger, texts: Sequence[str]) -> list[Tagged | Failed]:
    """Tags texts together; where that fails, each on its own.

    Raises:
        Exception: What the tagger raised, if it fails on each of several texts: then it is not the texts' fault.
    """
    try:
        return list(_tag(tagger, texts))
    except MemoryError:
        raise
    except Exception as error:  # whatever it is, it must not cost the other texts
        if len(texts) == 1:
            return [Failed(f"the tagger failed on this text: {type(error).__name__}: {error}")]
        results = [tag_texts(tagger, [text])[0] for text in texts]
        if all(isinstance(result, Failed) for result in results):
            raise
        return results


def _tag(tagger: Tagger, texts: Sequence[str]) -> list[Tagged]:
    readings = [read(text, tagger.tokenizer, tagger.windowing) for text in texts]
    found = [document.to_dict() for document in tagger.decode(readings, tagger.logits(readings))]
    return [
        Tagged(len(reading.words), document["entities"], document["events"])
        for reading, document in zip(readings, found, strict=True)
    ]
