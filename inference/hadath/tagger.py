"""The tagger: texts in, documents out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import islice

import numpy as np
import numpy.typing as npt

from hadath.arguments import (
    ArgumentWeights,
    allowed_roles,
    best_roles,
    candidate_pairs,
    sentence_numbers,
    word_spans,
)
from hadath.decode import Spans, best_paths, exclusive_emissions, log_softmax, spans_of
from hadath.document import Argument, Document, Event, named_entity
from hadath.names import MentionNames
from hadath.reading import Batch, Reading, Windowing, batches, read
from hadath.schema import DEFAULT_MODALITY, Schema
from hadath.tokens import WordTokenizer

FloatArray = npt.NDArray[np.float32]

BATCH_TOKENS = 1024
"""Subwords that the network is given at once where nothing else is said."""

SCORED_KINDS = ("entities", "events", "arguments")
"""What ``min_scores`` may name."""

Run = Callable[[Batch], Mapping[str, FloatArray]]
"""The network: a batch in, for each head its logits, [N, labels], out; of ``arguments`` the descriptions of words that
``ArgumentWeights`` reads, [N, width]."""


@dataclass(frozen=True)
class Tagger:
    """Finds entities, events and their arguments in Arabic text.

    ``hadath.load()`` makes one of a model directory; training makes one around the network that it trains, so that
    both read and decode alike.

    Attributes:
        schema: Types, roles and modalities that the network was trained on.
        tokenizer: Its subword tokenizer.
        windowing: How long texts are cut.
        run: The network.
        batch_tokens: Most subwords, padding counted, that the network is given at once. About a thousand stay in a
            core's cache.
        threads: Batches that the network is given side by side.
        temperatures: For a head, the number its logits are divided by, so that scores are probabilities.
        min_scores: For ``entities`` and ``events``, the least score of a span that is reported, 0 to 1. Higher for
            fewer and surer spans. For ``arguments``, the least score of an argument.
        argument_weights: Returns what scores pairs of the words that the network describes; None where it knows no
            arguments.

    Example:
        >>> import hadath
        >>> document = hadath.load()("زار وزير الخارجية التونسي بنغازي")  # doctest: +SKIP
        >>> [(entity.type, entity.text) for entity in document.entities]  # doctest: +SKIP
        [('OCC', 'وزير الخارجية التونسي'), ('GPE', 'بنغازي')]
    """

    schema: Schema
    tokenizer: WordTokenizer
    windowing: Windowing
    run: Run
    batch_tokens: int = BATCH_TOKENS
    threads: int = 1
    temperatures: Mapping[str, float] = field(default_factory=dict)
    min_scores: Mapping[str, float] = field(default_factory=dict)
    argument_weights: Callable[[], ArgumentWeights | None] = lambda: None

    def __call__(self, text: str) -> Document:
        """Tags one text of any length.

        Args:
            text: The text, as published. Nothing needs to be cleaned beforehand.

        Returns:
            What was found, with offsets into ``text``.

        Raises:
            InvalidTextError: If ``text`` is not a string or not valid Unicode.
        """
        return self.tag([text])[0]

    def pipe(self, texts: Iterable[str], batch_size: int = 64) -> Iterator[Document]:
        """Tags a stream of texts, many at a time.

        Args:
            texts: The texts; read as they are needed, so the stream may be endless.
            batch_size: Number of texts read ahead and tagged together.

        Yields:
            A document for each text, in the same order.

        Raises:
            InvalidTextError: If one of them is not a string or not valid Unicode.
            ValueError: If ``batch_size`` is less than 1.
        """
        if batch_size < 1:
            raise ValueError(f"batch_size is {batch_size}; expected 1 or more")
        stream = iter(texts)
        while chunk := list(islice(stream, batch_size)):
            yield from self.tag(chunk)

    def tag(self, texts: Sequence[str]) -> list[Document]:
        """Tags several texts at once.

        Raises:
            InvalidTextError: If one of them is not a string or not valid Unicode.
        """
        readings = [read(text, self.tokenizer, self.windowing) for text in texts]
        return self.decode(readings, self.logits(readings))

    def logits(self, readings: Sequence[Reading]) -> dict[str, FloatArray]:
        """Runs the network over texts.

        Returns:
            For each head the logits of the words of all texts, one text after the other, [W, labels].
        """
        total = sum(len(reading.words) for reading in readings)
        collected: dict[str, FloatArray] = {}
        for batch, scores in self._runs(readings):
            for head, logits in scores.items():
                if head not in collected:
                    collected[head] = np.zeros((total, logits.shape[1]), dtype=np.float32)
                collected[head][batch.targets] = logits
        return collected

    def _runs(self, readings: Sequence[Reading]) -> Iterator[tuple[Batch, Mapping[str, FloatArray]]]:
        """Each batch with what the network makes of it."""
        special = self.tokenizer.special_count
        subwords = sum(len(reading.pieces.ids) + special * len(reading.windows) for reading in readings)
        # few texts are shared out among the threads rather than read by one of them
        batch_tokens = min(self.batch_tokens, max(1, -(-subwords // self.threads)))
        filled = list(batches(readings, self.tokenizer, batch_tokens))
        if self.threads == 1 or len(filled) == 1:
            yield from ((batch, self.run(batch)) for batch in filled)
            return
        # whole batches side by side, one core each: threads within a batch would wait for each other at every operator
        with ThreadPoolExecutor(self.threads) as pool:
            yield from zip(filled, pool.map(self.run, filled), strict=True)

    def decode(self, readings: Sequence[Reading], logits: Mapping[str, FloatArray]) -> list[Document]:
        """Makes documents of the network's scores."""
        if not any(len(reading.words) for reading in readings):
            return [Document(reading.text) for reading in readings]
        scaled = {
            head: values / self.temperatures.get(head, 1.0) if head != "arguments" else values
            for head, values in logits.items()
        }
        lengths = [len(reading.words) for reading in readings]
        entity_spans, event_spans = self._spans(scaled, lengths)
        if self.schema.modalities and "modality" in scaled:
            modality_ids = scaled["modality"][event_spans.first].argmax(axis=1)
            modalities = [self.schema.modalities[index] for index in modality_ids]
        else:
            modalities = [DEFAULT_MODALITY] * len(event_spans)
        arguments = self._arguments(readings, scaled, event_spans, entity_spans)
        ends = np.cumsum(lengths)
        entity_cuts = np.searchsorted(entity_spans.first, ends)
        event_cuts = np.searchsorted(event_spans.first, ends)
        documents = []
        first_entity = first_event = first_word = 0
        for reading, last_entity, last_event, last_word in zip(readings, entity_cuts, event_cuts, ends, strict=True):
            names = MentionNames(reading.words)
            entities = tuple(
                named_entity(start, end, self.schema.entity_types[kind], reading.text, score, names)
                for start, end, kind, score in _located(
                    reading, entity_spans, slice(first_entity, last_entity), first_word
                )
            )
            events = tuple(
                Event(
                    start,
                    end,
                    self.schema.event_types[kind],
                    reading.text[start:end],
                    score,
                    modalities[number],
                    tuple(
                        Argument(role, entities[entity - first_entity], likelihood)
                        for role, entity, likelihood in arguments.get(number, ())
                    ),
                )
                for number, (start, end, kind, score) in enumerate(
                    _located(reading, event_spans, slice(first_event, last_event), first_word), start=first_event
                )
            )
            documents.append(Document(reading.text, entities, events))
            first_entity, first_event, first_word = int(last_entity), int(last_event), int(last_word)
        return documents

    def find_arguments(self, documents: Sequence[Document]) -> list[Document]:
        """Finds who takes part in events that are known already, annotated or corrected by a person for instance.

        Args:
            documents: Documents with entities and events; arguments that they have are not looked at.

        Returns:
            The same documents, each event with the arguments found among the document's entities. A span whose type
            the model does not know takes part in none.

        Raises:
            InvalidTextError: If a text is not valid Unicode.
        """
        readings = [read(document.text, self.tokenizer, self.windowing) for document in documents]
        return self.decode_arguments(readings, self.logits(readings), documents)

    def decode_arguments(
        self, readings: Sequence[Reading], logits: Mapping[str, FloatArray], documents: Sequence[Document]
    ) -> list[Document]:
        """Makes documents with the arguments of known events of the network's scores; see ``find_arguments``."""
        results = []
        first_word = 0
        for reading, document in zip(readings, documents, strict=True):
            events = [event for event in document.events if event.type in self.schema.event_types]
            events, triggers = word_spans(events, reading.words, self.schema.event_types)
            entities = [entity for entity in document.entities if entity.type in self.schema.entity_types]
            entities, mentions = word_spans(entities, reading.words, self.schema.entity_types)
            own = {head: values[first_word : first_word + len(reading.words)] for head, values in logits.items()}
            arguments = {
                events[number]: tuple(Argument(role, entities[entity], score) for role, entity, score in found)
                for number, found in self._arguments([reading], own, triggers, mentions).items()
            }
            filled = tuple(replace(event, arguments=arguments.get(event, ())) for event in document.events)
            results.append(replace(document, events=filled))
            first_word += len(reading.words)
        return results

    def _arguments(
        self, readings: Sequence[Reading], logits: Mapping[str, FloatArray], triggers: Spans, entities: Spans
    ) -> dict[int, list[tuple[str, int, float]]]:
        """For each trigger that has arguments their roles, entities and scores, in the order of the entities."""
        weights = self.argument_weights()
        if weights is None or not (len(triggers) and len(entities)):
            return {}
        allowed = allowed_roles(self.schema)
        sentences = np.concatenate([sentence_numbers(reading.text, reading.words.starts) for reading in readings])
        lengths = [len(reading.words) for reading in readings]
        pairs = candidate_pairs(triggers, entities, sentences, lengths, weights.reach, allowed)
        scores = weights.logits(logits["arguments"], triggers, entities, pairs, allowed)
        roles = best_roles(scores / self.temperatures.get("arguments", 1.0), pairs)
        found: dict[int, list[tuple[str, int, float]]] = {}
        least = self.min_scores.get("arguments", 0.0)
        # right is an argument whose role, trigger and entity all are
        likelihoods = roles.score * triggers.score[roles.trigger] * entities.score[roles.entity]
        for trigger, entity, role, score in zip(
            roles.trigger.tolist(), roles.entity.tolist(), roles.role.tolist(), likelihoods.tolist(), strict=True
        ):
            if score >= least:
                found.setdefault(trigger, []).append((self.schema.role_names[role], entity, score))
        return found

    def _spans(self, logits: Mapping[str, FloatArray], lengths: Sequence[int]) -> tuple[Spans, Spans]:
        """Entity and trigger spans that do not overlap, positions counted over the words of all texts."""
        # a network may have been trained without one of the two
        entity_types = len(self.schema.entity_types) if "entities" in logits else 0
        event_types = len(self.schema.event_types) if "events" in logits else 0
        heads = [log_softmax(logits[name]) for name in ("entities", "events") if name in logits]
        emissions = exclusive_emissions(heads)
        labels = best_paths(emissions, lengths)
        chosen = np.exp(emissions[np.arange(len(labels)), labels])
        spans = spans_of(labels, chosen, entity_types + event_types)
        is_entity = spans.type < entity_types
        least = np.where(is_entity, self.min_scores.get("entities", 0.0), self.min_scores.get("events", 0.0))
        sure = spans.score >= least
        events = spans.select(~is_entity & sure)
        return spans.select(is_entity & sure), Spans(
            events.first, events.last, events.type - entity_types, events.score
        )


def _located(reading: Reading, spans: Spans, part: slice, first_word: int) -> Iterator[tuple[int, int, int, float]]:
    """Spans of one text as start and end in its characters, type index, score."""
    starts = reading.words.starts[spans.first[part] - first_word].tolist()
    ends = reading.words.ends[spans.last[part] - 1 - first_word].tolist()
    return zip(starts, ends, spans.type[part].tolist(), spans.score[part].tolist(), strict=True)
