"""The model card: what a model is for, how good it is and where it comes from, in the form of the Hugging Face hub."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any

import yaml
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from omegaconf import OmegaConf

from hadath.model_directory import ModelConfig
from hadath.schema import Schema
from hadath.version import __version__
from training.bootstrap import Interval
from training.metrics import METHOD, metric_name
from training.report import Evaluation
from training.resumption import CONFIG
from training.script import CONFIGS
from training.settings import leaves

FILE = "README.md"

TEMPLATE = Path(__file__).parent / "model_card.md"

HEADLINE = {
    "entities/f1": "entities, strict F1, micro",
    "entities/f1_macro": "entities, strict F1, mean of types",
    "events/f1": "events, strict F1, micro",
    "events/f1_macro": "events, strict F1, mean of types",
    "arguments/f1": "arguments, F1, micro",
    "modality/accuracy": "modality of correct triggers, accuracy",
}
"""Scores that stand for the rest, and how a reader is told of them."""

WEAK = 0.5
"""F1 below which a type is named among the limits."""

RARE = 20
"""Number annotated in the split below which a type's figure says little."""

# settings of a training that say where it ran, not how
_NOT_OF_THE_COMMAND = ("output_dir", "resume", "tracking", "log_network")


@dataclass
class Card:
    """What the configuration says of a model; each field is explained in configs/promote.yaml."""

    license: str
    data: str
    intended_use: list[str]
    out_of_scope: list[str]
    limits: list[str]


def model_card(directory: Path, evaluation: Evaluation, split: str, card: Card, reasons: Sequence[str]) -> str:
    """Returns the card of a model directory.

    Args:
        directory: The model directory, in the folder of its training where that is still there.
        evaluation: What was measured of it.
        split: What it was measured on.
        card: What the configuration says.
        reasons: Why it became the champion, or did not.

    Returns:
        Markdown with the hub's metadata before it.
    """
    config = ModelConfig.read(directory)
    scores = evaluation.metrics.to_dict()
    text = Template(TEMPLATE.read_text(encoding="utf-8")).substitute(
        name=config.name,
        hadath_version=__version__,
        entity_types=_listed(config.schema.entity_types),
        event_types=_listed(config.schema.event_types),
        modalities=_clause("whether an event is said to be", config.schema.modalities),
        roles=_clause("the roles of an event", config.schema.role_names if "arguments/f1" in scores else ()),
        split=split,
        documents=len(evaluation.documents),
        method=f"{METHOD}; 95 % intervals by document-level bootstrap",
        scores=_score_table(scores, evaluation.intervals),
        types=_type_table(scores, evaluation.intervals, config.schema),
        intended_use=_bullets(card.intended_use),
        out_of_scope=_bullets(card.out_of_scope),
        limits=_bullets([*card.limits, *_measured_limits(scores, config.schema)]),
        data=f"It learnt from {card.data}.",
        data_table=_table(("", ""), _data_rows(config.provenance)),
        training_table=_table(("", ""), _training_rows(config)),
        command=training_command(directory.parent / CONFIG),
        reasons=_bullets(reasons),
        license=card.license,
    )
    metadata = yaml.safe_dump(_metadata(config, card, split, scores), sort_keys=False, allow_unicode=True)
    return f"---\n{metadata}---\n\n{text}"


def write_model_card(directory: Path, card: str) -> Path:
    """Writes a card into a model directory and returns the file."""
    path = directory / FILE
    path.write_text(card, encoding="utf-8")
    return path


def training_command(config_file: Path) -> str:
    """Returns the command with which a training can be repeated: the settings that differ from the default ones.

    Args:
        config_file: The resolved configuration that the training kept.
    """
    if not config_file.is_file():
        return "# not recorded: the folder of the training is not here"
    # a script has told Hydra already where the configuration lies
    begun = GlobalHydra.instance().is_initialized()
    with nullcontext() if begun else initialize_config_dir(str(CONFIGS), version_base="1.3"):
        usual = dict(leaves(OmegaConf.to_container(compose("finetune"), resolve=False)))
    used = dict(leaves(OmegaConf.to_container(OmegaConf.load(config_file))))
    changed = [
        f"{name}={_value(value)}"
        for name, value in used.items()
        if usual.get(name, ...) != value and name.partition(".")[0] not in _NOT_OF_THE_COMMAND
    ]
    return " ".join(["python -m training.finetune", *changed])


