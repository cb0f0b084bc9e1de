from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest

import hadath
from hadath import model_directory
from hadath.errors import ModelError
from hadath.model_directory import FORMAT, NORMALIZATION, OLDEST_FORMAT, WEIGHTS_PREFIX, ModelConfig, find, load
from hadath.reading import Windowing
from hadath.schema import Schema
from tests.fixtures.tiny_model import write_tiny_model

TEXT = "زار الوزير مدينة تونس. " * 5
FEWER_ROLES = {"output": (12, 2), "bias": (2,), "others": (6, 12), "final_output": (12, 2), "final_bias": (2,)}
FILES = ("model.onnx", "tokenizer.json", "config.json")


@pytest.fixture
def model(tiny_model_directory: Path, tmp_path: Path) -> Path:
    """A copy of the tiny model that a test may damage."""
    return Path(shutil.copytree(tiny_model_directory, tmp_path / "model"))


def edit(directory: Path, **changes: Any) -> None:
    path = directory / "config.json"
    values = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**values, **changes}), encoding="utf-8")


def test_a_model_directory_tags(model: Path) -> None:
    for given in (model, str(model)):
        document = load(given)("زار الوزير مدينة تونس. " * 5)
        assert document.entities
        assert document.events


def test_a_model_of_format_1_is_read_and_finds_no_arguments(model: Path) -> None:
    expected = load(model)(TEXT)
    edit(model, format=1)
    assert load(model)(TEXT) == expected
    assert not any(event.arguments for event in expected.events)


def test_a_model_with_arguments_gives_them(tmp_path: Path, model: Path) -> None:
    tagger = load(write_tiny_model(tmp_path / "with", arguments=True))
    weights = tagger.argument_weights()
    assert weights is not None
    assert weights.reach == 20
    assert weights is tagger.argument_weights()
    found, plain = tagger(TEXT), load(model)(TEXT)
    assert any(event.arguments for event in found.events)
    assert found.entities == plain.entities
    assert [event.text for event in found.events] == [event.text for event in plain.events]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ({"sentences": None}, r"no usable weights of arguments: .*'sentences'"),
        ({"more": (1,)}, r"no usable weights of arguments: .*'more'"),
        ({"triggers": (5, 2)}, r"triggers is of shape \(5, 2\); expected \(5, 12\)"),
        (
            {"output": (12, 2), "bias": (2,), "others": (6, 12), "final_output": (12, 2), "final_bias": (2,)},
            r"scores 2 roles, but the schema in config\.json has 5",
        ),
        ({"output": (9,)}, "output is of shape"),
        ({"arguments": 10}, r"describes words by 10 numbers, where its weights of arguments expect 26"),
    ],
)
def test_weights_of_arguments_that_cannot_be_used(tmp_path: Path, damage: dict[str, Any], message: str) -> None:
    directory = write_tiny_model(tmp_path, arguments=True)
    network = onnx.load(str(directory / "model.onnx"))
    for name, shape in damage.items():
        if name == "arguments":
            replace_constant(network, "head_arguments.weight", np.zeros((12, shape), np.float32))
            replace_constant(network, "head_arguments.bias", np.zeros(shape, np.float32))
            output = next(output for output in network.graph.output if output.name == name)
            output.type.tensor_type.shape.dim[1].dim_value = shape
            continue
        outputs = [output for output in network.graph.output if output.name != f"{WEIGHTS_PREFIX}{name}"]
        if shape is not None:
            outputs.append(onnx.helper.make_tensor_value_info(f"{WEIGHTS_PREFIX}{name}", 1, shape))
            replace_constant(network, f"{WEIGHTS_PREFIX}{name}.value", np.zeros(shape, np.float32))
            if name == "more":
                given = f"{WEIGHTS_PREFIX}{name}"
                network.graph.node.append(onnx.helper.make_node("Identity", [f"{given}.value"], [given]))
        del network.graph.output[:]
        network.graph.output.extend(outputs)
    onnx.save(network, str(directory / "model.onnx"))
    with pytest.raises(ModelError, match=message):
        load(directory)


def replace_constant(network: onnx.ModelProto, name: str, values: np.ndarray) -> None:
    others = [constant for constant in network.graph.initializer if constant.name != name]
    del network.graph.initializer[:]
    network.graph.initializer.extend([*others, onnx.numpy_helper.from_array(values, name)])


def test_the_package_offers_load() -> None:
    assert hadath.load is load


