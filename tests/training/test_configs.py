from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig, OmegaConf

from hadath.reading import Windowing
from training.annotations.importing import format_options
from training.corpus import read_corpus
from training.finetune import GROUPS
from training.heads import HeadSpec
from training.script import CONFIGS
from training.settings import Encoder, Optimization, Run, Store, settings, settings_outside

SCRIPTS = sorted(path.stem for path in CONFIGS.glob("*.yaml"))
OPTION_FILES = sorted(path for path in CONFIGS.rglob("*.yaml") if path.parent.name != "experiment")
# the formats of annotations are a group of imports and exports
FORMAT_FILES = sorted((CONFIGS / "format").glob("*.yaml"))
GROUP_FILES = sorted(
    path.relative_to(CONFIGS).with_suffix("") for path in CONFIGS.glob("*/*.yaml") if path not in FORMAT_FILES
)
# scripts that do nothing before they are told in which format
CHOSEN = {name: ["format=brat"] for name in ("annotations_import", "annotations_export")}


@pytest.fixture(autouse=True)
def hydra() -> Iterator[None]:
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(CONFIGS), version_base="1.3"):
        yield


def leaves(values: Any, name: str = "") -> set[str]:
    if isinstance(values, dict) and values:
        return set().union(*(leaves(value, f"{name}.{key}") for key, value in values.items()))
    return {name}


def names(config: DictConfig) -> set[str]:
    return leaves(OmegaConf.to_container(config))


def check_finetune(config: DictConfig) -> None:
    """Reads every part of a configuration of finetune as finetune does."""
    settings_outside(GROUPS, Run, config)
    settings(Optimization, config.optimization, "optimization")
    settings(Encoder, config.encoder, "encoder")
    settings(Store, config.tracking, "tracking")
    Windowing.from_dict(vars(settings(Windowing, config.windowing, "windowing")))
    for name, head in config.heads.items():
        settings(HeadSpec, head, f"heads.{name}")
    inspect.signature(read_corpus).bind(**config.corpus, splits=())


def test_there_are_configs() -> None:
    assert {"finetune", "evaluate", "export"} <= set(SCRIPTS)
    assert {path.parent.name for path in GROUP_FILES} >= {*GROUPS, "experiment"} - {"windowing"}


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_configuration_of_every_script_is_composed(name: str) -> None:
    config = compose(name, CHOSEN.get(name))
    for missing in OmegaConf.missing_keys(config):
        OmegaConf.update(config, missing, "given")
    OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    if "tracking" in config:
        settings(Store, config.tracking, "tracking")
    if "corpus" in config:
        inspect.signature(read_corpus).bind(**config.corpus, splits=())


@pytest.mark.parametrize("path", GROUP_FILES, ids=str)
def test_every_file_of_every_group_makes_settings(path: Path) -> None:
    config = compose("finetune", [f"{path.parent.name}={path.name}"])
    check_finetune(config)
    # an experiment changes options, it brings no new ones but those of a sweep
    assert {name for name in names(config) if not name.startswith(".sweep.")} == names(compose("finetune"))


@pytest.mark.parametrize("path", FORMAT_FILES, ids=lambda path: path.stem)
@pytest.mark.parametrize("script", sorted(CHOSEN))
def test_every_format_has_a_reader_and_its_options(script: str, path: Path) -> None:
    form, options = format_options(compose(script, [f"format={path.stem}"]).format)
    assert isinstance(options, form.Options)


def test_the_default_finetune_config() -> None:
    config = compose("finetune")
    check_finetune(config)
    assert config.encoder.source == "mini"
    assert Path(config.corpus.path) == Path("data")
    assert config.resume is False


def test_files_of_a_group_have_the_same_options() -> None:
    for group in {path.parent for path in GROUP_FILES} - {Path("experiment"), Path("sweep")}:
        options = {frozenset(names(OmegaConf.load(file))) for file in (CONFIGS / group).glob("*.yaml")}
        assert len(options) == 1, group


def uncommented(text: str) -> list[str]:
    """Options without a comment beside them, above them, or at their first mention in the file."""
    found, explained = [], set()
    above, skipped = "", False
    for line in text.splitlines():
        option = re.match(r"( *)(\w+):", line)
        if not line.strip():
            above = ""
        elif line.lstrip().startswith("#"):
            above += line
            directly_above = True
            continue
        elif option:
            indent, name = option[1], option[2]
            if not indent:
                skipped = name in ("defaults", "hydra")  # Hydra's own
            # a comment may explain several options by their names
            said = "#" in line or (above and (directly_above or re.search(rf"\b{name}s?\b", above)))
            if said:
                explained.add(name)
            if not skipped and name not in explained:
                found.append(name)
        directly_above = False
    return found


def test_the_search_for_comments() -> None:
    assert uncommented("# said\na: 1\nb: 2\n\nc: 3 # said\nd:\n  a: 4\n\n# e and f\ne: 1\nf: 2\n") == ["b", "d"]


@pytest.mark.parametrize("path", OPTION_FILES, ids=str)
def test_every_option_is_commented_where_it_stands(path: Path) -> None:
    assert uncommented(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("path", sorted((CONFIGS / "experiment").glob("*.yaml")), ids=str)
def test_every_experiment_says_what_it_is_for(path: Path) -> None:
    first, second = path.read_text(encoding="utf-8").splitlines()[:2]
    assert first == "# @package _global_"
    assert second.startswith("# ")
