"""What an event record holds: one event of an article, who took part, where and when, and every mention of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from hadath.document import Entity, Event
from hadath.errors import InvalidDocumentError


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of the article's text.

    Attributes:
        start: Offset of its first character.
        end: Offset after its last character.
        type: Entity or event type as tagged.
        text: The characters between ``start`` and ``end``.
        score: The model's probability, 0 to 1.
    """

    start: int
    end: int
    type: str
    text: str
    score: float = 1.0

    @classmethod
    def of(cls, mention: Entity | Event) -> Span:
        """Returns the span of an entity or of an event's trigger."""
        return cls(mention.start, mention.end, mention.type, mention.text, mention.score)


@dataclass(frozen=True, slots=True)
class Participant:
    """An actor, recipient, place or date of an event, with its mentions in the article.

    Attributes:
        role: Its role in the event, such as ``Actor``.
        name: Its fullest name in the article, without proclitics; a country's name in the CLDR.
        type: Entity type of that name.
        mentions: Its mentions in the article, in the order of the text; of more than 50 those nearest to the event.
        country: ISO 3166-1 alpha-3 code, where its mentions tell one and only one; never for international bodies.
        sector: Code of ``hadath.actors.SECTORS``, where its mentions tell one and only one.
        first_day: Of a date its first day, ISO 8601, where it could be resolved and is not open.
        last_day: Likewise its last day.
        score: The model's probability that it has this role, the highest among the event's mentions.
    """

    role: str
    name: str
    type: str
    mentions: tuple[Span, ...]
    country: str | None = None
    sector: str | None = None
    first_day: str | None = None
    last_day: str | None = None
    score: float = 1.0


@dataclass(frozen=True, slots=True)
class EventRecord:
    """One event of an article.

    Attributes:
        document: The article's id, where it has one.
        published: Its publication date, ISO 8601, where it was given.
        code: PLOVER code: the type after folding by modality.
        quad_class: Verbal or material, cooperation or conflict; ``None`` for a type that is not PLOVER's.
        type: Event type as tagged.
        modality: ``Asserted`` or another value of the schema.
        sentence: Sentence of the mention that tells most, on one line, the middle of it where it is very long.
        triggers: Triggers of all its mentions, in the order of the text.
        main: Index in ``triggers`` of the mention that tells most: the most participants, else the first.
        participants: Who and what takes part, by role and then in the order of the text.
        score: The model's probability of the event, the highest among its mentions.

    Example:
        >>> from hadath.document import Document
        >>> text = "زار الوزير تونس"
        >>> tunis = {"start": 11, "end": 15, "type": "GPE", "text": "تونس", "score": 1.0}
        >>> visit = {"start": 0, "end": 3, "type": "CONSULT", "text": "زار", "score": 1.0, "modality": "Asserted"}
        >>> visit["arguments"] = [{"role": "Place", "entity": 0, "score": 1.0}]
        >>> document = Document.from_dict({"id": None, "text": text, "entities": [tunis], "events": [visit]})
        >>> [record] = document.records(date="2025-11-18")
        >>> record.code, record.quad_class, [(place.name, place.country) for place in record.places]
        ('CONSULT', 'verbal cooperation', [('تونس', 'TUN')])
        >>> EventRecord.from_dict(record.to_dict()) == record
        True
    """

    document: str | None
    published: str | None
    code: str
    quad_class: str | None
    type: str
    modality: str
    sentence: str
    triggers: tuple[Span, ...]
    main: int
    participants: tuple[Participant, ...]
    score: float

    @property
    def trigger(self) -> Span:
        """The trigger of the mention that tells most."""
        return self.triggers[self.main]

    @property
    def actors(self) -> tuple[Participant, ...]:
        """Those with the role Actor."""
        return self.with_role("Actor")

    @property
    def recipients(self) -> tuple[Participant, ...]:
        """Those with the role Recipient."""
        return self.with_role("Recipient")

    @property
    def places(self) -> tuple[Participant, ...]:
        """Those with the role Place."""
        return self.with_role("Place")

    @property
    def dates(self) -> tuple[Participant, ...]:
        """Those with the role Date."""
        return self.with_role("Date")

    def with_role(self, role: str) -> tuple[Participant, ...]:
        """Returns the participants with a role of the schema."""
        return tuple(participant for participant in self.participants if participant.role == role)

    def to_dict(self) -> dict[str, Any]:
        """Returns the record as plain JSON values."""
        return {
            **_values(self),
            "triggers": [_values(trigger) for trigger in self.triggers],
            "participants": [
                {**_values(participant), "mentions": [_values(mention) for mention in participant.mentions]}
                for participant in self.participants
            ],
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> EventRecord:
        """Makes a record of what ``to_dict`` returned.

        Raises:
            InvalidDocumentError: If a field is missing or unknown.
        """
        try:
            return cls(
                **{
                    **values,
                    "triggers": tuple(Span(**trigger) for trigger in values["triggers"]),
                    "participants": tuple(
                        Participant(**{**one, "mentions": tuple(Span(**mention) for mention in one["mentions"])})
                        for one in values["participants"]
                    ),
                }
            )
        except (KeyError, TypeError) as error:
            what = f"{error} is missing" if isinstance(error, KeyError) else str(error)
            raise InvalidDocumentError(
                f"not an event record: {what}; expected the form that EventRecord.to_dict writes"
            ) from error


def _values(item: Span | Participant | EventRecord) -> dict[str, Any]:
    return {field.name: getattr(item, field.name) for field in fields(item)}