def test_a_config_is_read_as_it_was_written(tmp_path: Path) -> None:
    config = ModelConfig(
        schema=Schema(("PER", "شخص"), ("MEET",), {"MEET": {"Who": ("PER",)}}, ("Asserted", "Planned")),
        windowing=Windowing(128, 16, 8),
        temperatures={"entities": 1.5},
        provenance={"encoder": "mini", "versions": {"torch": "2"}},
        metrics={"dev": {"f1": 0.5}},
        name="نموذج",
        min_scores={"entities": 0.25},
    )
    config.write(tmp_path)
    assert ModelConfig.read(tmp_path) == config


def test_settings_reach_the_tagger(model: Path) -> None:
    edit(model, temperatures={"entities": 2, "events": 0.5}, min_scores={"entities": 0.4, "events": 0.3})
    tagger = load(model, batch_tokens=99)
    assert tagger.min_scores == {"entities": 0.4, "events": 0.3}
    assert load(model, min_scores={"events": 0.9}).min_scores == {"entities": 0.4, "events": 0.9}
    assert tagger.temperatures == {"entities": 2.0, "events": 0.5}
    assert tagger.batch_tokens == 99
    assert tagger.windowing == Windowing(64, 16, 8)


def test_a_missing_directory(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"no model at .*nowhere: neither a directory nor an installed package"):
        load(tmp_path / "nowhere")
    with pytest.raises(ModelError, match="no model at no-such_package"):
        load("no-such_package")
    with pytest.raises(ModelError, match="no model at no_such_package"):
        load("no_such_package")


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file(model: Path, name: str) -> None:
    (model / name).unlink()
    with pytest.raises(ModelError, match=rf"model holds no {name}.*expected model\.onnx, tokenizer\.json and\s*config"):
        load(model)


def test_a_file_instead_of_a_directory(model: Path) -> None:
    with pytest.raises(ModelError, match=r"model\.onnx is a file; expected a model directory"):
        load(model / "model.onnx")


@pytest.mark.parametrize("changes", [{"format": FORMAT + 1}, {"normalization": NORMALIZATION + 1}])
def test_a_model_of_a_newer_version_names_the_version_that_reads_it(model: Path, changes: dict[str, int]) -> None:
    edit(model, hadath_version="9.8.7", **changes)
    with pytest.raises(ModelError, match=r"written by hadath 9\.8\.7 .*pip install 'hadath>=9\.8\.7'"):
        load(model)


@pytest.mark.parametrize("changes", [{"format": OLDEST_FORMAT - 1}, {"normalization": NORMALIZATION - 1}])
def test_a_model_of_an_older_version_is_to_be_exported_again(model: Path, changes: dict[str, int]) -> None:
    edit(model, hadath_version="0.0.1", **changes)
    with pytest.raises(ModelError, match=r"written by hadath 0\.0\.1 .*export the model again with it, or use"):
        load(model)


def test_a_newer_model_is_refused_before_its_other_files_are_read(model: Path) -> None:
    edit(model, format=FORMAT + 1, schema="of another form")
    (model / "model.onnx").write_bytes(b"of another form")
    with pytest.raises(ModelError, match="upgrade it"):
        load(model)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[]", b"{}", b'{"format": "1"}', b'{"format": null}'])
def test_a_damaged_config(model: Path, content: bytes) -> None:
    (model / "config.json").write_bytes(content)
    with pytest.raises(ModelError, match=r"config\.json .*export the model again"):
        load(model)


@pytest.mark.parametrize(
    "damage",
    [
        {"normalization": "1"},
        {"schema": {}},
        {"schema": {"entity_types": ["A", "A"], "event_types": [], "roles": {}, "modalities": []}},
        {"windowing": {"max_length": 8}},
        {"windowing": {"length": 64}},
        {"windowing": None},
        {"temperatures": {"entities": "warm"}},
        {"temperatures": {"entities": 0}},
        {"temperatures": {"entities": float("nan")}},
        {"temperatures": []},
    ],
)
def test_a_config_with_a_wrong_field(model: Path, damage: dict[str, Any]) -> None:
    edit(model, **damage)
    with pytest.raises(ModelError, match=r"config\.json|windowing"):
        load(model)


