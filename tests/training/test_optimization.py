from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import nn

from hadath.schema import Schema
from tests.fixtures.tiny_encoder import write_tiny_encoder
from training.encoders import load_encoder
from training.heads import HeadSpec
from training.model import JointTagger, new_tagger
from training.optimization import bfloat16_is_fast, make_deterministic, parameter_groups

RATE, DECAY, FACTOR, WEIGHT_DECAY = 1e-3, 0.5, 3.0, 0.01


@pytest.fixture(scope="module", params=["bert", "xlm-roberta"])
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, tiny_schema: Schema) -> JointTagger:
    directory = write_tiny_encoder(tmp_path_factory.mktemp("encoder"), architecture=request.param)
    encoder, _ = load_encoder(str(directory), hidden_dropout=0.1, attention_dropout=0.1, max_length=64)
    heads = {"entities": HeadSpec("spans", "entity_types", hidden=8), "modality": HeadSpec("trigger", "modalities")}
    return new_tagger(encoder, tiny_schema, heads, {})


def settings_of(model: nn.Module, **changes: float) -> dict[str, tuple[float, float]]:
    """For each parameter's name its learning rate and weight decay."""
    given = {"learning_rate": RATE, "layer_decay": DECAY, "head_factor": FACTOR, "weight_decay": WEIGHT_DECAY}
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    return {
        names[id(parameter)]: (group["lr"], group["weight_decay"])
        for group in parameter_groups(model, **{**given, **changes})
        for parameter in group["params"]
    }


def test_every_trainable_parameter_is_in_one_group(model: JointTagger) -> None:
    groups = parameter_groups(model, learning_rate=RATE, layer_decay=DECAY, head_factor=FACTOR, weight_decay=0.01)
    placed = [id(parameter) for group in groups for parameter in group["params"]]
    assert len(placed) == len(set(placed))
    assert set(placed) == {id(parameter) for parameter in model.parameters()}
    assert len({(group["lr"], group["weight_decay"]) for group in groups}) == len(groups)


def test_rates_fall_with_depth(model: JointTagger) -> None:
    for name, (rate, _) in settings_of(model).items():
        if name.startswith("heads."):
            assert rate == RATE * FACTOR, name
        elif ".layer.1." in name:
            assert rate == RATE, name
        elif ".layer.0." in name:
            assert rate == RATE * DECAY, name
        else:
            assert name.startswith("encoder.embeddings.")
            assert rate == RATE * DECAY**2, name


def test_biases_and_norms_are_not_decayed(model: JointTagger) -> None:
    exempt = {
        f"{name}.{kind}" if name else kind
        for name, module in model.named_modules()
        for kind, parameter in module.named_parameters(recurse=False)
        if isinstance(module, nn.LayerNorm) or kind == "bias"
    }
    assert exempt
    for name, (_, decay) in settings_of(model).items():
        assert decay == (0.0 if name in exempt else WEIGHT_DECAY), name


def test_one_rate_throughout(model: JointTagger) -> None:
    assert {rate for rate, _ in settings_of(model, layer_decay=1.0, head_factor=1.0).values()} == {RATE}


def test_frozen_parameters_are_left_out(tiny_encoder: Path, tiny_schema: Schema) -> None:
    encoder, _ = load_encoder(str(tiny_encoder), hidden_dropout=0.1, attention_dropout=0.1, max_length=64)
    model = new_tagger(encoder, tiny_schema, {"entities": HeadSpec("spans", "entity_types")}, {})
    for parameter in model.encoder.embeddings.parameters():
        parameter.requires_grad = False
    assert not any("embeddings" in name for name in settings_of(model))


def test_other_architectures_names_are_understood() -> None:
    # names of parameters as ModernBERT, DistilBERT and GPT-2 have them
    names = {
        "encoder.layers.3.attn_norm.weight": (1.0, 0.0),
        "encoder.layers.0.mlp.Wi.weight": (0.5**3, 1.0),
        "encoder.transformer.layer.2.sa_layer_norm.bias": (0.5, 0.0),
        "encoder.h.1.mlp.weight": (0.5**2, 1.0),
        "encoder.embeddings.tok_embeddings.weight": (0.5**4, 1.0),
        "encoder.final_norm.weight": (1.0, 0.0),
        "heads.events.output.weight": (2.0, 1.0),
    }

    model = nn.Module()
    for name in names:
        *path, last = name.split(".")
        place = model
        for part in path:
            if not hasattr(place, part):
                place.add_module(part, nn.Module())
            place = getattr(place, part)
        place.register_parameter(last, nn.Parameter(torch.zeros(1)))
    found = settings_of(model, learning_rate=1.0, layer_decay=0.5, head_factor=2.0, weight_decay=1.0)
    assert found == names


@pytest.fixture
def torch_settings() -> Iterator[None]:
    before = torch.are_deterministic_algorithms_enabled(), torch.utils.deterministic.fill_uninitialized_memory
    yield
    torch.use_deterministic_algorithms(before[0])
    torch.utils.deterministic.fill_uninitialized_memory = before[1]


@pytest.mark.usefixtures("torch_settings")
def test_deterministic_algorithms_are_switched_on() -> None:
    make_deterministic()
    assert torch.are_deterministic_algorithms_enabled()
    assert not torch.utils.deterministic.fill_uninitialized_memory


def test_bfloat16_is_asked_of_the_hardware(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False, raising=False)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False, raising=False)
    assert not bfloat16_is_fast()
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: True, raising=False)
    assert bfloat16_is_fast()
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: including_emulation)
    assert not bfloat16_is_fast()
