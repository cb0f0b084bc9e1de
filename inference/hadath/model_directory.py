"""Model directories: model.onnx, tokenizer.json and config.json, read without pickle and checked before use."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime

from hadath.arguments import ArgumentWeights
from hadath.errors import ModelError, SchemaError
from hadath.machine import cores
from hadath.providers import check_available, default_providers, provider_name
from hadath.reading import Batch, Windowing
from hadath.registered_models import PREFIX, registered_model_directory
from hadath.schema import Schema, bio_labels
from hadath.tagger import BATCH_TOKENS, SCORED_KINDS, Tagger
from hadath.tokens import WordTokenizer
from hadath.version import __version__

FORMAT = 2
"""Version of the model directory that this package writes and the newest that it reads; 2 brought arguments."""

OLDEST_FORMAT = 1
"""The oldest version that it reads."""

NORMALIZATION = 1
"""Version of the normalisation and segmentation in ``hadath.text``; a model must be used with the one it learnt on."""

WEIGHTS_PREFIX = "arguments."
"""What the names of the network's constant outputs begin with, the weights that score pairs of words."""

BUNDLED = Path(__file__).parent / "model"

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True)
class ModelConfig:
    """The content of a model directory's config.json.

    Attributes:
        schema: Types, roles and modalities.
        windowing: How long texts are cut.
        temperatures: Divisor of each head's logits.
        min_scores: Least score of the entities and of the events that are reported.
        provenance: Where the model comes from: encoder, corpus fingerprint, MLflow run, versions, date.
        metrics: Figures measured when it was made.
        name: The model's name.
    """

    schema: Schema
    windowing: Windowing
    temperatures: Mapping[str, float]
    provenance: Mapping[str, Any]
    metrics: Mapping[str, Any]
    name: str = "hadath"
    min_scores: Mapping[str, float] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Returns the config as it is written to config.json."""
        return {
            "format": FORMAT,
            "normalization": NORMALIZATION,
            "hadath_version": __version__,
            "name": self.name,
            "schema": self.schema.to_dict(),
            "windowing": vars(self.windowing),
            "temperatures": dict(self.temperatures),
            "min_scores": dict(self.min_scores),
            "provenance": dict(self.provenance),
            "metrics": dict(self.metrics),
        }

    def providers(self, wanted: Sequence[str] | None = None) -> list[str]:
        """Returns the full names of the execution providers that the network runs on.

        Args:
            wanted: As ``load`` takes them.

        Raises:
            ModelError: If onnxruntime does not know one.
        """
        return list(map(provider_name, wanted or ())) or default_providers(self.provenance.get("precision"))

    def write(self, directory: Path) -> None:
        """Writes config.json into a directory."""
        text = json.dumps(self.to_dict(), ensure_ascii=False, indent=2)
        (directory / "config.json").write_text(text + "\n", encoding="utf-8")

    @classmethod
    def read(cls, directory: Path) -> ModelConfig:
        """Reads and checks a directory's config.json.

        Raises:
            ModelError: If it is missing, damaged, or of a version that this package does not read.
        """
        path = directory / "config.json"
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise ModelError(
                f"{directory} holds no config.json, so it is no hadath model; expected model.onnx, tokenizer.json and "
                "config.json, as `python -m training.export` writes them"
            ) from None
        except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
            raise ModelError(f"{path} cannot be read: {error}; export the model again") from error
        versions = [values.get("format"), values.get("normalization", 0)] if isinstance(values, dict) else [None]
        if not all(isinstance(version, int) for version in versions):
            raise ModelError(f"{path} names no format version, so it is no hadath model's; export the model again")
        _check_versions(path, values)
        try:
            return cls(
                schema=Schema.from_dict(values["schema"]),
                windowing=Windowing.from_dict(values["windowing"]),
                temperatures={head: _temperature(value) for head, value in values["temperatures"].items()},
                provenance=values["provenance"],
                metrics=values["metrics"],
                name=values["name"],
                min_scores={head: float(value) for head, value in values.get("min_scores", {}).items()},
            )
        except SchemaError as error:
            raise ModelError(f"{path}: {error}") from error
        except (KeyError, AttributeError, TypeError, ValueError) as error:
            raise ModelError(f"{path} is incomplete or damaged ({error!r}); export the model again") from error


def load(
    model: str | Path | None = None,
    *,
    threads: int | None = None,
    providers: Sequence[str] | None = None,
    batch_tokens: int = BATCH_TOKENS,
    min_scores: Mapping[str, float] | None = None,
) -> Tagger:
    """Loads a tagger.

    Args:
        model: A model directory, the name of an installed package that holds one, or a model of an MLflow registry
            (``models:/hadath@champion``, ``models:/hadath/3``); by default the model that comes with hadath.
        threads: CPU cores to use; by default all. Each reads a batch of its own.
        providers: onnxruntime execution providers, best first, such as ``["CUDAExecutionProvider"]`` or ``["cuda"]``;
            by default CUDA where onnxruntime-gpu finds a device and the network is not one in 8-bit numbers, else the
            CPU.
        batch_tokens: Most subwords, padding counted, that the network is given at once.
        min_scores: For ``entities``, ``events`` and ``arguments``, the least score of what is reported, 0 to 1; by
            default the model's own. Higher for fewer and surer ones, 0 for all that the best path holds.

    Returns:
        The tagger.

    Raises:
        ModelError: If the model is missing, damaged, or of a version that this package does not read, or a provider
            cannot be used here.
        ValueError: If ``min_scores`` names another kind or holds another number.

    Example:
        >>> import hadath
        >>> tagger = hadath.load()  # doctest: +SKIP
    """
    for kind, score in (min_scores or {}).items():
        if kind not in SCORED_KINDS or not 0 <= score <= 1:
            raise ValueError(f"min_scores has {kind!r}: {score}; expected 0 to 1 for {', '.join(SCORED_KINDS)}")
    directory = find(model)
    config = ModelConfig.read(directory)
    tokenizer = WordTokenizer.from_file(_existing(directory, "tokenizer.json"), config.windowing.pieces_per_word)
    session = _session(_existing(directory, "model.onnx"), config.providers(providers))
    _check_network(directory / "model.onnx", session, config.schema)
    network = OnnxNetwork(session)
    weights = _argument_weights(directory / "model.onnx", network, config.schema)
    return Tagger(
        config.schema,
        tokenizer,
        config.windowing,
        network,
        batch_tokens,
        threads or cores(),
        config.temperatures,
        {**config.min_scores, **(min_scores or {})},
        lambda: weights,
    )


def find(model: str | Path | None = None) -> Path:
    """Returns the directory of a model given as ``load`` takes it.

    Raises:
        ModelError: If there is none.
    """
    if model is None:
        if not (BUNDLED / "config.json").is_file():
            raise ModelError(
                "this installation of hadath came without a model; give a model directory, or make one with "
                "`python -m training.finetune` and `python -m training.export`"
            )
        return BUNDLED
    if isinstance(model, str) and model.startswith(PREFIX):
        return registered_model_directory(model)
    directory = Path(model)
    if directory.is_dir():
        return directory
    if directory.exists():
        raise ModelError(f"{model} is a file; expected a model directory with model.onnx, tokenizer.json, config.json")
    if isinstance(model, str) and model.isidentifier() and (package := find_spec(model)) is not None:
        for folder in map(Path, package.submodule_search_locations or ()):
            for candidate in (folder, folder / "model"):
                if (candidate / "config.json").is_file():
                    return candidate
        raise ModelError(f"the package {model} is installed but holds no config.json; is it a hadath model package?")
    raise ModelError(f"no model at {model}: neither a directory nor an installed package; check the path or the name")


class OnnxNetwork:
    """The network of a model directory, run by onnxruntime.

    Args:
        session: A session over a model.onnx as ``training.export`` writes it.
    """

    def __init__(self, session: onnxruntime.InferenceSession) -> None:
        self.session = session
        names = [output.name for output in session.get_outputs()]
        # the weights that score pairs of words are the same for every batch
        self._weights = [name for name in names if name.startswith(WEIGHTS_PREFIX)]
        self._heads = [name for name in names if name not in self._weights]

    def __call__(self, batch: Batch) -> dict[str, FloatArray]:
        """Returns each head's logits for the words of a batch, [N, labels]."""
        return self._outputs(self._heads, batch)

    def constants(self) -> dict[str, FloatArray]:
        """Returns the weights of ``hadath.arguments.ArgumentWeights`` by name; none where it has no arguments."""
        if not self._weights:
            return {}
        one, zero = np.ones((1, 1), dtype=np.int64), np.zeros(1, dtype=np.int64)
        found = self._outputs(self._weights, Batch(one, one, zero, zero, zero))
        return {name.removeprefix(WEIGHTS_PREFIX): values for name, values in found.items()}

    def _outputs(self, names: list[str], batch: Batch) -> dict[str, FloatArray]:
        inputs = {
            "input_ids": batch.input_ids,
            "attention_mask": batch.attention_mask,
            "word_starts": batch.word_starts,
            "word_ends": batch.word_ends,
        }
        return dict(zip(names, self.session.run(names, inputs), strict=True))


