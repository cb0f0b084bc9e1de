"""The ONNX graph of a BERT-shaped encoder and its heads, built operator by operator for speed on CPUs.

A traced model leaves the choice of operators to the exporter. Here they are chosen by measurement in
onnxruntime; the comments where they stand say why. Encoders of another shape are exported by tracing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

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

HIDDEN_POSITION = -30000.0
"""What is added to the attention scores of padding; its exponential is exactly zero."""

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
"""Features of the inner feed-forward layer whose excess over the range is kept in float."""

Precision = Literal["fp32", "int8"]


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

    @classmethod
    def of(cls, linear: nn.Linear, activation: str | None = None) -> Dense:
        """Returns the layer that computes what a torch layer does."""
        return cls(_array(linear.weight), _array(linear.bias), activation)


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
) -> onnx.ModelProto:
    """Builds the graph that maps subwords to the scores of words.

    Its inputs are ``input_ids`` [B, S], padded on the right, ``attention_mask`` [B, S], 1 for a subword and 0
    for padding, and ``word_starts`` [N], the place of each word's first subword in the flattened [B * S]; all
    int64. It has one output a head, float32 [N, labels], named as the head is.

    Args:
        encoder: A ``BertModel``, ``RobertaModel`` or ``XLMRobertaModel``.
        heads: The layers of each head, applied one after the other to a word's first subword.
        precision: ``fp32``: what torch computes. ``int8``: its products in 8 bits, with fixed scales,
            so a word's scores do not depend on what shares its batch.
        texts: For ``int8`` only: ``input_ids`` and ``attention_mask`` of sample texts, [B, S] each; some ten
            thousand subwords of the training articles.

    Returns:
        The checked graph, opset 17 with onnxruntime's own operators.

    Raises:
        ValueError: If the encoder has another shape, or sample texts are missing.

    Example:
        >>> import torch
        >>> from transformers import BertConfig, BertModel
        >>> config = BertConfig(hidden_size=32, num_attention_heads=4, intermediate_size=64)
        >>> encoder = BertModel(config)
        >>> graph = build_graph(encoder, {"entities": [Dense.of(torch.nn.Linear(32, 5))]}, "fp32")
        >>> [value.name for value in graph.graph.output]
        ['entities']
    """
    if not is_bert_shaped(encoder):
        raise ValueError(
            f"the encoder is a {encoder.config.model_type}; expected BERT, RoBERTa or XLM-R "
            f"with an activation of {', '.join(ACTIVATIONS)}: export it by tracing"
        )
    ranges = observe_ranges(encoder, _products(encoder), texts) if precision == "int8" else None
    return _EncoderGraph(encoder, ranges).build(heads)


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
    """Collects the graph's nodes and constants; between layers vectors are kept flat, [B * S, features]."""

    def __init__(self, encoder: PreTrainedModel, ranges: Mapping[str, FeatureRange] | None) -> None:
        self.encoder = encoder
        self.config = encoder.config
        self.ranges = ranges
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, npt.NDArray[Any]] = {}

    def build(self, heads: Mapping[str, Sequence[Dense]]) -> onnx.ModelProto:
        states = self.embeddings()
        self.attention_shapes()
        layers = self.encoder.encoder.layer
        for number, layer in enumerate(layers):
            states = self.layer(number, layer, states, last=number == len(layers) - 1)
        for name, denses in heads.items():
            self.head(name, denses, states)
        integer = TensorProto.INT64
        inputs = [
            helper.make_tensor_value_info("input_ids", integer, ["batch", "length"]),
            helper.make_tensor_value_info("attention_mask", integer, ["batch", "length"]),
            helper.make_tensor_value_info("word_starts", integer, ["words"]),
        ]
        outputs = [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, ["words", len(denses[-1].bias)])
            for name, denses in heads.items()
        ]
        graph = helper.make_graph(
            self.nodes,
            "hadath",
            inputs,
            outputs,
            [numpy_helper.from_array(array, name) for name, array in self.constants.items()],
        )
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

    def embeddings(self) -> str:
        table = self.encoder.embeddings
        words = _array(table.word_embeddings.weight)
        # every token is of type 0, so its vector is added to the positions' beforehand
        positions = _array(table.position_embeddings.weight) + _array(table.token_type_embeddings.weight)[0]
        if self.config.model_type != "bert":
            # RoBERTa counts positions from the padding id + 1
            positions = positions[self.config.pad_token_id + 1 :]
        if self.ranges is None:
            vectors = self.add("Gather", self.constant("words", words), "input_ids")
        else:
            rounded, scale = round_rows(words)
            # looked up as 8-bit rows and widened after that, so that the table stays small in memory too
            vectors = self.add("Gather", self.constant("words", rounded, np.int8), "input_ids")
            scales = self.add("Gather", self.constant("words_scale", scale), "input_ids")
            vectors = self.add("Mul", self.add("Cast", vectors, to=TensorProto.FLOAT), scales)
        shape = self.add("Shape", "input_ids", output="shape")
        length = self.add("Gather", shape, self.constant("one", [1], np.int64))
        zero, first = self.constant("zero", [0], np.int64), self.constant("positions", positions)
        vectors = self.add("Add", vectors, self.add("Slice", first, zero, length, zero))
        vectors = self.add("Reshape", vectors, self.constant("flat", [-1, self.config.hidden_size], np.int64))
        return self.normalized("embeddings", table.LayerNorm, vectors)

    def attention_shapes(self) -> None:
        """Adds what the layers' attention shares: the shapes and the part of the keys that hides padding.

        The mask inputs of MultiHeadAttention cost about a third of the operator's time and keep it from its
        flash kernel. Instead queries and keys get one more feature for each head: 1 in every query, in the
        keys 0 for a subword and a very negative number for padding: the scores of a masked attention.
        """
        heads, width = self.config.num_attention_heads, self.config.hidden_size
        wide = width + heads
        self.constant("narrow_width", [width], np.int64)
        self.constant("wide_width", [wide], np.int64)
        self.add("Concat", "shape", "wide_width", output="wide_shape", axis=0)
        self.add("Concat", "shape", "narrow_width", output="narrow_shape", axis=0)
        scale = float(np.sqrt(width // heads))
        indicator = np.zeros((heads, width // heads + 1))
        indicator[:, -1] = HIDDEN_POSITION * scale
        mask = self.add("Cast", "attention_mask", to=TensorProto.FLOAT)
        mask = self.add("Reshape", mask, self.constant("column", [-1, 1], np.int64))
        mask = self.add("Sub", self.constant("visible", 1), mask)
        self.add("Mul", mask, self.constant("hidden_key", indicator.reshape(1, -1)), output="hidden_keys")

    def layer(self, number: int, layer: Any, states: str, last: bool) -> str:
        attention, output = layer.attention.self, layer.attention.output
        heads = self.config.num_attention_heads
        query, key, value = (Dense.of(linear) for linear in (attention.query, attention.key, attention.value))
        query, key = _with_feature(query, heads, 1.0), _with_feature(key, heads, 0.0)
        context_output = Dense.of(output.dense)
        if self.ranges is not None:
            # dividing the values' features divides the context's, which are weighted sums of values
            name = f"{number}.context"
            divisor = self.divisor(name, context_output.weight.T)
            value = Dense(value.weight / divisor[:, None], value.bias / divisor)
            context_output = Dense(context_output.weight * divisor, context_output.bias)
        else:
            divisor = None
        # three products over the same rounded rows cost what one does, and no split follows
        queries, keys, values = self.products(f"{number}.attention_input", states, [query, key, value])
        context = self.add(
            "MultiHeadAttention",
            self.add("Reshape", queries, "wide_shape"),
            self.add("Reshape", self.add("Add", keys, "hidden_keys"), "wide_shape"),
            self.add("Reshape", values, "narrow_shape"),
            domain=MICROSOFT,
            num_heads=heads,
            scale=float(1 / np.sqrt(self.config.hidden_size // heads)),
        )
        context = self.add("Reshape", context, "flat")
        if last:
            # from here on a row depends on itself alone, so only the rows that the heads read go on
            context, states = (self.add("Gather", rows, "word_starts") for rows in (context, states))
        (attended,) = self.products(f"{number}.context", context, [context_output], divided=divisor)
        # Sum: Add and LayerNormalization would be fused to an operator that takes six times as long
        states = self.add("Sum", attended, states)
        states = self.normalized(f"{number}.attention_norm", output.LayerNorm, states)
        return self.feed_forward(number, layer, states)

    def feed_forward(self, number: int, layer: Any, states: str) -> str:
        first, second = Dense.of(layer.intermediate.dense), Dense.of(layer.output.dense)
        name = f"{number}.inner"
        operator, domain = ACTIVATIONS[self.config.hidden_act]
        if self.ranges is None:
            (inner,) = self.products(f"{number}.feed_forward_input", states, [first])
            inner = self.add(operator, inner, domain=domain)
            (added,) = self.products(name, inner, [second])
        else:
            order = np.argsort(-self.ranges[name].high, kind="stable")
            first = Dense(first.weight[order], first.bias[order])
            second = Dense(second.weight[:, order], second.bias)
            low, high = self.ranges[name].low[order], self.ranges[name].high[order]
            grid = Grid.over(float(low.min()), float(high[WIDE_FEATURES]))
            (inner,) = self.products(f"{number}.feed_forward_input", states, [first])
            inner = self.add(operator, inner, domain=domain)
            rounded = self.rounded(name, inner, grid)
            added = self.integer_product(name, rounded, second.weight.T, second.bias)
            # what the widest features have beyond the grid's end comes in here, with the residual
            zero, end = (
                self.constant("zero", [0], np.int64),
                self.constant("wide_end", [WIDE_FEATURES], np.int64),
            )
            wide = self.add("Slice", inner, zero, end, self.constant("one", [1], np.int64))
            excess = self.add("Relu", self.add("Sub", wide, self.constant(f"{name}.high", grid.high)))
            weight = self.constant(f"{name}.wide_weight", second.weight.T[:WIDE_FEATURES])
            states = self.add("Gemm", excess, weight, states)
        states = self.add("Sum", added, states)
        return self.normalized(f"{number}.output_norm", layer.output.LayerNorm, states)

    def normalized(self, name: str, norm: nn.LayerNorm, vectors: str) -> str:
        weight = self.constant(f"{name}.weight", _array(norm.weight))
        bias = self.constant(f"{name}.bias", _array(norm.bias))
        return self.add("LayerNormalization", vectors, weight, bias, axis=-1, epsilon=norm.eps)

    def products(
        self, name: str, vectors: str, denses: Sequence[Dense], divided: FloatArray | None = None
    ) -> list[str]:
        """Adds the products of the same vectors with several layers.

        Args:
            name: Which vectors these are, the key of their ranges.
            vectors: [rows, features].
            denses: The layers.
            divided: By what the features were divided already; by default they are divided here.
        """
        names = [f"{name}.{index}" for index in range(len(denses))]
        if self.ranges is None:
            return [
                self.add(
                    "Gemm",
                    vectors,
                    self.constant(f"{product}.weight", dense.weight.T),
                    self.constant(f"{product}.bias", dense.bias),
                )
                for product, dense in zip(names, denses, strict=True)
            ]
        weights = [dense.weight.T for dense in denses]
        divisor = divided
        if divisor is None:
            divisor = self.divisor(name, np.concatenate(weights, axis=1))
            vectors = self.add("Mul", vectors, self.constant(f"{name}.inverse", 1 / divisor))
            weights = [weight * divisor[:, None] for weight in weights]
        observed = self.ranges[name]
        grid = Grid.over(float((observed.low / divisor).min()), float((observed.high / divisor).max()))
        rounded = self.rounded(name, vectors, grid)
        return [
            self.integer_product(product, rounded, weight, dense.bias)
            for product, weight, dense in zip(names, weights, denses, strict=True)
        ]

    def divisor(self, name: str, weight: FloatArray) -> FloatArray:
        assert self.ranges is not None
        return smoothing(self.ranges[name].magnitude(), weight, SMOOTHING[name.partition(".")[2]])

    def rounded(self, name: str, vectors: str, grid: Grid) -> str:
        scale = self.constant(f"{name}.scale", grid.scale)
        zero_point = self.constant(f"{name}.zero_point", grid.zero_point, np.uint8)
        return self.add("QuantizeLinear", vectors, scale, zero_point)

    def integer_product(self, name: str, rounded: str, weight: FloatArray, bias: FloatArray) -> str:
        integers, scales = round_weights(weight)
        activations = name if f"{name}.scale" in self.constants else name.rpartition(".")[0]
        return self.add(
            "MatMulIntegerToFloat",
            rounded,
            self.constant(f"{name}.weight", integers, np.int8),
            f"{activations}.scale",
            self.constant(f"{name}.weight_scale", scales),
            f"{activations}.zero_point",
            "",
            self.constant(f"{name}.bias", bias),
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


def _array(tensor: torch.Tensor) -> FloatArray:
    return tensor.detach().float().cpu().numpy()
