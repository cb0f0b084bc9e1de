"""The limit: a graph of nothing but an encoder's matrix products, with the operators that the exported model has."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from transformers import PretrainedConfig

from training.onnx_graph import IR_VERSION, MICROSOFT, OPSET


@dataclass(frozen=True)
class Shape:
    """What an encoder's products with weights depend on.

    Attributes:
        layers: Number of layers.
        hidden: Features of a subword.
        inner: Features of the inner feed-forward layer.
    """

    layers: int
    hidden: int
    inner: int

    @classmethod
    def of(cls, config: PretrainedConfig) -> Shape:
        """Returns the shape of a BERT-shaped encoder."""
        return cls(config.num_hidden_layers, config.hidden_size, config.intermediate_size)


def products_graph(shape: Shape, precision: str) -> onnx.ModelProto:
    """Builds the graph.

    Of each layer it has the products with weights: query, key, value and attention output, [rows, H] x [H, H], and the
    two of the feed-forward layer, [rows, H] x [H, I] and [rows, I] x [I, H]. Attention's products of activations with
    each other, which grow with the length of the text, are no part of it, nor is anything else that a model must do:
    the limit can be neared, not reached.

    Args:
        shape: The encoder's shape.
        precision: ``int8``: MatMulIntegerToFloat of uint8 rows and int8 weights; ``fp32``: Gemm.

    Returns:
        A graph with the inputs ``hidden`` [rows, H] and ``inner`` [rows, I].
    """
    draw = np.random.default_rng(0)
    integers = precision == "int8"
    nodes: list[onnx.NodeProto] = []
    constants = {
        "zero": np.zeros(1, np.int64),
        "one": np.ones(1, np.int64),
        "scale": np.array(0.01, np.float32),
        "zero_point": np.array(128, np.uint8),
    }
    firsts: list[str] = []
    hidden, inner = shape.hidden, shape.inner
    sizes = [(hidden, hidden)] * 4 + [(hidden, inner), (inner, hidden)]
    for number, (width, outputs) in enumerate(sizes * shape.layers):
        rows = "inner" if number % len(sizes) == len(sizes) - 1 else "hidden"
        weight, bias, product = f"weight_{number}", f"bias_{number}", f"product_{number}"
        constants[bias] = np.zeros(outputs, np.float32)
        if integers:
            constants[weight] = draw.integers(-64, 64, size=(width, outputs)).astype(np.int8)
            constants[f"scales_{number}"] = np.full(outputs, 0.01, np.float32)
            inputs = [rows, weight, "scale", f"scales_{number}", "zero_point", "", bias]
            nodes.append(helper.make_node("MatMulIntegerToFloat", inputs, [product], domain=MICROSOFT))
        else:
            constants[weight] = draw.normal(size=(width, outputs)).astype(np.float32)
            nodes.append(helper.make_node("Gemm", [rows, weight, bias], [product]))
        # a product that nothing reads would not be computed; its first number is read, at no cost to speak of
        nodes.append(helper.make_node("Slice", [product, "zero", "one", "zero"], [f"row_{number}"]))
        nodes.append(helper.make_node("Slice", [f"row_{number}", "zero", "one", "one"], [f"first_{number}"]))
        firsts.append(f"first_{number}")
    nodes.append(helper.make_node("Concat", firsts, ["firsts"], axis=0))
    kind = TensorProto.UINT8 if integers else TensorProto.FLOAT
    graph = helper.make_graph(
        nodes,
        "products",
        [
            helper.make_tensor_value_info("hidden", kind, ["rows", hidden]),
            helper.make_tensor_value_info("inner", kind, ["rows", inner]),
        ],
        [helper.make_tensor_value_info("firsts", TensorProto.FLOAT, [len(firsts), 1])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    domains = [helper.make_opsetid("", OPSET), helper.make_opsetid(MICROSOFT, 1)]
    return helper.make_model(graph, opset_imports=domains, ir_version=IR_VERSION, producer_name="hadath")
