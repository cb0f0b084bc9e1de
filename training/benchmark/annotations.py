"""How long new annotations take on their way in: ``python -m training.benchmark.annotations``.

A large corpus is made of paragraphs of the project's own; then new articles are imported into it, it is checked, and
they are divided into its splits, each by its command, start-up counted.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.table import Table

from hadath.document import Argument, Document, Entity, Event
from hadath.errors import HadathError
from hadath.machine import cores
from training.corpus import Corpus, read_corpus

SPLITS = ("train", "dev", "test")

_SHARES = (0.74, 0.12, 0.14)
_PARAGRAPHS = (3, 6)
# share of the new articles that tell a story of the corpus once more, with a word more at the end
_RETOLD = 0.05


def paragraphs(document: Document) -> Iterator[Document]:
    """Yields the paragraphs of an article, each with the annotations that stand in it."""
    start = 0
    for line in document.text.split("\n"):
        end = start + len(line)
        if line.strip():
            yield _part(document, start, end)
        start = end + 1


def joined(parts: Sequence[Document], name: str) -> Document:
    r"""Returns an article made of paragraphs.

    Example:
        >>> joined([Document("زار الوزير تونس."), Document("وعاد.")], "a").text
        'زار الوزير تونس.\n\nوعاد.\n'
    """
    text = ""
    entities: list[Entity] = []
    events: list[Event] = []
    for part in parts:
        moved = {
            entity: dataclasses.replace(entity, start=entity.start + len(text), end=entity.end + len(text))
            for entity in part.entities
        }
        entities += moved.values()
        events += [
            dataclasses.replace(
                event,
                start=event.start + len(text),
                end=event.end + len(text),
                arguments=tuple(Argument(one.role, moved[one.entity]) for one in event.arguments),
            )
            for event in part.events
        ]
        text += f"{part.text}\n\n"
    return Document(text[:-1], tuple(entities), tuple(events), name)


def made_articles(corpus: Corpus, count: int, prefix: str, seed: int) -> list[Document]:
    """Returns articles of paragraphs drawn from a corpus."""
    pool = [part for document in corpus.documents for part in paragraphs(document)]
    draw = random.Random(seed)
    return [joined(draw.sample(pool, draw.randint(*_PARAGRAPHS)), f"{prefix}-{number:05}") for number in range(count)]


def write_corpus(source: Path, corpus: Corpus, articles: Sequence[Document], folder: Path, seed: int) -> None:
    """Writes articles as a corpus with the schema of another one, divided into splits."""
    write_articles(articles, folder / "articles")
    shutil.copy(source / "annotation.conf", folder)
    draw = random.Random(seed)
    countries = [fields["country"] for fields in corpus.metadata.values() if "country" in fields]
    with (folder / "articles.jsonl").open("w", encoding="utf-8") as file:
        for article in articles:
            file.write(json.dumps({"id": article.id, "country": draw.choice(countries)}) + "\n")
    (folder / "splits").mkdir()
    members: dict[str, list[str]] = {split: [] for split in SPLITS}
    for article, split in zip(articles, draw.choices(SPLITS, _SHARES, k=len(articles)), strict=True):
        members[split].append(f"{article.id}\n")
    for split, names in members.items():
        (folder / "splits" / f"{split}.txt").write_text("".join(names), encoding="utf-8")


def write_articles(articles: Sequence[Document], folder: Path) -> None:
    """Writes articles as brat standoff."""
    folder.mkdir(parents=True)
    for article in articles:
        (folder / f"{article.id}.txt").write_bytes(article.text.encode("utf-8"))
        (folder / f"{article.id}.ann").write_bytes(article.to_brat().encode("utf-8"))


def measured(name: str, *arguments: str) -> tuple[float, float]:
    """Runs a command on annotations and returns the seconds that it took, and those of a processor.

    The second number is what it would take on a machine that does nothing else.

    Raises:
        HadathError: If it fails otherwise than by finding something.
    """
    command = [sys.executable, "-m", "training.annotations", name, *arguments]
    start, before = time.perf_counter(), os.times()
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8")
    seconds, after = time.perf_counter() - start, os.times()
    if done.returncode not in (0, 1):
        raise HadathError(f"{' '.join(command)} failed:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    busy = after.children_user - before.children_user + after.children_system - before.children_system
    return seconds, busy


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures, prints a table and returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m training.benchmark.annotations", description=__doc__)
    parser.add_argument("--corpus", type=Path, default=Path("data"), help="corpus whose paragraphs are taken")
    parser.add_argument("--articles", type=int, default=10_000, help="articles that are there (default: %(default)s)")
    parser.add_argument("--new", type=int, default=1_000, help="articles that are added (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of what is drawn (default: %(default)s)")
    options = parser.parse_args(arguments)
    try:
        taken = _measure(options)
    except HadathError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    table = Table(
        f"{options.new:,} articles into {options.articles:,}, {cores()} cores", "seconds", "of a processor", box=None
    )
    for name, (seconds, busy) in {**taken, "together": tuple(map(sum, zip(*taken.values(), strict=True)))}.items():
        table.add_row(name, f"{seconds:.1f}", f"{busy:.1f}")
    Console().print(table)
    return 0


def _measure(options: argparse.Namespace) -> dict[str, tuple[float, float]]:
    corpus = read_corpus(options.corpus, SPLITS)
    there = made_articles(corpus, options.articles, "old", options.seed)
    new = made_articles(corpus, options.new, "new", options.seed + 1)
    for place in range(0, len(new), round(1 / _RETOLD)):
        old = there[place % len(there)]
        new[place] = Document(f"{old.text}انتهى\n", old.entities, old.events, new[place].id)
    with TemporaryDirectory() as scratch:
        folder, source = Path(scratch) / "corpus", Path(scratch) / "new"
        write_corpus(options.corpus, corpus, there, folder, options.seed)
        write_articles(new, source)
        return {
            "import": measured("import", "format=brat", f"source={source}", f"into={folder}", "split=new"),
            "check": measured("check", f"corpus.path={folder}", f"html={scratch}/report.html"),
            "split": measured("split", f"corpus.path={folder}", "allot=[new]"),
        }


def _part(document: Document, start: int, end: int) -> Document:
    moved = {
        entity: dataclasses.replace(entity, start=entity.start - start, end=entity.end - start)
        for entity in document.entities
        if start <= entity.start and entity.end <= end
    }
    return Document(
        document.text[start:end],
        tuple(moved.values()),
        tuple(
            dataclasses.replace(
                event,
                start=event.start - start,
                end=event.end - start,
                arguments=tuple(
                    Argument(one.role, moved[one.entity]) for one in event.arguments if one.entity in moved
                ),
            )
            for event in document.events
            if start <= event.start and event.end <= end
        ),
    )


if __name__ == "__main__":
    sys.exit(main())
