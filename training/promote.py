"""Makes a model the champion where it is better than the present one: ``python -m training.promote run=runs/NAME``."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import mlflow
from mlflow.entities.model_registry import ModelVersion
from omegaconf import DictConfig
from rich.console import Console

from hadath.errors import ModelError
from training.alignment import AlignmentError
from training.compare import ComparedModel, caveats, compared, read_model, schema_to_compare_on
from training.comparison import MEAN_F1, Comparison
from training.comparison_report import comparison_metrics, comparison_text, score_change, write_comparison
from training.corpus import CorpusError, read_corpus
from training.evaluate import note_in_model
from training.model_card import Card, model_card, write_model_card
from training.model_sources import PACKAGE
from training.networks import NetworkError
from training.prediction import tag_documents
from training.registry import (
    DIGEST,
    RegistryError,
    move_alias,
    package_digest,
    register,
    roll_back,
    tag_version,
    version_of,
)
from training.report import evaluate as measure
from training.script import ScriptError, script
from training.settings import Store, settings, settings_outside
from training.tracking import TrackingError, run_directory, tracked_run

log = logging.getLogger(__name__)

EXIT_NOT_PROMOTED = 1


GROUPS = ("corpus", "tracking", "card")
"""The configuration's parts that have settings of their own."""


@dataclass
class Promoting:
    """How a model is put forward; each field is explained in configs/promote.yaml."""

    run: str | None
    name: str
    alias: str
    rollback: bool
    split: str
    p_value: float
    margin: float
    support: int
    minimum: dict[str, float] | None
    replicates: int
    seed: int
    batch_tokens: int

    def __post_init__(self) -> None:
        for name in ("p_value", "margin"):
            if not 0 < getattr(self, name) <= 1:
                raise ValueError(f"{name} is {getattr(self, name)}; expected a number above 0 and at most 1")
        for name in ("support", "batch_tokens"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; expected a number above 0")
        # the least p-value that so many samples can give
        if 2 / (self.replicates + 1) >= self.p_value:
            raise ValueError(
                f"replicates is {self.replicates}; expected more than {2 / self.p_value:.0f}, since fewer samples give "
                f"no p-value below {self.p_value}"
            )


@dataclass(frozen=True)
class Verdict:
    """Whether a model becomes the champion.

    Attributes:
        promoted: Whether it does.
        reasons: Why, and what speaks against the scores, in sentences.
    """

    promoted: bool
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Promotion:
    """What came of a model that was put forward.

    Attributes:
        version: Its version in the registry.
        champion: The champion before it; None where there was none.
        verdict: Whether it is the champion now, and why.
        comparison: Both models' scores; None where there was nothing to compare with.
        table: The same as a table; empty where there is none.
    """

    version: ModelVersion
    champion: ModelVersion | None
    verdict: Verdict
    comparison: Comparison | None
    table: str


def verdict_on(comparison: Comparison, *, p_value: float, margin: float, support: int) -> Verdict:
    """Judges a model by its comparison with the champion.

    Args:
        comparison: The champion's scores and the new model's.
        p_value: Below this a difference is believed.
        margin: Greatest loss of F1 in a single type that is borne.
        support: Least number annotated of a type for it to count.

    Returns:
        Promoted if the mean F1 is surely higher and no type that counts falls too far.
    """
    mean = comparison[MEAN_F1]
    better = mean.paired.difference > 0 and mean.paired.p_value < p_value
    falls = comparison.falls(margin, support)
    reasons = [f"it is {'' if better else 'not surely '}better: mean F1 {score_change(mean)}"]
    if not better:
        reasons[0] += f", expected a rise with p below {p_value}"
    reasons += [
        f"{fall.name.removesuffix('/f1')} falls by {-fall.paired.difference:.3f} ({fall.first:.3f} to "
        f"{fall.second:.3f}, {fall.support} annotated), more than the margin of {margin}"
        for fall in falls
    ]
    if better and not falls:
        reasons.append(f"no type with at least {support} annotated falls by more than {margin}")
    return Verdict(better and not falls, tuple(reasons))


def first_verdict(scores: Mapping[str, float], minimum: Mapping[str, float]) -> Verdict:
    """Judges the first model of a registry by the least that is asked of it.

    Args:
        scores: What it reached, by the names of ``Metrics.to_dict``.
        minimum: What it must reach.

    Returns:
        Promoted if it reaches everything.
    """
    reached = {name: scores.get(name, 0.0) for name in minimum}
    missed = [
        f"{name} is {reached[name]:.3f}, expected at least {least}"
        for name, least in minimum.items()
        if reached[name] < least
    ]
    if missed:
        return Verdict(False, tuple(missed))
    listed = ", ".join(f"{name} {value:.3f}" for name, value in reached.items())
    least = f" and it reaches the least that is asked ({listed})" if listed else ""
    return Verdict(True, (f"there was no champion to compare it with{least}",))


def promote(config: DictConfig) -> Promotion:
    """Registers a model and makes it the champion where it is better, as configs/promote.yaml says.

    Args:
        config: The composed configuration.

    Returns:
        The version and the verdict.

    Raises:
        ScriptError: If there is no exported model, MLflow is switched off, the models differ in types, or one has
            learnt from the articles.
        CorpusError: If anything in the split is wrong.
        ModelError: If a model cannot be loaded.
        RegistryError: If the registry cannot be asked for the champion.
        SettingsError: If a setting has a wrong name, type or value.
    """
    wanted = settings_outside(GROUPS, Promoting, config)
    store, directory, split = _store(config), exported_model(wanted.run), wanted.split
    mlflow.set_tracking_uri(store)
    champion = version_of(wanted.name, wanted.alias)
    if champion is not None and champion.tags.get(DIGEST) == package_digest(directory):
        return Promotion(champion, champion, Verdict(True, ("it has been so already",)), None, "")
    candidate = read_model(str(directory), store, wanted.batch_tokens)
    models = [candidate]
    if champion is not None:
        models.insert(0, _read_champion(f"models:/{wanted.name}/{champion.version}", store, wanted))
    corpus = read_corpus(**config.corpus, splits=(split,))
    articles = corpus.splits[split]
    schema = schema_to_compare_on(models, corpus, shared_types=False)
    doubts = caveats(models, articles, split)
    bootstrap = {"replicates": wanted.replicates, "seed": wanted.seed}
    evaluation = measure(articles, tag_documents(candidate.tagger, articles), schema, **bootstrap)
    comparison, table = None, ""
    reports = directory.parent / "promotion"
    with tracked_run(config.tracking, run_directory(directory, reports)) as tracking:
        if champion is None:
            verdict = first_verdict(evaluation.metrics.to_dict(), wanted.minimum or {})
        else:
            comparison = compared(models, articles, schema, **bootstrap)
            verdict = verdict_on(comparison, p_value=wanted.p_value, margin=wanted.margin, support=wanted.support)
            names = [model.source for model in models]
            table = comparison_text(comparison, *names, split)
            write_comparison(comparison, reports, *names, split)
            tracking.artifact(reports, "promotion")
            differences = comparison_metrics(comparison)
            tracking.metrics({f"promotion/{name}": value for name, value in differences.items()}, step=0)
        verdict = replace(verdict, reasons=(*verdict.reasons, *doubts))
        note_in_model(directory, {split: evaluation})
        card = model_card(directory, evaluation, split, settings(Card, config.card, "card"), verdict.reasons)
        tracking.artifact(write_model_card(directory, card))
        version = register(tracking, directory, wanted.name)
        tag_version(version, _tags(verdict, split, champion))
        if verdict.promoted:
            move_alias(wanted.alias, version, champion)
    return Promotion(version, champion, verdict, comparison, table)


def _read_champion(address: str, store: str, wanted: Promoting) -> ComparedModel:
    try:
        return read_model(address, store, wanted.batch_tokens)
    except ModelError as error:
        raise ScriptError(
            f"the {wanted.alias}, {address}, cannot be loaded to compare with: {error}\n"
            "Where it is of no use any more, take the alias from it, so that the next model is the first one: "
            f"mlflow.MlflowClient().delete_registered_model_alias({wanted.name!r}, {wanted.alias!r})"
        ) from error


def _tags(verdict: Verdict, split: str, champion: ModelVersion | None) -> dict[str, str]:
    return {
        "verdict": "promoted" if verdict.promoted else "not promoted",
        "verdict.reasons": "; ".join(verdict.reasons),
        "verdict.split": split,
        "verdict.compared_with": str(champion.version) if champion is not None else "none",
    }


def exported_model(run: str | None) -> Path:
    """Returns the model directory of a run's folder, or the one that is given.

    Raises:
        ScriptError: If there is none.
    """
    if not run:
        raise ScriptError("no model is named; give run=runs/NAME, or rollback=true to go back to the champion before")
    for directory in (Path(run) / PACKAGE, Path(run)):
        if (directory / "model.onnx").is_file():
            return directory
    raise ScriptError(
        f"{run} holds no exported model; export it first: python -m training.export model={Path(run) / 'model'}"
    )


def told(promotion: Promotion, name: str, alias: str) -> str:
    """Says in words what came of it."""
    number, reasons = promotion.version.version, "\n".join(f"  - {reason}" for reason in promotion.verdict.reasons)
    before = promotion.champion
    if promotion.verdict.promoted:
        place = f" in the place of version {before.version}" if before and before.version != number else ""
        return f"Version {number} of {name} is the {alias}{place}:\n{reasons}"
    stays = f"version {before.version} stays the {alias}" if before else f"there is no {alias}"
    return f"Version {number} of {name} is registered, but {stays}:\n{reasons}"


def _store(config: DictConfig) -> str:
    store = settings(Store, config.tracking, "tracking")
    if not store.enabled:
        raise ScriptError("models are registered in MLflow; leave tracking.enabled=false out")
    return str(store.uri)


@script("promote", CorpusError, NetworkError, AlignmentError, TrackingError, RegistryError)
def main(config: DictConfig) -> None:
    """Promotes a model or rolls back, and says what came of it; exit code 1 where the champion stays."""
    console = Console(soft_wrap=True, highlight=False, markup=False)
    wanted = settings_outside(GROUPS, Promoting, config)
    if wanted.rollback:
        mlflow.set_tracking_uri(_store(config))
        present, before = roll_back(wanted.name, wanted.alias)
        console.print(f"Version {before.version} of {wanted.name} is the {wanted.alias} again, not {present.version}")
        return
    promotion = promote(config)
    if promotion.table:
        console.print(promotion.table)
    console.print(told(promotion, wanted.name, wanted.alias))
    if not promotion.verdict.promoted:
        sys.exit(EXIT_NOT_PROMOTED)


if __name__ == "__main__":
    main()
