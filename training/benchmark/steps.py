"""How fast training is: the Trainer of finetune against a bare PyTorch loop over the same batches."""

from __future__ import annotations

import copy
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from transformers import TrainerCallback

from hadath.document import Document
from hadath.reading import Windowing
from hadath.schema import Schema
from hadath.tokens import WordTokenizer
from training.benchmark.networks import optimization_settings
from training.benchmark.timing import Measure
from training.features import WindowCollator, training_windows
from training.finetune import training_arguments
from training.memory import keep_freed_memory
from training.model import JointTagger
from training.optimization import make_deterministic, uses_bfloat16
from training.prediction import torch_tagger
from training.trainer import TaggerTrainer

TRAINER, BARE = "hadath's Trainer", "bare PyTorch loop"


class _StepTimes(TrainerCallback):  # type: ignore[misc]
    """Notes when each step ended."""

    def __init__(self) -> None:
        self.ends: list[float] = []

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.ends.append(time.perf_counter())


class StepBench:
    """Both ways of training one network, ready to be measured on a CPU.

    Args:
        network: The network; copies of it are trained.
        tokenizer: Its tokenizer.
        documents: Annotated articles to train on.
        steps: Steps that are measured.
        warm_up: Steps before them.
        scratch: A folder for what the Trainer may write.
    """

    def __init__(
        self,
        network: JointTagger,
        tokenizer: Tokenizer,
        documents: Sequence[Document],
        *,
        steps: int,
        warm_up: int,
        scratch: Path,
    ) -> None:
        # it holds for the whole process: the bare loop has it, too
        keep_freed_memory()
        self.network = network
        self.steps, self.warm_up = steps, warm_up
        self.scratch = scratch
        self.optimization = optimization_settings()
        self.bfloat16 = uses_bfloat16(self.optimization.precision)
        windowing = Windowing.from_dict(network.config.windowing)
        self.words = WordTokenizer(tokenizer, windowing.pieces_per_word)
        schema = Schema.from_dict(network.config.schema)
        self.documents = documents
        self.windows = training_windows(documents, self.words, windowing, schema, network.specs)
        self.collator = WindowCollator(self.words.pad_id, list(network.specs), windowing.max_length)
        self.batches: list[Mapping[str, Any]] = []

    def measures(self) -> dict[str, Measure]:
        """Returns the two measures; the Trainer's goes first, for the bare loop takes its batches."""
        return {TRAINER: self.train, BARE: self.loop}

    def train(self) -> float:
        """Trains with the Trainer as finetune sets it up; returns the seconds of the measured steps."""
        model = copy.deepcopy(self.network)
        arguments = training_arguments(self.optimization, self.scratch / "checkpoints", self.bfloat16, seed=1)
        arguments.use_cpu = True
        arguments.gradient_accumulation_steps = 1
        arguments.max_steps = self.warm_up + self.steps
        # what happens after an epoch is no part of a step
        arguments.eval_strategy = arguments.save_strategy = "no"
        arguments.load_best_model_at_end = False
        times = _StepTimes()
        self.batches = []

        def collate(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
            batch = self.collator(rows)
            self.batches.append(batch)
            return dict(batch)

        trainer = TaggerTrainer(
            model=model,
            args=arguments,
            train_dataset=self.windows,
            data_collator=collate,
            tagger=torch_tagger(model, self.words, bfloat16=self.bfloat16),
            dev_documents=self.documents[:1],
            score=lambda gold, found, linked: {},
            layer_decay=self.optimization.layer_decay,
            head_factor=self.optimization.head_factor,
            callbacks=[times],
        )
        # as finetune does by default; the bare loop need not
        make_deterministic()
        try:
            trainer.train()
        finally:
            torch.use_deterministic_algorithms(False)
        return times.ends[-1] - times.ends[self.warm_up - 1]

    def loop(self) -> float:
        """Trains in a plain loop over the batches that the Trainer had; returns the seconds of the measured steps."""
        model = copy.deepcopy(self.network).train()
        optimizer = torch.optim.AdamW(model.parameters(), lr=self.optimization.learning_rate, fused=True)
        start = 0.0
        for number, batch in enumerate(self.batches[: self.warm_up + self.steps]):
            if number == self.warm_up:
                start = time.perf_counter()
            with torch.autocast("cpu", torch.bfloat16, enabled=self.bfloat16):
                loss = model(**batch).loss
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), self.optimization.max_grad_norm)
            optimizer.step()
            optimizer.zero_grad()
        return time.perf_counter() - start
