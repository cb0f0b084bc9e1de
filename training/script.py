"""What every script shares: a Hydra entry point, quiet libraries, and errors as sentences instead of tracebacks."""

from __future__ import annotations

import functools
import logging
import os
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hydra
import transformers
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig
from omegaconf.errors import MissingMandatoryValue
from rich.console import Console
from rich.markup import escape

from hadath.errors import HadathError
from training.settings import SettingsError

CONFIGS = Path(__file__).parent.parent / "configs"

EXIT_BAD_INPUT = 2


class ScriptError(RuntimeError):
    """Something a script was asked for that cannot be done; the message says why and what to do."""


def script(config_name: str, *expected: type[Exception]) -> Callable[[Callable[[DictConfig], Any]], Callable[[], Any]]:
    """Makes a function of a configuration a command.

    Args:
        config_name: Its file in configs/, without ``.yaml``.
        *expected: Errors to be shown as a sentence, with exit code 2, besides hadath's own.

    Returns:
        A decorator.
    """
    sentences = (HadathError, ScriptError, SettingsError, *expected)

    def decorate(body: Callable[[DictConfig], Any]) -> Callable[[], Any]:
        @functools.wraps(body)
        def run(config: DictConfig) -> Any:
            quiet_libraries()
            _separate_jobs(config)
            try:
                return body(config)
            except MissingMandatoryValue as error:
                _complain(f"{error.full_key} is missing; add {error.full_key}=VALUE, see configs/{config_name}.yaml")
            except sentences as error:
                _complain(str(error))
            sys.exit(EXIT_BAD_INPUT)

        # hydra.main would look for configs/ beside the module it was called from
        main: Callable[[], Any] = hydra.main(version_base="1.3", config_path=str(CONFIGS), config_name=config_name)(run)
        return main

    return decorate


def _separate_jobs(config: DictConfig) -> None:
    """Gives each job of a multirun a folder of its own in the output directory, by its number."""
    job = HydraConfig.get()
    if job.mode == RunMode.MULTIRUN and config.get("output_dir"):
        config.output_dir = str(Path(config.output_dir) / str(job.job.num))


def _complain(message: str) -> None:
    Console(stderr=True, soft_wrap=True).print(f"[bold red]error:[/] {escape(message)}")


def quiet_libraries() -> None:
    """Keeps the terminal for what the user wants to know."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr, force=True)
    for name in ("training", "__main__"):
        logging.getLogger(name).setLevel(logging.INFO)
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    # a loader without worker processes pins no memory on a CPU: torch's advice does not apply
    warnings.filterwarnings("ignore", message=".*pin_memory.*")
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    logging.getLogger("alembic").setLevel(logging.ERROR)
    logging.getLogger("mlflow").setLevel(logging.ERROR)
