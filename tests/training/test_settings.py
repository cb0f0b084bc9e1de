from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import pytest
from omegaconf import OmegaConf

from hadath.reading import Windowing
from training.heads import HeadSpec
from training.settings import Encoder, Optimization, Run, SettingsError, Store, settings, settings_outside

OPTIMIZATION = {
    "learning_rate": 5e-4,
    "layer_decay": 0.9,
    "head_factor": 3.0,
    "weight_decay": 0.01,
    "warmup": 0.1,
    "schedule": "linear",
    "epochs": 20,
    "batch_size": 8,
    "accumulate": 1,
    "max_grad_norm": 1.0,
    "input_masking": 0.1,
    "precision": "auto",
    "patience": 6,
    "log_steps": 10,
}
RUN = {
    "article_limit": None,
    "start_from": None,
    "log_network": True,
    "output_dir": "runs/a",
    "resume": False,
    "seed": 1,
    "deterministic": True,
}
STORE = {"enabled": True, "uri": "sqlite:///a.db", "experiment": "a", "run_name": None, "tags": {}}


def read(kind: type, values: dict[str, Any], group: str) -> Any:
    return settings(kind, OmegaConf.create(values), group)


def test_settings_are_read_into_their_types() -> None:
    found = read(Optimization, {**OPTIMIZATION, "learning_rate": 1, "epochs": "3"}, "optimization")
    assert asdict(found) == {**OPTIMIZATION, "learning_rate": 1.0, "epochs": 3}
    assert isinstance(found.learning_rate, float)
    assert read(Run, RUN, "") == Run(**RUN)
    assert read(Store, {**STORE, "tags": {"annotator": "a"}}, "tracking").tags == {"annotator": "a"}
    head = {"kind": "spans", "source": "entity_types"}
    assert read(HeadSpec, head, "heads.entities") == HeadSpec("spans", "entity_types")
    assert read(Windowing, {"max_length": 64, "overlap": 8}, "windowing") == Windowing(64, 8)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"learning_rat": 1e-3}, r"optimization\.learning_rat: .*; optimization has learning_rate, layer_decay"),
        ({"epochs": "many"}, r"optimization\.epochs: Value 'many' .* could not be converted to Integer"),
        ({"epochs": 2.5}, r"optimization\.epochs: .*Integer"),
        ({"epochs": None}, r"optimization\.epochs: .*None"),
        ({"learning_rate": "fast"}, r"optimization\.learning_rate: .*Float"),
        ({"schedule": ["linear"]}, r"optimization\.schedule"),
        ({"learning_rate": 0.0}, r"optimization\.learning_rate is 0\.0; expected a number above 0"),
        ({"batch_size": -8}, r"optimization\.batch_size is -8; expected a number above 0"),
        ({"layer_decay": 1.1}, r"optimization\.layer_decay is 1\.1; expected a number from 0 to 1"),
        ({"input_masking": -0.1}, r"optimization\.input_masking is -0\.1"),
        ({"weight_decay": -0.1}, r"optimization\.weight_decay is -0\.1; expected a number from 0 on"),
        ({"warmup": 1.0}, r"optimization\.warmup is 1\.0; expected a share of the steps, from 0 to below 1"),
        ({"warmup": 500}, r"optimization\.warmup is 500"),
        ({"precision": "float16"}, r"optimization\.precision is float16; expected one of auto, bfloat16, float32"),
        ({"schedule": "cosin"}, r"optimization\.schedule is cosin; expected one of linear, cosine"),
    ],
)
def test_a_wrong_setting_of_the_optimization(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        read(Optimization, {**OPTIMIZATION, **changes}, "optimization")


def test_a_missing_setting_is_named() -> None:
    values = {name: value for name, value in OPTIMIZATION.items() if name != "epochs"}
    with pytest.raises(SettingsError, match=r"optimization\.epochs is missing; add optimization\.epochs=VALUE"):
        read(Optimization, values, "optimization")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seed": "one"}, "^seed: Value 'one' .*Integer; there has article_limit, start_from"),
        ({"seed": -1}, "^seed is -1; expected a number from 0 to 4294967295"),
        ({"seed": 2**32}, "^seed is 4294967296"),
        ({"resume": "perhaps"}, "^resume: Value 'perhaps' is not a valid bool"),
        ({"article_limit": 0}, "^article_limit is 0; expected a number above 0, or null for all articles"),
        ({"output_dir": None}, "^output_dir: "),
        ({"sed": 1}, "^sed: "),
    ],
)
def test_a_wrong_setting_outside_of_all_groups(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        read(Run, {**RUN, **changes}, "")


@pytest.mark.parametrize(
    ("kind", "values", "group", "message"),
    [
        (Encoder, {"hidden_dropout": 1.0}, "encoder", r"encoder\.hidden_dropout is 1\.0; expected .* below 1"),
        (Encoder, {"attention_dropout": "x"}, "encoder", r"encoder\.attention_dropout: Value 'x'"),
        (Encoder, {"name": "mini"}, "encoder", r"encoder\.name: .*; encoder has source, hidden_dropout"),
        (HeadSpec, {"kind": "words"}, "heads.events", r"heads\.events\.kind is words; expected one of spans, trigger"),
        (HeadSpec, {"balance": 2}, "heads.events", r"heads\.events\.balance is 2\.0"),
        (HeadSpec, {"hidden": "wide"}, "heads.events", r"heads\.events\.hidden: Value 'wide'"),
        (Windowing, {"max_length": 1.5}, "windowing", r"windowing\.max_length: Value '1\.5'"),
        (Windowing, {"stride": 4}, "windowing", r"windowing\.stride: .*; windowing has max_length, overlap"),
        (Store, {"enabled": "sometimes"}, "tracking", r"tracking\.enabled: Value 'sometimes'"),
        (Store, {"tags": "a"}, "tracking", r"tracking\.tags"),
    ],
)
def test_a_wrong_setting_of_another_group(kind: type, values: dict[str, Any], group: str, message: str) -> None:
    whole: dict[type, dict[str, Any]] = {
        Encoder: {"source": "mini", "hidden_dropout": 0.1, "attention_dropout": 0.0},
        HeadSpec: {"kind": "spans", "source": "event_types"},
        Windowing: {},
        Store: STORE,
    }
    with pytest.raises(SettingsError, match=message):
        read(kind, {**whole[kind], **values}, group)


@dataclass
class Place:
    folder: str


def test_settings_outside_of_groups_may_refer_to_those_of_a_group() -> None:
    config = OmegaConf.create({"folder": "${corpus.path}/articles", "corpus": {"path": "data"}})
    assert settings_outside(("corpus",), Place, config).folder == "data/articles"
    with pytest.raises(SettingsError, match="folder is missing; add folder=VALUE"):
        settings_outside(("corpus",), Place, OmegaConf.create({"folder": "???"}))
    with pytest.raises(SettingsError, match="other: Key 'other' not in 'Place'; there has folder"):
        settings_outside(("corpus",), Place, OmegaConf.merge(config, {"other": 1}))