def _session(path: Path, providers: Sequence[str]) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    # the tagger gives the session a batch from each of its threads
    options.intra_op_num_threads = 1
    # batches differ in shape, so a plan of one's memory serves no other
    options.enable_mem_pattern = False
    check_available(providers)
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=list(providers))
    except Exception as error:  # onnxruntime's own errors share no public base class
        raise ModelError(f"{path} is no readable ONNX model: {error}; export the model again") from error
    # onnxruntime goes on without a provider that does not start, on the CPU and many times slower
    if unstarted := [name for name in providers if name not in session.get_providers()]:
        raise ModelError(
            f"{', '.join(unstarted)} did not start: no device, or its libraries are missing or of another version than "
            "this onnxruntime needs; see to that, or choose providers=['cpu'] (--provider cpu)"
        )
    return session


def _check_network(path: Path, session: onnxruntime.InferenceSession, schema: Schema) -> None:
    missing = {"input_ids", "attention_mask", "word_starts", "word_ends"} - {
        given.name for given in session.get_inputs()
    }
    if missing:
        raise ModelError(f"{path} has no input {', '.join(sorted(missing))}, so it is no hadath model's network")
    expected = {
        "entities": len(bio_labels(schema.entity_types)),
        "events": len(bio_labels(schema.event_types)),
        "modality": len(schema.modalities),
    }
    for output in session.get_outputs():
        labels = output.shape[-1]
        if isinstance(labels, int) and labels != expected.get(output.name, labels):
            raise ModelError(
                f"{path} scores {labels} labels of {output.name}, but the schema in config.json has "
                f"{expected[output.name]}: the two files are of different models; export the model again"
            )


