"""Articles as they come out of input files, the bad ones among them, and where each stood."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

RESERVED = ("id", "text", "entities", "events", "other", "rejected")
"""Columns of the output that the tagger fills; an input column of such a name is kept as ``input_NAME``."""

TEXT_COLUMNS = ("text", "body", "content", "article", "article_text", "full_text")
"""Names under which the text is looked for, best first."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where an article stands.

    Attributes:
        file: The file's path.
        unit: What is counted in it: ``line``, ``row``, or nothing where the file is one article.
        number: The line or row, from 1.
    """

    file: str
    unit: str = ""
    number: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.number}" if self.unit else self.file


class Cell(ABC):
    """A value with a type that JSON does not know, kept as it was."""

    __slots__ = ()

    @abstractmethod
    def plain(self) -> Any:
        """Returns it as a value that JSON can hold."""


def plain(value: Any) -> Any:
    """Returns a kept value as JSON can hold it."""
    return value.plain() if isinstance(value, Cell) else value


@dataclass(frozen=True, slots=True)
class Article:
    """An article to tag.

    Attributes:
        place: Where it stands.
        id: Its name.
        text: Its text, valid Unicode.
        kept: Its other columns.
    """

    place: Place
    id: str
    text: str
    kept: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record that cannot be tagged.

    Attributes:
        place: Where it stands.
        reason: Why, for a person to read.
        id: Its name, where that could be read.
    """

    place: Place
    reason: str
    id: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Returns it as a line of ``rejected.jsonl``."""
        place: dict[str, Any] = {"file": self.place.file}
        if self.place.unit:
            place[self.place.unit] = self.place.number
        return {**place, "id": self.id, "reason": self.reason}


@dataclass(frozen=True)
class Columns:
    """How the columns of a table are used.

    Attributes:
        text: The column of the text; by default the first of ``TEXT_COLUMNS`` that a file has.
        id: The column of the article's name; by default ``id``, and where it is missing, file and line.
        max_chars: Most characters of a text.
    """

    text: str | None = None
    id: str | None = None
    max_chars: int = 1_000_000


def text_column(available: list[str], columns: Columns) -> str | None:
    """Returns which column holds the text, or None if none does."""
    if columns.text is not None:
        return columns.text if columns.text in available else None
    lower = {name.lower(): name for name in reversed(available)}
    return next((lower[name] for name in TEXT_COLUMNS if name in lower), None)


def article_of(values: Mapping[str, Any], text_name: str, columns: Columns, place: Place) -> Article | Rejected:
    """Makes an article of a table's row, or says why that is impossible."""
    id_name = columns.id or "id"
    identifier = values.get(id_name)
    if isinstance(identifier, int) and not isinstance(identifier, bool):
        identifier = str(identifier)
    if columns.id is not None and id_name not in values:
        return Rejected(place, f"no column {id_name!r}; it has {listed(values)}")
    if identifier is None:
        identifier = default_id(place)
    if not isinstance(identifier, str):
        return Rejected(place, f"{id_name!r} is {kind_of(identifier)}, expected a string or a whole number")
    if (at := surrogate(identifier)) is not None:
        return Rejected(place, f"{id_name!r} is not valid Unicode: half a surrogate pair at character {at}")
    if text_name not in values:
        return Rejected(place, f"no column {text_name!r}; it has {listed(values)}", identifier)
    text = values[text_name]
    if not isinstance(text, str):
        return Rejected(place, f"{text_name!r} is {kind_of(text)}, expected a string", identifier)
    if (problem := text_problem(text, columns.max_chars)) is not None:
        return Rejected(place, problem, identifier)
    kept = {kept_name(name): value for name, value in values.items() if name not in (text_name, id_name)}
    return Article(place, identifier, text, kept)


def text_problem(text: str, max_chars: int) -> str | None:
    """Returns why a text cannot be tagged, or None if it can."""
    if len(text) > max_chars:
        return f"the text has {len(text):,} characters, more than the {max_chars:,} allowed; see --max-chars"
    if (at := surrogate(text)) is not None:
        return f"the text is not valid Unicode: half a surrogate pair at character {at}"
    return None


def surrogate(text: str) -> int | None:
    r"""Returns where a text holds half a surrogate pair, or None.

    Example:
        >>> surrogate("ab\ud800"), surrogate("ab")
        (2, None)
    """
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        return error.start
    return None


def default_id(place: Place) -> str:
    """Returns the name of an article that has none of its own.

    Example:
        >>> default_id(Place("news/2024.jsonl", "line", 7))
        '2024.jsonl:7'
    """
    file = place.file.replace("\\", "/").rsplit("/", 1)[-1]
    return f"{file}:{place.number}"


def kept_name(name: str) -> str:
    """Returns the output column for an input column that is kept.

    Example:
        >>> kept_name("date"), kept_name("entities")
        ('date', 'input_entities')
        >>> kept_name("input_entities")  # two columns never get one name
        'input_input_entities'
    """
    return f"input_{name}" if re.sub("^(input_)+", "", name) in RESERVED else name


def decode_utf8(data: bytes) -> str:
    """Decodes a text file's content, line ends and marks left as they are.

    Raises:
        ValueError: With the reason, if it is not valid UTF-8.
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        if data.startswith((b"\xff\xfe", b"\xfe\xff")):
            raise ValueError("it is UTF-16, expected UTF-8; save it as UTF-8") from None
        if b"\0" in data[:8192]:
            raise ValueError("it is a binary file, expected UTF-8 text") from None
        raise ValueError(
            f"not valid UTF-8 at byte {error.start} (0x{data[error.start]:02x}); "
            "if it is Windows-1256, convert it with: iconv -f WINDOWS-1256 -t UTF-8"
        ) from None
    if "\0" in text[:8192]:
        raise ValueError("it is a binary file, expected UTF-8 text")
    return text


def listed(names: Iterable[str]) -> str:
    """Returns names as a message shows them."""
    return ", ".join(map(repr, names)) or "no columns"


def kind_of(value: object) -> str:
    """Returns what a value is, as a message says it.

    Example:
        >>> kind_of(None), kind_of(1.5), kind_of([])
        ('null', 'a number', 'a list')
    """
    if value is None:
        return "null"
    for types, name in (
        (bool, "true or false"),
        ((int, float), "a number"),
        (str, "a string"),
        (list, "a list"),
    ):
        if isinstance(value, types):
            return name
    return "an object" if isinstance(value, dict) else f"of type {type(value).__name__}"
