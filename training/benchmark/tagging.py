"""How fast texts are tagged, and what share of what the machine's matrix products allow that is."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from tokenizers import Tokenizer
from transformers import Pipeline

from hadath.machine import cores
from hadath.model_directory import ModelConfig, load
from hadath.reading import batches, read
from hadath.tagger import Tagger
from hadath.tokens import WordTokenizer
from training.benchmark.networks import export_fp32, network_for, token_classification_pipeline
from training.benchmark.products import Shape, products_graph
from training.benchmark.texts import word_count
from training.benchmark.timing import Measure, interleaved
from training.model import JointTagger
from training.optimization import bfloat16_is_fast
from training.prediction import torch_tagger

HADATH, HADATH_FP32 = "hadath, int8", "hadath, exported in fp32"
TORCH, TORCH_BF16 = "PyTorch fp32, batches by length", "PyTorch bf16, batches by length"
PIPELINE = "transformers.pipeline fp32, batch {}"
LIMITS = {HADATH: "int8 products", HADATH_FP32: "fp32 products"}
"""The matrix products that each of hadath's two precisions is made of."""

PIPELINE_BATCHES = (32, 1)


@dataclass(frozen=True)
class Speeds:
    """What was measured on one kind of text.

    Attributes:
        words: Words of all texts, between white space.
        subwords: Subwords of all texts, special ones and what windows read twice not counted.
        rows: Rows that the products of the limits had, together.
        seconds: By contender and by limit, the seconds of each round.
    """

    words: int
    subwords: int
    rows: int
    seconds: dict[str, list[float]]

    def shares(self, contender: str) -> list[float]:
        """Returns, by round, subwords a second as a share of the rows a second of the bare products."""
        limits = self.seconds[LIMITS[contender]]
        return [
            self.subwords / self.rows * limit / taken
            for limit, taken in zip(limits, self.seconds[contender], strict=True)
        ]


class TaggingBench:
    """Everything that tags, ready to be measured on texts.

    Args:
        model: The exported model directory.
        network: The folder ``model/`` of the training it comes from; without it see ``network_for``.
        scratch: An empty folder for what has to be exported.
    """

    def __init__(self, model: Path, network: Path | None, scratch: Path) -> None:
        config = ModelConfig.read(model)
        self.network: JointTagger
        self.network, self.tokenizer = network_for(config, network)
        exported = export_fp32(self.network, self.tokenizer, config, scratch / "fp32")
        # every contender has all cores, whatever the libraries would take by themselves
        torch.set_num_threads(cores())
        self.taggers = {
            HADATH: (load(model, threads=cores()), Tokenizer.from_file(str(model / "tokenizer.json"))),
            HADATH_FP32: (load(exported, threads=cores()), self.tokenizer),
            TORCH: (torch_tagger(self.network, self.tokenizer), self.tokenizer),
        }
        # where processors do not multiply bfloat16 it would only be slow
        if bfloat16_is_fast():
            # faster than autocast, which rounds the weights anew for each batch
            rounded = copy.deepcopy(self.network).to(torch.bfloat16)
            self.taggers[TORCH_BF16] = (torch_tagger(rounded, self.tokenizer), self.tokenizer)
        self.pipeline = token_classification_pipeline(self.network, self.tokenizer, config.windowing.overlap)
        shape = Shape.of(self.network.encoder.config)
        self.limits = {
            "int8 products": products_session(shape, "int8"),
            "fp32 products": products_session(shape, "fp32"),
        }
        self.shape = shape

    def measure(self, texts: Sequence[str], repeats: int, report: Callable[[str], None] = lambda _: None) -> Speeds:
        """Measures all contenders on some texts.

        Args:
            texts: The texts.
            repeats: Number of rounds.
            report: Told what is measured next.
        """
        tagger = self.taggers[HADATH][0]
        rows = batch_rows(tagger, texts)
        subwords = sum(len(read(text, tagger.tokenizer, tagger.windowing).pieces.ids) for text in texts)
        measures: dict[str, Measure] = {
            name: tagging(tagger, tokenizer, texts) for name, (tagger, tokenizer) in self.taggers.items()
        }
        measures |= {name: products(session, self.shape, rows) for name, session in self.limits.items()}
        for size in PIPELINE_BATCHES:
            measures[PIPELINE.format(size)] = pipeline_run(self.pipeline, texts, size)
        return Speeds(word_count(texts), subwords, sum(rows), interleaved(measures, repeats, report))


def tagging(tagger: Tagger, tokenizer: Tokenizer, texts: Sequence[str]) -> Measure:
    """Returns the measure of ``Tagger.pipe``, without any word in the tokenizer's cache at its start."""

    def measure() -> float:
        fresh = replace(tagger, tokenizer=WordTokenizer(tokenizer, tagger.windowing.pieces_per_word))
        start = time.perf_counter()
        found = sum(1 for _ in fresh.pipe(texts))
        taken = time.perf_counter() - start
        assert found == len(texts)
        return taken

    return measure


def pipeline_run(pipe: Pipeline, texts: Sequence[str], batch_size: int) -> Measure:
    """Returns the measure of transformers' pipeline."""

    def measure() -> float:
        start = time.perf_counter()
        found = sum(1 for _ in pipe(list(texts), batch_size=batch_size))
        taken = time.perf_counter() - start
        assert found == len(texts)
        return taken

    return measure


def batch_rows(tagger: Tagger, texts: Sequence[str], batch_size: int = 64) -> list[int]:
    """Returns the number of subwords, padding not counted, of each batch that ``Tagger.pipe`` makes of texts."""
    rows = []
    for first in range(0, len(texts), batch_size):
        readings = [read(text, tagger.tokenizer, tagger.windowing) for text in texts[first : first + batch_size]]
        rows += [int(batch.attention_mask.sum()) for batch in batches(readings, tagger.tokenizer, tagger.batch_tokens)]
    return rows


def products_session(shape: Shape, precision: str) -> onnxruntime.InferenceSession:
    """Returns a session over the bare matrix products, on as many threads as hadath's."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = cores()
    graph = products_graph(shape, precision)
    return onnxruntime.InferenceSession(graph.SerializeToString(), options, providers=["CPUExecutionProvider"])


def products(session: onnxruntime.InferenceSession, shape: Shape, rows: Sequence[int]) -> Measure:
    """Returns the measure of the bare products over batches of some rows each."""
    draw = np.random.default_rng(0)
    dtype = np.uint8 if session.get_inputs()[0].type == "tensor(uint8)" else np.float32
    largest = max(rows)
    inputs = {
        name: draw.integers(0, 256, size=(largest, width)).astype(dtype)
        for name, width in (("hidden", shape.hidden), ("inner", shape.inner))
    }

    def measure() -> float:
        start = time.perf_counter()
        for count in rows:
            session.run(None, {name: values[:count] for name, values in inputs.items()})
        return time.perf_counter() - start

    return measure
