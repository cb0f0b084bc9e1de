"""Simulates annotation, to see what choosing articles is worth: ``python -m training.learning_curve``."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from hydra import compose
from omegaconf import DictConfig, OmegaConf
from rich.console import Console

from hadath.reading import Windowing
from training.annotations.suggestions.beliefs import Belief
from training.annotations.suggestions.strategies import STRATEGIES, Strategy, choose, type_weights
from training.corpus import Corpus, CorpusError, fingerprint, read_corpus
from training.encoders import EncoderError, load_encoder
from training.learning_curves.curves import SHARES, Point, curve, full_score, paired_difference, reached
from training.learning_curves.finetuned import FinetunedLearner
from training.learning_curves.frozen import Frozen, FrozenLearner
from training.learning_curves.learners import SCORE, Learner
from training.learning_curves.report import curves_text, write_curves, write_picture
from training.learning_curves.rounds import FILE, Plan, Round, rounds
from training.networks import NetworkError
from training.provenance import git_state
from training.resumption import CONFIG, check_same_settings
from training.script import ScriptError, script
from training.settings import Encoder, SettingsError, settings, settings_outside
from training.tracking import Tracking, TrackingError, plain, tracked_run

log = logging.getLogger(__name__)

LEARNERS = ("frozen", "finetune")

BASELINE = "random"

FEATURES = "features.safetensors"
"""File of the output directory in which learner=frozen keeps the encoder's features."""


@dataclass
class Simulation:
    """The settings outside of all groups; each is explained in configs/learning_curve.yaml."""

    learner: str
    strategies: list[str]
    seeds: list[int]
    start: int
    step: int
    most: int | None
    per_word: bool
    rarity: float
    finetune: list[str]
    output_dir: str
    resume: bool

    def __post_init__(self) -> None:
        if self.learner not in LEARNERS:
            raise ValueError(f"learner is {self.learner}; expected one of {', '.join(LEARNERS)}")
        for name in ("strategies", "seeds"):
            values = getattr(self, name)
            if not values or len(set(values)) < len(values):
                raise ValueError(f"{name} is {list(values)}; expected at least one, each once")
        if BASELINE not in self.strategies or set(self.strategies) - set(STRATEGIES):
            raise ValueError(f"strategies is {list(self.strategies)}; expected {BASELINE} and others of {STRATEGIES}")
        if self.start < 1 or self.step < 1:
            raise ValueError(f"start is {self.start} and step {self.step}; expected numbers above 0")


@dataclass(frozen=True)
class LearningCurves:
    """What a simulation gave.

    Attributes:
        rounds: All rounds.
        curves: The curve of each strategy.
        full: Mean score with all articles; None where ``most`` ended the simulation before.
        directory: Where it is written.
    """

    rounds: Sequence[Round]
    curves: dict[str, list[Point]]
    full: float | None
    directory: Path


def learning_curves(config: DictConfig) -> LearningCurves:
    """Simulates annotation as configs/learning_curve.yaml says.

    Args:
        config: The composed configuration.

    Returns:
        The curves.

    Raises:
        CorpusError: If anything in the corpus is wrong.
        EncoderError: If the encoder cannot be loaded.
        SettingsError: If a setting has a wrong name, type or value.
        TrackingError: If the run cannot be recorded.
        ScriptError: If the output directory holds a simulation that nobody wants to resume, or another one.
    """
    groups = ("corpus", "encoder", "windowing", "tracking", "frozen")
    wanted = settings_outside(groups, Simulation, config)
    output = Path(wanted.output_dir)
    if (output / CONFIG).is_file():
        if not wanted.resume:
            raise ScriptError(
                f"{output} already holds a simulation; add resume=true to go on with it, or give another output_dir"
            )
        check_same_settings(config, output)
    corpus = read_corpus(**config.corpus, splits=("train", "dev"))
    pool = corpus.splits["train"]
    if wanted.start > len(pool):
        raise SettingsError(f"start is {wanted.start}; expected at most {len(pool)}, the articles of the train split")
    output.mkdir(parents=True, exist_ok=True)
    if not (output / CONFIG).is_file():
        OmegaConf.save(config, output / CONFIG, resolve=True)
    names = [str(document.id) for document in pool]
    lengths = [len(document.text.split()) for document in pool]
    plan = Plan(
        {name: partial(_chosen, corpus, Strategy(name, wanted.per_word, wanted.rarity)) for name in wanted.strategies},
        wanted.seeds,
        wanted.start,
        wanted.step,
        wanted.most,
    )
    found: list[Round] = []
    with tracked_run(config.tracking, output) as tracking:
        tracking.parameters(plain(config))
        tracking.tags({"corpus.fingerprint": fingerprint(corpus.documents), **git_state()})
        learner = _learner(wanted, config, corpus, output)
        begun = time.perf_counter()
        for each in rounds(plan, learner, names, lengths, output / FILE):
            found.append(each)
            log.info(
                "%s, seed %d: %d articles, %s %.4f (%.0f s)",
                each.strategy, each.seed, len(each.articles), SCORE, each.scores[SCORE], time.perf_counter() - begun,
            )  # fmt: skip
            tracking.metrics({f"{each.strategy}/seed-{each.seed}/{SCORE}": each.scores[SCORE]}, len(each.articles))
        curves = {name: curve(found, name, SCORE) for name in wanted.strategies}
        full = full_score(list(curves.values()), len(pool))
        _record(tracking, found, curves, full, output)
    return LearningCurves(found, curves, full, output)


