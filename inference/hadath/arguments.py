"""Who takes part in an event: pairs of a trigger and an entity, what lies between them, and the role they are given.

The network describes each word three times: as a trigger's first word, as an entity's, and as one that stands between
the two. A pair's hidden layer adds what the two descriptions say to what their distance, the words and the spans
between them say, and scores the roles: a feed-forward scorer over the concatenated pair, as in Zhong and Chen, A
Frustratingly Easy Approach for Entity and Relation Extraction (NAACL 2021), whose first layer is computed once for each
word instead of once for each pair. A second layer of scores reads also what the first one makes of the other pairs of
the same trigger and of the same entity: who has an actor already needs no other, and who acts here is less likely to
suffer there (inference in passes, as in stacked sequential learning, Cohen and Carvalho, IJCAI 2005).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from hadath.decode import Spans, log_softmax
from hadath.document import Entity, Event
from hadath.schema import Schema
from hadath.sentences import sentence_spans
from hadath.text import Words

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

AnySpan = TypeVar("AnySpan", Entity, Event)

SENTENCES, BETWEEN = 3, 5
"""Rows of the tables for sentence ends and for spans between the two of a pair: as many and more count alike."""

EXCLUDED = -1e4
"""Score of a role that the schema does not allow; its probability is exactly zero."""


@dataclass(frozen=True)
class Pairs:
    """Pairs of a trigger and an entity of one text, by trigger and then by entity, [P] each.

    Attributes:
        trigger: Which of the triggers.
        entity: Which of the entities.
        distance: Words from the one to the other, 1 for neighbours; negative where the entity stands first, 0 where
            they overlap.
        sentences: Sentence ends between them, at most ``SENTENCES - 1``.
        triggers: Other triggers that begin between them, at most ``BETWEEN - 1``.
        entities: Other entities that begin between them, at most ``BETWEEN - 1``.
    """

    trigger: IntArray
    entity: IntArray
    distance: IntArray
    sentences: IntArray
    triggers: IntArray
    entities: IntArray

    def __len__(self) -> int:
        return len(self.trigger)

    def select(self, mask: BoolArray) -> Pairs:
        """Returns the pairs for which ``mask`` is true."""
        return Pairs(*(getattr(self, field.name)[mask] for field in fields(self)))


@dataclass(frozen=True)
class ArgumentWeights:
    """What scores pairs of described words: hidden layers of H features, R roles, Z features of the words between.

    Attributes:
        distance: What each distance from -D to D adds to the hidden layer, [2 D + 1, H]; pairs further apart than D
            words are none.
        sentences: What sentence ends between the two add, [``SENTENCES``, H].
        triggers: What other triggers between them add, [``BETWEEN``, H].
        entities: What other entities between them add, [``BETWEEN``, H].
        words: What the words between them add, [2 Z, H]: the first half where the entity stands behind the trigger,
            the second where it stands before it.
        output: Weights of the roles' first scores, [H, R].
        bias: Their bias, [R]; the score of no role is 0.
        others: What the first pass adds to the hidden layer of the second, [3 R, H]: the probabilities of the roles
            summed over the other pairs of the trigger, over the other pairs of the entity, and of the pair itself.
        final_output: Weights of the roles' scores, [H, R].
        final_bias: Their bias, [R].
    """

    distance: FloatArray
    sentences: FloatArray
    triggers: FloatArray
    entities: FloatArray
    words: FloatArray
    output: FloatArray
    bias: FloatArray
    others: FloatArray
    final_output: FloatArray
    final_bias: FloatArray

    def __post_init__(self) -> None:
        if self.output.ndim != 2:
            raise ValueError(f"output is of shape {self.output.shape}; expected two dimensions")
        hidden, roles = self.output.shape
        expected = {
            "distance": (len(self.distance) | 1, hidden),
            "sentences": (SENTENCES, hidden),
            "triggers": (BETWEEN, hidden),
            "entities": (BETWEEN, hidden),
            "words": (len(self.words) // 2 * 2, hidden),
            "bias": (roles,),
            "others": (3 * roles, hidden),
            "final_output": (hidden, roles),
            "final_bias": (roles,),
        }
        for name, shape in expected.items():
            if getattr(self, name).shape != shape:
                raise ValueError(f"{name} is of shape {getattr(self, name).shape}; expected {shape}")

    @property
    def reach(self) -> int:
        """Most words from a trigger to its argument."""
        return len(self.distance) // 2

    @property
    def width(self) -> int:
        """Numbers by which each word is described, 2 H + Z: as a trigger, as an entity, as a word between."""
        return 2 * len(self.output) + len(self.words) // 2

    def logits(
        self, described: FloatArray, triggers: Spans, entities: Spans, pairs: Pairs, allowed: BoolArray
    ) -> FloatArray:
        """Scores pairs.

        Args:
            described: Descriptions of the words of all texts, [W, ``width``].
            triggers: The triggers.
            entities: The entities.
            pairs: The pairs.
            allowed: As of ``allowed_roles``.

        Returns:
            Scores of no role and of each role, [P, 1 + R]; ``EXCLUDED`` where the schema does not allow a role.
        """
        hidden_size = len(self.output)
        first, entity_first = triggers.first[pairs.trigger], entities.first[pairs.entity]
        hidden = described[first, :hidden_size]
        hidden += described[entity_first, hidden_size : 2 * hidden_size]
        hidden += self.distance[pairs.distance + self.reach]
        hidden += self.sentences[pairs.sentences]
        hidden += self.triggers[pairs.triggers]
        hidden += self.entities[pairs.entities]
        hidden += self._between(described[:, 2 * hidden_size :], first, entity_first) @ self.words
        excluded = ~allowed[triggers.type[pairs.trigger], entities.type[pairs.entity]]
        scores = _with_no_role(np.maximum(hidden, 0) @ self.output + self.bias, excluded)
        likely = np.exp(log_softmax(scores))[:, 1:]
        seen = [_sum_of_others(likely, groups) for groups in (pairs.trigger, pairs.entity)]
        hidden += np.concatenate([*seen, likely], axis=1) @ self.others
        return _with_no_role(np.maximum(hidden, 0) @ self.final_output + self.final_bias, excluded)

    def _between(self, words: FloatArray, first: IntArray, entity_first: IntArray) -> FloatArray:
        """What the words between say, [P, 2 Z]."""
        # in float64: a sum over a few words is taken as the difference of two sums over many
        sums = np.zeros((len(words) + 1, words.shape[1]))
        np.cumsum(np.maximum(words, 0), axis=0, out=sums[1:])
        low, high = np.minimum(first, entity_first), np.maximum(first, entity_first)
        between = np.log1p(np.maximum(sums[high] - sums[np.minimum(low + 1, high)], 0)).astype(np.float32)
        behind = (entity_first > first)[:, None]
        return np.concatenate([between * behind, between * ~behind], axis=1)


@dataclass(frozen=True)
class Roles:
    """Roles given to pairs, by trigger and then by entity, [A] each.

    Attributes:
        trigger: Which of the triggers.
        entity: Which of the entities.
        role: Index of the role in ``Schema.role_names``.
        score: Its probability, 0 to 1.
    """

    trigger: IntArray
    entity: IntArray
    role: IntArray
    score: FloatArray


def allowed_roles(schema: Schema) -> BoolArray:
    """Returns which entity types may fill which roles of which event types, [event types, entity types, roles].

    Example:
        >>> allowed_roles(Schema(("PER", "GPE"), ("MEET",), {"MEET": {"Who": ("PER",)}})).tolist()
        [[[True], [False]]]
    """
    allowed = np.zeros((len(schema.event_types), len(schema.entity_types), len(schema.role_names)), dtype=np.bool_)
    for event_type, roles in schema.roles.items():
        for role, entity_types in roles.items():
            for entity_type in entity_types:
                allowed[
                    schema.event_types.index(event_type),
                    schema.entity_types.index(entity_type),
                    schema.role_names.index(role),
                ] = True
    return allowed


def sentence_numbers(text: str, starts: IntArray) -> IntArray:
    """Returns in which sentence words stand, counted from 0.

    Args:
        text: The text.
        starts: Offset of each word's first character, [W].

    Example:
        >>> sentence_numbers("وصل عمر. ثم عاد.", np.array([0, 4, 7, 9, 12, 15])).tolist()
        [0, 0, 0, 1, 1, 1]
    """
    begins = np.array([start for start, _ in sentence_spans(text)], dtype=np.int64)
    numbers: IntArray = np.searchsorted(begins, starts, side="right") - 1
    return numbers


def word_range(words: Words, start: int, end: int) -> tuple[int, int]:
    """Returns the first word that a span of characters touches and the word after the last one."""
    first = int(np.searchsorted(words.ends, start, side="right"))
    return first, int(np.searchsorted(words.starts, end, side="left"))


def word_spans(spans: Sequence[AnySpan], words: Words, types: Sequence[str]) -> tuple[list[AnySpan], Spans]:
    """Places annotated spans among a text's words.

    Args:
        spans: Entities or events of the text.
        words: Its words.
        types: Names of the types in the order of their indices.

    Returns:
        The spans that touch a word in the order of their first words, and those words.
    """
    placed = [(word_range(words, span.start, span.end), span) for span in spans]
    placed = sorted(((place, span) for place, span in placed if place[0] < place[1]), key=lambda item: item[0])
    first, last = (np.array([place[side] for place, _ in placed], dtype=np.int64) for side in (0, 1))
    kinds = np.array([types.index(span.type) for _, span in placed], dtype=np.int64)
    scores = np.array([span.score for _, span in placed], dtype=np.float32)
    return [span for _, span in placed], Spans(first, last, kinds, scores)


def candidate_pairs(
    triggers: Spans,
    entities: Spans,
    sentences: IntArray,
    lengths: Sequence[int],
    reach: int,
    allowed: BoolArray,
) -> Pairs:
    """Pairs each trigger with the entities of the same text that are near enough and may fill one of its roles.

    Args:
        triggers: Triggers of one or more texts in the order of their first words, types of ``Schema.event_types``.
        entities: Entities likewise, types of ``Schema.entity_types``.
        sentences: Number of each word's sentence, [W]; never falling within a text.
        lengths: Number of words of each text; their sum is W.
        reach: Most words from a trigger to an entity.
        allowed: As of ``allowed_roles``.

    Returns:
        The pairs.

    Example:
        >>> triggers = Spans(np.array([0]), np.array([1]), np.array([0]), np.ones(1, np.float32))
        >>> entities = Spans(np.array([1, 4]), np.array([3, 5]), np.array([0, 0]), np.ones(2, np.float32))
        >>> pairs = candidate_pairs(triggers, entities, np.array([0, 0, 0, 0, 1]), [5], 50, np.ones((1, 1, 1), bool))
        >>> pairs.distance.tolist(), pairs.sentences.tolist(), pairs.entities.tolist()
        ([1, 4], [0, 1], [0, 1])
    """
    ends = np.cumsum(np.asarray(lengths, dtype=np.int64))
    text = np.searchsorted(ends, triggers.first, side="right")
    # an entity may begin before what is in reach and yet end in it
    longest = int((entities.last - entities.first).max(initial=1))
    nearest = np.maximum(triggers.first - reach - longest, (ends - np.asarray(lengths, dtype=np.int64))[text])
    furthest = np.minimum(triggers.last + reach, ends[text])
    begin = np.searchsorted(entities.first, nearest)
    counts = np.maximum(np.searchsorted(entities.first, furthest) - begin, 0)
    trigger = np.repeat(np.arange(len(triggers)), counts)
    entity = np.arange(len(trigger)) - np.repeat(np.cumsum(counts) - counts - begin, counts)

    first, last = triggers.first[trigger], triggers.last[trigger] - 1
    entity_first, entity_last = entities.first[entity], entities.last[entity] - 1
    distance = np.where(entity_first > last, entity_first - last, np.minimum(entity_last - first, 0))
    fitting = np.asarray(allowed.any(axis=2))[triggers.type[trigger], entities.type[entity]]
    near = (np.abs(distance) <= reach) & fitting
    trigger, entity, distance = trigger[near], entity[near], distance[near]
    low = np.minimum(triggers.first[trigger], entities.first[entity])
    high = np.maximum(triggers.first[trigger], entities.first[entity])
    return Pairs(
        trigger,
        entity,
        distance,
        np.minimum(sentences[high] - sentences[low], SENTENCES - 1),
        np.minimum(_beginning_between(triggers, low, high), BETWEEN - 1),
        np.minimum(_beginning_between(entities, low, high), BETWEEN - 1),
    )


def best_roles(logits: FloatArray, pairs: Pairs) -> Roles:
    """Gives each pair its most probable role; pairs for which none is likelier get none.

    Args:
        logits: Scores of no role and of each role, [P, 1 + R].
        pairs: The pairs.
    """
    probabilities = np.exp(log_softmax(logits))
    role = probabilities.argmax(axis=1)
    filled = np.flatnonzero(role)
    return Roles(pairs.trigger[filled], pairs.entity[filled], role[filled] - 1, probabilities[filled, role[filled]])


def _with_no_role(roles: FloatArray, excluded: BoolArray) -> FloatArray:
    """Puts the score of no role before those of the roles, [P, R] to [P, 1 + R]."""
    scores = np.zeros((len(roles), roles.shape[1] + 1), dtype=np.float32)
    scores[:, 1:] = np.where(excluded, np.float32(EXCLUDED), roles)
    return scores


def _sum_of_others(values: FloatArray, groups: IntArray) -> FloatArray:
    """The sum of each row's group without the row itself, [P, R]."""
    if not len(groups):
        return values
    sums = np.stack([np.bincount(groups, column) for column in values.T], axis=1)
    return (sums[groups] - values).astype(np.float32)


def _beginning_between(spans: Spans, low: IntArray, high: IntArray) -> IntArray:
    """Number of spans whose first word stands after word ``low`` and before word ``high``, [P]."""
    between = np.searchsorted(spans.first, high) - np.searchsorted(spans.first, low, side="right")
    number: IntArray = np.maximum(between, 0)
    return number
