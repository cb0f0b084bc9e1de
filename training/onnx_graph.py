"""The ONNX graph of a BERT-shaped encoder and its heads, built operator by operator for speed on CPUs.

A traced model leaves the choice of operators to the exporter. Here they are chosen by measurement in
onnxruntime; the comments where they stand say why. Encoders of another shape are refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn
from transformers import PreTrainedModel

from training.quantization import (
    FeatureRange,
    FloatArray,
    Grid,
    observe_ranges,
    round_rows,
    round_weights,
    smoothing,
)

OPSET = 17
IR_VERSION = 8
"""Both are read by onnxruntime 1.18, the oldest that hadath supports."""

MICROSOFT = "com.microsoft"

HIDDEN_SCORE = -1e6
"""Weight of the feature of keys that hides padding; large enough for scores whose exponential is exactly zero."""

FLAGS = 4
"""Copies of the feature that marks padding; a multiple of four inputs keeps the integer products fast."""

ACTIVATIONS = {
    "gelu": ("Gelu", MICROSOFT),
    "gelu_new": ("FastGelu", MICROSOFT),
    "gelu_fast": ("FastGelu", MICROSOFT),
    "gelu_pytorch_tanh": ("FastGelu", MICROSOFT),
    "relu": ("Relu", ""),
    "tanh": ("Tanh", ""),
}
"""ONNX operator and domain of each activation, by its name in transformers."""

SMOOTHING = {"attention_input": 0.85, "context": 0.5, "feed_forward_input": 0.7}
"""How far a wide feature's range is moved into the weights, by product; the best of 0.3 to 1 on ``mini``."""

WIDE_FEATURES = 8
"""Features of an inner feed-forward layer whose excess over the range of the others is kept in float."""

MARGIN = 1.1
"""How far the ranges are widened beyond what the sample texts needed. Too wide a range costs little, too narrow a
one much: 0.9 doubles the error of the whole network."""

Precision = Literal["fp32", "int8"]
PRECISIONS: tuple[str, ...] = get_args(Precision)


class GraphError(ValueError):
    """A network of which no graph can be built."""


@dataclass(frozen=True)
class Dense:
    """One layer of a head.

    Attributes:
        weight: [outputs, inputs], as ``torch.nn.Linear`` keeps it.
        bias: [outputs].
        activation: A name from ``ACTIVATIONS``, or None.
    """

    weight: FloatArray
    bias: FloatArray
    activation: str | None = None

    def multiplied(self, factor: FloatArray) -> Dense:
        """Returns the layer whose weights are multiplied by a factor for each input, [inputs]."""
        return Dense(self.weight * factor, self.bias, self.activation)

    @classmethod
    def of(cls, linear: nn.Linear, activation: str | None = None) -> Dense:
        """Returns the layer that computes what a torch layer does."""
        return cls.joined(linear, activation=activation)

    @classmethod
    def joined(cls, *linears: nn.Linear, activation: str | None = None) -> Dense:
        """Returns the layer whose outputs are those of several torch layers, one after the other."""
        weights = [_array(linear.weight) for linear in linears]
        biases = [
            np.zeros(linear.out_features, np.float32) if linear.bias is None else _array(linear.bias)
            for linear in linears
        ]
        return cls(np.concatenate(weights), np.concatenate(biases), activation)


def is_bert_shaped(encoder: PreTrainedModel) -> bool:
    """Whether ``build_graph`` can build an encoder: BERT, RoBERTa, XLM-R and what shares their modules."""
    config = encoder.config
    return (
        config.model_type in ("bert", "roberta", "xlm-roberta", "camembert")
        and config.hidden_act in ACTIVATIONS
        and getattr(config, "position_embedding_type", "absolute") in (None, "absolute")
        and not getattr(config, "is_decoder", False)
    )


