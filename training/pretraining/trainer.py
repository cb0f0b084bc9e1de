"""The Hugging Face Trainer, told how an encoder learns from unlabelled text."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn
from torch.optim import AdamW, Optimizer
from torch.utils.data import DataLoader
from transformers import PrinterCallback, ProgressCallback, Trainer, TrainerCallback, TrainingArguments

from training.optimization import parameter_groups
from training.pretraining.masked_lm import WordMasking, shortened
from training.pretraining.packing import Packed


class PretrainingTrainer(Trainer):  # type: ignore[misc]
    """Trains a ``MaskedLM``; judges it by held-out text.

    Args:
        *args: As of ``Trainer``.
        held_out: Rows that are never trained on; the same words of them are hidden each time.
        short_length: Subwords in a row in the first steps; must divide the length of the rows.
        short_share: Share of the steps with short rows.
        operations: Floating-point operations of training for a subword.
        rate: What the machine makes in a second, measured.
        **kwargs: As of ``Trainer``.
    """

    def __init__(
        self,
        *args: Any,
        held_out: Packed,
        short_length: int,
        short_share: float,
        operations: float,
        rate: float,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, eval_dataset=held_out, **kwargs)
        for talkative in (PrinterCallback, ProgressCallback):
            self.remove_callback(talkative)
        self.short_length = short_length
        self.short_share = short_share
        self.operations = operations
        self.rate = rate
        self._measured = (-1, math.nan)
        self._subwords = 0
        self._since = time.perf_counter()

    def create_optimizer(self, model: Any = None) -> Optimizer:
        """Returns AdamW at one rate, biases and norms not decayed."""
        if self.optimizer is None:
            groups = parameter_groups(
                self.model,
                learning_rate=self.args.learning_rate,
                layer_decay=1.0,
                head_factor=1.0,
                weight_decay=self.args.weight_decay,
            )
            self.optimizer = AdamW(groups, betas=(self.args.adam_beta1, self.args.adam_beta2), fused=True)
        return self.optimizer

    def training_step(self, model: nn.Module, inputs: dict[str, Any], *args: Any, **kwargs: Any) -> torch.Tensor:
        """Trains on a batch, in short rows at first."""
        self._subwords += inputs["input_ids"].numel()
        if self.state.global_step < self.short_share * self.state.max_steps:
            inputs = shortened(inputs, self.short_length)
        loss: torch.Tensor = super().training_step(model, inputs, *args, **kwargs)
        return loss

    def log(self, logs: dict[str, float], *args: Any, **kwargs: Any) -> None:
        """Logs with the throughput since the last line, and its share of what the machine can do."""
        if "loss" in logs:
            now = time.perf_counter()
            speed = self._subwords / (now - self._since)
            self._subwords, self._since = 0, now
            logs = {**logs, "subwords_per_second": speed, "mfu": speed * self.operations / self.rate}
        super().log(logs, *args, **kwargs)

    def evaluate(
        self, eval_dataset: Any = None, ignore_keys: Any = None, metric_key_prefix: str = "eval"
    ) -> dict[str, float]:
        """Returns the loss on held-out text, in nats for a hidden subword, and the perplexity."""
        started = time.perf_counter()
        if self._measured[0] == self.state.global_step:
            return {f"{metric_key_prefix}_loss": self._measured[1]}
        loss = held_out_loss(self.model, self.eval_dataset, self.data_collator, self.args)
        self._measured = (self.state.global_step, loss)
        metrics = {
            f"{metric_key_prefix}_loss": loss,
            f"{metric_key_prefix}_perplexity": math.exp(min(loss, 50.0)),
        }
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        # the time it took is not the training's
        self._since += time.perf_counter() - started
        return metrics


def held_out_loss(model: nn.Module, rows: Packed, masking: WordMasking, arguments: TrainingArguments) -> float:
    """Returns the mean loss over the hidden subwords of rows.

    Args:
        model: A ``MaskedLM``; put back into the mode it was in.
        rows: The rows.
        masking: Hides words.
        arguments: The Trainer's: batch size, device and precision.
    """
    training = model.training
    model.eval()
    total, hidden = 0.0, 0
    for batch in DataLoader(rows, batch_size=arguments.per_device_eval_batch_size, collate_fn=masking):
        inputs = {name: value.to(arguments.device) for name, value in batch.items()}
        with torch.inference_mode(), torch.autocast(arguments.device.type, torch.bfloat16, enabled=arguments.bf16):
            loss = model(**inputs).loss
        total += float(loss) * len(inputs["targets"])
        hidden += len(inputs["targets"])
    model.train(training)
    return total / max(1, hidden)


class TimeLimit(TrainerCallback):  # type: ignore[misc]
    """Stops a training after some time, with a checkpoint to go on from.

    Args:
        minutes: For how long it may train; None for no limit.
    """

    def __init__(self, minutes: float | None) -> None:
        self.minutes = minutes
        self.reached = False
        self._started = time.perf_counter()

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Starts the clock."""
        self._started = time.perf_counter()

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Stops where the time is over."""
        if self.minutes is not None and time.perf_counter() - self._started > 60 * self.minutes:
            self.reached = state.global_step < state.max_steps
            control.should_save = control.should_training_stop = True


class StepLines(TrainerCallback):  # type: ignore[misc]
    """Writes a line for each log entry.

    Args:
        write: Where to.
    """

    def __init__(self, write: Any) -> None:
        self.write = write

    def on_log(self, args: Any, state: Any, control: Any, logs: Mapping[str, Any] | None = None, **_: Any) -> None:
        """Writes the line."""
        found = logs or {}
        step = f"step {state.global_step:,}/{state.max_steps:,}"
        if "subwords_per_second" in found:
            self.write(
                f"{step}  loss {found['loss']:.3f}  {found['subwords_per_second']:,.0f} subwords/s  "
                f"{found['mfu']:.0%} of the matrix rate"
            )
        elif "eval_loss" in found:
            self.write(f"{step}  held-out loss {found['eval_loss']:.3f}, perplexity {found['eval_perplexity']:.1f}")
