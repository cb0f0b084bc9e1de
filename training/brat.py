"""Reading brat standoff: ``NAME.txt`` and ``NAME.ann`` become a ``Document``, or a list of what is wrong.

The format is described at https://brat.nlplab.org/standoff.html.
"""

from __future__ import annotations

import bisect
import difflib
import re
from collections.abc import Container, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from hadath.document import Argument, Document, Event, named_entity
from hadath.names import MentionNames
from hadath.schema import DEFAULT_MODALITY, Schema
from hadath.text import segment

# At most nine digits: no text is longer, and Python refuses to read numbers of thousands of digits.
_SPAN_LINE = re.compile(r"(T[0-9]+)\t(\S+) ([0-9]{1,9} [0-9]{1,9}(?:;[0-9]{1,9} [0-9]{1,9})*)\t(.*)")
_EVENT_LINE = re.compile(r"(E[0-9]+)\t(\S.*)")
_ATTRIBUTE_LINE = re.compile(r"([AM][0-9]+)\t(\S+) (\S+)(?: (\S+))? *")
_ID = re.compile(r"[TEAM][0-9]+")
_FORMS = {
    "T": "T1<tab>TYPE START END<tab>TEXT",
    "E": "E1<tab>TYPE:T1 ROLE:T2 ROLE2:T3",
    "A": "A1<tab>Modality E1 VALUE",
    "M": "M1<tab>Modality E1 VALUE",
}
# Relations, equivalences, normalisations and notes say nothing that a tagger learns.
_IGNORED = frozenset("R*N#")
_LINE_BREAKS = str.maketrans("\r\n", "  ")
_QUOTED_CHARACTERS = 60


class Severity(Enum):
    """What a problem means for the annotations."""

    BROKEN = "broken"
    """They contradict the format, the text or the schema: there is no document to make of them."""
    UNLEARNABLE = "unlearnable"
    """They are well-formed, but tags of words cannot express them: spans that overlap or that cut a word."""


class ProblemKind(str, Enum):
    """What a problem is about."""

    FILE = "file"
    """A file or folder that is missing, cannot be read or is no UTF-8."""
    FORM = "form"
    """A line that is no annotation, or that the format or the schema does not have."""
    MISALIGNED = "misaligned"
    """A span that is not what the text has there."""
    PARTIAL_WORD = "partial word"
    OVERLAP = "overlap"
    UNKNOWN_LABEL = "unknown label"
    DANGLING = "dangling"
    """Something that points to an annotation that is not there, or is of another kind; a trigger without an event."""
    ROLE = "role"
    """A role that the event type does not have, or that the entity type may not fill."""
    SPLIT = "split"
    """An article in no split or in several, or a split without article."""
    UNSPLIT = "unsplit"
    """Articles that no split names yet."""
    METADATA = "metadata"


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, and where.

    Attributes:
        path: The file.
        line: Its line, counted from 1; 0 where the file as a whole is meant.
        message: What was found, what was expected and what to do.
        severity: Whether a document can be made in spite of it.
        kind: What it is about.
        span: Start and end of the characters of the article's text that are meant, where some are.

    Example:
        >>> print(Problem(Path("a.ann"), 3, "does not parse"))
        a.ann:3: does not parse
    """

    path: Path
    line: int
    message: str
    severity: Severity = Severity.BROKEN
    kind: ProblemKind = ProblemKind.FORM
    span: tuple[int, int] | None = None

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}" if self.line else f"{self.path}: {self.message}"


def read_document(text_path: Path, schema: Schema) -> tuple[Document | None, list[Problem]]:
    """Reads one article and its annotations.

    Args:
        text_path: ``NAME.txt``, UTF-8; ``NAME.ann`` is expected beside it.
        schema: The types, roles and modality values that are allowed.

    Returns:
        The document, with the name of the file as its id, or ``None`` where a problem is ``BROKEN``; and all
        problems, in the order of the lines.
    """
    problems: list[Problem] = []
    text = read_text(text_path, problems)
    annotation_path = text_path.with_suffix(".ann")
    annotations = read_text(annotation_path, problems)
    if text is None or annotations is None:
        return None, problems
    return parse_document(text, annotations.removeprefix("\ufeff"), schema, annotation_path, text_path.stem)


def read_text(path: Path, problems: list[Problem]) -> str | None:
    """Reads a UTF-8 file as it is, line ends included; what prevents it is added to ``problems``."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        problems.append(Problem(path, 0, "is missing; expected a UTF-8 text file", kind=ProblemKind.FILE))
        return None
    except OSError as error:
        problems.append(Problem(path, 0, f"cannot be read: {error.strerror}", kind=ProblemKind.FILE))
        return None
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        found = f"byte 0x{content[error.start]:02x} at {error.start}"
        message = f"is not UTF-8 ({found}); save the file as UTF-8"
        problems.append(Problem(path, line, message, kind=ProblemKind.FILE))
        return None


