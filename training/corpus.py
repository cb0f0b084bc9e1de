"""The annotated corpus: schema, articles by split and what is known of each, or all that is wrong with it."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hadath.document import Document
from hadath.errors import HadathError, SchemaError
from hadath.schema import Schema
from training.brat import Problem, ProblemKind, read_document, read_text

if TYPE_CHECKING:
    from datasets import DatasetDict

_SHOWN_PROBLEMS = 50
_DOCUMENT_FIELDS = frozenset({"text", "entities", "events"})


class CorpusError(HadathError, ValueError):
    """A corpus with mistakes, all of them listed.

    Attributes:
        problems: Every problem, in the order of the files and lines.
    """

    def __init__(self, path: Path, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda problem: (str(problem.path), problem.line)))
        count = len(self.problems)
        shown = "".join(f"\n  {problem}" for problem in self.problems[:_SHOWN_PROBLEMS])
        rest = f"\n  … and {count - _SHOWN_PROBLEMS} more" if count > _SHOWN_PROBLEMS else ""
        super().__init__(
            f"the corpus in {path} has {count} problem{'' if count == 1 else 's'} and is not used before "
            f"{'it is' if count == 1 else 'they are'} mended:{shown}{rest}"
        )


@dataclass(frozen=True)
class Corpus:
    """Annotated articles.

    Attributes:
        schema: What is annotated.
        splits: For each split that was read, its articles in the order of the split's file.
        metadata: For each article that was read and is described, its fields, such as date and country.
    """

    schema: Schema
    splits: Mapping[str, tuple[Document, ...]]
    metadata: Mapping[str, Mapping[str, str]]

    @property
    def documents(self) -> tuple[Document, ...]:
        """The articles of all splits that were read."""
        return tuple(document for documents in self.splits.values() for document in documents)


def read_corpus(
    path: Path | str,
    splits: Sequence[str],
    *,
    schema_file: str = "annotation.conf",
    articles_folder: str = "articles",
    splits_folder: str = "splits",
    metadata_file: str | None = "articles.jsonl",
) -> Corpus:
    """Reads the articles of some splits, and refuses a corpus in which anything is wrong.

    The articles of the other splits are not opened; only their names are compared with the splits.

    Args:
        path: Folder of the corpus.
        splits: Names of the splits to read, such as ``("train", "dev")``.
        schema_file: The brat annotation configuration, in the folder of the corpus.
        articles_folder: The folder of ``NAME.txt`` and ``NAME.ann``.
        splits_folder: The folder of ``SPLIT.txt``, one article name a line. Every article is in one split.
        metadata_file: JSON lines with ``id`` and further texts; ``None`` where there is no such file.

    Returns:
        The corpus, with at least one article in each split.

    Raises:
        CorpusError: With everything that is wrong, each with file, line and what was expected.
    """
    examined = examine_corpus(
        path,
        splits,
        schema_file=schema_file,
        articles_folder=articles_folder,
        splits_folder=splits_folder,
        metadata_file=metadata_file,
    )
    if examined.corpus is None or examined.problems:
        raise CorpusError(Path(path), examined.problems)
    return examined.corpus


@dataclass(frozen=True)
class ExaminedCorpus:
    """A corpus as far as it can be read, and everything that is wrong with it.

    Attributes:
        corpus: What could be read; None where the schema could not, or there is no article.
        problems: Every problem, in the order in which they were found.
        unsplit: Articles that no split names, as far as they were read.
    """

    corpus: Corpus | None
    problems: tuple[Problem, ...]
    unsplit: tuple[Document, ...] = ()


def examine_corpus(
    path: Path | str,
    splits: Sequence[str] | None = None,
    *,
    schema_file: str = "annotation.conf",
    articles_folder: str = "articles",
    splits_folder: str = "splits",
    metadata_file: str | None = "articles.jsonl",
) -> ExaminedCorpus:
    """Reads as much of a corpus as can be read, whatever is wrong with the rest.

    Args:
        path: Folder of the corpus.
        splits: Names of the splits to read; None for all articles, those that no split names too.
        schema_file: As of ``read_corpus``, as the other arguments.
        articles_folder: The folder of articles.
        splits_folder: The folder of splits.
        metadata_file: The articles' descriptions.

    Returns:
        The corpus without the articles that cannot be read; spans of an article may overlap or cut words.
    """
    root = Path(path)
    problems: list[Problem] = []
    if not root.is_dir():
        message = "is no folder; expected the folder of the corpus"
        return ExaminedCorpus(None, (Problem(root, 0, message, kind=ProblemKind.FILE),))
    schema = read_schema(root / schema_file, problems)
    names, complete = _article_names(root / articles_folder, problems)
    if not names:
        return ExaminedCorpus(None, tuple(problems))
    members = _read_splits(root / splits_folder, splits or (), root / articles_folder, names, problems)
    metadata = {} if metadata_file is None else _read_metadata(root / metadata_file, names, problems)
    if schema is None:
        return ExaminedCorpus(None, tuple(problems))
    rest = names.difference(*members.values()) if splits is None else ()
    read: dict[str | None, list[Document]] = {}
    for split, articles in [*((name, members.get(name, ())) for name in splits or members), (None, sorted(rest))]:
        read[split] = []
        for name in articles:
            if name not in complete:
                continue
            document, found = read_document(root / articles_folder / f"{name}.txt", schema)
            problems.extend(found)
            if document is not None:
                read[split].append(document)
    unsplit = tuple(read.pop(None))
    known = {document.id for documents in (*read.values(), unsplit) for document in documents}
    corpus = Corpus(
        schema,
        {str(split): tuple(documents) for split, documents in read.items()},
        {name: fields for name, fields in metadata.items() if name in known},
    )
    return ExaminedCorpus(corpus, tuple(problems), unsplit)


def fingerprint(documents: Iterable[Document]) -> str:
    """Identifies articles and their annotations by what they say, in whatever order and place they are read.

    Args:
        documents: The articles, each with an id.

    Returns:
        A SHA-256 in hexadecimal. It changes with any id, text or annotation, not with brat's numbering.

    Example:
        >>> first, second = Document("في تونس", id="a"), Document("في ليبيا", id="b")
        >>> fingerprint([first, second]) == fingerprint([second, first]) != fingerprint([first])
        True
    """
    digest = hashlib.sha256()
    for line in sorted(json.dumps(_annotated(document), sort_keys=True) for document in documents):
        digest.update(line.encode("ascii") + b"\n")
    return digest.hexdigest()


def _annotated(document: Document) -> dict[str, Any]:
    """A document without the names of its entities, which are worked out, not annotated."""
    values = document.to_dict()
    for entity in values["entities"]:
        del entity["name"]
    return values


def to_dataset(corpus: Corpus) -> DatasetDict:
    """Turns a corpus into Hugging Face datasets, one for each split.

    Args:
        corpus: The corpus.

    Returns:
        Rows with ``id``, ``text``, ``entities`` and ``events`` in the form of ``Document.to_dict``, so that
        ``Document.from_dict(row)`` gives the article back, and a column for each field of the metadata,
        ``None`` where an article does not have it.
    """
    # here, because importing datasets takes longer than reading the corpus
    from datasets import Dataset, DatasetDict, Features, Value

    fields = list(dict.fromkeys(field for article in corpus.metadata.values() for field in article))
    span = {
        "start": Value("int64"),
        "end": Value("int64"),
        "type": Value("string"),
        "text": Value("string"),
        "score": Value("float64"),
    }
    argument = {"role": Value("string"), "entity": Value("int64"), "score": Value("float64")}
    features = Features(
        {
            "id": Value("string"),
            "text": Value("string"),
            "entities": [{**span, "name": Value("string")}],
            "events": [{**span, "modality": Value("string"), "arguments": [argument]}],
            **{field: Value("string") for field in fields},
        }
    )
    return DatasetDict(
        {
            split: Dataset.from_list(
                [
                    {
                        **dict.fromkeys(fields),
                        **corpus.metadata.get(str(document.id), {}),
                        **document.to_dict(),
                    }
                    for document in documents
                ],
                features=features,
            )
            for split, documents in corpus.splits.items()
        }
    )


def read_schema(path: Path, problems: list[Problem]) -> Schema | None:
    """Reads a brat annotation configuration; what is wrong with it is added to ``problems``."""
    text = read_text(path, problems)
    if text is None:
        return None
    try:
        return Schema.from_brat(text, path.name)
    except SchemaError as error:
        for message in str(error).splitlines():
            located = re.fullmatch(rf"{re.escape(path.name)}:([0-9]+): (.*)", message)
            problems.append(Problem(path, int(located[1]), located[2]) if located else Problem(path, 0, message))
        return None


def _article_names(folder: Path, problems: list[Problem]) -> tuple[set[str], set[str]]:
    """Names of all articles, and of those that have both files."""
    try:
        files = {path.name for path in folder.iterdir() if not path.name.startswith(".")}
    except OSError as error:
        message = f"cannot be read ({error.strerror}); expected the folder of the articles"
        problems.append(Problem(folder, 0, message, kind=ProblemKind.FILE))
        return set(), set()
    texts = {name.removesuffix(".txt") for name in files if name.endswith(".txt")}
    annotations = {name.removesuffix(".ann") for name in files if name.endswith(".ann")}
    for name in texts - annotations:
        message = f"is missing; {name}.txt needs it, empty where nothing is annotated"
        problems.append(Problem(folder / f"{name}.ann", 0, message, kind=ProblemKind.FILE))
    for name in annotations - texts:
        message = f"is missing; {name}.ann annotates it"
        problems.append(Problem(folder / f"{name}.txt", 0, message, kind=ProblemKind.FILE))
    if not texts and not annotations:
        message = "holds no article; expected NAME.txt and NAME.ann for each"
        problems.append(Problem(folder, 0, message, kind=ProblemKind.FILE))
    return texts | annotations, texts & annotations


def _read_splits(
    folder: Path, wanted: Sequence[str], articles: Path, names: set[str], problems: list[Problem]
) -> dict[str, list[str]]:
    """Names of the articles of each split."""
    files = sorted(folder.glob("*.txt")) if folder.is_dir() else []
    if not files:
        message = "has no splits; expected train.txt, dev.txt and test.txt in this folder"
        problems.append(Problem(folder, 0, message, kind=ProblemKind.UNSPLIT))
        return {}
    for split in wanted:
        if folder / f"{split}.txt" not in files:
            message = f"is missing; expected the article names of the split {split}, one a line"
            problems.append(Problem(folder / f"{split}.txt", 0, message, kind=ProblemKind.SPLIT))
    members: dict[str, list[str]] = {}
    place: dict[str, str] = {}
    texts = {path: read_text(path, problems) for path in files}
    for path, text in texts.items():
        members[path.stem] = []
        for number, line in enumerate((text or "").removeprefix("\ufeff").split("\n"), start=1):
            name = line.strip()
            if not name:
                continue
            if name in place:
                message = f"{name!r} stands in {place[name]} already; expected each article in one split, once"
                problems.append(Problem(path, number, message, kind=ProblemKind.SPLIT))
            elif name not in names:
                message = f"{name!r} is no article; expected {articles.name}/{name}.txt and .ann"
                problems.append(Problem(path, number, message, kind=ProblemKind.SPLIT))
            else:
                members[path.stem].append(name)
            place.setdefault(name, f"{path.name}:{number}")
        if path.stem in wanted and text is not None and not text.strip():
            message = "names no article; expected one article name a line"
            problems.append(Problem(path, 0, message, kind=ProblemKind.SPLIT))
    if None in texts.values():
        return members
    for name in names - place.keys():
        message = f"is in no split; add {name!r} to one of {', '.join(path.name for path in files)} in {folder}"
        problems.append(Problem(articles / f"{name}.txt", 0, message, kind=ProblemKind.UNSPLIT))
    return members


def _read_metadata(path: Path, names: set[str], problems: list[Problem]) -> dict[str, dict[str, str]]:
    """Fields of each article, without its id."""
    text = read_text(path, problems)
    metadata: dict[str, dict[str, str]] = {}
    for number, line in enumerate((text or "").removeprefix("\ufeff").split("\n"), start=1):
        if not line.strip():
            continue
        try:
            fields = json.loads(line)
        except (ValueError, RecursionError) as error:
            invalid = f"is not JSON ({error}); expected an object a line"
            problems.append(Problem(path, number, invalid, kind=ProblemKind.METADATA))
            continue
        message = _wrong_fields(fields)
        if message is None:
            name = fields.pop("id")
            if name in metadata:
                message = f"{name!r} is described on an earlier line already; expected one line for each article"
            elif name not in names:
                message = f"{name!r} is no article; expected the name of a file in the folder of articles"
            else:
                metadata[name] = fields
        if message is not None:
            problems.append(Problem(path, number, message, kind=ProblemKind.METADATA))
    return metadata


def _wrong_fields(fields: object) -> str | None:
    if not isinstance(fields, dict) or not isinstance(fields.get("id"), str):
        return 'is no description of an article; expected {"id": "NAME", …}'
    for field, value in fields.items():
        if field in _DOCUMENT_FIELDS:
            return f"the field {field!r} belongs to the article itself; give it another name"
        if not isinstance(value, str):
            return f"the field {field!r} is {value!r}; expected a text, in quotes"
        if any("\ud800" <= character <= "\udfff" for character in value):
            return f"the field {field!r} is {value!r}, which holds half a character; expected Unicode text"
    return None
