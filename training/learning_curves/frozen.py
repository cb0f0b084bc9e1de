"""A learner that takes seconds: a head of triggers on word features of an encoder that is never trained.

The features are those of the encoder as it was before any annotation was seen, computed once for all articles. So they
hold nothing of the labels of articles that were not chosen yet. A fine-tuned network learns more from the same
articles: the height of the curves is not that of ``training.finetune``.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from safetensors import safe_open
from safetensors.torch import save
from tokenizers import Tokenizer
from torch import nn
from transformers import PreTrainedModel

from hadath.batch.storage import write_whole
from hadath.document import Document
from hadath.reading import Batch, Reading, Windowing, read
from hadath.schema import Schema
from hadath.tagger import Tagger
from hadath.tokens import WordTokenizer
from training.annotations.suggestions.beliefs import Belief, tagger_beliefs
from training.features import word_labels
from training.heads import HeadSpec, WordHead
from training.learning_curves.learners import KIND, Learnt
from training.metrics import selection_scores

log = logging.getLogger(__name__)

FloatArray = npt.NDArray[np.float32]

_FEATURES, _DIGEST = "features", "digest"


@dataclass
class Frozen:
    """How the head is trained; each field is explained in configs/learning_curve.yaml."""

    layers: list[int]
    epochs: int
    least_steps: int
    learning_rate: float
    batch_words: int
    hidden: int
    dropout: float
    weight_decay: float

    def __post_init__(self) -> None:
        if not self.layers:
            raise ValueError("layers is empty; expected at least one layer of the encoder")
        for name in ("epochs", "least_steps", "learning_rate", "batch_words"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} is {getattr(self, name)}; expected a number above 0")


class FrozenLearner:
    """Trains a head of triggers on features of words.

    Args:
        pool: The articles that are learnt from.
        dev: The articles that it is judged by.
        schema: The types.
        encoder: The encoder, trained on none of these articles' annotations.
        tokenizer: Its tokenizer.
        windowing: How long articles are cut.
        how: How the head is trained.
        kept: A file in which the features are kept, so that a simulation that was killed goes on at once.

    Raises:
        ValueError: If the encoder has no such layer.
    """

    def __init__(
        self,
        pool: Sequence[Document],
        dev: Sequence[Document],
        schema: Schema,
        encoder: PreTrainedModel,
        tokenizer: Tokenizer,
        windowing: Windowing,
        how: Frozen,
        kept: Path,
    ) -> None:
        depth = encoder.config.num_hidden_layers
        if not all(0 <= layer <= depth for layer in how.layers):
            raise ValueError(f"layers is {list(how.layers)}; expected numbers from 0 to {depth}, the encoder's last")
        self._how, self._dev, self._schema = how, dev, schema
        self._spec = HeadSpec("spans", "event_types", hidden=how.hidden, dropout=how.dropout)
        words = WordTokenizer(tokenizer, windowing.pieces_per_word)
        self._tagger = Tagger(schema, words, windowing, _EncoderFeatures(encoder, how.layers))
        self._pool_readings, self._dev_readings = self._read(pool), self._read(dev)
        features = self._described([*self._pool_readings, *self._dev_readings], encoder, kept)
        self._features, self._dev_features = features[: len(pool)], features[len(pool) :]
        self._labels = [
            torch.from_numpy(word_labels(document, reading.words, self._spec, schema))
            for document, reading in zip(pool, self._pool_readings, strict=True)
        ]

    def learn(self, articles: Sequence[int], seed: int) -> Learnt:
        """Trains a head from fresh weights; see ``learners.Learner``."""
        head = self._trained(
            torch.cat([self._features[place] for place in articles]),
            torch.cat([self._labels[place] for place in articles]),
            seed,
        )
        found = self._tagger.decode(self._dev_readings, self._scored(head, self._dev_features))
        scores = selection_scores(self._dev, found, self._schema)

        def beliefs(asked: Sequence[int]) -> list[Belief]:
            readings = [self._pool_readings[place] for place in asked]
            logits = self._scored(head, [self._features[place] for place in asked])
            return tagger_beliefs(self._tagger, readings, logits, [KIND])

        return Learnt(scores, beliefs)

    def _read(self, documents: Sequence[Document]) -> list[Reading]:
        return [read(document.text, self._tagger.tokenizer, self._tagger.windowing) for document in documents]

    def _described(self, readings: Sequence[Reading], encoder: PreTrainedModel, kept: Path) -> list[torch.Tensor]:
        """Features of the words of each article, [W, 2 width], from the file where they are those of the articles."""
        described = hashlib.sha256(repr([list(self._how.layers), *encoder.state_dict()]).encode())
        for weights in encoder.state_dict().values():
            described.update(weights.contiguous().numpy().tobytes())
        for reading in readings:
            described.update(f"{reading.text}\0".encode())
        digest = described.hexdigest()
        features = _kept_features(kept, digest)
        if features is None:
            started = time.perf_counter()
            features = torch.from_numpy(self._tagger.logits(readings)[_FEATURES]).half()
            log.info("Features of %d words computed in %.0f s", len(features), time.perf_counter() - started)
            content = save({_FEATURES: features}, {_DIGEST: digest})
            write_whole(kept, lambda stream: stream.write(content))
        return list(features.float().split([len(reading.words) for reading in readings]))

    def _trained(self, features: torch.Tensor, labels: torch.Tensor, seed: int) -> WordHead:
        how = self._how
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            head = WordHead(features.shape[1], len(self._spec.labels(self._schema)), self._spec).train()
            optimizer = torch.optim.AdamW(head.parameters(), how.learning_rate, weight_decay=how.weight_decay)
            # a few articles, read as often as many, would be read in a few steps
            steps = max(how.least_steps, how.epochs * len(labels) // how.batch_words)
            falling = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, steps)
            for _ in range(steps):
                batch = torch.randint(len(labels), (how.batch_words,))
                loss = nn.functional.cross_entropy(head(features[batch]), labels[batch])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                falling.step()
        return head.eval()

    def _scored(self, head: WordHead, features: Sequence[torch.Tensor]) -> Mapping[str, FloatArray]:
        with torch.inference_mode():
            return {KIND: head(torch.cat(list(features))).float().numpy()}


def _kept_features(path: Path, digest: str) -> torch.Tensor | None:
    if not path.is_file():
        return None
    with safe_open(path, "pt") as kept:
        # of other articles, or of another encoder
        if (kept.metadata() or {}).get(_DIGEST) != digest:
            return None
        features: torch.Tensor = kept.get_tensor(_FEATURES)
    return features


class _EncoderFeatures:
    """An encoder as ``hadath.tagger.Tagger`` runs a network: features of words in the place of logits."""

    def __init__(self, encoder: PreTrainedModel, layers: Sequence[int]) -> None:
        self._encoder = encoder.eval()
        self._layers = layers

    def __call__(self, batch: Batch) -> dict[str, FloatArray]:
        with torch.inference_mode():
            states = self._encoder(
                input_ids=torch.from_numpy(batch.input_ids),
                attention_mask=torch.from_numpy(batch.attention_mask),
                output_hidden_states=True,
            ).hidden_states
            mean = torch.stack([states[layer] for layer in self._layers]).mean(dim=0).flatten(0, 1)
            places = (torch.from_numpy(batch.word_starts), torch.from_numpy(batch.word_ends))
            words = torch.cat([nn.functional.layer_norm(mean[side], mean.shape[-1:]) for side in places], dim=-1)
        return {_FEATURES: words.float().numpy()}
