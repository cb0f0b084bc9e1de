"""Fine-tunes an Arabic encoder for entities, events, modality and arguments: ``python -m training.finetune``."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from omegaconf import DictConfig
from rich.console import Console
from tokenizers import Tokenizer
from transformers import TrainerCallback, TrainingArguments, set_seed

from hadath.reading import Windowing
from hadath.tokens import WordTokenizer
from training.corpus import Corpus, CorpusError, fingerprint, read_corpus
from training.encoders import EncoderError, configured_encoder
from training.features import WindowCollator, label_counts, training_windows
from training.heads import head_specs
from training.memory import keep_freed_memory
from training.metrics import selection_scores
from training.model import JointTagger, new_tagger
from training.model_sources import NETWORK_ARTIFACT, network_directory
from training.networks import NetworkError
from training.optimization import make_deterministic, uses_bfloat16
from training.prediction import torch_tagger
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
from training.script import script
from training.seen_articles import read_seen_articles, seen_articles, write_seen_articles
from training.settings import Encoder, Optimization, Run, Store, settings, settings_outside
from training.starting_point import StartingPoint, continued_tagger, read_starting_point
from training.sweeps.sweep import sweep
from training.tracking import TrackingCallback, TrackingError, plain, tracked_run
from training.trainer import TaggerTrainer

log = logging.getLogger(__name__)

SELECTED_BY = "mean_f1"

STARTING_POINT = "start_from"
"""Folder of the output directory that holds, while it trains, the network of MLflow that it goes on from."""

GROUPS = ("corpus", "encoder", "heads", "optimization", "tracking", "windowing", "sweep")
"""The configuration's parts that have settings of their own."""


@dataclass(frozen=True)
class Finetuned:
    """What a fine-tuning gives.

    Attributes:
        model: The network, with the weights that were best on dev.
        directory: Where it was saved.
        scores: Its scores on dev.
        run_id: The MLflow run; None where tracking is off.
    """

    model: JointTagger
    directory: Path
    scores: dict[str, float]
    run_id: str | None


def finetune(config: DictConfig, callbacks: Sequence[TrainerCallback] = ()) -> Finetuned:
    """Fine-tunes an encoder as configs/finetune.yaml says.

    Args:
        config: The composed configuration.
        callbacks: Further callbacks of the Trainer.

    Returns:
        The network and its scores on dev.

    Raises:
        CorpusError: If anything in the corpus is wrong; nothing is trained then.
        EncoderError: If the encoder cannot be loaded.
        NetworkError: If the trained network to go on from cannot be found or loaded.
        SettingsError: If a setting has a wrong name, type or value.
        ModelError: If the windows cannot be used.
        TrackingError: If the run cannot be recorded.
        ScriptError: If there is nothing to resume, settings or articles are not those of the training to resume, or
            the output directory already holds a training.
    """
    keep_freed_memory()
    run = settings_outside(GROUPS, Run, config)
    optimization = settings(Optimization, config.optimization, "optimization")
    windowing = Windowing.from_dict(vars(settings(Windowing, config.windowing, "windowing")))
    output = Path(run.output_dir)
    checkpoint = checkpoint_with_settings(config, output, run.resume)
    if checkpoint is None:
        # of a training that was interrupted before its first checkpoint
        shutil.rmtree(output / STARTING_POINT, ignore_errors=True)
    corpus = read_corpus(**config.corpus, splits=("train", "dev"))
    train, dev = (corpus.splits[split][: run.article_limit] for split in ("train", "dev"))
    learnt_from = fingerprint([*train, *dev])
    if checkpoint is not None:
        check_same_articles(learnt_from, output)
    set_seed(run.seed)
    if run.deterministic:
        make_deterministic()
    start = None if run.start_from is None else _starting_point(config, run.start_from, windowing, output)
    model, tokenizer = _build(config, optimization, windowing, corpus, start)
    words = WordTokenizer(tokenizer, windowing.pieces_per_word)
    windows = training_windows(train, words, windowing, corpus.schema, model.specs)
    model.balance_labels(label_counts(windows, corpus.schema, model.specs))
    bfloat16 = uses_bfloat16(optimization.precision)
    arguments = training_arguments(optimization, output / CHECKPOINTS, bfloat16, run.seed)
    stopping = early_stopping(optimization.patience, checkpoint, arguments)
    with tracked_run(config.tracking, output) as tracking, EpochLines(Console(stderr=True)) as shown:
        if checkpoint is None:
            keep_settings(config, output, learnt_from)
        tracking.parameters(plain(config))
        tracking.artifact(output / CONFIG)
        encoder = config.encoder.source if start is None else start.encoder
        tracking.tags({"corpus.fingerprint": learnt_from, "encoder": encoder, **git_state()})
        if start is not None:
            tracking.tags({f"started_from.{name}": str(value) for name, value in start.origin().items()})
        trainer = TaggerTrainer(
            model=model,
            args=arguments,
            train_dataset=windows,
            data_collator=WindowCollator(words.pad_id, list(model.specs), windowing.max_length),
            tagger=torch_tagger(model, words, bfloat16=bfloat16),
            dev_documents=dev,
            score=lambda gold, found, linked: selection_scores(gold, found, corpus.schema, linked),
            layer_decay=optimization.layer_decay,
            head_factor=optimization.head_factor,
            callbacks=[stopping, TrackingCallback(tracking), shown, *callbacks],
        )
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
        scores = trainer.dev_scores()
        tracking.metrics({f"best/{name}": value for name, value in scores.items()}, step=trainer.state.global_step)

        directory = output / NETWORK
        model.save_pretrained(directory)
        tokenizer.save(str(directory / "tokenizer.json"))
        origin = provenance(
            encoder=encoder,
            corpus_fingerprint=learnt_from,
            articles={"train": len(train), "dev": len(dev)},
            seed=run.seed,
            run_id=tracking.run_id,
            started_from=None if start is None else start.origin(),
        )
        before = [] if start is None else [read_seen_articles(start.directory)]
        tracking.artifact(write_seen_articles(directory, seen_articles(train, dev, before)))
        write_provenance(directory, origin)
        if run.log_network:
            tracking.artifact(directory, NETWORK_ARTIFACT)
    shutil.rmtree(output / STARTING_POINT, ignore_errors=True)
    return Finetuned(model, directory, scores, tracking.run_id)


