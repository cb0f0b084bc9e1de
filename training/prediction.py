"""Tagging with the network as it is being trained: the package's own reading and decoding around PyTorch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import torch
from tokenizers import Tokenizer

from hadath.decode import exclusive_emissions, log_softmax
from hadath.document import Document
from hadath.reading import Batch, Reading, Windowing, read
from hadath.schema import Schema
from hadath.tagger import Tagger
from hadath.tokens import WordTokenizer
from training.model import JointTagger

FloatArray = npt.NDArray[np.float32]


class TorchNetwork:
    """Runs a ``JointTagger`` as ``hadath.tagger.Tagger`` expects it.

    Args:
        model: The network; put into evaluation mode for each run and back afterwards.
        bfloat16: Whether to compute in mixed precision.
    """

    def __init__(self, model: JointTagger, bfloat16: bool = False) -> None:
        self.model = model
        self.bfloat16 = bfloat16

    def __call__(self, batch: Batch) -> dict[str, FloatArray]:
        """Returns each head's logits for the words of a batch, [N, labels]."""
        device = self.model.device
        training = self.model.training
        self.model.eval()
        with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, enabled=self.bfloat16):
            output = self.model(
                torch.from_numpy(batch.input_ids).to(device),
                torch.from_numpy(batch.attention_mask).to(device),
                torch.from_numpy(batch.word_starts).to(device),
                torch.from_numpy(batch.word_ends).to(device),
            )
        self.model.train(training)
        return {name: logits.float().cpu().numpy() for name, logits in output.logits.items()}


def torch_tagger(
    model: JointTagger, tokenizer: Tokenizer | WordTokenizer, *, bfloat16: bool = False, batch_tokens: int = 4096
) -> Tagger:
    """Returns a tagger around a PyTorch network."""
    windowing = Windowing.from_dict(model.config.windowing)
    if isinstance(tokenizer, Tokenizer):
        tokenizer = WordTokenizer(tokenizer, windowing.pieces_per_word)
    schema = Schema.from_dict(model.config.schema)
    return Tagger(
        schema,
        tokenizer,
        windowing,
        TorchNetwork(model, bfloat16),
        batch_tokens,
        # asked for at each use: the weights may be trained on in between
        argument_weights=model.argument_weights,
    )


def joint_probabilities(tagger: Tagger, logits: Mapping[str, FloatArray]) -> npt.NDArray[np.float64]:
    """Returns how likely a tagger holds each tag of each word, in which a word is in one span at most.

    Args:
        tagger: The tagger, whose temperatures count.
        logits: What its network says of the words, from ``Tagger.logits``, of entities, events or both.

    Returns:
        [W, 1 + 2 types]: outside of all spans, the first word of a span of each type, a later one; entity types first.
    """
    heads = [
        log_softmax(logits[name] / tagger.temperatures.get(name, 1.0))
        for name in ("entities", "events")
        if name in logits
    ]
    probabilities: npt.NDArray[np.float64] = np.exp(log_softmax(exclusive_emissions(heads)).astype(np.float64))
    return probabilities


def tag_documents(tagger: Tagger, documents: Sequence[Document], chunk: int = 64) -> list[Document]:
    """Tags the texts of annotated documents.

    Args:
        tagger: The tagger.
        documents: Documents whose annotations are not looked at.
        chunk: Number of texts whose scores are in memory at once.

    Returns:
        For each document what the tagger found, with the document's id.
    """
    passes = _network_passes(tagger, documents, chunk)
    return [found for part, readings, logits in passes for found in _tagged(tagger, part, readings, logits)]


def tag_and_link(
    tagger: Tagger, documents: Sequence[Document], chunk: int = 64
) -> tuple[list[Document], list[Document]]:
    """Tags the texts of annotated documents, and finds arguments among what is annotated; reads each text once.

    Args:
        tagger: The tagger.
        documents: Annotated documents.
        chunk: Number of texts whose scores are in memory at once.

    Returns:
        For each document what the tagger found; and the document with the arguments that the tagger gives to the
        annotated events.
    """
    found, linked, _ = _answers(tagger, documents, chunk)
    return found, linked


def tag_link_and_list(
    tagger: Tagger, documents: Sequence[Document], chunk: int = 64
) -> tuple[list[Document], list[Document], list[Document]]:
    """Returns what ``tag_and_link`` does, and what the tagger finds with no least score; reads each text once."""
    return _answers(tagger, documents, chunk, replace(tagger, min_scores={}))


def _answers(
    tagger: Tagger, documents: Sequence[Document], chunk: int, lenient: Tagger | None = None
) -> tuple[list[Document], list[Document], list[Document]]:
    found: list[Document] = []
    linked: list[Document] = []
    everything: list[Document] = []
    for part, readings, logits in _network_passes(tagger, documents, chunk):
        found += _tagged(tagger, part, readings, logits)
        linked += tagger.decode_arguments(readings, logits, part)
        if lenient is not None:
            everything += _tagged(lenient, part, readings, logits)
    return found, linked, everything


def _network_passes(
    tagger: Tagger, documents: Sequence[Document], chunk: int
) -> Iterator[tuple[Sequence[Document], list[Reading], Mapping[str, FloatArray]]]:
    for first in range(0, len(documents), chunk):
        part = documents[first : first + chunk]
        readings = [read(document.text, tagger.tokenizer, tagger.windowing) for document in part]
        yield part, readings, tagger.logits(readings)


def _tagged(
    tagger: Tagger, part: Sequence[Document], readings: Sequence[Reading], logits: Mapping[str, FloatArray]
) -> list[Document]:
    found = zip(tagger.decode(readings, logits), part, strict=True)
    return [replace(prediction, id=document.id) for prediction, document in found]