def parse_document(
    text: str, annotations: str, schema: Schema, path: Path, document_id: str | None = None
) -> tuple[Document | None, list[Problem]]:
    r"""Reads annotations of a text.

    Args:
        text: The text that the offsets point into.
        annotations: The content of an ``.ann`` file.
        schema: The types, roles and modality values that are allowed.
        path: The name of the ``.ann`` file, for messages.
        document_id: The id that the document gets.

    Returns:
        The document, or ``None`` where a problem is ``BROKEN``, and the problems in the order of the lines.

    Example:
        >>> schema = Schema(("PER", "GPE"), ("CONSULT",), {"CONSULT": {"Place": ("GPE",)}})
        >>> text = "زار الوزير تونس"
        >>> lines = "T1\tGPE 11 15\tتونس\nT2\tCONSULT 0 3\tزار\nE1\tCONSULT:T2 Place:T1\n"
        >>> document, problems = parse_document(text, lines, schema, Path("a.ann"))
        >>> document.events[0].arguments[0].entity.text, problems
        ('تونس', [])
        >>> document, problems = parse_document(text, "T1\tGPE 9 13\tتونس\n", schema, Path("a.ann"))
        >>> print(*problems)
        a.ann:1: T1 is 'تونس', but the text at 9-13 is 'ر تو'; 'تونس' stands at 11-15: correct the offsets
    """
    standoff = _Standoff(text, schema, path)
    standoff.read(annotations)
    problems = sorted(standoff.problems, key=lambda problem: problem.line)
    if any(problem.severity is Severity.BROKEN for problem in problems):
        return None, problems
    return standoff.document(document_id), problems


@dataclass(frozen=True)
class _Span:
    id: str
    line: int
    type: str
    start: int
    end: int


@dataclass(frozen=True)
class _Event:
    id: str
    line: int
    type: str
    trigger: str
    arguments: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class _Attribute:
    id: str
    line: int
    name: str
    target: str
    value: str | None


