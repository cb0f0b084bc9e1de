"""The formats of annotations, a module each.

A module has ``Options``, a dataclass of what can be set for it (explained in configs/format/NAME.yaml), ``read`` and
``write``.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol

from hadath.errors import HadathError
from hadath.schema import Schema
from training.annotations.articles import CorpusArticle, Findings, SourceArticle, SourceError

MODULES = ("brat", "cas", "conll", "doccano", "hadath", "label_studio", "prodigy", "wojood")


class Format(Protocol):
    """What a module of a format offers."""

    Options: type

    def read(self, source: Path, options: Any, findings: Findings) -> list[SourceArticle]:
        """Reads annotated articles; what cannot be read is noted in ``findings``."""

    def write(
        self, articles: Sequence[CorpusArticle], schema: Schema, to: Path, options: Any, findings: Findings
    ) -> None:
        """Writes articles; what the format has no room for is noted in ``findings``."""


def format_named(name: str) -> Format:
    """Returns the module of a format.

    Raises:
        SourceError: If there is none of that name.
    """
    if name not in MODULES:
        raise SourceError(f"there is no format {name!r}; expected format.reader to be one of {', '.join(MODULES)}")
    module: Any = importlib.import_module(f"{__name__}.{name}")
    return module  # type: ignore[no-any-return]


def source_files(source: Path, suffixes: Iterable[str]) -> list[Path]:
    """Returns the files of a source.

    Args:
        source: A file, or a folder whose files are looked for at every depth, names that begin with a dot left out.
        suffixes: How the names of files in a folder end.

    Raises:
        SourceError: If there is no such file or folder, or none in the folder.
    """
    wanted = tuple(suffixes)
    if source.is_file():
        return [source]
    if not source.is_dir():
        raise SourceError(f"{source}: no such file or folder; check source")
    files = [
        path
        for path in sorted(source.rglob("*"))
        if path.is_file()
        and path.name.lower().endswith(wanted)
        and not any(part.startswith(".") for part in path.relative_to(source).parts)
    ]
    if not files:
        raise SourceError(f"{source}: holds no file to import; expected names that end in {', '.join(wanted)}")
    return files


def no_folder(to: Path, what: str) -> None:
    """Refuses to write one file where a folder is.

    Raises:
        HadathError: If ``to`` is a folder.
    """
    if to.is_dir():
        raise HadathError(f"{to} is a folder; expected the name of a file for {what}")