def _argument_weights(path: Path, network: OnnxNetwork, schema: Schema) -> ArgumentWeights | None:
    constants = network.constants()
    if not constants:
        return None
    [described] = [output.shape[-1] for output in network.session.get_outputs() if output.name == "arguments"] or [0]
    try:
        weights = ArgumentWeights(**constants)
    except (TypeError, ValueError) as error:
        raise ModelError(f"{path} has no usable weights of arguments: {error}; export the model again") from error
    if weights.output.shape[1] != len(schema.role_names):
        raise ModelError(
            f"{path} scores {weights.output.shape[1]} roles, but the schema in config.json has "
            f"{len(schema.role_names)}: the two files are of different models; export the model again"
        )
    if described != weights.width:
        raise ModelError(
            f"{path} describes words by {described} numbers, where its weights of arguments expect {weights.width}; "
            "export the model again"
        )
    return weights


def _temperature(value: Any) -> float:
    if not float(value) > 0:
        raise ValueError(f"temperature {value}")
    return float(value)


def _existing(directory: Path, name: str) -> Path:
    path = directory / name
    if not path.is_file():
        raise ModelError(f"{directory} holds no {name}; expected model.onnx, tokenizer.json and config.json")
    return path


def _check_versions(path: Path, values: Mapping[str, Any]) -> None:
    written_by = values.get("hadath_version", "an unknown version")
    if values["format"] > FORMAT or values.get("normalization", 0) > NORMALIZATION:
        raise ModelError(
            f"{path} was written by hadath {written_by} in model format {values['format']}; this is hadath "
            f"{__version__}, which reads format {FORMAT}: upgrade it (pip install 'hadath>={written_by}')"
        )
    if values["format"] < OLDEST_FORMAT or values.get("normalization", 0) < NORMALIZATION:
        raise ModelError(
            f"{path} was written by hadath {written_by} in model format {values['format']}; this is hadath "
            f"{__version__}, which reads format {FORMAT}: export the model again with it, or use hadath {written_by}"
        )
