"""Puts a model into the package, to be built with it: ``python -m training.bundle models:/hadath@champion``."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from pathlib import Path

import hadath
from hadath.model_directory import BUNDLED, find
from training.model_card import FILE as CARD

FILES = ("model.onnx", "tokenizer.json", "config.json")


def bundle(model: str, into: Path = BUNDLED) -> Path:
    """Makes a model the one that comes with the package.

    Args:
        model: As of ``hadath.load``: a model directory or an address in MLflow's registry.
        into: The folder of the package's model, which is replaced as a whole.

    Returns:
        That folder.

    Raises:
        ModelError: If the model is missing, damaged, or of a version that this package does not read.
    """
    source = find(model)
    # what cannot be loaded is not shipped
    hadath.load(source)
    if source.resolve() == into.resolve():
        return into
    new, old = (into.with_name(f"{into.name}.{state}") for state in ("new", "old"))
    for left in (new, old):
        shutil.rmtree(left, ignore_errors=True)
    new.mkdir(parents=True)
    for name in (*FILES, CARD):
        if (source / name).is_file():
            shutil.copyfile(source / name, new / name)
    if into.exists():
        os.replace(into, old)
    os.replace(new, into)
    shutil.rmtree(old, ignore_errors=True)
    return into


def main() -> int:
    """Reads the command line."""
    parser = argparse.ArgumentParser(prog="python -m training.bundle", description=__doc__)
    parser.add_argument("model", help="a model directory, or models:/NAME@ALIAS of MLflow's registry")
    options = parser.parse_args()
    try:
        print(f"{options.model} is now the model of the package, in {bundle(options.model)}")
    except (hadath.HadathError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
