"""Labels that models contradict which have not learnt them: confident learning over words.

A word is doubted where its models give another label at least the probability that they give that label on average
where it was annotated (Northcutt, Jiang and Chuang, Confident Learning, JAIR 2021, whose confident joint this counts;
for tags of words Wang and Mueller, Detecting Label Errors in Token Classification Data, 2022). Words of one span are
told together.
"""

from __future__ import annotations

import itertools
import logging
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from omegaconf import DictConfig

from hadath.document import Document, Entity
from hadath.reading import read
from hadath.schema import Schema
from hadath.tagger import Tagger
from hadath.text import Words, segment
from training.alignment import Span
from training.annotations.checks.finding import ArticleFiles, Finding, Level, by_weight, sentence_pieces
from training.annotations.checks.folds import fold_models
from training.corpus import Corpus
from training.networks import load_tagger
from training.prediction import joint_probabilities
from training.script import ScriptError
from training.seen_articles import LEARNT, digest, read_seen_articles

log = logging.getLogger(__name__)

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

NOTHING = 0
"""Index of the label of words that are in no span."""

_TRAIN = "train"

# How often a contradiction of its kind is a mistake of the annotation rather than of the model, as seen in the corpus
# of the project: something missed, another type, something annotated that is none, a part of a span.
_TRUST_MISSED, _TRUST_TYPE, _TRUST_SPURIOUS, _TRUST_PART = 1.0, 0.95, 0.6, 0.5


@dataclass
class Disagreement:
    """Which models judge the labels; each field is explained in configs/annotations_check.yaml."""

    models: list[str]
    folds: int
    output_dir: str
    training: list[str]
    least_margin: float
    most: int

    def __post_init__(self) -> None:
        if self.folds < 2:
            raise ValueError(f"folds is {self.folds}; expected 2 or more")
        if not 0 <= self.least_margin <= 1:
            raise ValueError(f"least_margin is {self.least_margin}; expected a number from 0 to 1")


@dataclass(frozen=True)
class Suspicion:
    """A word whose label the models contradict.

    Attributes:
        word: Its index.
        given: The label that is annotated.
        seen: The label that the models see.
        margin: By how much its probability is greater, 0 to 1.
    """

    word: int
    given: int
    seen: int
    margin: float


def label_errors(
    corpus: Corpus, files: ArticleFiles, options: Disagreement, corpus_config: DictConfig
) -> list[Finding]:
    """Finds labels that models contradict.

    Args:
        corpus: The articles of all splits.
        files: Where they are.
        options: Which models, or how many folds to train.
        corpus_config: Where the corpus is, for the trainings.

    Returns:
        Doubts of the kind ``label``, one for each span, or stretch of words without one, that is contradicted.

    Raises:
        ScriptError: If a training fails, or no model may judge any article.
        NetworkError: If a model cannot be loaded.
    """
    models = [Path(name) for name in options.models]
    if not models:
        models = fold_models(corpus, options.folds, Path(options.output_dir), options.training, corpus_config)
    started = time.perf_counter()
    sums, counts = _probabilities(corpus, models)
    judged = [document for document in corpus.documents if counts.get(document.id)]
    if not judged:
        raise ScriptError("the models have learnt all articles of the corpus; give models that have not, or none")
    log.info(
        "%d models judged %d of %d articles, which they have not learnt, in %.0f s",
        len(models), len(judged), len(corpus.documents), time.perf_counter() - started,
    )  # fmt: skip
    probabilities = [sums[document.id] / counts[document.id] for document in judged]
    given = [given_labels(document, corpus.schema) for document in judged]
    suspicions = confident_disagreements(np.concatenate(probabilities), np.concatenate(given))
    ends = np.cumsum([len(labels) for labels in given])
    by_document: dict[int, list[Suspicion]] = {}
    for one in suspicions:
        if one.margin >= options.least_margin:
            place = int(np.searchsorted(ends, one.word, side="right"))
            first = int(ends[place]) - len(given[place])
            by_document.setdefault(place, []).append(Suspicion(one.word - first, one.given, one.seen, one.margin))
    names = ("nothing", *corpus.schema.entity_types, *corpus.schema.event_types)
    findings = by_weight(
        finding
        for place, found in by_document.items()
        for finding in _findings(judged[place], found, names, files, probabilities[place])
    )
    if len(findings) > options.most:
        log.info("They contradict %d labels; the %d likeliest mistakes are told", len(findings), options.most)
    return findings[: options.most]


def confident_disagreements(probabilities: FloatArray, given: IntArray) -> list[Suspicion]:
    """Finds the words that are off the diagonal of the confident joint.

    Args:
        probabilities: Of each label for each word, by models that have not learnt the word, [words, labels].
        given: The label annotated, [words].

    Returns:
        The words, in order, whose label is contradicted confidently.

    Example:
        >>> probabilities = np.array([[0.9, 0.1], [0.8, 0.2], [0.1, 0.9], [0.95, 0.05]])
        >>> [(one.word, one.seen) for one in confident_disagreements(probabilities, np.array([0, 0, 1, 1]))]
        [(3, 0)]
    """
    labels = probabilities.shape[1]
    numbers = np.bincount(given, minlength=labels)
    own = probabilities[np.arange(len(given)), given]
    # a label that is annotated nowhere has no threshold that could be reached
    thresholds = np.full(labels, np.inf)
    np.divide(np.bincount(given, own, labels), numbers, out=thresholds, where=numbers > 0)
    confident = np.where(probabilities >= thresholds, probabilities, -1.0)
    seen = confident.argmax(axis=1)
    contradicted = (confident.max(axis=1) >= 0) & (seen != given) & (probabilities.argmax(axis=1) == seen)
    return [
        Suspicion(word, int(given[word]), int(seen[word]), float(probabilities[word, seen[word]] - own[word]))
        for word in np.flatnonzero(contradicted).tolist()
    ]


