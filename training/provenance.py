"""Where a network comes from, written beside its weights and carried into the exported model."""

from __future__ import annotations

import json
import platform
import subprocess
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import torch
import transformers

from hadath.version import __version__

FILE = "provenance.json"

FOLDER = Path(__file__).parent


def provenance(
    *,
    encoder: str,
    corpus_fingerprint: str,
    articles: dict[str, int],
    seed: int,
    run_id: str | None,
    started_from: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Returns what must be known to make the network again.

    Args:
        encoder: The encoder that it started from.
        corpus_fingerprint: Of the articles that it learnt from and was chosen by.
        articles: Number of articles of each split that it saw.
        seed: The seed.
        run_id: Its MLflow run.
        started_from: The trained network that it went on from; None where its heads were fresh.
    """
    return {
        "encoder": encoder,
        **({} if started_from is None else {"started_from": dict(started_from)}),
        "corpus_fingerprint": corpus_fingerprint,
        "articles": articles,
        "seed": seed,
        "mlflow_run_id": run_id,
        "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "versions": {
            "hadath": __version__,
            "python": platform.python_version(),
            "torch": torch.__version__,
            "transformers": transformers.__version__,
        },
    }


def git_state() -> dict[str, str]:
    """Returns the commit that this code is at and whether files differ from it; empty outside a checkout.

    Returns:
        ``{"git.commit": ..., "git.dirty": "true" or "false"}``.
    """
    try:
        commit, changes = (
            subprocess.run(["git", *words], cwd=FOLDER, capture_output=True, text=True, check=True).stdout
            for words in (("rev-parse", "HEAD"), ("status", "--porcelain", "--untracked-files=no"))
        )
    except (OSError, subprocess.CalledProcessError):
        return {}
    return {"git.commit": commit.strip(), "git.dirty": str(bool(changes.strip())).lower()}


def write_provenance(directory: Path, values: dict[str, Any]) -> None:
    """Writes it beside a network."""
    text = json.dumps(values, ensure_ascii=False, indent=2)
    (directory / FILE).write_text(text + "\n", encoding="utf-8")


def read_provenance(directory: Path) -> dict[str, Any]:
    """Reads it; empty where a network has none."""
    path = directory / FILE
    values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return values
