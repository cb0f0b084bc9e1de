"""CoNLL: a token a line with its tags in columns, an empty line between sentences.

Two forms are read: lines whose columns ``format.columns`` names, articles separated by ``-DOCSTART-``; and CoNLL-U Plus
(https://universaldependencies.org/ext-format.html), whose first line names its columns. The second has room for all
but arguments, and keeps the white space between tokens, as UDPipe does, in ``SpacesAfter``.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hadath.batch.storage import write_whole
from hadath.schema import DEFAULT_MODALITY, Schema
from training.annotations.articles import CorpusArticle, Findings, Kind, SourceArticle
from training.annotations.formats import source_files
from training.annotations.formats.tokens import (
    OUTSIDE,
    SCHEMES,
    SPLIT_NAMES,
    Found,
    Passage,
    Token,
    WrittenToken,
    decoded,
    encoded,
    layer,
    note_arguments,
    note_modality,
    packed,
    source_article,
    token_sentences,
)
from training.brat import read_text

SUFFIXES = (".conll", ".conllu", ".conllup", ".txt", ".tsv", ".bio", ".iob")
COLUMNS = ("token", "entities", "events", "modality", "space", "_")
SEPARATORS = {"tab": "\t", "space": " "}

_DOCSTART = "-DOCSTART-"
_HEADER = "# global.columns ="
# the names of our columns in the first line of CoNLL-U Plus
_NAMES = {
    "token": "FORM",
    "entities": "HADATH:ENTITY",
    "events": "HADATH:EVENT",
    "modality": "HADATH:MODALITY",
    "space": "MISC",
}
_EMPTY = "_"
_ESCAPES = {"\\": "\\\\", " ": "\\s", "\t": "\\t", "\r": "\\r", "\n": "\\n", "|": "\\p"}
_UNESCAPES = {escape: character for character, escape in _ESCAPES.items()}


@dataclass
class Options:
    """What can be set; explained in configs/format/conll.yaml."""

    columns: list[str] | None = None
    separator: str = "auto"
    scheme: str = "bio2"
    stray: str = "refuse"
    words_per_article: int = 200
    documents: str = "docstart"
    splits: dict[str, str] = field(default_factory=lambda: dict(SPLIT_NAMES))
    dev_share: float = 0.0

    def __post_init__(self) -> None:
        _expect(self.separator in (*SEPARATORS, "auto"), "separator", self.separator, "auto, tab or space")
        _expect(self.scheme in SCHEMES, "scheme", self.scheme, ", ".join(SCHEMES))
        _expect(self.stray in ("begin", "refuse"), "stray", self.stray, "begin or refuse")
        _expect(self.documents in ("docstart", "none"), "documents", self.documents, "docstart or none")
        _expect(self.words_per_article >= 0, "words_per_article", self.words_per_article, "a number from 0 on")
        _expect(0 <= self.dev_share < 1, "dev_share", self.dev_share, "a number from 0 to below 1")
        columns = self.columns
        if columns is not None:
            sound = set(columns) <= set(COLUMNS) and "token" in columns
            once = all(columns.count(name) == 1 for name in columns if name != "_")
            _expect(sound and once, "columns", columns, f"token and any of {', '.join(COLUMNS[1:])}, each once")


def _expect(holds: bool, name: str, value: object, expected: str) -> None:
    if not holds:
        raise ValueError(f"{name} is {value}; expected {expected}")


def read(source: Path, options: Options, findings: Findings) -> list[SourceArticle]:
    """Reads a file, or the files of a folder.

    Args:
        source: The file or folder.
        options: Columns, scheme and how articles are made.
        findings: Gets what is wrong.

    Returns:
        The articles.
    """

    def decode(sentence: Sequence[Token], kind: Kind, findings: Findings, path: Path) -> list[Found]:
        def wrong(index: int, message: str) -> None:
            findings.problem_at(path, sentence[index].line, message)

        if not any(kind in token.tags for token in sentence):
            return []
        tags = [token.tags[kind][0] for token in sentence]
        found = []
        for first, last, label in decoded(tags, options.scheme, options.stray, wrong, findings.note):
            modality = sentence[first].modality if kind is Kind.EVENT else None
            found.append(Found(first, last, label, kind, None if modality == DEFAULT_MODALITY else modality))
        if kind is Kind.EVENT:
            begins = {span.first for span in found}
            for index, token in enumerate(sentence):
                if token.modality is not None and index not in begins:
                    wrong(index, f"the modality {token.modality!r} stands where no event begins; expected {_EMPTY}")
        return found

    articles = []
    files = source_files(source, SUFFIXES)
    has_dev = any(options.splits.get(path.stem.lower()) == "dev" for path in files)
    for path in files:
        text = read_text(path, findings.problems)
        if text is None:
            continue
        before = len(findings.problems)
        passages = list(_passages(path, text.removeprefix("\ufeff"), options, findings))
        if not has_dev:
            _set_dev_aside(passages, options.dev_share)
        if len(findings.problems) == before and not passages:
            findings.problem_at(path, 0, "holds no token; expected a token a line, with its tag")
        articles += [source_article(path, passage, decode, findings) for passage in passages]
    return articles


@dataclass(frozen=True)
class _Form:
    """How the lines of a file are written: its columns, what separates them, whether it is CoNLL-U Plus."""

    columns: Sequence[str]
    separator: str
    plus: bool


def _passages(path: Path, text: str, options: Options, findings: Findings) -> Iterator[Passage]:
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    form = _form(path, lines, options, findings)
    if form is None:
        return
    passages = [Passage()]
    sentence: list[Token] = []
    marked = False
    for number, line in enumerate(lines, start=1):
        starts = _document_start(line, form)
        if starts is not None or not line.strip():
            if sentence:
                passages[-1].sentences.append(sentence)
                sentence = []
            if starts is not None:
                marked = True
                passages.append(Passage(id=starts or None, line=number))
        elif form.plus and line.startswith("# "):
            _read_comment(path, number, line, passages[-1], findings)
        elif not (number == 1 and form.plus):
            token = _token(path, number, line, form, findings)
            if token is not None:
                sentence.append(token)
    if sentence:
        passages[-1].sentences.append(sentence)
    split = options.splits.get(path.stem.lower())
    if not marked:
        chunks = list(packed(passages[0].sentences, options.words_per_article))
        passages = [
            Passage(chunk, f"{path.stem}-{number:04d}", chunk[0][0].line) for number, chunk in enumerate(chunks, 1)
        ]
    for number, passage in enumerate((passage for passage in passages if passage.sentences), start=1):
        passage.id = passage.id or f"{path.stem}-{number:04d}"
        passage.split = passage.split or split
        yield passage


def _set_dev_aside(passages: Sequence[Passage], share: float) -> None:
    """Makes the last articles of a training file the dev split: in one piece, so that one story at most is cut."""
    for passage in passages[len(passages) - int(len(passages) * share) :]:
        if passage.split == "train":
            passage.split = "dev"


def _form(path: Path, lines: Sequence[str], options: Options, findings: Findings) -> _Form | None:
    if lines[0].startswith(_HEADER):
        names = lines[0].removeprefix(_HEADER).split()
        ours = {name: column for column, name in _NAMES.items()}
        columns = [ours.get(name, "_") for name in names]
        if "token" not in columns or len({*columns} - {"_"}) < len([c for c in columns if c != "_"]):
            findings.problem_at(path, 1, f"names the columns {' '.join(names)}; expected FORM among them, each once")
            return None
        return _Form(columns, "\t", True)
    first = next((line for line in lines if line.strip() and not line.startswith(_DOCSTART)), None)
    if first is None:
        return _Form(("token",), "\t", False)
    separator = SEPARATORS.get(options.separator) or ("\t" if "\t" in first else " ")
    if options.columns is not None:
        return _Form(options.columns, separator, False)
    count = len(first.split(separator))
    if count != 2:
        findings.problem_at(
            path,
            lines.index(first) + 1,
            f"has {count} column{'' if count == 1 else 's'}, and nothing says which is which; name them in order, such "
            "as format.columns=[token,_,_,entities], with _ for one to be skipped",
        )
        return None
    return _Form(("token", "entities"), separator, False)


def _document_start(line: str, form: _Form) -> str | None:
    """The id that a line gives to the article that begins there, empty where it gives none; None for other lines."""
    if form.plus:
        return line.removeprefix("# newdoc id =").strip() if line.startswith("# newdoc") else None
    if not line.startswith(_DOCSTART):
        return None
    name = re.search(r"\((.+)\)", line)
    return name[1] if name else ""


def _read_comment(path: Path, number: int, line: str, passage: Passage, findings: Findings) -> None:
    name, equals, value = line.removeprefix("# ").partition(" = ")
    if name == "split" and equals:
        passage.split = value.strip()
    elif name == "metadata" and equals:
        try:
            fields = json.loads(value)
        except (ValueError, RecursionError):
            fields = None
        if not isinstance(fields, dict) or not all(isinstance(text, str) for text in fields.values()):
            findings.problem_at(path, number, "is no metadata; expected a JSON object whose values are texts")
        else:
            passage.metadata.update(fields)
    elif number > 1:
        findings.note("comments left out")


def _token(path: Path, number: int, line: str, form: _Form, findings: Findings) -> Token | None:
    fields = line.split(form.separator)
    if len(fields) != len(form.columns):
        between = "a tab" if form.separator == "\t" else "a space"
        findings.problem_at(
            path,
            number,
            f"has {len(fields)} field{'' if len(fields) == 1 else 's'}; expected {len(form.columns)} "
            f"({', '.join(form.columns)}), with {between} between them",
        )
        return None
    values = {column: value for column, value in zip(form.columns, fields, strict=True) if column != "_"}
    text = values["token"]
    if not text.strip():
        findings.problem_at(path, number, "has an empty token; expected a word or punctuation mark in front of its tag")
        return None
    tags = {
        # CoNLL-U writes _ for what is not there
        kind: [OUTSIDE if form.plus and values[column] == _EMPTY else values[column]]
        for kind, column in ((Kind.ENTITY, "entities"), (Kind.EVENT, "events"))
        if column in values
    }
    modality = values.get("modality", _EMPTY)
    before, after = "", None
    if "space" in values:
        space = _spaces(values["space"])
        if space is None:
            findings.problem_at(
                path, number, f"{values['space']!r} does not parse; expected _, SpaceAfter=No or SpacesAfter=…"
            )
            return None
        before, after = space
    return Token(number, text, tags, None if modality == _EMPTY else modality, before, after)


def _spaces(value: str) -> tuple[str, str] | None:
    """White space before and after a token, from what stands in MISC."""
    before, after = "", " "
    for part in value.split("|") if value != _EMPTY else ():
        name, equals, text = part.partition("=")
        if part == "SpaceAfter=No":
            after = ""
        elif equals and name in ("SpacesAfter", "SpacesBefore"):
            unescaped = _unescaped(text)
            if unescaped is None:
                return None
            before, after = (before, unescaped) if name == "SpacesAfter" else (unescaped, after)
        elif not equals:
            return None
    return before, after


def _unescaped(text: str) -> str | None:
    if re.search(r"\\(?![\\strnp])|\\$", re.sub(r"\\\\", "", text)):
        return None
    return re.sub(r"\\.", lambda match: _UNESCAPES[match[0]], text)


def write(articles: Sequence[CorpusArticle], schema: Schema, to: Path, options: Options, findings: Findings) -> None:
    """Writes a folder with a file for each split.

    Args:
        articles: The articles.
        schema: The schema of the corpus.
        to: The folder.
        options: Columns; without them the files are CoNLL-U Plus.
        findings: Gets what has no room.
    """
    plus = options.columns is None
    columns = tuple(_NAMES) if options.columns is None else tuple(options.columns)
    note_arguments(articles, "CoNLL", findings)
    if "events" not in columns:
        count = sum(len(article.document.events) for article in articles)
        findings.note("events, for which no column is named in format.columns, left out", count)
    if "modality" not in columns or "events" not in columns:
        note_modality(articles, "format.columns", findings)
    if not plus:
        described = sum(bool(set(article.metadata) - {"tokens"}) for article in articles)
        findings.note("articles whose date, country and other fields have no room", described)
    if "space" not in columns:
        findings.note("articles whose white space has no room: one space is read between two tokens", len(articles))
    by_split: dict[str, list[CorpusArticle]] = {}
    for article in articles:
        by_split.setdefault(article.split, []).append(article)
    to.mkdir(parents=True, exist_ok=True)
    separator = "\t" if plus or options.separator != "space" else " "
    for split, members in by_split.items():
        stream = io.StringIO()
        if plus:
            stream.write(f"{_HEADER} {' '.join(_NAMES[column] for column in columns)}\n")
        for article in members:
            _write_article(article, columns, separator, plus, options, stream.write, findings)
        content = stream.getvalue().encode("utf-8")
        write_whole(to / f"{split}{'.conllup' if plus else '.txt'}", lambda file, content=content: file.write(content))


def _write_article(
    article: CorpusArticle,
    columns: Sequence[str],
    separator: str,
    plus: bool,
    options: Options,
    put: Callable[[str], object],
    findings: Findings,
) -> None:
    sentences = token_sentences(article)
    if not sentences:
        findings.note("articles without a word, left out")
        return
    if plus:
        put(f"# newdoc id = {article.id}\n")
        put(f"# split = {article.split}\n")
        if article.metadata:
            put(f"# metadata = {json.dumps(dict(article.metadata), ensure_ascii=False)}\n")
    elif options.documents == "docstart":
        put(separator.join([_DOCSTART, f"({article.id})", *[OUTSIDE] * (len(columns) - 2)]) + "\n\n")
    for sentence in sentences:
        for row in _rows(article, sentence, columns, options):
            put(separator.join(row) + "\n")
        put("\n")


def _rows(
    article: CorpusArticle, sentence: Sequence[WrittenToken], columns: Sequence[str], options: Options
) -> Iterator[list[str]]:
    document = article.document
    entities = layer(document, sentence, Kind.ENTITY)
    events = layer(document, sentence, Kind.EVENT)
    modality = {first: value for first, _, _, value in events if value != DEFAULT_MODALITY}
    values: dict[str, Sequence[str]] = {
        "entities": encoded([span[:3] for span in entities], len(sentence), options.scheme),
        "events": encoded([span[:3] for span in events], len(sentence), options.scheme),
        "modality": [modality.get(index, _EMPTY) for index in range(len(sentence))],
        "token": [document.text[token.start : token.end] for token in sentence],
        "space": [_misc(token) for token in sentence],
        "_": [_EMPTY] * len(sentence),
    }
    for index in range(len(sentence)):
        yield [values[column][index] for column in columns]


def _misc(token: WrittenToken) -> str:
    parts = [f"SpacesBefore={_escaped(token.before)}"] if token.before else []
    if not token.after:
        parts.append("SpaceAfter=No")
    elif token.after != " ":
        parts.append(f"SpacesAfter={_escaped(token.after)}")
    return "|".join(parts) or _EMPTY


def _escaped(text: str) -> str:
    return "".join(_ESCAPES.get(character, character) for character in text)
