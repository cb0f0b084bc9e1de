"""Goes on pretraining an encoder on unlabelled text: ``python -m training.pretrain texts=[news.txt.xz]``."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from omegaconf import DictConfig
from transformers import TrainingArguments, set_seed

from hadath.tokens import WordTokenizer
from training.encoders import EncoderError, configured_encoder, save_encoder
from training.memory import keep_freed_memory
from training.optimization import uses_bfloat16
from training.pretraining.masked_lm import MaskedLM, WordMasking
from training.pretraining.packing import Packed, pack
from training.pretraining.texts import Reading, excluded_articles, read_texts
from training.pretraining.throughput import matrix_rate, operations_per_subword
from training.pretraining.trainer import PretrainingTrainer, StepLines, TimeLimit
from training.provenance import git_state
from training.resumption import CHECKPOINTS, CONFIG, checkpoint_with_settings, different_settings, keep_settings
from training.script import ScriptError, script
from training.settings import Encoder, Pretraining, settings, settings_outside
from training.tracking import Tracking, TrackingCallback, TrackingError, plain, tracked_run

log = logging.getLogger(__name__)

PACKED, ENCODER = "packed.npy", "encoder"

GROUPS = ("encoder", "tracking")


@dataclass(frozen=True)
class Pretrained:
    """What a pretraining gives.

    Attributes:
        directory: The encoder's, to fine-tune from; None where the time was over before the last step.
        loss: On held-out text, in nats for a hidden subword.
        run_id: The MLflow run; None where tracking is off.
    """

    directory: Path | None
    loss: float
    run_id: str | None


def pretrain(config: DictConfig) -> Pretrained:
    """Pretrains an encoder as configs/pretrain.yaml says.

    Args:
        config: The composed configuration.

    Returns:
        Where the encoder is, and its loss on held-out text.

    Raises:
        InputError: If text cannot be read.
        EncoderError: If the encoder cannot be loaded.
        SettingsError: If a setting has a wrong name, type or value.
        TrackingError: If the run cannot be recorded.
        ScriptError: If the text fills too few rows, there is nothing to resume, the settings are not those of the
            training to resume, or the output directory already holds a training.
    """
    keep_freed_memory()
    chosen = settings_outside(GROUPS, Pretraining, config)
    wanted = settings(Encoder, config.encoder, "encoder")
    output = Path(chosen.output_dir)
    checkpoint = checkpoint_with_settings(config, output, chosen.resume)
    set_seed(chosen.seed)
    encoder, tokenizer = configured_encoder(wanted, chosen.length)
    words = WordTokenizer(tokenizer)
    if words.mask_id is None:
        raise EncoderError(f"the tokenizer of {wanted.source!r} has no mask subword ([MASK] or <mask>): choose another")
    if checkpoint is None:
        if (output / CONFIG).is_file() and different_settings(config, output / CONFIG):
            # packed for a training that was interrupted before its first checkpoint
            (output / PACKED).unlink(missing_ok=True)
        keep_settings(config, output)
    train, held_out = split_rows(packed_rows(chosen, words, output), chosen.held_out, chosen.seed)
    bfloat16 = uses_bfloat16(chosen.precision)
    arguments = training_arguments(chosen, output / CHECKPOINTS, bfloat16)
    limit = TimeLimit(chosen.max_minutes)
    with tracked_run(config.tracking, output) as tracking:
        _record(tracking, config, output, train)
        model = MaskedLM(encoder)
        if chosen.compile:
            encoder.compile()
        trainer = PretrainingTrainer(
            model=model,
            args=arguments,
            train_dataset=train,
            data_collator=WordMasking(chosen.masking, words.mask_id, words.vocabulary_size, chosen.seed),
            held_out=held_out,
            short_length=chosen.short_length,
            short_share=chosen.short_share,
            operations=operations_per_subword(encoder, chosen.length, chosen.masking),
            rate=matrix_rate(arguments.device, torch.bfloat16 if bfloat16 else torch.float32),
            callbacks=[TrackingCallback(tracking), StepLines(log.info), limit],
        )
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
        loss = trainer.evaluate()["eval_loss"]
        directory = None if limit.reached else output / ENCODER
        if directory is not None:
            save_encoder(encoder, wanted.source, directory)
    return Pretrained(directory, loss, tracking.run_id)


def packed_rows(chosen: Pretraining, words: WordTokenizer, output: Path) -> Packed:
    """Returns the text's rows; those that an interrupted run of the same settings has packed are used again."""
    path = output / PACKED
    if not path.is_file():
        reading = Reading()
        texts = read_texts(chosen.texts, chosen.text_column, excluded_articles(chosen.exclude), reading)
        pack(texts, words, chosen.length).save(path)
        log.info("Articles: %s", reading)
    packed = Packed.load(path)
    if len(packed) < 2 * chosen.batch_rows:
        raise ScriptError(
            f"the text fills {len(packed)} rows of {chosen.length} subwords, but an update takes "
            f"batch_rows={chosen.batch_rows}; give more text or set batch_rows to {max(1, len(packed) // 4)}"
        )
    log.info("%s rows of %d subwords", f"{len(packed):,}", chosen.length)
    return packed


def split_rows(packed: Packed, held_out: float, seed: int) -> tuple[Packed, Packed]:
    """Returns the rows to train on and the rows to measure on; the same ones for the same seed."""
    count = max(1, round(held_out * len(packed)))
    order = np.random.default_rng(seed).permutation(len(packed))
    return Packed(packed.rows[np.sort(order[count:])]), Packed(packed.rows[np.sort(order[:count])])


def training_arguments(chosen: Pretraining, checkpoints: Path, bfloat16: bool) -> TrainingArguments:
    """Returns what the Trainer is told of the settings."""
    return TrainingArguments(
        output_dir=str(checkpoints),
        num_train_epochs=chosen.epochs,
        max_steps=chosen.max_steps or -1,
        per_device_train_batch_size=chosen.device_rows,
        per_device_eval_batch_size=chosen.device_rows,
        gradient_accumulation_steps=chosen.batch_rows // chosen.device_rows,
        learning_rate=chosen.learning_rate,
        weight_decay=chosen.weight_decay,
        adam_beta2=0.98,
        warmup_steps=chosen.warmup,
        lr_scheduler_type="linear",
        max_grad_norm=chosen.max_grad_norm,
        bf16=bfloat16,
        use_cpu=not torch.cuda.is_available(),
        dataloader_num_workers=chosen.workers,
        dataloader_drop_last=True,
        eval_strategy="steps",
        eval_steps=chosen.eval_steps,
        save_strategy="steps",
        save_steps=chosen.eval_steps,
        save_total_limit=2,
        logging_steps=chosen.log_steps,
        seed=chosen.seed,
        remove_unused_columns=False,
        report_to=[],
        disable_tqdm=True,
    )


def _record(tracking: Tracking, config: DictConfig, output: Path, train: Packed) -> None:
    tracking.parameters(plain(config))
    tracking.artifact(output / CONFIG)
    tracking.tags({"encoder": config.encoder.source, "pretraining.subwords": str(train.rows.size), **git_state()})


@script("pretrain", EncoderError, TrackingError)
def main(config: DictConfig) -> float:
    """Pretrains, tells where the encoder is, and returns the held-out loss."""
    result = pretrain(config)
    log.info("Held-out loss %.3f", result.loss)
    if result.directory is None:
        log.info("The time is over; go on with the same command and output_dir=%s resume=true", config.output_dir)
    else:
        log.info("The encoder is in %s; fine-tune it with encoder.source=%s", result.directory, result.directory)
    return result.loss


if __name__ == "__main__":
    main()
