"""Measures a model on annotated articles: ``python -m training.evaluate model=runs/NAME/package``.

With ``models=[runs/A,runs/B]`` two models are compared on the same articles.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from omegaconf import DictConfig
from rich.console import Console

from hadath.document import Document
from hadath.model_directory import ModelConfig
from training.alignment import AlignmentError
from training.calibration import KINDS as SCORED_KINDS
from training.calibration import reliability, scored, write_trade_offs
from training.compare import GROUPS, compare_models
from training.corpus import CorpusError, read_corpus
from training.networks import NetworkError, load_tagger
from training.pictures import write_reliability
from training.prediction import tag_link_and_list
from training.report import Evaluation, report_text, write_report
from training.report import evaluate as measure
from training.script import ScriptError, script
from training.settings import Measurement, settings_outside
from training.tracking import Tracking, TrackingError, run_directory, tracked_run

log = logging.getLogger(__name__)


def evaluate(config: DictConfig) -> dict[str, Evaluation]:
    """Measures a model as configs/evaluate.yaml says, writes the reports and records them.

    Args:
        config: The composed configuration.

    Returns:
        The measurements, by split.

    Raises:
        CorpusError: If anything in the splits is wrong.
        AlignmentError: If the corpus has types that the model does not know.
        ModelError: If the model cannot be loaded.
        SettingsError: If a setting has a wrong name, type or value.
    """
    wanted = settings_outside(GROUPS, Measurement, config)
    directory = Path(str(wanted.model))
    output = Path(wanted.output_dir) if wanted.output_dir else directory.parent / "evaluation"
    tagger = load_tagger(directory, wanted.batch_tokens)
    corpus = read_corpus(**config.corpus, splits=wanted.splits)
    evaluations = {}
    with tracked_run(config.tracking, run_directory(directory, output)) as tracking:
        for split, gold in corpus.splits.items():
            found, linked, everything = tag_link_and_list(tagger, gold)
            evaluation = measure(
                gold, found, corpus.schema, linked=linked, replicates=wanted.replicates, seed=wanted.seed
            )
            title = f"{directory} on {split}: {len(gold)} articles"
            write_report(evaluation, output / split, title)
            tracking.metrics(_calibration(gold, found, output / split, split), step=0)
            write_trade_offs(gold, everything, output / split)
            _record(tracking, evaluation, split, output / split)
            Console().print(report_text(evaluation, title), markup=False, highlight=False, soft_wrap=True)
            evaluations[split] = evaluation
    if (directory / "model.onnx").is_file():
        note_in_model(directory, evaluations)
    log.info("Reports, errors and pictures are in %s", output)
    return evaluations


def _calibration(gold: Sequence[Document], found: Sequence[Document], reports: Path, split: str) -> dict[str, float]:
    """Draws how far scores mean what they say, and returns the expected calibration errors."""
    kinds = {kind: reliability(*scored(kind, gold, found)) for kind in SCORED_KINDS}
    filled = {kind: values for kind, values in kinds.items() if values.counts.any()}
    if filled:
        write_reliability(filled, reports / "reliability.png")
    return {f"{split}/{kind}/calibration_error": values.error for kind, values in filled.items()}


def _record(tracking: Tracking, evaluation: Evaluation, split: str, reports: Path) -> None:
    tracking.metrics({f"{split}/{name}": value for name, value in evaluation.to_dict().items()}, step=0)
    tracking.artifact(reports, f"evaluation/{split}")


def note_in_model(directory: Path, evaluations: dict[str, Evaluation]) -> None:
    """Keeps the figures with the model that they were measured on."""
    config = ModelConfig.read(directory)
    measured = {split: headline(evaluation) for split, evaluation in evaluations.items()}
    ModelConfig(**{**vars(config), "metrics": {**config.metrics, **measured}}).write(directory)


def headline(evaluation: Evaluation) -> dict[str, float | list[float]]:
    """Returns the scores that stand for the rest: micro F1 of all kinds, with intervals, and modality.

    Example:
        ``{"articles": 64, "entities/f1": 0.83, "entities/f1/interval": [0.81, 0.85], ...}``
    """
    scores = evaluation.metrics.to_dict()
    values: dict[str, float | list[float]] = {"articles": len(evaluation.documents)}
    for name in HEADLINE:
        if name in scores:
            values[name] = round(scores[name], 4)
            if name in evaluation.intervals:
                bounds = evaluation.intervals[name]
                values[f"{name}/interval"] = [round(bounds.low, 4), round(bounds.high, 4)]
    return values


HEADLINE = (
    "entities/f1",
    "entities/f1_macro",
    "events/f1",
    "events/f1_macro",
    "modality/accuracy",
    "modality/f1_macro",
    "arguments/f1",
    "arguments_untyped/f1",
    "arguments_given_spans/f1",
)


@script("evaluate", CorpusError, NetworkError, AlignmentError, TrackingError)
def main(config: DictConfig) -> None:
    """Measures a model, or compares two, and prints the report."""
    if config.models:
        compare_models(config)
    elif config.model:
        evaluate(config)
    else:
        raise ScriptError("no model is named; give model=runs/NAME/package, or two to compare: models=[runs/A,runs/B]")


if __name__ == "__main__":
    main()
