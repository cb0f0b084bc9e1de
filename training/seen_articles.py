"""Which articles a network has seen, so that nobody measures it on what it learnt from."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path

from hadath.document import Document
from hadath.text import normalize

FILE = "seen_articles.tsv"

LEARNT, CHOSEN_BY = "train", "dev"
"""How an article was seen: the weights were fitted to it, or the best epoch was chosen by it."""

UNRECORDED = "unrecorded"
"""Stands in the place of a digest where a network goes on from one of which it is not known what that had seen."""


_UNKNOWN = "unknown"


def digest(text: str) -> str:
    """Identifies an article by what it says, whatever its name, diacritics and spaces.

    Example:
        >>> digest("زارَ تونس") == digest("زار  تونس")
        True
    """
    said = " ".join(normalize(text).text.split())
    return hashlib.sha256(said.encode("utf-8")).hexdigest()[:16]


def seen_articles(
    train: Iterable[Document], dev: Iterable[Document], before: Iterable[Mapping[str, str] | None] = ()
) -> dict[str, str]:
    """Returns how each article was seen, by its digest.

    Args:
        train: The articles that a network is fitted to.
        dev: Those that it is chosen by.
        before: What each network had seen that it goes on or learns from; None where that was not recorded.

    Returns:
        ``LEARNT`` or ``CHOSEN_BY`` for each digest; once learnt from is always learnt from. Where something was not
        recorded also ``UNRECORDED``.
    """
    records = list(before)
    known = [(place, how) for record in records for place, how in (record or {}).items()]
    learnt = {digest(document.text) for document in train} | {place for place, how in known if how == LEARNT}
    chosen = {digest(document.text) for document in dev} | {place for place, how in known if how == CHOSEN_BY}
    seen = {place: LEARNT if place in learnt else CHOSEN_BY for place in chosen | learnt}
    unrecorded = None in records or any(place == UNRECORDED for place, _ in known)
    return {**seen, UNRECORDED: _UNKNOWN} if unrecorded else seen


def write_seen_articles(directory: Path, seen: Mapping[str, str]) -> Path:
    """Writes them beside a network, a digest and how it was seen a line, and returns the file."""
    path = directory / FILE
    path.write_text("".join(f"{place}\t{how}\n" for place, how in sorted(seen.items())), encoding="utf-8")
    return path


def read_seen_articles(directory: Path) -> dict[str, str] | None:
    """Reads them; None where a network has no such file."""
    path = directory / FILE
    if not path.is_file():
        return None
    rows = (line.split("\t") for line in path.read_text(encoding="utf-8").splitlines())
    return dict(rows)