def _starting_point(config: DictConfig, source: str, windowing: Windowing, output: Path) -> StartingPoint:
    directory = network_directory(source, settings(Store, config.tracking, "tracking").uri, output / STARTING_POINT)
    return read_starting_point(source, directory, settings(Encoder, config.encoder, "encoder"), windowing)


def _build(
    config: DictConfig,
    optimization: Optimization,
    windowing: Windowing,
    corpus: Corpus,
    start: StartingPoint | None,
) -> tuple[JointTagger, Tokenizer]:
    wanted, heads = settings(Encoder, config.encoder, "encoder"), head_specs(config.heads)
    shared = {"windowing": asdict(windowing), "input_masking": optimization.input_masking}
    if start is not None:
        mask = WordTokenizer(start.tokenizer).mask_id
        model, fresh = continued_tagger(start, corpus.schema, heads, **shared, mask_id=mask)
        kept = [name for name in model.heads if name not in fresh]
        log.info(
            "Going on from %s: its encoder (%s), its heads %s", start.source, start.encoder, ", ".join(kept) or "-"
        )
        for name, reason in fresh.items():
            log.info("  the head %s starts fresh: %s", name, reason)
        return model, start.tokenizer
    encoder, tokenizer = configured_encoder(wanted, windowing.max_length)
    mask = WordTokenizer(tokenizer).mask_id
    return new_tagger(encoder, corpus.schema, heads, **shared, mask_id=mask), tokenizer


def training_arguments(optimization: Optimization, checkpoints: Path, bfloat16: bool, seed: int) -> TrainingArguments:
    """Returns what the Trainer is told of the settings of training."""
    return TrainingArguments(
        output_dir=str(checkpoints),
        num_train_epochs=optimization.epochs,
        per_device_train_batch_size=optimization.batch_size,
        gradient_accumulation_steps=optimization.accumulate,
        learning_rate=optimization.learning_rate,
        weight_decay=optimization.weight_decay,
        warmup_steps=optimization.warmup,
        lr_scheduler_type=optimization.schedule,
        max_grad_norm=optimization.max_grad_norm,
        bf16=bfloat16,
        use_cpu=not torch.cuda.is_available(),
        train_sampling_strategy="group_by_length",
        eval_strategy="epoch",
        save_strategy="epoch",
        save_total_limit=2,
        load_best_model_at_end=True,
        metric_for_best_model=SELECTED_BY,
        greater_is_better=True,
        logging_steps=optimization.log_steps,
        seed=seed,
        remove_unused_columns=False,
        report_to=[],
        disable_tqdm=True,
    )


@script("finetune", CorpusError, EncoderError, NetworkError, TrackingError)
def main(config: DictConfig) -> float:
    """Fine-tunes, tells where the network is, and returns the dev score; with a ``sweep`` the best of many."""
    if config.get("sweep") is not None:
        return max(each.scores[SELECTED_BY] for each in sweep(config, SELECTED_BY))
    result = finetune(config)
    log.info("Dev: %s", json.dumps({name: round(score, 4) for name, score in result.scores.items()}))
    log.info("The network is in %s", result.directory)
    return result.scores[SELECTED_BY]


if __name__ == "__main__":
    main()
