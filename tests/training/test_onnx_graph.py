"""The graph computes what torch does, and in 8 bits nearly that, whatever shares the batch."""

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import nn
from transformers import (
    BertConfig,
    BertModel,
    DistilBertConfig,
    DistilBertModel,
    XLMRobertaConfig,
    XLMRobertaModel,
)

from training.onnx_graph import Dense, GraphError, build_graph

PAD = 1
LENGTHS = (11, 3, 17, 8)


def tiny(kind):
    shape = {
        "vocab_size": 90,
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "intermediate_size": 64,
        "pad_token_id": PAD,
    }
    torch.manual_seed(0)
    if kind == "bert":
        encoder = BertModel(BertConfig(**shape, max_position_embeddings=24), add_pooling_layer=False)
    else:
        config = XLMRobertaConfig(**shape, max_position_embeddings=26, type_vocab_size=1)
        encoder = XLMRobertaModel(config, add_pooling_layer=False)
    with torch.no_grad():
        for name, parameter in encoder.named_parameters():
            # weights of a trained model's size, so that biases and positions count
            parameter.normal_(1.0 if name.endswith("LayerNorm.weight") else 0.0, 0.2)
        # one feature that is far larger than the others, as trained encoders have
        encoder.encoder.layer[0].intermediate.dense.bias[5] = 20.0
        encoder.encoder.layer[0].output.LayerNorm.weight[3] = 15.0
    return encoder.eval()


@pytest.fixture(scope="module", params=["bert", "xlm-roberta"])
def encoder(request):
    return tiny(request.param)


@pytest.fixture(scope="module")
def heads():
    torch.manual_seed(1)
    return {
        "entities": [Dense.of(nn.Linear(64, 7))],
        "modality": [Dense.of(nn.Linear(64, 12), "gelu"), Dense.of(nn.Linear(12, 4))],
    }


def batch(lengths, seed=0):
    generator = np.random.default_rng(seed)
    input_ids = np.full((len(lengths), max(lengths)), PAD)
    attention_mask = np.zeros_like(input_ids)
    for row, length in enumerate(lengths):
        input_ids[row, :length] = generator.integers(2, 90, length)
        attention_mask[row, :length] = 1
    # every other subword begins a word; some words have two
    places = [(row, length, place) for row, length in enumerate(lengths) for place in range(1, length, 2)]
    starts = [row * max(lengths) + place for row, _, place in places]
    second = [place % 4 == 1 and place + 1 < length for _, length, place in places]
    return {
        "input_ids": input_ids,
        "attention_mask": attention_mask,
        "word_starts": np.array(starts, dtype=np.int64),
        "word_ends": np.array(starts, dtype=np.int64) + np.array(second, dtype=np.int64),
    }


def samples(count=8):
    batches = (batch(LENGTHS, seed) for seed in range(100, 100 + count))
    return [(torch.tensor(sample["input_ids"]), torch.tensor(sample["attention_mask"])) for sample in batches]


def session(graph):
    return onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])


def torch_logits(encoder, heads, inputs):
    with torch.inference_mode():
        pieces = encoder(
            input_ids=torch.tensor(inputs["input_ids"]), attention_mask=torch.tensor(inputs["attention_mask"])
        ).last_hidden_state.flatten(0, 1)
        states = torch.cat([pieces[torch.tensor(inputs[side])] for side in ("word_starts", "word_ends")], dim=-1)
        logits = []
        for layers in heads.values():
            vectors = states
            for layer in layers:
                vectors = nn.functional.linear(vectors, torch.tensor(layer.weight), torch.tensor(layer.bias))
                vectors = nn.functional.gelu(vectors) if layer.activation else vectors
            logits.append(vectors.numpy())
    return logits


@pytest.mark.parametrize("lengths", [LENGTHS, (1,), (24,), (5, 5)])
def test_fp32_computes_what_torch_does(encoder, heads, lengths):
    inputs = batch(lengths)
    computed = session(build_graph(encoder, heads, "fp32")).run(list(heads), inputs)
    for ours, expected in zip(computed, torch_logits(encoder, heads, inputs), strict=True):
        assert ours.shape == expected.shape
        np.testing.assert_allclose(ours, expected, atol=1e-4)


def test_int8_stays_close(encoder, heads):
    network = session(build_graph(encoder, heads, "int8", samples()))
    inputs = batch(LENGTHS, seed=100)
    for ours, expected in zip(network.run(list(heads), inputs), torch_logits(encoder, heads, inputs), strict=True):
        assert np.linalg.norm(ours - expected) < 0.05 * np.linalg.norm(expected)


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_scores_do_not_depend_on_what_shares_the_batch(encoder, heads, precision):
    network = session(build_graph(encoder, heads, precision, samples()))
    together = batch(LENGTHS)
    scores = network.run(["entities"], together)[0]
    first = 0
    for row, length in enumerate(LENGTHS):
        alone = batch((length,))
        alone["input_ids"] = together["input_ids"][row : row + 1, :length]
        own = network.run(["entities"], alone)[0]
        shared = scores[first : first + len(own)]
        if precision == "int8":
            np.testing.assert_array_equal(own, shared)
        np.testing.assert_allclose(own, shared, atol=1e-5)
        first += len(own)


def test_no_words_give_no_scores(encoder, heads):
    inputs = batch((1,))
    for graph in (build_graph(encoder, heads, "fp32"), build_graph(encoder, heads, "int8", samples())):
        assert [logits.shape for logits in session(graph).run(None, inputs)] == [(0, 7), (0, 4)]


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_constants_are_given_out_as_they_are(encoder, heads, precision):
    constants = {"pairs.weight": np.arange(6, dtype=np.float32).reshape(2, 3), "pairs.bias": np.float32([1, 2, 3])}
    network = session(build_graph(encoder, heads, precision, samples(), constants))
    plain = session(build_graph(encoder, heads, precision, samples()))
    inputs = batch(LENGTHS)
    for name, values in constants.items():
        assert np.array_equal(network.run([name], inputs)[0], values)
    for ours, expected in zip(network.run(list(heads), inputs), plain.run(list(heads), inputs), strict=True):
        assert np.array_equal(ours, expected)


def test_int8_keeps_the_weights_in_8_bits(encoder, heads):
    graph = build_graph(encoder, heads, "int8", samples())
    large = [
        constant
        for constant in graph.graph.initializer
        if np.prod(constant.dims, dtype=int) >= encoder.config.hidden_size**2
    ]
    assert {constant.data_type for constant in large} == {onnx.TensorProto.INT8}


def test_other_encoders_and_missing_samples_are_refused(heads):
    encoder = DistilBertModel(DistilBertConfig(vocab_size=90, n_layers=1, n_heads=2, dim=32, hidden_dim=64))
    with pytest.raises(GraphError, match="can be exported, as all encoders of configs/encoder are"):
        build_graph(encoder, heads, "fp32")
    with pytest.raises(GraphError, match="precision is int4; expected fp32 or int8"):
        build_graph(tiny("bert"), heads, "int4")
    with pytest.raises(ValueError, match="no sample texts"):
        build_graph(tiny("bert"), heads, "int8")
