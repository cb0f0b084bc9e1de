"""A corpus on disk that articles are added to: all of them or none, and never one over another."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hadath.batch.storage import locked, sync_folder, write_whole
from hadath.document import Document
from hadath.schema import Schema
from training.annotations.articles import CorpusArticle, Findings
from training.brat import parse_document, read_document, read_text


@dataclass(frozen=True)
class Layout:
    """Where things are in the folder of a corpus; explained in configs/corpus/default.yaml."""

    path: str
    schema_file: str
    articles_folder: str
    splits_folder: str
    metadata_file: str | None


@dataclass(frozen=True)
class Added:
    """What came of adding articles.

    Attributes:
        new: Ids of the articles that were written.
        present: Ids of the articles that were there already, word for word.
    """

    new: tuple[str, ...]
    present: tuple[str, ...]


def add_articles(
    into: Path, layout: Layout, schema_text: str, schema: Schema, articles: Sequence[CorpusArticle], findings: Findings
) -> Added:
    """Adds articles to a corpus, or makes a new one of them.

    Args:
        into: Folder of the corpus.
        layout: Where things are in it.
        schema_text: The annotation configuration that a new corpus gets.
        schema: The schema.
        articles: The articles.
        findings: Gets what is wrong; where it holds any problem, nothing is written.

    Returns:
        Which articles were written, and which were there.

    Raises:
        SourceError: If an article of the same id but other content is there, or one cannot be written as brat
            standoff.
        HadathError: If another process is writing into the corpus.
        OSError: If the disk is full or fails; what was written is taken back.
    """
    for article in articles:
        _check_written_form(article, schema, findings)
    findings.refuse("the import")
    if not into.exists() or not any(into.iterdir()):
        with _staging(into.parent, into.name) as stage:
            (stage / layout.schema_file).write_bytes(schema_text.encode("utf-8"))
            (stage / layout.articles_folder).mkdir()
            _write(stage, stage / layout.articles_folder, layout, articles)
            if into.exists():
                into.rmdir()
            os.replace(stage, into)
        sync_folder(into.parent)
        return Added(tuple(article.id for article in articles), ())
    with locked(into):
        present = _present(into, layout, schema, articles, findings)
        findings.refuse(f"the import into {into}")
        new = [article for article in articles if article.id not in present]
        if new:
            _merge(into, layout, new)
        return Added(tuple(article.id for article in new), tuple(sorted(present)))


def _check_written_form(article: CorpusArticle, schema: Schema, findings: Findings) -> None:
    """Notes a problem where the article would be read as another one from what is written."""
    read, problems = parse_document(
        article.document.text, article.document.to_brat(), schema, Path(f"{article.id}.ann"), article.id
    )
    if read is None or problems or _plain(read) != _plain(article.document):
        why = f" ({problems[0].message})" if problems else ""
        findings.problem_at(
            Path(f"{article.id}.ann"),
            0,
            f"would be read back as another article{why}: brat's form cannot tell its roles apart; rename one of the "
            f"roles {', '.join(schema.role_names)}",
        )


def _plain(document: Document) -> tuple[object, ...]:
    """What brat standoff can say of a document."""
    return (
        document.text,
        sorted((entity.start, entity.end, entity.type) for entity in document.entities),
        sorted(
            (
                event.start,
                event.end,
                event.type,
                event.modality,
                sorted((a.role, a.entity.start, a.entity.end, a.entity.type) for a in event.arguments),
            )
            for event in document.events
        ),
    )


def _present(
    into: Path, layout: Layout, schema: Schema, articles: Sequence[CorpusArticle], findings: Findings
) -> set[str]:
    """Ids of the articles that are in the corpus as they are; a problem for each that is there otherwise."""
    folder = into / layout.articles_folder
    names: dict[str, list[str]] = {}
    for path in folder.glob("*.txt"):
        names.setdefault(path.stem.casefold(), []).append(path.stem)
    split_of = dict(_split_members(into / layout.splits_folder))
    described = _metadata(into, layout)
    present = set()
    for article in articles:
        for name in names.get(article.id.casefold(), ()):
            path = folder / f"{name}.txt"
            if name != article.id:
                findings.problem_at(
                    path, 0, f"differs from {article.id} in capital letters alone; give one another name"
                )
                continue
            document, _ = read_document(path, schema)
            if document is None or _plain(document) != _plain(article.document):
                findings.problem_at(
                    path,
                    0,
                    "is there already with other content; rename the new article with prefix=NAME-, or remove one",
                )
            elif name in described and dict(article.metadata) != described[name]:
                findings.problem_at(
                    path, 0, f"is there already, but {layout.metadata_file} says otherwise of it; mend one of the two"
                )
            elif name in split_of:
                # one that is in no split was left by an import that was killed: it is written once more
                present.add(name)
    return present


def _merge(into: Path, layout: Layout, new: Sequence[CorpusArticle]) -> None:
    """Writes new articles into a corpus: first the files, then the names, so that each name has its files."""
    folder = into / layout.articles_folder
    folder.mkdir(exist_ok=True)
    undo: list[Callable[[], object]] = []
    with _staging(into, "import") as stage:
        _write_articles(stage, new)
        try:
            for path in sorted(stage.iterdir()):
                target = folder / path.name
                if not target.exists():
                    undo.append(lambda target=target: target.unlink(missing_ok=True))
                os.replace(path, target)
            sync_folder(folder)
            for path in [*_split_files(into, layout, new), *_metadata_files(into, layout)]:
                before = path.read_bytes() if path.exists() else None
                undo.append(lambda path=path, before=before: _restore(path, before))
            _write_lists(into, layout, new)
        except BaseException:
            for step in reversed(undo):
                step()
            raise


def _restore(path: Path, content: bytes | None) -> None:
    if content is None:
        path.unlink(missing_ok=True)
    else:
        write_whole(path, lambda stream: stream.write(content))


def _write(root: Path, folder: Path, layout: Layout, articles: Sequence[CorpusArticle]) -> None:
    _write_articles(folder, articles)
    _write_lists(root, layout, articles)


def _write_articles(folder: Path, articles: Sequence[CorpusArticle]) -> None:
    for article in articles:
        (folder / f"{article.id}.txt").write_bytes(article.document.text.encode("utf-8"))
        (folder / f"{article.id}.ann").write_bytes(article.document.to_brat().encode("utf-8"))


def _write_lists(root: Path, layout: Layout, articles: Sequence[CorpusArticle]) -> None:
    """Adds articles to the splits and to the descriptions, each file whole or not at all."""
    described = _metadata(root, layout)
    lines = [
        json.dumps({"id": article.id, **article.metadata}, ensure_ascii=False)
        for article in articles
        if article.metadata and article.id not in described
    ]
    for path in _metadata_files(root, layout):
        # also where there is nothing to say, since whoever reads the corpus expects the file
        if lines or not path.exists():
            _append_lines(path, lines)
    (root / layout.splits_folder).mkdir(exist_ok=True)
    placed = dict(_split_members(root / layout.splits_folder))
    for path in _split_files(root, layout, articles):
        _append_lines(path, [a.id for a in articles if a.split == path.stem and a.id not in placed])


def _split_files(root: Path, layout: Layout, articles: Sequence[CorpusArticle]) -> list[Path]:
    return [root / layout.splits_folder / f"{split}.txt" for split in dict.fromkeys(a.split for a in articles)]


def _metadata_files(root: Path, layout: Layout) -> list[Path]:
    return [root / layout.metadata_file] if layout.metadata_file else []


def _append_lines(path: Path, lines: Sequence[str]) -> None:
    before = path.read_bytes() if path.exists() else b""
    if before and not before.endswith(b"\n"):
        before += b"\n"
    write_whole(path, lambda stream: stream.write(before + "".join(f"{line}\n" for line in lines).encode("utf-8")))


def _split_members(folder: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(folder.glob("*.txt")):
        for line in (read_text(path, []) or "").removeprefix("\ufeff").split("\n"):
            if line.strip():
                yield line.strip(), path.stem


def _metadata(root: Path, layout: Layout) -> dict[str, Mapping[str, str]]:
    """The descriptions that are there; lines that are none are left to whoever reads the corpus."""
    described: dict[str, Mapping[str, str]] = {}
    text = read_text(root / layout.metadata_file, []) if layout.metadata_file else None
    for line in (text or "").removeprefix("\ufeff").split("\n"):
        try:
            fields = json.loads(line)
            described[fields.pop("id")] = fields
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            continue
    return described


@contextmanager
def _staging(parent: Path, name: str) -> Iterator[Path]:
    """A folder to prepare things in, on the disk where they will lie; removed with what is left in it."""
    parent.mkdir(parents=True, exist_ok=True)
    stage = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=parent))
    # a temporary folder is its owner's alone; a corpus is not
    stage.chmod(0o777 & ~_umask())
    try:
        yield stage
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
