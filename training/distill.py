"""Teaches an encoder what trained taggers say of unlabelled text: ``python -m training.distill``."""

from __future__ import annotations

import json
import logging
import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from omegaconf import DictConfig
from rich.console import Console
from transformers import set_seed

from hadath.document import Document
from hadath.model_directory import load
from hadath.reading import Windowing
from hadath.schema import Schema
from hadath.tagger import Tagger
from hadath.tokens import WordTokenizer
from training.corpus import Corpus, CorpusError, fingerprint, read_corpus
from training.encoders import EncoderError, configured_encoder, save_encoder
from training.finetune import training_arguments
from training.heads import head_specs
from training.memory import keep_freed_memory
from training.metrics import selection_scores
from training.model import JointTagger, new_tagger
from training.model_sources import articles_seen_by
from training.optimization import make_deterministic, uses_bfloat16
from training.prediction import torch_tagger
from training.pretraining.texts import Reading, excluded_articles, read_texts
from training.progress import EpochLines
from training.provenance import git_state, provenance, write_provenance
from training.resumption import (
    CHECKPOINTS,
    CONFIG,
    NETWORK,
    check_same_articles,
    checkpoint_with_settings,
    early_stopping,
    keep_settings,
)
from training.script import ScriptError, script
from training.seen_articles import seen_articles, write_seen_articles
from training.settings import Distillation, Encoder, Optimization, Store, settings, settings_outside
from training.soft_labels import DistillingTrainer, SoftCollator, richest_in_events, soft_windows
from training.tracking import TrackingCallback, TrackingError, plain, tracked_run

log = logging.getLogger(__name__)

ENCODER = "encoder"

GROUPS = ("corpus", "encoder", "heads", "optimization", "tracking", "windowing")


@dataclass(frozen=True)
class Distilled:
    """What learning from taggers gives.

    Attributes:
        directory: The output directory: the network in ``model/``, its encoder in ``encoder/``.
        scores: The student's scores on the dev articles, on which it learnt nothing.
        run_id: The MLflow run; None where tracking is off.
    """

    directory: Path
    scores: dict[str, float]
    run_id: str | None


def distill(config: DictConfig) -> Distilled:
    """Teaches an encoder as configs/distill.yaml says.

    Args:
        config: The composed configuration.

    Returns:
        Where the student is, and its scores on dev.

    Raises:
        CorpusError: If anything in the corpus is wrong.
        EncoderError: If the encoder cannot be loaded.
        InputError: If text cannot be read.
        ModelError: If a teacher cannot be loaded.
        SettingsError: If a setting has a wrong name, type or value.
        TrackingError: If the run cannot be recorded.
        ScriptError: If a teacher knows other types, there is no text, there is nothing to resume, or settings or
            articles are not those of the training to resume.
    """
    keep_freed_memory()
    chosen = settings_outside(GROUPS, Distillation, config)
    optimization = settings(Optimization, config.optimization, "optimization")
    windowing = Windowing.from_dict(vars(settings(Windowing, config.windowing, "windowing")))
    output = Path(chosen.output_dir)
    checkpoint = checkpoint_with_settings(config, output, chosen.resume)
    corpus = read_corpus(**config.corpus, splits=("train", "dev"))
    annotated = fingerprint(corpus.documents)
    if checkpoint is not None:
        check_same_articles(annotated, output)
    teachers = [_teacher(directory, corpus.schema) for directory in chosen.teachers]
    set_seed(chosen.seed)
    if chosen.deterministic:
        make_deterministic()
    model, words, tokenizer_source = _student(config, optimization, windowing, corpus)
    texts = chosen_texts(chosen, corpus)
    windows = soft_windows(texts, teachers, words, windowing, model.specs)
    log.info("%s windows of %s articles", f"{len(windows):,}", f"{len(texts):,}")
    bfloat16 = uses_bfloat16(optimization.precision)
    arguments = training_arguments(optimization, output / CHECKPOINTS, bfloat16, chosen.seed)
    stopping = early_stopping(optimization.patience, checkpoint, arguments)
    with tracked_run(config.tracking, output) as tracking, EpochLines(Console(stderr=True)) as shown:
        if checkpoint is None:
            keep_settings(config, output, annotated)
        tracking.parameters(plain(config))
        tracking.artifact(output / CONFIG)
        tracking.tags({"encoder": config.encoder.source, "teachers": ", ".join(chosen.teachers), **git_state()})
        trainer = DistillingTrainer(
            model=model,
            args=arguments,
            train_dataset=windows,
            data_collator=SoftCollator(words.pad_id, list(model.specs), windowing.max_length),
            tagger=torch_tagger(model, words, bfloat16=bfloat16),
            dev_documents=corpus.splits["dev"],
            score=lambda gold, found, linked: selection_scores(gold, found, corpus.schema, linked),
            layer_decay=optimization.layer_decay,
            head_factor=optimization.head_factor,
            callbacks=[stopping, TrackingCallback(tracking), shown],
        )
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
        scores = trainer.dev_scores()
        tracking.metrics({f"best/{name}": value for name, value in scores.items()}, step=trainer.state.global_step)
        save_encoder(model.encoder, tokenizer_source, output / ENCODER)
        model.save_pretrained(output / NETWORK)
        (output / NETWORK / "tokenizer.json").write_bytes((output / ENCODER / "tokenizer.json").read_bytes())
        origin = provenance(
            encoder=tokenizer_source,
            corpus_fingerprint=annotated,
            articles={"unlabelled": len(texts)},
            seed=chosen.seed,
            run_id=tracking.run_id,
        )
        write_seen_articles(output / NETWORK, _seen(config, texts, corpus, chosen.teachers))
        write_provenance(output / NETWORK, {**origin, "teachers": list(chosen.teachers)})
    return Distilled(output, scores, tracking.run_id)