@pytest.mark.parametrize("field", ["schema", "windowing", "temperatures", "provenance", "metrics", "name"])
def test_a_config_without_a_field_names_it(model: Path, field: str) -> None:
    values = json.loads((model / "config.json").read_text(encoding="utf-8"))
    del values[field]
    (model / "config.json").write_text(json.dumps(values), encoding="utf-8")
    with pytest.raises(ModelError, match=f"incomplete or damaged .*{field}"):
        load(model)


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json"])
@pytest.mark.parametrize("damage", [lambda data: b"", lambda data: data[: len(data) // 2], lambda data: b"\x00" * 99])
def test_a_damaged_file(model: Path, name: str, damage: Callable[[bytes], bytes]) -> None:
    (model / name).write_bytes(damage((model / name).read_bytes()))
    with pytest.raises(ModelError, match=f"{name}.* (is no readable ONNX model|not a readable tokenizer)"):
        load(model)


def test_a_network_that_does_not_fit_the_schema(model: Path) -> None:
    schema = json.loads((model / "config.json").read_text(encoding="utf-8"))["schema"]
    edit(model, schema={**schema, "entity_types": [*schema["entity_types"], "MORE"]})
    with pytest.raises(ModelError, match=r"scores 9 labels of entities, but the schema in config\.json has 11"):
        load(model)


def test_a_network_that_is_no_taggers(model: Path) -> None:
    value = onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1])
    output = onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [1])
    graph = onnx.helper.make_graph([onnx.helper.make_node("Neg", ["x"], ["y"])], "other", [value], [output])
    other = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(other, str(model / "model.onnx"))
    with pytest.raises(ModelError, match="no input attention_mask, input_ids, word_ends, word_starts"):
        load(model)


@pytest.mark.parametrize("folder", ["", "model"])
def test_an_installed_package_is_found_by_its_name(
    tiny_model_directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    package = tmp_path / "hadath_model_for_tests"
    shutil.copytree(tiny_model_directory, package / folder)
    (package / "__init__.py").write_text("raise RuntimeError('a model needs no code')\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    assert find("hadath_model_for_tests") == package / folder
    assert load("hadath_model_for_tests")("زار تونس").text == "زار تونس"


@pytest.mark.parametrize("name", ["json", "this", "namespace_for_tests"])
def test_an_installed_package_without_a_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    (tmp_path / "sites" / "namespace_for_tests").mkdir(parents=True)
    monkeypatch.syspath_prepend(tmp_path / "sites")
    # what lies in the working directory is no part of any package
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelError, match=f"the package {name} is installed but holds no config.json"):
        load(name)


def test_a_directory_goes_before_a_package_of_its_name(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model.rename(model.parent / "json")
    monkeypatch.chdir(model.parent)
    assert find("json") == Path("json")


def test_the_model_in_the_package_is_the_default(
    tiny_model_directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_directory, "BUNDLED", tiny_model_directory)
    assert find() == tiny_model_directory
    monkeypatch.setattr(model_directory, "BUNDLED", tmp_path)
    with pytest.raises(ModelError, match="came without a model"):
        load()


def test_execution_providers(model: Path) -> None:
    assert load(model, providers=["CPUExecutionProvider"])("زار تونس") == load(model)("زار تونس")
    assert load(model, providers=["cpu"])("زار تونس") == load(model)("زار تونس")
    with pytest.raises(ModelError, match=r"onnxruntime has no CUDAExecutionProvider here, only .*CPUExecutionProvider"):
        load(model, providers=["cuda", "cpu"])
    with pytest.raises(ModelError, match=r"no execution provider 'abacus'; it has .*CUDA.*CPU"):
        load(model, providers=["abacus"])


def test_a_provider_that_does_not_start_is_told(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # as onnxruntime-gpu has it on a machine without a device
    available = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: available)
    session = onnxruntime.InferenceSession

    def without_device(path: str, options: Any, providers: list[str]) -> Any:
        return session(path, options, providers=providers[-1:])

    monkeypatch.setattr(onnxruntime, "InferenceSession", without_device)
    with pytest.raises(ModelError, match=r"CUDAExecutionProvider did not start.*--provider cpu"):
        load(model, providers=["cuda", "cpu"])


@pytest.mark.parametrize("scores", [{"entity": 0.5}, {"events": 1.5}, {"arguments": -0.1}])
def test_least_scores_of_another_kind_or_size_are_refused(model: Path, scores: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"min_scores has .*; expected 0 to 1 for entities, events, arguments"):
        load(model, min_scores=scores)
