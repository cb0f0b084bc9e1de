"""What a tagged text is made of: documents, entities, events and arguments, with offsets into the original."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from math import isfinite
from typing import TYPE_CHECKING, Any

from hadath.errors import InvalidDocumentError, InvalidTextError
from hadath.names import MentionNames, mention_name
from hadath.schema import DEFAULT_MODALITY

if TYPE_CHECKING:
    from hadath.records.record import EventRecord


@dataclass(frozen=True, slots=True)
class Entity:
    """A mention of an entity.

    Attributes:
        start: Offset of its first character in the document's text.
        end: Offset after its last character.
        type: Entity type, such as ``PER``.
        text: The characters between ``start`` and ``end``.
        score: The model's probability of the span and its type, 0 to 1; 1 where a person annotated it.
        name: The mention without proclitics («للأمم المتحدة»: «الأمم المتحدة»), diacritics and tatweel. Where it is not
            given, what the mention itself tells. It follows from the text, so that it plays no part in comparison.

    Example:
        >>> Entity(0, 9, "ORG", "للأمم").name, Entity(0, 4, "PER", "وليد").name
        ('الأمم', 'وليد')
    """

    start: int
    end: int
    type: str
    text: str
    score: float = 1.0
    name: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        if not self.name:
            object.__setattr__(self, "name", mention_name(self.text, self.type))


def named_entity(start: int, end: int, type: str, article: str, score: float, names: MentionNames) -> Entity:
    """Returns the mention of an entity at a place of an article, with the name that the whole article tells."""
    text = article[start:end]
    return Entity(start, end, type, text, score, names.name(text, type, start))


@dataclass(frozen=True, slots=True)
class Argument:
    """An entity that takes part in an event.

    Attributes:
        role: What it does there, such as ``Actor``.
        entity: The entity, one of the document's.
        score: The model's probability that the role, the trigger and the entity are all right, 0 to 1; 1 where a person
            annotated it.
    """

    role: str
    entity: Entity
    score: float = 1.0


@dataclass(frozen=True, slots=True)
class Event:
    """A mention of an event: its trigger, type, modality and arguments.

    Attributes:
        start: Offset of the trigger's first character in the document's text.
        end: Offset after the trigger's last character.
        type: Event type, such as ``ASSAULT``.
        text: The trigger, the characters between ``start`` and ``end``.
        score: The model's probability of the trigger and its type, 0 to 1; 1 where a person annotated it.
        modality: ``Asserted`` or another value of the schema.
        arguments: The arguments, in the order of their entities.
    """

    start: int
    end: int
    type: str
    text: str
    score: float = 1.0
    modality: str = DEFAULT_MODALITY
    arguments: tuple[Argument, ...] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """A text with what was found in it.

    Attributes:
        text: The text exactly as it was given.
        entities: Entities in the order of the text.
        events: Events in the order of the text.
        id: The article's name, where it has one.

    Raises:
        InvalidDocumentError: If a span does not match the text or an argument is none of the entities.

    Example:
        >>> text = "زار الوزير تونس"
        >>> tunis = Entity(11, 15, "GPE", "تونس")
        >>> document = Document(text, (tunis,), (Event(0, 3, "CONSULT", "زار", arguments=(Argument("Place", tunis),)),))
        >>> document.text[tunis.start : tunis.end] == tunis.text
        True
        >>> Document.from_dict(document.to_dict()) == document
        True
    """

    text: str
    entities: tuple[Entity, ...] = ()
    events: tuple[Event, ...] = ()
    id: str | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.text, str):
            raise InvalidDocumentError(f"{self._name()}: its text is {type(self.text).__name__}; expected str")
        length = len(self.text)
        spans: tuple[Entity | Event, ...] = (*self.entities, *self.events)
        for span in spans:
            if not 0 <= span.start < span.end <= length or self.text[span.start : span.end] != span.text:
                raise InvalidDocumentError(
                    f"{self._name()}: {span.type} at {span.start}-{span.end} is {span.text!r}, but the text there is "
                    f"{self.text[span.start : span.end]!r}; offsets count characters of the original text"
                )
        if any(event.arguments for event in self.events):
            known = set(self.entities)
            for event in self.events:
                for argument in event.arguments:
                    if argument.entity not in known:
                        raise InvalidDocumentError(
                            f"{self._name()}: {argument.role} of {event.type} at {event.start}-{event.end} is "
                            f"{argument.entity.text!r}, which is none of the document's entities"
                        )

    def to_dict(self) -> dict[str, Any]:
        """Returns the document as plain JSON values; arguments point to entities by their index.

        Example:
            >>> Document("في تونس", (Entity(3, 7, "GPE", "تونس"),)).to_dict()["entities"]
            [{'start': 3, 'end': 7, 'type': 'GPE', 'text': 'تونس', 'score': 1.0, 'name': 'تونس'}]
        """
        index = {entity: position for position, entity in enumerate(self.entities)}
        return {
            "id": self.id,
            "text": self.text,
            "entities": [{**_span_dict(entity), "name": entity.name} for entity in self.entities],
            "events": [
                {
                    **_span_dict(event),
                    "modality": event.modality,
                    "arguments": [
                        {"role": argument.role, "entity": index[argument.entity], "score": argument.score}
                        for argument in event.arguments
                    ],
                }
                for event in self.events
            ],
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Document:
        """Makes a document of what ``to_dict`` returned.

        Raises:
            InvalidDocumentError: If a field is missing, of another type or no valid Unicode, or contradicts the text.
        """
        try:
            entities = tuple(
                Entity(**_checked(entity, f"entity {number}")) for number, entity in enumerate(values["entities"])
            )
            events = tuple(_event(event, f"event {number}", entities) for number, event in enumerate(values["events"]))
            identifier = values.get("id")
            if not isinstance(identifier, str | None):
                raise TypeError(f"its id is {identifier!r}")
            for name, value in (("id", identifier), ("text", values["text"])):
                if isinstance(value, str):
                    _check_unicode(value, f"its {name}")
            return cls(values["text"], entities, events, identifier)
        except (KeyError, TypeError, IndexError, AttributeError, InvalidTextError) as error:
            what = f"{error} is missing" if isinstance(error, KeyError) else str(error)
            raise InvalidDocumentError(
                f"not a document: {what}; expected the form that Document.to_dict writes"
            ) from error

    def to_brat(self) -> str:
        """Returns the annotations as brat standoff, the content of an ``.ann`` file beside the text.

        Example:
            >>> Document("في تونس", (Entity(3, 7, "GPE", "تونس"),)).to_brat().split()
            ['T1', 'GPE', '3', '7', 'تونس']
        """
        lines = [_brat_span(number, entity) for number, entity in enumerate(self.entities, start=1)]
        entity_ids = {entity: f"T{number}" for number, entity in enumerate(self.entities, start=1)}
        attributes = 0
        for number, event in enumerate(self.events, start=1):
            trigger = len(self.entities) + number
            lines.append(_brat_span(trigger, event))
            roles = _numbered((argument.role, entity_ids[argument.entity]) for argument in event.arguments)
            lines.append(" ".join([f"E{number}\t{event.type}:T{trigger}", *roles]))
            if event.modality != DEFAULT_MODALITY:
                attributes += 1
                lines.append(f"A{attributes}\tModality E{number} {event.modality}")
        return "".join(f"{line}\n" for line in lines)

    def to_html(self, title: str | None = None, language: str = "ar") -> str:
        """Returns a self-contained page that shows the text with what was found in it.

        Args:
            title: The page's title; by default the document's name.
            language: Language of the page's labels, ``ar`` or ``en``.

        Raises:
            ValueError: If there are no labels in the language.

        Example:
            >>> Document("في تونس", (Entity(3, 7, "GPE", "تونس"),)).to_html().splitlines()[1]
            '<html lang="ar" dir="rtl">'
        """
        from hadath.html import tagged_page  # only here, since it imports this module

        return tagged_page([self], title=title, language=language)

    def records(self, date: date | str | None = None) -> tuple[EventRecord, ...]:
        """Returns one record for each event: who did what to whom, where and when, with PLOVER's codes.

        Args:
            date: The day on which the article was published, or the same in ISO 8601; dates such as «أمس» are
                reckoned from it.

        Raises:
            ValueError: If the date is a string that does not begin with a day in ISO 8601.

        Example:
            >>> document = Document("تظاهر المئات", events=(Event(0, 5, "PROTEST", "تظاهر"),))
            >>> [record.quad_class for record in document.records()]
            ['material conflict']
        """
        # only here, since it imports this module, and so that what reads dates and places is loaded where it is used
        from hadath.records.assembly import event_records, publication_day

        return event_records(self, publication_day(date))

    def _name(self) -> str:
        return f"document {self.id}" if self.id is not None else "document"


_FIELDS: dict[str, type | tuple[type, ...]] = {
    "start": int,
    "end": int,
    "type": str,
    "text": str,
    "score": (int, float),
    "name": str,
    "modality": str,
    "role": str,
    "entity": int,
}


def _checked(values: Mapping[str, Any], where: str) -> dict[str, Any]:
    for name, value in values.items():
        expected = _FIELDS.get(name)
        # True is an int to Python, but no number to JSON
        if expected is not None and (not isinstance(value, expected) or isinstance(value, bool)):
            raise TypeError(f"{name!r} of {where} is {value!r}")
        # nor is what Python's json reads as NaN and Infinity
        if isinstance(value, float) and not isfinite(value):
            raise TypeError(f"{name!r} of {where} is {value!r}")
        if isinstance(value, str):
            _check_unicode(value, f"{name!r} of {where}")
    return dict(values)


def _check_unicode(text: str, where: str) -> None:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise InvalidTextError(
            f"{where} is not valid Unicode: half a surrogate pair at character {error.start}"
        ) from None


def _event(values: Mapping[str, Any], where: str, entities: tuple[Entity, ...]) -> Event:
    arguments = []
    for number, given in enumerate(values["arguments"]):
        argument = _checked(given, f"argument {number} of {where}")
        index = argument["entity"]
        # a negative index would be another entity, counted from the end
        if not 0 <= index < len(entities):
            raise IndexError(f"argument {number} of {where} is entity {index} of {len(entities)}")
        arguments.append(Argument(argument["role"], entities[index], argument["score"]))
    return Event(**{**_checked(values, where), "arguments": tuple(arguments)})


def _span_dict(span: Entity | Event) -> dict[str, Any]:
    return {"start": span.start, "end": span.end, "type": span.type, "text": span.text, "score": span.score}


def _brat_span(number: int, span: Entity | Event) -> str:
    # brat keeps one annotation a line: a line break inside a span is written as a space
    shown = span.text.replace("\r", " ").replace("\n", " ")
    return f"T{number}\t{span.type} {span.start} {span.end}\t{shown}"


def _numbered(arguments: Iterable[tuple[str, str]]) -> list[str]:
    # brat numbers the second and later fillers of a role: Actor, Actor2, Actor3
    seen: dict[str, int] = {}
    written = []
    for role, target in arguments:
        seen[role] = seen.get(role, 0) + 1
        written.append(f"{role}{seen[role] if seen[role] > 1 else ''}:{target}")
    return written
