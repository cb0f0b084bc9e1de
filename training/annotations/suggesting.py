"""Raw articles worth annotating, annotated beforehand: ``python -m training.annotations suggest source=PATH``."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from omegaconf import DictConfig
from rich.console import Console

from hadath.batch.articles import Columns
from hadath.document import Document
from hadath.schema import Schema
from hadath.tagger import Tagger
from hadath.terminal import counted
from training.annotations.articles import CorpusArticle, Findings
from training.annotations.exporting import refuse_existing, splits_of
from training.annotations.formats import label_studio
from training.annotations.import_report import note_lines, totals
from training.annotations.importing import SPLIT_NAME, format_options
from training.annotations.near_duplicates import Likeness
from training.annotations.suggestions.beliefs import KINDS, Belief, believed_types, text_beliefs
from training.annotations.suggestions.raw_articles import RawArticle, drawn_articles, new_articles
from training.annotations.suggestions.reasons import write_reasons
from training.annotations.suggestions.strategies import Choice, Strategy, choose, type_weights
from training.corpus import Corpus, CorpusError, read_corpus
from training.model_sources import model_directory
from training.networks import NetworkError, load_tagger
from training.script import ScriptError, script
from training.settings import Store, settings, settings_outside

log = logging.getLogger(__name__)


@dataclass
class Suggest(Strategy):
    """The settings outside of all groups; each is explained in configs/annotations_suggest.yaml."""

    source: Any
    text_column: str | None
    id_column: str | None
    model: str
    into: str
    table: str | None
    count: int
    kinds: list[str]
    pool: int | None
    split: str
    near_duplicates: Likeness
    seed: int

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.count < 1:
            raise ValueError(f"count is {self.count}; expected a number above 0")
        if self.pool is not None and self.pool < self.count:
            raise ValueError(f"pool is {self.pool}; expected at least count, which is {self.count}, or null for all")
        if not self.kinds or len(set(self.kinds)) < len(self.kinds) or set(self.kinds) - set(KINDS):
            raise ValueError(f"kinds is {list(self.kinds)}; expected {', '.join(KINDS)} or one of them, each once")

        if not SPLIT_NAME.fullmatch(self.split):
            raise ValueError(f"split is {self.split}; expected a name such as train")

    @property
    def sources(self) -> list[str]:
        """The files and folders of raw articles."""
        return [str(each) for each in self.source] if isinstance(self.source, list) else [str(self.source)]

    @property
    def reasons(self) -> Path:
        """Where it is written why each article was chosen."""
        into = Path(self.into)
        name = into.stem if into.suffix in (".json", ".jsonl") else into.name
        return Path(self.table) if self.table else into.with_name(f"{name}.csv")


@dataclass(frozen=True)
class Suggested:
    """What was suggested.

    Attributes:
        articles: The articles as the model annotates them, the most worth first.
        choices: Their scores, with places among ``beliefs``.
        beliefs: What the model believes of all articles that it read.
        notes: What was left out, with counts.
        rejected: Sentences on records that are no article.
    """

    articles: Sequence[CorpusArticle]
    choices: Sequence[Choice]
    beliefs: Sequence[Belief]
    notes: Mapping[str, int]
    rejected: Sequence[str]


def suggest(config: DictConfig) -> Suggested:
    """Chooses and annotates raw articles as configs/annotations_suggest.yaml says.

    Args:
        config: The composed configuration.

    Returns:
        What was written.

    Raises:
        InputError: If a file of raw articles is missing or cannot be read.
        CorpusError: If anything is wrong in the corpus.
        NetworkError: If there is no such model.
        ModelError: Likewise.
        ScriptError: If the model's types are not those of the corpus, or no article is left to choose from.
        SourceError: If there is something where the suggestions are to be written.
        SettingsError: If a setting has a wrong name, type or value.
    """
    # a format also brings rules for imports
    groups = ("corpus", "tracking", "format", "misaligned", "overlaps")
    wanted = settings_outside(groups, Suggest, config)
    form, options = format_options(config.format)
    if isinstance(options, label_studio.Options):
        options = replace(options, results="predictions", model_version=options.model_version or wanted.model)
    for path in (Path(wanted.into), wanted.reasons):
        refuse_existing(path)
    tagger = load_tagger(model_directory(wanted.model, settings(Store, config.tracking, "tracking").uri))
    corpus = read_corpus(**config.corpus, splits=splits_of(config.corpus))
    _check_types(tagger, corpus.schema, wanted)
    findings = Findings()
    columns = Columns(text=wanted.text_column, id=wanted.id_column)
    drawn = drawn_articles(wanted.sources, columns, wanted.pool, wanted.seed, findings)
    rejected = [f"{each.place}: {each.reason}" for each in drawn.rejected]
    articles = new_articles(
        drawn.articles,
        {str(document.id): document.text for document in corpus.documents},
        wanted.near_duplicates,
        findings,
    )
    if not articles:
        raise ScriptError("\n".join(["no article is left to choose from", *rejected[:1], *note_lines(findings.notes)]))
    beliefs = _beliefs(tagger, articles, wanted.kinds)
    support = _support(corpus, believed_types(tagger, wanted.kinds))
    choices = choose(beliefs, wanted.count, wanted, type_weights(support, wanted.rarity), wanted.seed)
    chosen = [articles[choice.index] for choice in choices]
    documents = tagger.tag([article.text for article in chosen])
    suggested = [
        CorpusArticle(replace(document, id=article.name), article.metadata, wanted.split)
        for document, article in zip(documents, chosen, strict=True)
    ]
    form.write(suggested, corpus.schema, Path(wanted.into), options, findings)
    findings.refuse("what is suggested")
    names = [article.name for article in articles]
    write_reasons(wanted.reasons, choices, names, beliefs, believed_types(tagger, wanted.kinds))
    return Suggested(suggested, choices, beliefs, dict(findings.notes), rejected)


def _check_types(tagger: Tagger, schema: Schema, wanted: Suggest) -> None:
    """Refuses a model whose annotations the corpus could not take."""
    unknown = [
        name
        for known, own in (
            (schema.entity_types, tagger.schema.entity_types),
            (schema.event_types, tagger.schema.event_types),
            (schema.role_names, tagger.schema.role_names),
            (schema.modalities, tagger.schema.modalities),
        )
        for name in own
        if name not in known
    ]
    if unknown:
        raise ScriptError(
            f"the model {wanted.model} knows {', '.join(unknown)}, which the schema of the corpus does not have; give "
            "the corpus that it was trained on (corpus.path=FOLDER), or another model"
        )
    if not believed_types(tagger, wanted.kinds):
        raise ScriptError(f"the model {wanted.model} finds no {' or '.join(wanted.kinds)}; set kinds to what it finds")


def _beliefs(tagger: Tagger, articles: Sequence[RawArticle], kinds: Sequence[str]) -> list[Belief]:
    started = time.perf_counter()
    log.info("The model reads %s …", counted(len(articles), "article"))
    beliefs = text_beliefs(tagger, [article.text for article in articles], kinds)
    words = sum(len(belief.forms) for belief in beliefs)
    log.info("It read %s in %.0f s", counted(words, "word"), time.perf_counter() - started)
    return beliefs


def _support(corpus: Corpus, types: Sequence[str]) -> list[int]:
    documents: Sequence[Document] = corpus.splits.get("train", ())
    counts = Counter(span.type for document in documents for span in (*document.entities, *document.events))
    return [counts[name] for name in types]


@script("annotations_suggest", CorpusError, NetworkError)
def main(config: DictConfig) -> None:
    """Suggests, and tells what was chosen, why, and what comes next."""
    suggested = suggest(config)
    lines = [f"{config.into}: {totals(suggested.articles)}", *_gain_lines(suggested)]
    if suggested.rejected:
        lines.append(f"{counted(len(suggested.rejected), 'record')} that cannot be read, first {suggested.rejected[0]}")
    lines += note_lines(suggested.notes)
    Console(soft_wrap=True).print("\n".join(lines), markup=False, highlight=False)


def _gain_lines(suggested: Suggested) -> list[str]:
    chosen = [suggested.beliefs[choice.index] for choice in suggested.choices]
    return [
        f"  {name}: {errors:,.0f} wrong decisions expected in {words:,} words, {100 * errors / words:.2f} per 100"
        for name, errors, words in (
            ("chosen", *_expected_errors(chosen)),
            ("all articles that the model read", *_expected_errors(suggested.beliefs)),
        )
    ]


def _expected_errors(beliefs: Sequence[Belief]) -> tuple[float, int]:
    errors = sum(float(belief.errors.sum()) for belief in beliefs)
    return errors, sum(len(belief.forms) for belief in beliefs)


if __name__ == "__main__":
    main()
