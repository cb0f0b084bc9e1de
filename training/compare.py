"""Comparing two models on annotated articles that neither has learnt from."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from omegaconf import DictConfig
from rich.console import Console

from hadath.document import Document
from hadath.schema import Schema
from hadath.tagger import Tagger
from training.comparison import Comparison, compare
from training.comparison_report import comparison_metrics, comparison_text, verdict_text, write_comparison
from training.corpus import Corpus, fingerprint, read_corpus
from training.model_sources import articles_seen_by, model_directory, origin_of
from training.networks import load_tagger
from training.prediction import tag_documents
from training.script import ScriptError
from training.seen_articles import LEARNT, UNRECORDED, digest
from training.settings import Measurement, Store, settings, settings_outside
from training.shared_types import restricted, shared_schema, type_differences
from training.tracking import tracked_run

log = logging.getLogger(__name__)

GROUPS = ("corpus", "tracking")
"""The configuration's parts that have settings of their own."""

_SHOWN = 5


@dataclass(frozen=True)
class ComparedModel:
    """A model that is compared with another.

    Attributes:
        source: How it was named.
        directory: Where it lies.
        tagger: The tagger.
        run_id: MLflow run of its training, where that is known.
        seen: How each article that it has seen was seen, by its digest; None where that was not recorded.
    """

    source: str
    directory: Path
    tagger: Tagger
    run_id: str | None
    seen: Mapping[str, str] | None


def read_model(source: str, store: str, batch_tokens: int) -> ComparedModel:
    """Loads a model to compare.

    Args:
        source: As of ``model_sources.model_directory``.
        store: The MLflow tracking store.
        batch_tokens: Most subwords, padding counted, that the network is given at once.

    Raises:
        ModelError: If it cannot be loaded.
        NetworkError: If it cannot be found or loaded.
    """
    directory = model_directory(source, store)
    tagger = load_tagger(directory, batch_tokens)
    run_id = origin_of(directory).get("mlflow_run_id")
    return ComparedModel(source, directory, tagger, run_id, articles_seen_by(directory, store))


def compare_models(config: DictConfig) -> dict[str, Comparison]:
    """Compares two models as configs/evaluate.yaml says, writes the tables and records them.

    Args:
        config: The composed configuration, with two ``models``.

    Returns:
        The comparison of each split.

    Raises:
        SettingsError: If a setting has a wrong name, type or value, such as one model.
        ScriptError: If the models or the corpus differ in types, or one has learnt from the articles.
        CorpusError: If anything in the splits is wrong.
        ModelError: If a model cannot be loaded.
        NetworkError: If a model cannot be found.
    """
    wanted = settings_outside(GROUPS, Measurement, config)
    store = settings(Store, config.tracking, "tracking").uri
    models = [read_model(source, store, wanted.batch_tokens) for source in wanted.models or ()]
    corpus = read_corpus(**config.corpus, splits=wanted.splits)
    schema = schema_to_compare_on(models, corpus, shared_types=wanted.shared_types)
    for split, articles in corpus.splits.items():
        for caveat in caveats(models, articles, split):
            log.warning("%s", caveat)
    output = Path(wanted.output_dir or wanted.comparison_dir)
    comparisons = {}
    with tracked_run(config.tracking, output) as tracking:
        for place, model in zip(("first", "second"), models, strict=True):
            tracking.tags({f"compared.{place}": model.source, f"compared.{place}.run_id": model.run_id or "unknown"})
        tracking.tags({"corpus.fingerprint": fingerprint(corpus.documents)})
        names = models[0].source, models[1].source
        for split, articles in corpus.splits.items():
            comparison = compared(models, articles, schema, replicates=wanted.replicates, seed=wanted.seed)
            write_comparison(comparison, output / split, *names, split)
            metrics = comparison_metrics(comparison)
            tracking.metrics({f"{split}/{name}": value for name, value in metrics.items()}, step=0)
            tracking.artifact(output / split, f"comparison/{split}")
            console = Console()
            console.print(comparison_text(comparison, *names, split), markup=False, highlight=False, soft_wrap=True)
            console.print(f"{verdict_text(comparison)}\n", markup=False, highlight=False, soft_wrap=True)
            comparisons[split] = comparison
    log.info("The tables are in %s", output)
    return comparisons


def compared(
    models: Sequence[ComparedModel], articles: Sequence[Document], schema: Schema, *, replicates: int, seed: int
) -> Comparison:
    """Compares what two models find in the same articles, in the types of a schema."""
    gold, first, second = (
        [restricted(document, schema) for document in documents]
        for documents in (articles, *(tag_documents(model.tagger, articles) for model in models))
    )
    return compare(gold, first, second, schema, replicates=replicates, seed=seed)


def schema_to_compare_on(models: Sequence[ComparedModel], corpus: Corpus, *, shared_types: bool) -> Schema:
    """Returns the types in which models are compared.

    Args:
        models: The models.
        corpus: The corpus that they are compared on.
        shared_types: Whether to leave out types that not all of them have.

    Raises:
        ScriptError: If they differ and nothing may be left out, or nothing is left.
    """
    schemas = {model.source: model.tagger.schema for model in models} | {"the corpus": corpus.schema}
    different = type_differences(schemas)
    if not different:
        return corpus.schema
    listed = "".join(f"\n  {difference}" for difference in different)
    if not shared_types:
        raise ScriptError(
            f"the models and the corpus differ in their types:{listed}\n"
            "Compare them in the types that all have with shared_types=true"
        )
    shared = shared_schema(list(schemas.values()))
    if not shared.entity_types and not shared.event_types:
        raise ScriptError(f"the models and the corpus share no type:{listed}")
    log.info("Left out, since not all have it:%s", listed)
    return shared


def caveats(models: Sequence[ComparedModel], articles: Sequence[Document], split: str) -> list[str]:
    """Refuses to measure a model on what it learnt from, and returns what else speaks against its scores.

    Args:
        models: The models.
        articles: What they are to be measured on.
        split: What the articles are called.

    Returns:
        A sentence for each model that was chosen by some of the articles, or may know them.

    Raises:
        ScriptError: If one has learnt from some, with the models and the articles.
    """
    digests = {digest(document.text): str(document.id) for document in articles}
    problems, found = [], []
    for model in models:
        if model.seen is None or UNRECORDED in model.seen:
            what = "what" if model.seen is None else "all that"
            found.append(f"{what} {model.source} learnt from is not recorded: it may know articles of {split}")
        seen = model.seen or {}
        learnt = [name for place, name in digests.items() if seen.get(place) == LEARNT]
        if learnt:
            names = ", ".join(learnt[:_SHOWN]) + (", …" if len(learnt) > _SHOWN else "")
            problems.append(f"  {model.source}: {len(learnt)} of {len(digests)} articles of {split} ({names})")
        chosen = sum(place in seen for place in digests) - len(learnt)
        if chosen:
            found.append(
                f"the best epoch of {model.source} was chosen by {chosen} of the {len(digests)} articles of {split}: "
                "its score there is flattered"
            )
    if problems:
        listed = "\n".join(problems)
        raise ScriptError(
            f"a model would be measured on articles that it learnt from:\n{listed}\n"
            "Compare on articles that neither model has seen, such as splits=[test]"
        )
    return found