def build_graph(
    encoder: PreTrainedModel,
    heads: Mapping[str, Sequence[Dense]],
    precision: Precision,
    texts: Iterable[tuple[torch.Tensor, torch.Tensor]] = (),
    constants: Mapping[str, FloatArray] | None = None,
) -> onnx.ModelProto:
    """Builds the graph that maps subwords to the scores of words.

    Its inputs are ``input_ids`` [B, S], padded on the right, ``attention_mask`` [B, S], 1 for a subword and 0
    for padding, and ``word_starts`` and ``word_ends`` [N], the places of each word's first and last subword in
    the flattened [B * S]; all int64. It has one output a head, float32 [N, labels], named as the head is, and one for
    each constant that is given, which is the same whatever the inputs are.

    Args:
        encoder: A ``BertModel``, ``RobertaModel`` or ``XLMRobertaModel``.
        heads: The layers of each head, applied one after the other to a word's first and last subword, [2 H].
        precision: ``fp32``: what torch computes. ``int8``: its products in 8 bits, with fixed scales,
            so a word's scores do not depend on what shares its batch.
        texts: For ``int8`` only: ``input_ids`` and ``attention_mask`` of sample texts, [B, S] each; some ten
            thousand subwords of the training articles.
        constants: Arrays to give out as they are, by name: what is done with the scores of words needs them, and so
            they lie in the same file.

    Returns:
        The checked graph, opset 17 with onnxruntime's own operators.

    Raises:
        GraphError: If the encoder has another shape, or there is no such precision.
        ValueError: If sample texts are missing.

    Example:
        >>> import torch
        >>> from transformers import BertConfig, BertModel
        >>> config = BertConfig(hidden_size=32, num_attention_heads=4, intermediate_size=64)
        >>> encoder = BertModel(config)
        >>> graph = build_graph(encoder, {"entities": [Dense.of(torch.nn.Linear(64, 5))]}, "fp32")
        >>> [value.name for value in graph.graph.output]
        ['entities']
    """
    if precision not in PRECISIONS:
        raise GraphError(f"precision is {precision}; expected {' or '.join(PRECISIONS)}")
    if not is_bert_shaped(encoder):
        raise GraphError(
            f"the encoder is a {encoder.config.model_type}; only BERT, RoBERTa and XLM-R with an activation of "
            f"{', '.join(ACTIVATIONS)} can be exported, as all encoders of configs/encoder are: fine-tune one of these"
        )
    ranges = observe_ranges(encoder, _products(encoder), texts) if precision == "int8" else None
    return _EncoderGraph(encoder, ranges).build(heads, constants or {})


def _products(encoder: PreTrainedModel) -> dict[str, nn.Module]:
    """The modules whose inputs are rounded, by name."""
    products: dict[str, nn.Module] = {}
    for number, layer in enumerate(encoder.encoder.layer):
        products[f"{number}.attention_input"] = layer.attention.self.query
        products[f"{number}.context"] = layer.attention.output.dense
        products[f"{number}.feed_forward_input"] = layer.intermediate.dense
        products[f"{number}.inner"] = layer.output.dense
    return products