def _value(value: Any) -> str:
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _metadata(config: ModelConfig, card: Card, split: str, scores: Mapping[str, float]) -> dict[str, Any]:
    metrics = [
        {"type": "f1" if "f1" in name else "accuracy", "name": shown, "value": round(scores[name], 4)}
        for name, shown in HEADLINE.items()
        if name in scores
    ]
    task = {"type": "token-classification", "name": "Event tagging"}
    result = {"task": task, "dataset": {"type": "hadath", "name": "hadath", "split": split}, "metrics": metrics}
    return {
        "language": ["ar"],
        "license": card.license,
        "library_name": "hadath",
        "pipeline_tag": "token-classification",
        "tags": ["arabic", "event-extraction", "named-entity-recognition", "onnx"],
        "model-index": [{"name": config.name, "results": [result]}],
    }


def _score_table(scores: Mapping[str, float], intervals: Mapping[str, Interval]) -> str:
    rows = [(shown, _figure(name, scores, intervals)) for name, shown in HEADLINE.items() if name in scores]
    return _table(("score", "value [95 % interval]"), rows)


def _type_table(scores: Mapping[str, float], intervals: Mapping[str, Interval], schema: Schema) -> str:
    rows = [
        (name.replace("/", ": ", 1), _figure(f"{name}/f1", scores, intervals), f"{scores[f'{name}/support']:.0f}")
        for name in _types(schema)
        if f"{name}/f1" in scores
    ]
    return _table(("type", "F1 [95 % interval]", "annotated"), rows)


def _types(schema: Schema) -> list[str]:
    groups = {"entities": schema.entity_types, "events": schema.event_types, "arguments": schema.role_names}
    return [metric_name(f"{group}/{name}") for group, names in groups.items() for name in names]


def _figure(name: str, scores: Mapping[str, float], intervals: Mapping[str, Interval]) -> str:
    bounds = intervals.get(name)
    return f"{scores[name]:.3f}" + (f" [{bounds.low:.3f}, {bounds.high:.3f}]" if bounds is not None else "")


def _measured_limits(scores: Mapping[str, float], schema: Schema) -> list[str]:
    known = [name for name in _types(schema) if f"{name}/f1" in scores]
    weak = [f"{name.partition('/')[2]} ({scores[f'{name}/f1']:.2f})" for name in known if scores[f"{name}/f1"] < WEAK]
    rare = [name.partition("/")[2] for name in known if scores[f"{name}/support"] < RARE]
    found = [f"Weak (F1 below {WEAK}): {', '.join(weak)}."] if weak else []
    return found + ([f"Rare in these articles, so that its figure says little: {', '.join(rare)}."] if rare else [])


def _data_rows(origin: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    for split, number in origin.get("articles", {}).items():
        yield f"articles in {split}", f"{number:,}"
    yield "fingerprint of texts and annotations (SHA-256)", str(origin.get("corpus_fingerprint", "not recorded"))


def _training_rows(config: ModelConfig) -> Iterable[tuple[str, str]]:
    origin = config.provenance
    yield "encoder", str(origin.get("encoder", "not recorded"))
    start = origin.get("started_from")
    if start is not None:
        yield "went on from", f"{start.get('source')} (MLflow run {start.get('mlflow_run_id')})"
    yield "precision", str(origin.get("precision", "not recorded"))
    yield "windows", f"{config.windowing.max_length} subwords, {config.windowing.overlap} shared"
    for name, shown in (("seed", "seed"), ("mlflow_run_id", "MLflow run"), ("created", "trained at")):
        yield shown, str(origin.get(name, "not recorded"))
    for name, version in origin.get("versions", {}).items():
        yield name, str(version)


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _bullets(sentences: Iterable[str]) -> str:
    return "\n".join(f"- {sentence}" for sentence in sentences)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) or "none"


def _clause(what: str, names: Sequence[str]) -> str:
    return f", {what} ({', '.join(names)})" if names else ""
