"""The settings of configs/ as typed values: a wrong name, type or number is refused before anything is loaded."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException

Settings = TypeVar("Settings")


class SettingsError(ValueError):
    """A setting with a wrong name, type or value."""


def settings(kind: type[Settings], config: DictConfig, group: str) -> Settings:
    """Reads a part of the configuration into a dataclass.

    Args:
        kind: The dataclass; its ``__post_init__`` may refuse values with a ``ValueError``.
        config: That part of the configuration.
        group: Its name, for messages; empty for the settings outside of all groups.

    Returns:
        The settings.

    Raises:
        SettingsError: With the setting's full name and what was expected.
    """
    try:
        values: Any = OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(kind), config))
    except OmegaConfBaseException as error:
        place = ".".join(filter(None, (group, error.full_key)))
        if isinstance(error, MissingMandatoryValue):
            raise SettingsError(f"{place} is missing; add {place}=VALUE") from error
        reason = (error.msg or str(error)).splitlines()[0]
        known = ", ".join(kind.__dataclass_fields__)  # type: ignore[attr-defined]
        raise SettingsError(f"{place}: {reason}; {group or 'there'} has {known}") from error
    except ValueError as error:
        raise SettingsError(f"{group}.{error}" if group else str(error)) from error
    return values  # type: ignore[no-any-return]


def settings_outside(groups: Collection[str], kind: type[Settings], config: DictConfig) -> Settings:
    """Reads the settings outside of all groups into a dataclass; they may refer to settings of a group.

    Args:
        groups: Names of the configuration's parts that have settings of their own.
        kind: The dataclass, as of ``settings``.
        config: The whole configuration.

    Raises:
        SettingsError: As of ``settings``.
    """
    # a part on its own could not look up what it refers to in another one
    values = OmegaConf.to_container(config, resolve=True)
    assert isinstance(values, dict)
    return settings(kind, OmegaConf.create({name: value for name, value in values.items() if name not in groups}), "")


@dataclass
class Run:
    """The settings outside of all groups; each field is explained in configs/finetune.yaml."""

    article_limit: int | None
    start_from: str | None
    log_network: bool
    output_dir: str
    resume: bool
    seed: int
    deterministic: bool

    def __post_init__(self) -> None:
        limit = self.article_limit
        _expect(limit is None or limit > 0, "article_limit", limit, "a number above 0, or null for all articles")
        _expect(0 <= self.seed < 2**32, "seed", self.seed, "a number from 0 to 4294967295")


@dataclass
class Store:
    """Where runs are recorded; each field is explained in configs/tracking/mlflow.yaml."""

    enabled: bool
    uri: str
    experiment: str
    run_name: str | None
    tags: dict[str, Any]


def leaves(values: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Yields each setting of a nested configuration with its full name.

    Example:
        >>> dict(leaves({"optimization": {"epochs": 15}, "seed": 1}))
        {'optimization.epochs': 15, 'seed': 1}
    """
    if isinstance(values, Mapping) and values:
        for key, value in values.items():
            yield from leaves(value, f"{name}.{key}" if name else str(key))
    else:
        yield name, values


@dataclass
class Optimization:
    """How a network is trained; each field is explained in configs/optimization/default.yaml."""

    learning_rate: float
    layer_decay: float
    head_factor: float
    weight_decay: float
    warmup: float
    schedule: str
    epochs: int
    batch_size: int
    accumulate: int
    max_grad_norm: float
    input_masking: float
    precision: str
    patience: int
    log_steps: int

    def __post_init__(self) -> None:
        for name in ("learning_rate", "epochs", "batch_size", "accumulate", "patience", "log_steps", "head_factor"):
            _expect(getattr(self, name) > 0, name, getattr(self, name), "a number above 0")
        for name in ("weight_decay", "max_grad_norm"):
            _expect(getattr(self, name) >= 0, name, getattr(self, name), "a number from 0 on")
        for name in ("layer_decay", "input_masking"):
            _expect(0 <= getattr(self, name) <= 1, name, getattr(self, name), "a number from 0 to 1")
        # the Trainer takes a number from 1 on for a number of steps
        _expect(0 <= self.warmup < 1, "warmup", self.warmup, "a share of the steps, from 0 to below 1")
        _expect(self.precision in PRECISIONS, "precision", self.precision, f"one of {', '.join(PRECISIONS)}")
        _expect(self.schedule in SCHEDULES, "schedule", self.schedule, f"one of {', '.join(SCHEDULES)}")


