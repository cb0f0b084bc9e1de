"""Tagging with the network as it is being trained: the package's own reading and decoding around PyTorch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from tokenizers import Tokenizer

from hadath.document import Document
from hadath.reading import Batch, Windowing
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
    return Tagger(schema, tokenizer, windowing, TorchNetwork(model, bfloat16), batch_tokens)


def tag_documents(tagger: Tagger, documents: Sequence[Document], chunk: int = 64) -> list[Document]:
    """Tags the texts of annotated documents.

    Args:
        tagger: The tagger.
        documents: Documents whose annotations are not looked at.
        chunk: Number of texts whose scores are in memory at once.

    Returns:
        For each document what the tagger found, with the document's id.
    """
    found = tagger.pipe((document.text for document in documents), batch_size=chunk)
    return [
        Document(prediction.text, prediction.entities, prediction.events, document.id)
        for prediction, document in zip(found, documents, strict=True)
    ]