def _chosen(
    corpus: Corpus, how: Strategy, beliefs: Sequence[Belief], count: int, annotated: Sequence[int], seed: int
) -> list[int]:
    support = Counter(event.type for place in annotated for event in corpus.splits["train"][place].events)
    weights = type_weights([support[name] for name in corpus.schema.event_types], how.rarity)
    return [choice.index for choice in choose(beliefs, count, how, weights, seed)]


def _learner(wanted: Simulation, config: DictConfig, corpus: Corpus, output: Path) -> Learner:
    if wanted.learner == "finetune":
        own = compose("finetune", wanted.finetune)
        own.corpus, own.tracking = config.corpus, config.tracking
        return FinetunedLearner(corpus, own, output)
    how = settings(Frozen, config.frozen, "frozen")
    source = settings(Encoder, config.encoder, "encoder").source
    windowing = Windowing.from_dict(vars(settings(Windowing, config.windowing, "windowing")))
    encoder, tokenizer = load_encoder(
        source, hidden_dropout=0.0, attention_dropout=0.0, max_length=windowing.max_length
    )
    splits = (corpus.splits["train"], corpus.splits["dev"])
    try:
        return FrozenLearner(*splits, corpus.schema, encoder, tokenizer, windowing, how, output / FEATURES)
    except ValueError as error:
        raise SettingsError(f"frozen.{error}") from error


def _record(
    tracking: Tracking, found: Sequence[Round], curves: dict[str, list[Point]], full: float | None, output: Path
) -> None:
    for name, points in curves.items():
        for point in points:
            tracking.metrics(
                {f"{name}/mean/{SCORE}": point.mean, f"{name}/sd/{SCORE}": point.deviation}, point.articles
            )
        for share in SHARES if full is not None else ():
            needed = reached(points, full, share)
            if needed.articles is not None and needed.words is not None:
                end = f"to_{100 * share:.0f}_percent"
                values = {f"{name}/articles_{end}": needed.articles, f"{name}/words_{end}": needed.words}
                tracking.metrics(values, step=0)
    tracking.artifact(write_curves(curves, output / "learning_curve.csv"))
    tracking.artifact(write_picture(curves, full, "event F1 on dev (strict)", output / "learning_curve.png"))
    tracking.artifact(output / FILE)


@script("learning_curve", CorpusError, EncoderError, NetworkError, TrackingError)
def main(config: DictConfig) -> None:
    """Simulates annotation, and tells how many articles each strategy needs."""
    result = learning_curves(config)
    lines = [curves_text(result.curves, result.full, BASELINE)]
    for name in result.curves:
        difference = paired_difference(result.rounds, name, BASELINE, SCORE) if name != BASELINE else None
        if difference is not None:
            lines.append(f"{name} against {BASELINE}, mean over all rounds: {difference[0]:+.4f} ± {difference[1]:.4f}")
    Console(soft_wrap=True).print("\n".join(lines), markup=False, highlight=False)
    log.info("Curves, picture and all rounds are in %s", result.directory)


if __name__ == "__main__":
    main()
