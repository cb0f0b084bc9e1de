"""What trained taggers say of unlabelled text, word by word with all their doubts, as something to learn from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from hadath.decode import log_softmax
from hadath.document import Document
from hadath.reading import Windowing, read, sequences
from hadath.tagger import Tagger
from hadath.text import segment
from hadath.tokens import WordTokenizer
from training.features import WindowCollator
from training.heads import HeadSpec
from training.trainer import TaggerTrainer

HalfArray = npt.NDArray[np.float16]

_TOGETHER = 64
"""Articles that the teachers read at once."""

_SMOOTHING_WORDS = 20
"""Words added to an article's length, so that one trigger does not make a headline the richest article."""


def richest_in_events(texts: Iterable[str], annotated: Sequence[Document], count: int) -> list[str]:
    """Chooses the articles in which words that are mostly triggers stand most densely.

    Args:
        texts: Articles.
        annotated: Annotated articles, from which it is learnt which words are mostly triggers.
        count: Number of articles wanted.

    Returns:
        That many at most, in the order given.
    """
    words: dict[str, int] = {}
    triggers: dict[str, int] = {}
    for document in annotated:
        for counts, parts in ((words, [document.text]), (triggers, [event.text for event in document.events])):
            for part in parts:
                for form in segment(part).forms:
                    counts[form] = counts.get(form, 0) + 1
    telling = {form for form, found in triggers.items() if found > 1 and found > 0.4 * words[form]}
    kept = list(texts)
    density = []
    for text in kept:
        forms = segment(text).forms
        density.append(sum(form in telling for form in forms) / (len(forms) + _SMOOTHING_WORDS))
    chosen = np.sort(np.argsort(-np.array(density), kind="stable")[:count])
    return [kept[place] for place in chosen]


def soft_windows(
    texts: Sequence[str],
    teachers: Sequence[Tagger],
    tokenizer: WordTokenizer,
    windowing: Windowing,
    heads: Mapping[str, HeadSpec],
) -> list[dict[str, Any]]:
    """Cuts articles into windows whose labels are the teachers' mean probabilities.

    Args:
        texts: Articles.
        teachers: Taggers of the same types; they may have other encoders, for words are the same to all.
        tokenizer: The student's.
        windowing: The student's.
        heads: The student's heads of words.

    Returns:
        For each window ``input_ids``, ``word_starts``, ``word_ends``, ``length``, and ``soft_<head>``,
        float16 [words, labels].
    """
    rows = []
    for first in range(0, len(texts), _TOGETHER):
        part = texts[first : first + _TOGETHER]
        labels = _mean_probabilities(part, teachers, heads)
        place = 0
        for text in part:
            reading = read(text, tokenizer, windowing)
            own = {name: values[place : place + len(reading.words)] for name, values in labels.items()}
            place += len(reading.words)
            rows.extend(
                {
                    "input_ids": sequence.ids,
                    "word_starts": sequence.word_starts,
                    "word_ends": sequence.word_ends,
                    "length": len(sequence.ids),
                    **{f"soft_{name}": values[sequence.kept] for name, values in own.items()},
                }
                for sequence in sequences(reading, tokenizer)
            )
    return rows


def _mean_probabilities(
    texts: Sequence[str], teachers: Sequence[Tagger], heads: Mapping[str, HeadSpec]
) -> dict[str, HalfArray]:
    sums: dict[str, npt.NDArray[np.float32]] = {}
    for teacher in teachers:
        logits = teacher.logits([read(text, teacher.tokenizer, teacher.windowing) for text in texts])
        for name in heads:
            # a softened teacher would teach its own doubts twice: the network's probabilities, not the reported scores
            probabilities = np.exp(log_softmax(logits[name]))
            sums[name] = sums[name] + probabilities if name in sums else probabilities
    return {name: (values / len(teachers)).astype(np.float16) for name, values in sums.items()}


class SoftCollator(WindowCollator):
    """Pads windows with soft labels to a batch; arguments as of ``WindowCollator``."""

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Returns the arguments of ``JointTagger.forward`` without labels, and ``soft``, for each head [N, labels]."""
        soft = {name: torch.from_numpy(np.concatenate([row[f"soft_{name}"] for row in rows])) for name in self.heads}
        batch = self.padded(rows)
        return {**batch, "soft": {name: values.float() for name, values in soft.items()}}


class DistillingTrainer(TaggerTrainer):
    """Trains a student on soft labels (Hinton et al. 2015); arguments as of ``TaggerTrainer``."""

    def compute_loss(self, model: nn.Module, inputs: dict[str, Any], *args: Any, **kwargs: Any) -> torch.Tensor:
        """Returns the cross-entropy with the teachers' probabilities, the heads weighted as in fine-tuning."""
        soft = inputs.pop("soft")
        logits = model(**inputs).logits
        loss = torch.zeros((), device=next(iter(logits.values())).device)
        for name, wanted in soft.items():
            spec = self.model.specs[name]
            losses = -(wanted * torch.log_softmax(logits[name], dim=-1)).sum(dim=-1)
            weights = torch.ones_like(losses)
            if spec.kind == "trigger":
                # read at the first word of a trigger: as far as the teachers see one there
                weights = beginnings(soft["events"])
            loss = loss + spec.loss_weight * (losses * weights).sum() / weights.sum().clamp(min=1.0)
        return loss


def beginnings(probabilities: torch.Tensor) -> torch.Tensor:
    """Returns how likely each word begins a span, [N], of the probabilities of BIO tags, [N, 1 + 2 types]."""
    types = (probabilities.shape[1] - 1) // 2
    return probabilities[:, 1 : 1 + types].sum(dim=-1)
