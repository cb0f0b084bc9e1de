"""The settings of configs/ as typed values: a wrong name, type or number is refused before anything is loaded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

Settings = TypeVar("Settings")


class SettingsError(ValueError):
    """A setting with a wrong name, type or value."""


def settings(kind: type[Settings], config: DictConfig, group: str) -> Settings:
    """Reads a part of the configuration into a dataclass.

    Args:
        kind: The dataclass; its ``__post_init__`` may refuse values with a ``ValueError``.
        config: That part of the configuration.
        group: Its name, for messages.

    Returns:
        The settings.

    Raises:
        SettingsError: With the setting's full name and what was expected.
    """
    try:
        values: Any = OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(kind), config))
    except OmegaConfBaseException as error:
        place = f"{group}.{error.full_key}" if error.full_key else group
        reason = (error.msg or str(error)).splitlines()[0]
        known = ", ".join(kind.__dataclass_fields__)  # type: ignore[attr-defined]
        raise SettingsError(f"{place}: {reason}; {group} has {known}") from error
    except ValueError as error:
        raise SettingsError(f"{group}: {error}") from error
    return values  # type: ignore[no-any-return]


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
        for name in ("layer_decay", "warmup", "input_masking"):
            _expect(0 <= getattr(self, name) <= 1, name, getattr(self, name), "a number from 0 to 1")
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


PRECISIONS = ("auto", "bfloat16", "float32")
SCHEDULES = ("linear", "cosine", "constant_with_warmup")


def _expect(holds: bool, name: str, value: Any, expected: str) -> None:
    if not holds:
        raise ValueError(f"{name} is {value}; expected {expected}")