class _Standoff:
    """The annotations of one text: first all lines, then what they say of each other, then the document."""

    def __init__(self, text: str, schema: Schema, path: Path) -> None:
        self.text = text
        self.schema = schema
        self.path = path
        self.problems: list[Problem] = []
        self.line_of: dict[str, int] = {}
        self.spans: dict[str, _Span] = {}
        self.events: dict[str, _Event] = {}
        self.attributes: list[_Attribute] = []
        self.triggers: set[str] = set()
        self.arguments: dict[str, list[tuple[str, _Span]]] = {}
        self.modality: dict[str, str] = {}

    def read(self, annotations: str) -> None:
        for number, line in enumerate(annotations.split("\n"), start=1):
            line = line.removesuffix("\r")
            if line.strip() and line[0] not in _IGNORED:
                self._read_line(number, line)
        for event in self.events.values():
            self._resolve_trigger(event)
        for event in self.events.values():
            self._resolve_arguments(event)
        for attribute in self.attributes:
            self._resolve_attribute(attribute)
        for span in self.spans.values():
            if self._is_trigger(span) and span.id not in self.triggers:
                self._problem(
                    span.line,
                    f"{span.id} is a trigger ({span.type}) without an event; expected a line "
                    f"E…<tab>{span.type}:{span.id}, or no {span.id}",
                    ProblemKind.DANGLING,
                    place=(span.start, span.end),
                )
        self._check_words()
        self._check_overlaps()

    def document(self, document_id: str | None) -> Document:
        def position(span: _Span) -> tuple[int, int]:
            return span.start, span.end

        names = MentionNames(segment(self.text))
        entities = {
            span.id: named_entity(span.start, span.end, span.type, self.text, 1.0, names)
            for span in sorted(self.spans.values(), key=position)
            if not self._is_trigger(span)
        }
        events = []
        for event in sorted(self.events.values(), key=lambda event: position(self.spans[event.trigger])):
            trigger = self.spans[event.trigger]
            arguments = sorted(self.arguments[event.id], key=lambda argument: position(argument[1]))
            events.append(
                Event(
                    trigger.start,
                    trigger.end,
                    event.type,
                    self.text[trigger.start : trigger.end],
                    modality=self.modality.get(event.id, DEFAULT_MODALITY),
                    arguments=tuple(Argument(role, entities[filler.id]) for role, filler in arguments),
                )
            )
        return Document(self.text, tuple(entities.values()), tuple(events), document_id)

    def _read_line(self, number: int, line: str) -> None:
        form = _FORMS.get(line[0])
        if form is None:
            kinds = "T, E, A, R, N, * or #"
            self._problem(number, f"{_quoted(line)} is no annotation; expected a line that begins with {kinds}")
            return
        # the id of a line that does not parse is kept too: what refers to it is no second problem
        if id_match := _ID.match(line):
            if id_match[0] in self.line_of:
                first = self.line_of[id_match[0]]
                self._problem(number, f"{id_match[0]} is the id of line {first} already; give each line its own id")
                return
            self.line_of[id_match[0]] = number
        if line[0] == "T":
            parsed = self._read_span(number, line)
        elif line[0] == "E":
            parsed = self._read_event(number, line)
        else:
            parsed = self._read_attribute(number, line)
        if not parsed:
            self._problem(number, f"{_quoted(line)} does not parse; expected {form}")

    def _read_span(self, number: int, line: str) -> bool:
        match = _SPAN_LINE.fullmatch(line)
        if not match:
            return False
        name, type_name, offsets, shown = match.groups()
        if ";" in offsets:
            self._problem(
                number,
                f"{name} is discontinuous ({offsets}); expected one piece: "
                "annotate the whole stretch, or its main part",
            )
            return True
        start, end = map(int, offsets.split(" "))
        if not self._offsets_match(number, name, start, end, shown):
            return True
        if type_name not in self.schema.entity_types and type_name not in self.schema.event_types:
            message = f"{name} has the unknown type {_quoted(type_name)}; {self._known_types(type_name)}"
            self._problem(number, message, ProblemKind.UNKNOWN_LABEL, place=(start, end))
            return True
        self.spans[name] = _Span(name, number, type_name, start, end)
        return True

    def _offsets_match(self, number: int, name: str, start: int, end: int, shown: str) -> bool:
        if start >= end:
            message = f"{name} is empty ({start}-{end}); expected its start before its end"
            self._problem(number, message, ProblemKind.MISALIGNED)
            return False
        found = self.text[start:end]
        # brat keeps one annotation a line, and writes a line break inside a span as a space
        if end <= len(self.text) and (found == shown or found.translate(_LINE_BREAKS) == shown.translate(_LINE_BREAKS)):
            return True
        if end > len(self.text):
            what = f"{name} is at {start}-{end}, but the text has {len(self.text)} characters"
        else:
            what = f"{name} is {_quoted(shown)}, but the text at {start}-{end} is {_quoted(found)}"
        nearest = _nearest(self.text.translate(_LINE_BREAKS), shown.translate(_LINE_BREAKS), start)
        if nearest is None:
            advice = f"{_quoted(shown)} stands nowhere in the text: annotate the text as it is now"
        else:
            advice = f"{_quoted(shown)} stands at {nearest}-{nearest + len(shown)}: correct the offsets"
        place = (start, end) if end <= len(self.text) else None
        self._problem(number, f"{what}; {advice}", ProblemKind.MISALIGNED, place=place)
        return False

    def _read_event(self, number: int, line: str) -> bool:
        match = _EVENT_LINE.fullmatch(line)
        if not match:
            return False
        pairs = [field.partition(":") for field in match[2].split()]
        if any(not left or not colon or not right for left, colon, right in pairs):
            return False
        (type_name, _, trigger), *arguments = pairs
        self.events[match[1]] = _Event(
            match[1], number, type_name, trigger, [(role, target) for role, _, target in arguments]
        )
        return True

    def _read_attribute(self, number: int, line: str) -> bool:
        match = _ATTRIBUTE_LINE.fullmatch(line)
        if not match:
            return False
        self.attributes.append(_Attribute(match[1], number, match[2], match[3], match[4]))
        return True

    def _resolve_trigger(self, event: _Event) -> None:
        trigger = self.spans.get(event.trigger)
        if trigger is None:
            self._wrong_target(event.line, f"the trigger of {event.id}", event.trigger, "T", "a span")
            return
        if trigger.type != event.type:
            self._problem(
                event.line,
                f"{event.id} is of type {_quoted(event.type)}, but its trigger {trigger.id} "
                f"(line {trigger.line}) is of type {trigger.type}; expected the same type in both lines",
                place=(trigger.start, trigger.end),
            )
        elif trigger.id in self.triggers:
            self._problem(
                event.line,
                f"{event.id} has the trigger of another event ({trigger.id}); "
                "expected one event for one trigger: keep the one that fits best",
                ProblemKind.OVERLAP,
                Severity.UNLEARNABLE,
                (trigger.start, trigger.end),
            )
        self.triggers.add(trigger.id)

    def _resolve_arguments(self, event: _Event) -> None:
        self.arguments[event.id] = []
        trigger = self.spans.get(event.trigger)
        place = (trigger.start, trigger.end) if trigger is not None else None
        if event.type not in self.schema.event_types:
            expected = _alternatives(self.schema.event_types, event.type)
            self._problem(
                event.line,
                f"{event.id} has the unknown event type {_quoted(event.type)}; expected {expected}",
                ProblemKind.UNKNOWN_LABEL,
                place=place,
            )
            return
        roles = self.schema.roles.get(event.type, {})
        for written, target in event.arguments:
            role = _role(written, roles)
            if role is None:
                self._problem(
                    event.line,
                    f"{event.id} has the role {_quoted(written)}, which {event.type} does not have; "
                    f"expected {_alternatives(tuple(roles), written)}",
                    ProblemKind.ROLE,
                    place=place,
                )
                continue
            filler = self.spans.get(target)
            if filler is None:
                expected = f"an entity of type {_alternatives(roles[role])}"
                self._wrong_target(event.line, f"{role} of {event.id}", target, "T", expected)
            elif filler.type not in roles[role] or self._is_trigger(filler):
                kind = "a trigger" if self._is_trigger(filler) else "an entity"
                self._problem(
                    event.line,
                    f"{role} of {event.id} ({event.type}) is {target}, {kind} of type {filler.type}; "
                    f"expected an entity of type {_alternatives(roles[role])}",
                    ProblemKind.ROLE,
                    place=(filler.start, filler.end),
                )
            elif (role, filler) in self.arguments[event.id]:
                self._problem(event.line, f"{event.id} names {target} as {role} twice; expected it once")
            else:
                self.arguments[event.id].append((role, filler))

    def _resolve_attribute(self, attribute: _Attribute) -> None:
        name, target, value = attribute.id, attribute.target, attribute.value
        if attribute.name != "Modality" or not self.schema.modalities:
            known = "Modality" if self.schema.modalities else "none, because annotation.conf names no Modality"
            self._problem(
                attribute.line,
                f"{name} is the attribute {_quoted(attribute.name)}; expected {known}: "
                "delete the line, or keep it as a note (#1<tab>AnnotatorNotes …)",
            )
            return
        if value not in self.schema.modalities:
            found = "no value" if value is None else f"the unknown value {_quoted(value)}"
            expected = _alternatives(self.schema.modalities, value or "")
            message = f"{name} gives Modality {found}; expected {expected}"
            self._problem(attribute.line, message, ProblemKind.UNKNOWN_LABEL)
        elif target not in self.events:
            self._wrong_target(attribute.line, f"the target of {name}", target, "E", "an event")
        elif target in self.modality:
            self._problem(attribute.line, f"{name} gives {target} a second Modality; expected one")
        else:
            self.modality[target] = value

    def _is_trigger(self, span: _Span) -> bool:
        # a name may stand for an entity type and an event type: then the event line decides
        return span.type not in self.schema.entity_types or span.id in self.triggers

    def _wrong_target(self, number: int, what: str, target: str, kind: str, expected: str) -> None:
        if target not in self.line_of:
            message = f"{what} is {_quoted(target)}, which no line defines; expected {expected} ({kind}…)"
            self._problem(number, message, ProblemKind.DANGLING)
        elif target[0] != kind:
            message = f"{what} is {target} (line {self.line_of[target]}); expected {expected} ({kind}…)"
            self._problem(number, message, ProblemKind.DANGLING)
        # otherwise the line of the target has a problem of its own

    def _check_words(self) -> None:
        if not self.spans:
            return
        words = segment(self.text)
        starts, ends = words.starts.tolist(), words.ends.tolist()
        start_set, end_set = set(starts), set(ends)
        for span in self.spans.values():
            if span.start in start_set and span.end in end_set:
                continue
            first, last = bisect.bisect_right(ends, span.start), bisect.bisect_left(starts, span.end)
            name = f"{span.id} {_quoted(self.text[span.start : span.end])} ({span.start}-{span.end})"
            if first >= last:
                message = f"{name} holds no word; expected whole words"
            else:
                start, end = starts[first], ends[last - 1]
                message = (
                    f"{name} does not begin and end where words do; "
                    f"expected whole words, such as {_quoted(self.text[start:end])} ({start}-{end})"
                )
            place = (span.start, span.end)
            self._problem(span.line, message, ProblemKind.PARTIAL_WORD, Severity.UNLEARNABLE, place)

    def _check_overlaps(self) -> None:
        furthest: _Span | None = None
        for span in sorted(self.spans.values(), key=lambda span: (span.start, span.end, span.line)):
            if furthest is not None and span.start < furthest.end:
                earlier, later = sorted((span, furthest), key=lambda span: span.line)
                self._problem(
                    later.line,
                    f"{self._described(later)} overlaps {self._described(earlier)} of line {earlier.line}; "
                    "expected spans side by side: keep one of the two",
                    ProblemKind.OVERLAP,
                    Severity.UNLEARNABLE,
                    (later.start, later.end),
                )
            if furthest is None or span.end > furthest.end:
                furthest = span

    def _described(self, span: _Span) -> str:
        shown = _quoted(self.text[span.start : span.end])
        return f"{span.id} ({span.type} {span.start}-{span.end} {shown})"

    def _known_types(self, found: str) -> str:
        close = difflib.get_close_matches(found, [*self.schema.entity_types, *self.schema.event_types], n=1)
        hint = f"did you mean {close[0]}? " if close else ""
        return (
            f"{hint}expected an entity type ({', '.join(self.schema.entity_types)}) "
            f"or an event type ({', '.join(self.schema.event_types)}) of annotation.conf"
        )

    def _problem(
        self,
        number: int,
        message: str,
        kind: ProblemKind = ProblemKind.FORM,
        severity: Severity = Severity.BROKEN,
        place: tuple[int, int] | None = None,
    ) -> None:
        self.problems.append(Problem(self.path, number, message, severity, kind, place))


def _role(written: str, roles: Container[str]) -> str | None:
    """The role that ``Actor``, ``Actor2``, ``Actor3`` … stand for."""
    for cut in range(len(written), 0, -1):
        name, number = written[:cut], written[cut:]
        if name in roles and (not number or (number.isascii() and number.isdigit())):
            return name
    return None


def _nearest(text: str, shown: str, start: int) -> int | None:
    """Where ``shown`` stands in the text, the place nearest to ``start``."""
    if not shown:
        return None
    places = [place for place in (text.rfind(shown, 0, start + len(shown)), text.find(shown, start)) if place >= 0]
    return min(places, key=lambda place: abs(place - start), default=None)


def _alternatives(names: Sequence[str], found: str = "") -> str:
    if not names:
        return "none"
    close = difflib.get_close_matches(found, names, n=1)
    listed = " or ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
    return f"{listed} (did you mean {close[0]}?)" if close else listed


def _quoted(text: str) -> str:
    shortened = text if len(text) <= _QUOTED_CHARACTERS else f"{text[: _QUOTED_CHARACTERS - 1]}…"
    return repr(shortened)