@dataclass
class Encoder:
    """Which encoder to start from; each field is explained in configs/encoder/mini.yaml."""

    source: str
    hidden_dropout: float
    attention_dropout: float

    def __post_init__(self) -> None:
        for name in ("hidden_dropout", "attention_dropout"):
            _expect(0 <= getattr(self, name) < 1, name, getattr(self, name), "a number from 0 to below 1")


@dataclass
class Measurement:
    """What is measured on what; each field is explained in configs/evaluate.yaml."""

    model: str | None
    models: list[str] | None
    shared_types: bool
    splits: list[str]
    output_dir: str | None
    comparison_dir: str
    replicates: int
    seed: int
    batch_tokens: int

    def __post_init__(self) -> None:
        _expect(bool(self.splits), "splits", self.splits, "one split or more, such as [test]")
        for name in ("replicates", "batch_tokens"):
            _expect(getattr(self, name) > 0, name, getattr(self, name), "a number above 0")
        number = None if self.models is None else len(self.models)
        _expect(number in (None, 2), "models", self.models, "two models, such as [runs/FIRST,runs/SECOND]")


@dataclass
class Distillation:
    """What is learnt from whom; each field is explained in configs/distill.yaml."""

    teachers: list[str]
    texts: list[str]
    text_column: str | None
    exclude: list[str]
    articles: int
    event_share: float
    output_dir: str
    resume: bool
    seed: int
    deterministic: bool

    def __post_init__(self) -> None:
        _expect(bool(self.teachers), "teachers", self.teachers, "one model directory or more")
        _expect(self.articles > 0, "articles", self.articles, "a number above 0")
        _expect(0 <= self.event_share <= 1, "event_share", self.event_share, "a share from 0 to 1")


@dataclass
class Pretraining:
    """How an encoder is pretrained; each field is explained in configs/pretrain.yaml."""

    texts: list[str]
    text_column: str | None
    exclude: list[str]
    length: int
    short_length: int
    short_share: float
    masking: float
    held_out: float
    learning_rate: float
    weight_decay: float
    warmup: float
    epochs: int
    max_steps: int | None
    batch_rows: int
    device_rows: int
    max_grad_norm: float
    precision: str
    compile: bool
    workers: int
    log_steps: int
    eval_steps: int
    max_minutes: float | None
    output_dir: str
    resume: bool
    seed: int

    def __post_init__(self) -> None:
        positive = ("learning_rate", "epochs", "batch_rows", "device_rows", "log_steps", "eval_steps", "short_length")
        for name in positive:
            _expect(getattr(self, name) > 0, name, getattr(self, name), "a number above 0")
        for name in ("weight_decay", "max_grad_norm", "workers"):
            _expect(getattr(self, name) >= 0, name, getattr(self, name), "a number from 0 on")
        for name in ("masking", "held_out"):
            _expect(0 < getattr(self, name) < 1, name, getattr(self, name), "a share between 0 and 1")
        _expect(0 <= self.short_share <= 1, "short_share", self.short_share, "a number from 0 to 1")
        _expect(0 <= self.warmup < 1, "warmup", self.warmup, "a share of the steps, from 0 to below 1")
        for name in ("max_steps", "max_minutes"):
            limit = getattr(self, name)
            _expect(limit is None or limit > 0, name, limit, "a number above 0, or null for no limit")
        _expect(self.length % self.short_length == 0, "short_length", self.short_length, "a divisor of length")
        _expect(self.batch_rows % self.device_rows == 0, "device_rows", self.device_rows, "a divisor of batch_rows")
        _expect(self.precision in PRECISIONS, "precision", self.precision, f"one of {', '.join(PRECISIONS)}")


PRECISIONS = ("auto", "bfloat16", "float32")
SCHEDULES = ("linear", "cosine", "constant_with_warmup")


def _expect(holds: bool, name: str, value: Any, expected: str) -> None:
    if not holds:
        raise ValueError(f"{name} is {value}; expected {expected}")