def given_labels(document: Document, schema: Schema) -> IntArray:
    """Returns the annotated label of each word, [words]: 0 for none, then entity types, then event types."""
    words = segment(document.text)
    labels = np.zeros(len(words), np.int64)
    for span, first, last in _placed(document, words):
        if isinstance(span, Entity):
            labels[first:last] = 1 + schema.entity_types.index(span.type)
        else:
            labels[first:last] = 1 + len(schema.entity_types) + schema.event_types.index(span.type)
    return labels


def word_probabilities(tagger: Tagger, document: Document, schema: Schema) -> FloatArray:
    """Returns the probability of each label for each word, [words, labels], in the order of ``given_labels``.

    Where B and I of a type are both possible they count together; a word is never in an entity and in a trigger at
    once.
    """
    reading = read(document.text, tagger.tokenizer, tagger.windowing)
    result = np.zeros((len(reading.words), 1 + len(schema.entity_types) + len(schema.event_types)))
    if not len(reading.words):
        return result
    logits = tagger.logits([reading])
    joint = joint_probabilities(tagger, logits)
    types = (joint.shape[1] - 1) // 2
    result[:, 0] = joint[:, 0]
    column = 1
    for name, own, wanted, offset in (
        ("entities", tagger.schema.entity_types, schema.entity_types, 1),
        ("events", tagger.schema.event_types, schema.event_types, 1 + len(schema.entity_types)),
    ):
        if name in logits:
            for type_name in own:
                place = offset + wanted.index(type_name)
                result[:, place] = joint[:, column] + joint[:, column + types]
                column += 1
    return result


def _probabilities(
    corpus: Corpus, models: Sequence[Path]
) -> tuple[dict[str | None, FloatArray], dict[str | None, int]]:
    """For each article the sum of what the models say that have not learnt it, and their number."""
    sums: dict[str | None, FloatArray] = {}
    counts: dict[str | None, int] = {}
    for path in models:
        tagger = load_tagger(path)
        if set(tagger.schema.entity_types) - set(corpus.schema.entity_types) or set(tagger.schema.event_types) - set(
            corpus.schema.event_types
        ):
            raise ScriptError(f"{path} knows types that the corpus does not have; give models trained on this corpus")
        for document in _unlearnt(corpus, path):
            found = word_probabilities(tagger, document, corpus.schema)
            sums[document.id] = sums.get(document.id, 0.0) + found
            counts[document.id] = counts.get(document.id, 0) + 1
    return sums, counts


def _unlearnt(corpus: Corpus, model: Path) -> Iterator[Document]:
    seen = read_seen_articles(model)
    if seen is None:
        log.info("%s does not say what it has learnt; it judges all articles but those of %s", model, _TRAIN)
    for split, documents in corpus.splits.items():
        for document in documents:
            if (split != _TRAIN) if seen is None else (seen.get(digest(document.text)) != LEARNT):
                yield document


def _placed(document: Document, words: Words) -> Iterator[tuple[Span, int, int]]:
    """Each span with its first word and the word after its last one."""
    for span in itertools.chain[Span](document.entities, document.events):
        yield (
            span,
            int(np.searchsorted(words.starts, span.start)),
            int(np.searchsorted(words.ends, span.end, side="right")),
        )


def _findings(
    document: Document,
    suspicions: Sequence[Suspicion],
    names: Sequence[str],
    files: ArticleFiles,
    probabilities: FloatArray,
) -> Iterator[Finding]:
    words = segment(document.text)
    spans = {word: span for span, first, last in _placed(document, words) for word in range(first, last)}
    told = [one for one in suspicions if words.forms[one.word][0].isalnum()]
    # words of one span are told together; of words without one, neighbours that are seen alike
    runs = itertools.groupby(
        enumerate(told),
        key=lambda pair: spans.get(pair[1].word) or (pair[1].word - pair[0], pair[1].seen),
    )
    for _, run in runs:
        members = [one for _, one in run]
        seen, _ = Counter(one.seen for one in members).most_common(1)[0]
        span = spans.get(members[0].word)
        start, end = int(words.starts[members[0].word]), int(words.ends[members[-1].word])
        shown = document.text[start:end]
        if span is None:
            path, line = files.of_text(document, start)
            what, trust = f"{shown!r} is not annotated", _TRUST_MISSED
        else:
            path, line = files.of_span(document, span)
            whole = (span.start, span.end) == (start, end)
            what = f"{shown!r} is {'' if whole else 'in '}{span.type}{'' if whole else f' {span.text!r}'}"
            trust = _TRUST_PART if not whole else _TRUST_TYPE if seen != NOTHING else _TRUST_SPURIOUS
        likely = float(np.mean([probabilities[one.word, seen] for one in members]))
        own = float(np.mean([probabilities[one.word, one.given] for one in members]))
        yield Finding(
            "label",
            Level.DOUBT,
            f"{what}; models that have not learnt it see {names[seen]} ({likely:.2f} against {own:.2f})",
            path,
            line,
            str(document.id),
            (start, end),
            sentence_pieces(document.text, [(start, end, "here")]),
            trust * float(np.mean([one.margin for one in members])),
        )
