"""``hadath info``: what a model is and what it runs on."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import onnxruntime

from hadath.machine import cores
from hadath.model_directory import FORMAT, ModelConfig, find
from hadath.providers import CUDA, cuda_devices
from hadath.terminal import counted
from hadath.version import __version__

_INTERVAL = "/interval"
"""Ending of a figure's name under which its interval stands."""


def add_parser(subparsers: Any) -> None:
    """Adds the command."""
    parser = subparsers.add_parser(
        "info",
        help="show what a model is and what it runs on",
        description="Shows a model's name, types, provenance and figures, and what it runs on here.",
    )
    parser.add_argument(
        "model",
        nargs="?",
        metavar="MODEL",
        help="a model directory or the name of an installed model package (default: the one that comes with hadath)",
    )
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Prints the information."""
    directory = find(options.model)
    values = information(directory)
    print(json.dumps(values, ensure_ascii=False, indent=2) if options.json else _rendered(values))
    return 0


def information(directory: Path) -> dict[str, Any]:
    """Returns what is known of a model and of what it runs on.

    Raises:
        ModelError: If the model cannot be read.
    """
    config = ModelConfig.read(directory)
    return {
        "model": config.name,
        "path": str(directory.resolve()),
        "format": FORMAT,
        "bytes": sum(path.stat().st_size for path in directory.iterdir() if path.is_file()),
        "schema": config.schema.to_dict(),
        "windowing": vars(config.windowing),
        "min_scores": dict(config.min_scores),
        "provenance": dict(config.provenance),
        "metrics": dict(config.metrics),
        "hadath": __version__,
        "onnxruntime": onnxruntime.__version__,
        "available_providers": onnxruntime.get_available_providers(),
        "providers": config.providers(),
        "cuda_devices": cuda_devices(),
        "cores": cores(),
    }


def _rendered(values: Mapping[str, Any]) -> str:
    schema, windowing = values["schema"], values["windowing"]
    roles = list(dict.fromkeys(role for of_type in schema["roles"].values() for role in of_type))
    rows = [
        ("Model", values["model"]),
        ("Path", values["path"]),
        ("Size", f"{values['bytes'] / 1e6:.1f} MB, format {values['format']}"),
        ("Entities", ", ".join(schema["entity_types"])),
        ("Events", ", ".join(schema["event_types"])),
        ("Roles", ", ".join(roles)),
        ("Modality", ", ".join(schema["modalities"])),
        (
            "Windows",
            f"{windowing['max_length']} subwords, {windowing['overlap']} shared, "
            f"at most {windowing['pieces_per_word']} a word",
        ),
        ("Least score", ", ".join(f"{head} {score:g}" for head, score in values["min_scores"].items()) or "none"),
        *(("Provenance" if not row else "", line) for row, line in enumerate(_flat(values["provenance"]))),
        *(("Figures" if not row else "", line) for row, line in enumerate(_flat(values["metrics"]))),
        ("hadath", values["hadath"]),
        ("onnxruntime", f"{values['onnxruntime']} ({', '.join(values['available_providers'])})"),
        ("Devices", f"{counted(values['cores'], 'CPU core')}, {counted(values['cuda_devices'], 'CUDA device')}"),
        ("Runs on", _used(values)),
    ]
    return "\n".join(f"{name:<12} {value}".rstrip() for name, value in rows)


def _used(values: Mapping[str, Any]) -> str:
    """What the network runs on where no provider is given, and why not on a device that is there."""
    used: str = values["providers"][0]
    if used == CUDA or not values["cuda_devices"]:
        return used
    if CUDA not in values["available_providers"]:
        return f"{used}; for CUDA install onnxruntime-gpu in place of onnxruntime"
    return f"{used}; for CUDA export the model with precision=fp32"


def _flat(values: Mapping[str, Any], before: str = "") -> list[str]:
    """A line for each value, the names of nested ones joined by dots."""
    lines = []
    for name, value in values.items():
        if isinstance(value, Mapping):
            lines += _flat(value, f"{before}{name}.")
        elif not name.endswith(_INTERVAL):
            interval = values.get(name + _INTERVAL)
            shown = "" if interval is None else f" ({_number(interval[0])} to {_number(interval[1])})"
            lines.append(f"{before}{name}: {_number(value)}{shown}")
    return lines


def _number(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