def _teacher(directory: str, schema: Schema) -> Tagger:
    tagger = load(directory)
    if tagger.schema.entity_types != schema.entity_types or tagger.schema.event_types != schema.event_types:
        raise ScriptError(
            f"the teacher {directory} knows other types than the corpus; teach with a model that was trained on it"
        )
    return tagger


def _seen(config: DictConfig, texts: Sequence[str], corpus: Corpus, teachers: Sequence[str]) -> dict[str, str]:
    """What the student has seen: what it learnt from and was chosen by, and what its teachers had learnt from."""
    store = settings(Store, config.tracking, "tracking").uri
    return seen_articles(
        map(Document, texts), corpus.splits["dev"], [articles_seen_by(Path(directory), store) for directory in teachers]
    )


def _student(
    config: DictConfig, optimization: Optimization, windowing: Windowing, corpus: Corpus
) -> tuple[JointTagger, WordTokenizer, str]:
    wanted = settings(Encoder, config.encoder, "encoder")
    encoder, tokenizer = configured_encoder(wanted, windowing.max_length)
    words = WordTokenizer(tokenizer, windowing.pieces_per_word)
    model = new_tagger(
        encoder,
        corpus.schema,
        # what a teacher says of pairs depends on its own spans
        {name: spec for name, spec in head_specs(config.heads).items() if spec.kind != "arguments"},
        windowing=asdict(windowing),
        input_masking=optimization.input_masking,
        mask_id=words.mask_id,
    )
    return model, words, wanted.source


def chosen_texts(chosen: Distillation, corpus: Corpus) -> list[str]:
    """Returns the articles to learn from, in an order of chance.

    Raises:
        InputError: If text cannot be read.
        ScriptError: If there is none.
    """
    reading = Reading()
    texts = list(read_texts(chosen.texts, chosen.text_column, excluded_articles(chosen.exclude), reading))
    log.info("Articles: %s", reading)
    if not texts:
        raise ScriptError(f"no article to learn from in {', '.join(chosen.texts)}; give other texts, or exclude less")
    draw = random.Random(chosen.seed)
    rich = richest_in_events(texts, corpus.splits["train"], round(chosen.event_share * chosen.articles))
    others = sorted(set(texts) - set(rich))
    taken = rich + draw.sample(others, min(len(others), chosen.articles - len(rich)))
    draw.shuffle(taken)
    return taken


@script("distill", CorpusError, EncoderError, TrackingError)
def main(config: DictConfig) -> float:
    """Teaches, and tells where the student is."""
    result = distill(config)
    log.info("Dev: %s", json.dumps({name: round(score, 4) for name, score in result.scores.items()}))
    log.info("Fine-tune it with encoder.source=%s, or start_from=%s", result.directory / ENCODER, result.directory)
    return result.scores["mean_f1"]


if __name__ == "__main__":
    main()