class _EncoderGraph:
    """Collects the graph's nodes and constants.

    Subwords are ordered by place, then by row, [S, B]: so attention's products read queries, keys and values where
    they stand, and the three copies that bring each head's vectors together fall away. Between layers vectors are
    kept flat, [S * B, features].
    """

    def __init__(self, encoder: PreTrainedModel, ranges: Mapping[str, FeatureRange] | None) -> None:
        self.encoder: Any = encoder
        self.config = encoder.config
        self.ranges = ranges
        self.heads = self.config.num_attention_heads
        self.head_size = self.config.hidden_size // self.heads
        self.grids: dict[str, Grid] = {}
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, npt.NDArray[Any]] = {}

    def build(self, heads: Mapping[str, Sequence[Dense]], given: Mapping[str, FloatArray]) -> onnx.ModelProto:
        self.reorder()
        states = self.embeddings()
        self.hide_padding()
        for number, layer in enumerate(self.encoder.encoder.layer):
            states = self.layer(number, layer, states)
        ends = [self.add("Gather", states, self.places(side)) for side in ("word_starts", "word_ends")]
        words = self.add("Concat", *ends, axis=1)
        for name, denses in heads.items():
            self.head(name, denses, words)
        for name, array in given.items():
            self.add("Identity", self.constant(f"{name}.value", array), output=name)
        integer = TensorProto.INT64
        inputs = [
            helper.make_tensor_value_info("input_ids", integer, ["batch", "length"]),
            helper.make_tensor_value_info("attention_mask", integer, ["batch", "length"]),
            helper.make_tensor_value_info("word_starts", integer, ["words"]),
            helper.make_tensor_value_info("word_ends", integer, ["words"]),
        ]
        outputs = [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, ["words", len(denses[-1].bias)])
            for name, denses in heads.items()
        ]
        outputs += [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, list(array.shape)) for name, array in given.items()
        ]
        constants = [numpy_helper.from_array(array, name) for name, array in self.constants.items()]
        graph = helper.make_graph(self.nodes, "hadath", inputs, outputs, constants)
        domains = [helper.make_opsetid("", OPSET), helper.make_opsetid(MICROSOFT, 1)]
        model = helper.make_model(graph, opset_imports=domains, ir_version=IR_VERSION, producer_name="hadath")
        onnx.checker.check_model(model)
        return model

    def add(self, operator: str, *inputs: str, output: str = "", domain: str = "", **attributes: Any) -> str:
        """Adds a node and returns its output's name."""
        output = output or f"{operator}_{len(self.nodes)}"
        node = helper.make_node(operator, list(inputs), [output], name=output, domain=domain, **attributes)
        self.nodes.append(node)
        return output

    def constant(self, name: str, value: Any, dtype: Any = np.float32) -> str:
        """Adds a constant and returns its name."""
        self.constants[name] = np.array(value, dtype=dtype, order="C")
        return name

    def reorder(self) -> None:
        """Adds the change of order from [B, S] to [S, B]."""
        zero, one = self.constant("zero", [0], np.int64), self.constant("one", [1], np.int64)
        self.add("Transpose", "input_ids", output="ids", perm=[1, 0])
        self.add("Shape", "ids", output="shape")
        self.add("Gather", "shape", zero, output="length")
        self.add("Gather", "shape", one, output="rows")

    def places(self, side: str) -> str:
        """Adds the change of places in [B * S] to places in [S * B]; returns their name."""
        row = self.add("Div", side, "length")
        place = self.add("Sub", side, self.add("Mul", row, "length"))
        return self.add("Add", self.add("Mul", place, "rows"), row)

    def embeddings(self) -> str:
        embeddings = self.encoder.embeddings
        words = _array(embeddings.word_embeddings.weight)
        # every subword is of type 0, so its vector is added to the positions' beforehand
        positions = _array(embeddings.position_embeddings.weight) + _array(embeddings.token_type_embeddings.weight)[0]
        if self.config.model_type != "bert":
            # RoBERTa counts positions from the padding id + 1
            positions = positions[self.config.pad_token_id + 1 :]
        if self.ranges is None:
            vectors = self.add("Gather", self.constant("words", words), "ids")
        else:
            rounded, scale = round_rows(words)
            # looked up as 8-bit rows and widened after that, so that the table stays small in memory too
            vectors = self.add("Gather", self.constant("words", rounded, np.int8), "ids")
            scales = self.add("Gather", self.constant("words_scale", scale), "ids")
            vectors = self.add("Mul", self.add("Cast", vectors, to=TensorProto.FLOAT), scales)
        table = self.constant("positions", positions[:, None])
        vectors = self.add("Add", vectors, self.add("Slice", table, "zero", "length", "zero"))
        vectors = self.add("Reshape", vectors, self.constant("flat", [-1, self.config.hidden_size], np.int64))
        return self.normalized("embeddings", embeddings.LayerNorm, vectors)

    def hide_padding(self) -> None:
        """Adds what hides padding from attention, and the shapes that its operators need.

        A mask added to the scores would cost a pass over [B, heads, S, S] in every layer. Instead queries and keys
        get one more feature for each head: 1 in every query, in the keys 0 for a subword and for padding a number so
        negative that nothing is left of its exponential. The keys' product makes it from flags at its input.
        """
        for name, size in (("narrow", self.head_size), ("wide", self.head_size + 1)):
            shape = self.constant(f"{name}_heads", [self.heads, size], np.int64)
            self.add("Concat", "shape", shape, output=f"{name}_shape", axis=0)
        visible = self.add("Transpose", self.add("Cast", "attention_mask", to=TensorProto.FLOAT), perm=[1, 0])
        visible = self.add("Reshape", visible, self.constant("column", [-1, 1], np.int64))
        self.add("Sub", self.constant("flags", np.ones((1, FLAGS))), visible, output="padding")

    def layer(self, number: int, layer: Any, states: str) -> str:
        attention, output = layer.attention.self, layer.attention.output
        query, key, value = (Dense.of(linear) for linear in (attention.query, attention.key, attention.value))
        context_output = Dense.of(output.dense)
        context_site = f"{number}.context"
        divisor = self.divisor(context_site, [context_output])
        # the context is a weighted sum of values, so dividing the values' features divides the context's
        value = Dense(value.weight / divisor[:, None], value.bias / divisor)
        context_output = context_output.multiplied(divisor)

        site = f"{number}.attention_input"
        vectors, (query, key, value) = self.divided(site, states, [query, key, value])
        flagged = self.add("Concat", vectors, self.rounded(site, "padding"), axis=1)
        # three products over the same vectors cost what one does, and no split follows
        context = self.context(
            self.product(site, f"{number}.query", vectors, _with_feature(query, self.heads, 1.0)),
            self.product(site, f"{number}.key", flagged, _hiding(_with_feature(key, self.heads, 0.0), self.heads)),
            self.product(site, f"{number}.value", vectors, value),
        )
        self.set_grid(context_site, divisor)
        # rounded before the copy, which then moves a quarter of the bytes
        context = self.add("Transpose", self.rounded(context_site, context), perm=[2, 0, 1, 3])
        context = self.add("Reshape", context, "flat")
        attended = self.product(context_site, context_site, context, context_output)
        # Sum: Add and LayerNormalization would be fused to an operator that takes six times as long
        states = self.add("Sum", attended, states)
        states = self.normalized(f"{number}.attention_norm", output.LayerNorm, states)
        return self.feed_forward(number, layer, states)

    def context(self, queries: str, keys: str, values: str) -> str:
        """Adds the attention of a layer; returns its context, [B, heads, S, head size]."""
        queries = self.add("Reshape", queries, "wide_shape")
        keys = self.add("Reshape", keys, "wide_shape")
        values = self.add("Reshape", values, "narrow_shape")
        scores = self.add(
            "FusedMatMul",
            queries,
            keys,
            domain=MICROSOFT,
            transBatchA=1,
            transBatchB=1,
            transB=1,
            alpha=float(1 / np.sqrt(self.head_size)),
        )
        shares = self.add("Softmax", scores, axis=-1)
        return self.add("FusedMatMul", shares, values, domain=MICROSOFT, transBatchB=1)

    def feed_forward(self, number: int, layer: Any, states: str) -> str:
        first, second = Dense.of(layer.intermediate.dense), Dense.of(layer.output.dense)
        site = f"{number}.inner"
        if self.ranges is not None:
            # the widest features come first, where they can be sliced off
            low, high = self.ranges[site].low, self.ranges[site].high
            order = np.argsort(-high, kind="stable")
            first = Dense(first.weight[order], first.bias[order])
            second = Dense(second.weight[:, order], second.bias)
            wide = min(WIDE_FEATURES, len(order) - 1)
            self.grids[site] = Grid.over(float(low.min()), float(high[order[wide]]))
        input_site = f"{number}.feed_forward_input"
        vectors, (first,) = self.divided(input_site, states, [first])
        operator, domain = ACTIVATIONS[self.config.hidden_act]
        inner = self.add(operator, self.product(input_site, input_site, vectors, first), domain=domain)
        added = self.product(site, site, self.rounded(site, inner), second)
        if self.ranges is not None:
            # what the widest features have beyond the grid's end goes past the rounding, with the residual
            end = self.constant("wide", [wide], np.int64)
            excess = self.add("Slice", inner, "zero", end, "one")
            excess = self.add("Sub", excess, self.constant(f"{site}.end", self.grids[site].high))
            weight = self.constant(f"{site}.wide_weight", second.weight.T[:wide])
            states = self.add("Gemm", self.add("Relu", excess), weight, states)
        return self.normalized(f"{number}.output_norm", layer.output.LayerNorm, self.add("Sum", added, states))

    def normalized(self, name: str, norm: nn.LayerNorm, vectors: str) -> str:
        weight = self.constant(f"{name}.weight", _array(norm.weight))
        bias = self.constant(f"{name}.bias", _array(norm.bias))
        return self.add("LayerNormalization", vectors, weight, bias, axis=-1, epsilon=norm.eps)

    def divided(self, site: str, vectors: str, denses: Sequence[Dense]) -> tuple[str, list[Dense]]:
        """Divides and rounds what several layers read; in fp32 changes nothing.

        Returns:
            The vectors and the layers to read them with.
        """
        if self.ranges is None:
            return vectors, list(denses)
        divisor = self.divisor(site, denses)
        self.set_grid(site, divisor)
        vectors = self.add("Mul", vectors, self.constant(f"{site}.inverse", 1 / divisor))
        return self.rounded(site, vectors), [dense.multiplied(divisor) for dense in denses]

    def divisor(self, site: str, denses: Sequence[Dense]) -> FloatArray:
        """By what the features at the input of layers are divided; 1 in fp32."""
        if self.ranges is None:
            return np.ones(denses[0].weight.shape[1], dtype=np.float32)
        weights = np.concatenate([dense.weight for dense in denses])
        return smoothing(self.ranges[site].magnitude(), weights.T, SMOOTHING[site.partition(".")[2]])

    def set_grid(self, site: str, divisor: FloatArray) -> None:
        """Lays the grid over the divided features of a site."""
        if self.ranges is not None:
            low, high = self.ranges[site].low / divisor, self.ranges[site].high / divisor
            self.grids[site] = Grid.over(float(low.min()) * MARGIN, float(high.max()) * MARGIN)

    def rounded(self, site: str, vectors: str) -> str:
        """Rounds vectors to the grid of a site; in fp32 leaves them as they are."""
        if self.ranges is None:
            return vectors
        scale = self.constant(f"{site}.scale", self.grids[site].scale)
        zero_point = self.constant(f"{site}.zero_point", self.grids[site].zero_point, np.uint8)
        return self.add("QuantizeLinear", vectors, scale, zero_point)

    def product(self, site: str, name: str, vectors: str, dense: Dense) -> str:
        """Adds the product of vectors, rounded as the site's are, with a layer's weights."""
        bias = self.constant(f"{name}.bias", dense.bias)
        if self.ranges is None:
            return self.add("Gemm", vectors, self.constant(f"{name}.weight", dense.weight.T), bias)
        integers, scales = round_weights(dense.weight.T)
        return self.add(
            "MatMulIntegerToFloat",
            vectors,
            self.constant(f"{name}.weight", integers, np.int8),
            f"{site}.scale",
            self.constant(f"{name}.weight_scale", scales),
            f"{site}.zero_point",
            "",
            bias,
            domain=MICROSOFT,
        )

    def head(self, name: str, denses: Sequence[Dense], states: str) -> None:
        for index, dense in enumerate(denses):
            final = index == len(denses) - 1
            weight = self.constant(f"{name}.{index}.weight", dense.weight.T)
            bias = self.constant(f"{name}.{index}.bias", dense.bias)
            operator, domain = ACTIVATIONS[dense.activation] if dense.activation else ("", "")
            states = self.add("Gemm", states, weight, bias, output=name if final and not operator else "")
            if operator:
                states = self.add(operator, states, domain=domain, output=name if final else "")


def _with_feature(dense: Dense, heads: int, value: float) -> Dense:
    """Adds one feature of a constant value to each attention head's features."""
    size = len(dense.bias) // heads
    weight = np.pad(dense.weight.reshape(heads, size, -1), ((0, 0), (0, 1), (0, 0)))
    bias = np.pad(dense.bias.reshape(heads, size), ((0, 0), (0, 1)), constant_values=value)
    return Dense(weight.reshape(heads * (size + 1), -1), bias.reshape(-1))


def _hiding(dense: Dense, heads: int) -> Dense:
    """Adds inputs, flags of padding, that make the last feature of each head very negative."""
    flags = np.zeros((len(dense.bias), FLAGS), dtype=np.float32)
    flags[len(dense.bias) // heads - 1 :: len(dense.bias) // heads] = HIDDEN_SCORE
    return Dense(np.concatenate([dense.weight, flags], axis=1), dense.bias)


def _array(tensor: torch.Tensor) -> FloatArray:
    return tensor.detach().float().cpu().numpy()
