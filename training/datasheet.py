"""Counts what the corpus holds and writes the tables into its datasheet: ``python -m training.datasheet``.

All splits are counted, the test split too: the tables describe the data, nothing is chosen by them.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from hadath.document import Document
from hadath.errors import HadathError
from training.corpus import Corpus, fingerprint, read_corpus

BEGIN = "<!-- counts: begin, written by python -m training.datasheet -->"
END = "<!-- counts: end -->"

_SIZES = ("articles", "words", "entities", "events", "arguments")


class DatasheetError(HadathError, ValueError):
    """A datasheet that has no place for the counts."""


def counts(corpus: Corpus, fields: Sequence[str] = ("country", "genre")) -> str:
    """Counts a corpus.

    Args:
        corpus: The corpus; each split that was read becomes a column.
        fields: Fields of the metadata by whose values the articles are counted.

    Returns:
        Markdown tables of articles, words (between white space), entities, events, arguments and modality.
    """
    schema = corpus.schema
    tables = [
        _table(corpus, "", _SIZES, _sizes),
        _table(corpus, "entity type", schema.entity_types, lambda d: Counter(e.type for e in d.entities)),
        _table(corpus, "event type", schema.event_types, lambda d: Counter(e.type for e in d.events)),
        _table(corpus, "role", schema.role_names, _roles),
        _table(corpus, "modality", schema.modalities, lambda d: Counter(e.modality for e in d.events)),
    ]
    for field in fields:

        def value(document: Document, field: str = field) -> Counter[str]:
            return Counter([corpus.metadata.get(str(document.id), {}).get(field, "not stated")])

        tables.append(_table(corpus, field, None, value))
    identity = f"Fingerprint of texts and annotations (SHA-256): `{fingerprint(corpus.documents)}`"
    return "\n\n".join([identity, *filter(None, tables)])


def refreshed(datasheet: str, tables: str) -> str:
    r"""Returns a datasheet with other tables between its markers.

    Raises:
        DatasheetError: If the two markers are not there, once each and in order.

    Example:
        >>> "old" in refreshed(f"# Data\n{BEGIN}\nold\n{END}\n", "new")
        False
    """
    before, begin, rest = datasheet.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end or BEGIN in rest or END in after or END in before:
        raise DatasheetError(
            f"the datasheet has no place for the counts; expected the lines {BEGIN} and {END}, once each"
        )
    return f"{before}{BEGIN}\n\n{tables}\n\n{END}{after}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Refreshes the counts in a corpus's ``DATASHEET.md``; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m training.datasheet",
        description="Writes the counts of a corpus into its DATASHEET.md.",
    )
    parser.add_argument(
        "corpus", nargs="?", type=Path, default=Path("data"), help="folder of the corpus (default: data)"
    )
    path: Path = parser.parse_args(arguments).corpus
    datasheet = path / "DATASHEET.md"
    try:
        splits = [file.stem for file in sorted((path / "splits").glob("*.txt"), key=_usual_order)]
        tables = counts(read_corpus(path, splits))
        text = datasheet.read_text(encoding="utf-8")
        datasheet.write_text(refreshed(text, tables), encoding="utf-8", newline="\n")
    except HadathError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except OSError as error:
        sys.stderr.write(f"{datasheet}: {error.strerror}; expected a datasheet with the lines {BEGIN} and {END}\n")
        return 1
    sys.stdout.write(f"{datasheet}: counts are those of the corpus\n")
    return 0


def _sizes(document: Document) -> Counter[str]:
    return Counter(
        {
            "articles": 1,
            "words": len(document.text.split()),
            "entities": len(document.entities),
            "events": len(document.events),
            "arguments": sum(len(event.arguments) for event in document.events),
        }
    )


def _roles(document: Document) -> Counter[str]:
    return Counter(argument.role for event in document.events for argument in event.arguments)


def _table(corpus: Corpus, heading: str, rows: Sequence[str] | None, count: Callable[[Document], Counter[str]]) -> str:
    """A Markdown table with a column for each split; rows that are not given are ordered by their counts."""
    columns = [sum(map(count, documents), Counter[str]()) for documents in corpus.splits.values()]
    whole = sum(columns, Counter[str]())
    if rows is None:
        rows = [name for name, _ in sorted(whole.items(), key=lambda item: (-item[1], item[0]))]
    if not rows:
        return ""
    lines = [
        f"| {heading} | {' | '.join(corpus.splits)} | all |",
        f"| --- |{' ---: |' * (len(columns) + 1)}",
        *(f"| {name} | {' | '.join(f'{column[name]:,}' for column in [*columns, whole])} |" for name in rows),
    ]
    return "\n".join(lines)


def _usual_order(path: Path) -> tuple[int, str]:
    usual = ("train", "dev", "test")
    return (usual.index(path.stem) if path.stem in usual else len(usual), path.stem)


if __name__ == "__main__":
    sys.exit(main())
