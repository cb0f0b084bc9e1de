"""The networks that are compared: one set of weights in PyTorch, in transformers' pipeline and in onnxruntime."""

from __future__ import annotations

from pathlib import Path

import onnx
import torch
from omegaconf import OmegaConf
from tokenizers import Tokenizer
from torch import nn
from transformers import AutoModelForTokenClassification, Pipeline, PreTrainedTokenizerFast, pipeline

from hadath.model_directory import ModelConfig
from hadath.tokens import WordTokenizer
from training.encoders import load_encoder
from training.export import constant_outputs, dense_layers
from training.heads import HeadSpec
from training.model import JointTagger, new_tagger
from training.networks import load_network
from training.onnx_graph import build_graph
from training.script import CONFIGS
from training.settings import Encoder, Optimization, settings


def optimization_settings() -> Optimization:
    """Returns the default settings of training."""
    return settings(Optimization, OmegaConf.load(CONFIGS / "optimization" / "default.yaml"), "optimization")


def network_for(config: ModelConfig, directory: Path | None) -> tuple[JointTagger, Tokenizer]:
    """Returns the PyTorch network to compare a model with.

    Args:
        config: The model directory's config.json.
        directory: The folder ``model/`` of the training that the model was exported from. Without it the network is
            made of the encoder that the model started from and of heads that find nothing: speed does not depend on
            the weights, and what finds nothing spends no time on making documents of it.

    Raises:
        NetworkError: If the network cannot be loaded.
        EncoderError: If the encoder cannot be loaded.
    """
    if directory is not None:
        return load_network(directory)
    # so that it can be trained as finetune would
    usual = settings(Encoder, OmegaConf.load(CONFIGS / "encoder" / "mini.yaml"), "encoder")
    encoder, tokenizer = load_encoder(
        config.provenance.get("encoder", usual.source),
        hidden_dropout=usual.hidden_dropout,
        attention_dropout=usual.attention_dropout,
        max_length=config.windowing.max_length,
    )
    heads = {
        str(name): HeadSpec(**values) for name, values in OmegaConf.load(CONFIGS / "heads" / "default.yaml").items()
    }
    network = new_tagger(
        encoder,
        config.schema,
        heads,
        windowing=vars(config.windowing),
        input_masking=optimization_settings().input_masking,
        mask_id=WordTokenizer(tokenizer).mask_id,
    )
    with torch.no_grad():
        for name, head in network.heads.items():
            if network.specs[name].kind == "arguments":
                continue
            # the first label of spans is O
            head.output.weight.zero_()
            head.output.bias.copy_(-torch.arange(len(head.output.bias), dtype=torch.float32))
    return network.eval(), tokenizer


def export_fp32(network: JointTagger, tokenizer: Tokenizer, config: ModelConfig, directory: Path) -> Path:
    """Writes a model directory of a network in float32, otherwise as the given one; returns it."""
    directory.mkdir(parents=True)
    graph = build_graph(network.encoder, dense_layers(network), "fp32", constants=constant_outputs(network))
    onnx.save(graph, directory / "model.onnx")
    tokenizer.save(str(directory / "tokenizer.json"))
    config.write(directory)
    return directory


def token_classification_pipeline(network: JointTagger, tokenizer: Tokenizer, overlap: int) -> Pipeline:
    """Returns transformers' pipeline around the encoder of a network.

    It reads windows of the same size and overlap as hadath, so that it, too, cuts no article off.

    Args:
        network: The network; the encoder's weights are shared, not copied.
        tokenizer: Its tokenizer.
        overlap: Subwords that two neighbouring windows share.
    """
    config = network.encoder.config
    trained = network.heads["entities"].output
    labelled = type(config).from_dict({**config.to_dict(), "num_labels": trained.out_features})
    labelled.id2label = {index: "O" if index == 0 else f"B-{index}" for index in range(trained.out_features)}
    labelled.label2id = {label: index for index, label in labelled.id2label.items()}
    classifier = AutoModelForTokenClassification.from_config(labelled).eval()
    setattr(classifier, classifier.base_model_prefix, network.encoder)
    # hadath's heads read a word's first and last subword, 2 H wide; the pipeline's model scores single subwords. It
    # gets the half that reads the first one: what it finds is not what hadath finds, but speed is what is compared
    head = nn.Linear(config.hidden_size, trained.out_features)
    with torch.no_grad():
        head.weight.copy_(trained.weight[:, : config.hidden_size])
        head.bias.copy_(trained.bias)
    classifier.classifier = head
    words = WordTokenizer(tokenizer)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=tokenizer.id_to_token(words.pad_id),
        unk_token=tokenizer.id_to_token(words.unknown_id),
        model_max_length=int(network.config.windowing["max_length"]),
        model_input_names=["input_ids", "attention_mask"],
    )
    return pipeline(
        "token-classification",
        model=classifier,
        tokenizer=fast,
        device="cpu",
        aggregation_strategy="simple",
        stride=overlap,
    )
