"""What a tagger believes of an article: how likely a span of each type begins at each word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hadath.reading import Reading, read
from hadath.tagger import Tagger
from training.prediction import joint_probabilities

FloatArray = npt.NDArray[np.float32]
Doubts = npt.NDArray[np.float64]

KINDS = ("entities", "events")

_READ_TOGETHER = 64


@dataclass(frozen=True)
class Belief:
    """What a tagger believes of an article.

    Attributes:
        forms: Its words, normalised, [W].
        begins: Probability that a span of each type begins at each word, [W, types].
    """

    forms: Sequence[str]
    begins: FloatArray

    @property
    def spans(self) -> FloatArray:
        """Expected number of spans of each type, [types]."""
        found: FloatArray = self.begins.sum(axis=0)
        return found

    @property
    def errors(self) -> Doubts:
        """Expected number of wrong decisions at each word, [W], all types alike."""
        return self.doubts(np.ones(self.begins.shape[1]))

    def doubts(self, weights: Doubts) -> Doubts:
        """Returns how many wrong decisions are expected at each word.

        For each type the likelier of "a span begins here" and "none does" is decided; it is wrong with the other's
        probability. A wrong type is two wrong decisions, a spurious and a missed span, as F1 counts it.

        Args:
            weights: What a decision on each type counts, [types].

        Returns:
            The expected number, weighted, [W].

        Example:
            >>> belief = Belief(("زار", "تونس"), np.array([[0.9, 0.0], [0.5, 0.25]], np.float32))
            >>> belief.doubts(np.ones(2)).round(2).tolist()
            [0.1, 0.75]
        """
        expected: Doubts = np.minimum(self.begins, 1 - self.begins) @ weights
        return expected


def tagger_beliefs(
    tagger: Tagger, readings: Sequence[Reading], logits: Mapping[str, FloatArray], kinds: Sequence[str]
) -> list[Belief]:
    """Returns what a tagger believes of articles; its least scores are not looked at.

    Args:
        tagger: The tagger.
        readings: The articles, with at least a word among them.
        logits: What its network says of their words, from ``Tagger.logits``.
        kinds: ``entities``, ``events`` or both: the spans that are asked for.

    Returns:
        A belief for each article, its columns in the order of ``believed_types``.
    """
    joint = joint_probabilities(tagger, logits)
    known = [kind for kind in KINDS if kind in logits]
    cuts = np.cumsum([1, *(len(_types(tagger, kind)) for kind in known)])
    columns = [np.arange(*cuts[known.index(kind) :][:2]) for kind in kinds]
    begins = joint[:, np.concatenate(columns)].astype(np.float32)
    ends = np.cumsum([len(reading.words) for reading in readings])[:-1]
    return [
        Belief(tuple(reading.words.forms), part) for reading, part in zip(readings, np.split(begins, ends), strict=True)
    ]


def text_beliefs(tagger: Tagger, texts: Sequence[str], kinds: Sequence[str]) -> list[Belief]:
    """Returns what a tagger believes of texts, each with at least a word; see ``tagger_beliefs``."""
    beliefs: list[Belief] = []
    for first in range(0, len(texts), _READ_TOGETHER):
        readings = [read(text, tagger.tokenizer, tagger.windowing) for text in texts[first : first + _READ_TOGETHER]]
        beliefs += tagger_beliefs(tagger, readings, tagger.logits(readings), kinds)
    return beliefs


def believed_types(tagger: Tagger, kinds: Sequence[str]) -> list[str]:
    """Returns the types of a belief's columns."""
    return [name for kind in kinds for name in _types(tagger, kind)]


def _types(tagger: Tagger, kind: str) -> Sequence[str]:
    return tagger.schema.entity_types if kind == "entities" else tagger.schema.event_types
