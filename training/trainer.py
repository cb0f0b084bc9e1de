"""The Hugging Face Trainer, told how this model learns and how it is judged."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from torch.optim import AdamW, Optimizer
from transformers import PrinterCallback, ProgressCallback, Trainer

from hadath.document import Document
from hadath.tagger import Tagger
from training.optimization import parameter_groups
from training.prediction import tag_and_link

Score = Callable[[Sequence[Document], Sequence[Document], Sequence[Document]], dict[str, float]]
"""Annotated and predicted documents, and the annotated ones with arguments that were found, in; metrics out."""


class TaggerTrainer(Trainer):  # type: ignore[misc]
    """Fine-tunes a ``JointTagger``; judges it by what it finds in whole articles.

    Args:
        *args: As of ``Trainer``.
        tagger: The tagger around the model that is trained.
        dev_documents: Annotated articles to judge it by.
        score: How to compare them with what was found.
        layer_decay: See ``parameter_groups``.
        head_factor: See ``parameter_groups``.
        **kwargs: As of ``Trainer``.
    """

    def __init__(
        self,
        *args: Any,
        tagger: Tagger,
        dev_documents: Sequence[Document],
        score: Score,
        layer_decay: float,
        head_factor: float,
        **kwargs: Any,
    ) -> None:
        # the Trainer asks for an evaluation set where an evaluation strategy is set; articles are judged here instead
        super().__init__(*args, eval_dataset=[None] * len(dev_documents), **kwargs)
        # what it would print at every step is left to the callbacks that are given
        for talkative in (PrinterCallback, ProgressCallback):
            self.remove_callback(talkative)
        self.tagger = tagger
        self.dev_documents = dev_documents
        self.score = score
        self.layer_decay = layer_decay
        self.head_factor = head_factor

    def create_optimizer(self, model: Any = None) -> Optimizer:
        """Returns AdamW over layer-wise parameter groups."""
        if self.optimizer is None:
            groups = parameter_groups(
                self.model,
                learning_rate=self.args.learning_rate,
                layer_decay=self.layer_decay,
                head_factor=self.head_factor,
                weight_decay=self.args.weight_decay,
            )
            self.optimizer = AdamW(groups, betas=(self.args.adam_beta1, self.args.adam_beta2), fused=True)
        return self.optimizer

    def evaluate(
        self, eval_dataset: Any = None, ignore_keys: Any = None, metric_key_prefix: str = "eval"
    ) -> dict[str, float]:
        """Tags the dev articles and returns the scores; nothing but the documents found is kept in memory."""
        started = time.perf_counter()
        metrics = {f"{metric_key_prefix}_{name}": value for name, value in self.dev_scores().items()}
        metrics[f"{metric_key_prefix}_seconds"] = time.perf_counter() - started
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics

    def dev_scores(self) -> dict[str, float]:
        """Returns the scores of the weights as they are now on the dev articles."""
        return self.score(self.dev_documents, *tag_and_link(self.tagger, self.dev_documents))
