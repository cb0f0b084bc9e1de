"""Records put together: mentions grouped, repetitions joined, dates reckoned, countries and sectors told."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Hashable, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Literal

from hadath.dates import DateInterval, resolve
from hadath.document import Argument, Document, Entity, Event
from hadath.phrases import phrase_key
from hadath.records.mentions import MentionGroup, group_mentions, name_of
from hadath.records.plover import PLANNED, plover_code, quad_class
from hadath.records.record import EventRecord, Participant, Span
from hadath.records.repetitions import Told, repeated
from hadath.schema import DEFAULT_MODALITY
from hadath.sentences import sentence_spans, sentence_text

ROLES = ("Actor", "Recipient", "Place", "Date")
"""Roles of PLOVER events; participants are listed in this order, those with other roles behind them."""

MOST_MENTIONS = 50
"""Mentions of a participant that a record lists: every record of what it does has them, so that all of thousands would
be millions."""

_LONGEST_TITLE = 250
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?![0-9])")
_DIRECTIONS: Mapping[str, Literal["past", "future"]] = {DEFAULT_MODALITY: "past", PLANNED: "future"}


def event_records(document: Document, published: date | None = None) -> tuple[EventRecord, ...]:
    """Makes the event records of an article.

    Args:
        document: The document, tagged with arguments.
        published: The day on which it was published, from which its dates are reckoned; without it only absolute
            dates are resolved.

    Returns:
        A record for each event, in the order of their first mentions; every trigger is in exactly one.

    Example:
        >>> text = "زار الوزير تونس أمس"
        >>> entities = (Entity(4, 10, "OCC", "الوزير"), Entity(16, 19, "DATE", "أمس"))
        >>> arguments = (Argument("Actor", entities[0]), Argument("Date", entities[1]))
        >>> document = Document(text, entities, (Event(0, 3, "CONSULT", "زار", arguments=arguments),))
        >>> [record] = event_records(document, date(2025, 11, 18))
        >>> record.actors[0].name, record.dates[0].first_day
        ('الوزير', '2025-11-17')
    """
    groups = group_mentions(document)
    group_of = {mention: number for number, group in enumerate(groups) for mention in group.mentions}
    sentences = sentence_spans(document.text)
    title_end = _title_end(document.text, sentences)
    told = [_told(event, groups, group_of, published, title_end) for event in document.events]
    records = []
    for members in repeated(told):
        events = [document.events[index] for index in members]
        main = max(range(len(events)), key=lambda place: len(events[place].arguments))
        event = events[main]
        code = plover_code(event.type, event.modality)
        records.append(
            EventRecord(
                document=document.id,
                published=None if published is None else published.isoformat(),
                code=code,
                quad_class=quad_class(code),
                type=event.type,
                modality=event.modality,
                sentence=sentence_text(document.text, sentences, event.start, event.end),
                triggers=tuple(map(Span.of, events)),
                main=main,
                participants=tuple(_participants(events, groups, group_of, published)),
                score=max(event.score for event in events),
            )
        )
    return tuple(records)


def publication_day(value: date | str | None) -> date | None:
    """Returns a publication date as a day.

    Args:
        value: A day, a moment, or either in ISO 8601 («2025-11-18», «2025-11-18T09:30:00Z»).

    Raises:
        ValueError: If a string does not begin with a day in ISO 8601.

    Example:
        >>> publication_day("2025-11-18T09:30:00Z")
        datetime.date(2025, 11, 18)
    """
    if isinstance(value, str):
        # the extended form alone: what else Python takes for ISO 8601 depends on its version
        found = _DAY.match(value.strip())
        try:
            return date.fromisoformat(found[0] if found else "")
        except ValueError:
            raise ValueError(
                f"the publication date is {value!r}; expected a date, or a string in ISO 8601 such as '2025-11-18'"
            ) from None
    return value.date() if isinstance(value, datetime) else value


def _title_end(text: str, sentences: Sequence[tuple[int, int]]) -> int:
    """Where the title ends, a first line of one sentence; 0 where there is none."""
    if len(sentences) < 2 or sentences[0][1] > _LONGEST_TITLE:
        return 0
    return sentences[0][1] if "\n" in text[sentences[0][1] : sentences[1][0]] else 0


def _told(
    event: Event,
    groups: Sequence[MentionGroup],
    group_of: Mapping[Entity, int],
    published: date | None,
    title_end: int,
) -> Told:
    fillers: dict[str, set[Hashable]] = {}
    areas = set()
    for argument in event.arguments:
        entity = argument.entity
        if entity.type == "DATE":
            fillers.setdefault(argument.role, set()).add(_date_key(entity, event.modality, published))
            continue
        group = groups[group_of[entity]]
        fillers.setdefault(argument.role, set()).add(group_of[entity])
        if argument.role == "Place" and group.country is not None:
            areas.add(group.country)
    frozen = {role: frozenset(found) for role, found in fillers.items()}
    countries = frozenset(
        number for number in frozen.get("Place", ()) if isinstance(number, int) and groups[number].is_country
    )
    return Told(event, frozen, frozenset(areas), countries, event.start - title_end)


def _participants(
    events: Sequence[Event], groups: Sequence[MentionGroup], group_of: Mapping[Entity, int], published: date | None
) -> Iterable[Participant]:
    """Who and what takes part in an event, over all its mentions."""
    found: dict[tuple[str, Hashable], list[tuple[Argument, Event]]] = {}
    acting: dict[int, str] = {}
    # what the mention that tells most says of who acts first counts
    for event in sorted(events, key=lambda event: len(event.arguments), reverse=True):
        sides = {}
        for argument in event.arguments:
            entity = argument.entity
            dated = entity.type == "DATE"
            key: Hashable = _date_key(entity, event.modality, published) if dated else group_of[entity]
            if isinstance(key, int) and argument.role in ROLES[:2]:
                if acting.get(key, argument.role) != argument.role:
                    continue
                sides[key] = argument.role
            found.setdefault((argument.role, key), []).append((argument, event))
        acting.update(sides)
    order = {role: place for place, role in enumerate(ROLES)}
    for (role, key), filled in sorted(found.items(), key=lambda item: order.get(item[0][0], len(ROLES))):
        argument, event = filled[0]
        score = max(argument.score for argument, _ in filled)
        if isinstance(key, int):
            group = groups[key]
            mentions = tuple(map(Span.of, _nearest(group.mentions, argument.entity)))
            yield Participant(role, group.name, group.type, mentions, group.country, group.sector, score=score)
        else:
            entities = dict.fromkeys(argument.entity for argument, _ in filled)
            days = _days(argument.entity, event.modality, published)
            first, last = (None, None) if days is None else (days.start, days.end)
            yield Participant(
                role,
                name_of(argument.entity),
                argument.entity.type,
                tuple(map(Span.of, sorted(entities, key=lambda entity: entity.start))),
                first_day=None if first is None else first.isoformat(),
                last_day=None if last is None else last.isoformat(),
                score=score,
            )


def _nearest(mentions: Sequence[Entity], mention: Entity) -> Sequence[Entity]:
    """The mentions, or where they are too many those around one of them."""
    place = bisect_left(mentions, mention.start, key=_start)
    first = max(0, min(place - MOST_MENTIONS // 2, len(mentions) - MOST_MENTIONS))
    return mentions[first : first + MOST_MENTIONS]


def _start(entity: Entity) -> int:
    return entity.start


def _days(entity: Entity, modality: str, published: date | None) -> DateInterval | None:
    return resolve(entity.text, published, _DIRECTIONS.get(modality))


def _date_key(entity: Entity, modality: str, published: date | None) -> str:
    days = _days(entity, modality, published)
    return phrase_key(entity.text) if days is None else days.iso
