"""Which mentions of an article are of one actor, place or thing: variants, short forms, an office and its holder."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from hadath.actors import sector_of
from hadath.document import Document, Entity
from hadath.phrases import word_keys
from hadath.places import adjective_countries, countries_told, country_name, country_named, country_of, with_vowels
from hadath.records.disjoint_sets import DisjointSets
from hadath.records.short_forms import (
    GENERIC_HEADS,
    Keys,
    body_keys,
    is_definite,
    is_short_body,
    is_short_office,
    is_short_person,
    person_keys,
    place_key,
    singular_keys,
)


@dataclass(frozen=True, slots=True)
class MentionGroup:
    """Mentions of one actor, place or thing.

    Attributes:
        name: Its fullest name, without proclitics; of a country the name in the CLDR.
        type: Entity type of that name.
        mentions: The mentions, in the order of the text.
        country: ISO 3166-1 alpha-3 code, where the mentions tell one and only one.
        sector: One of ``hadath.actors.SECTORS``, where they tell one and only one.
        is_country: Whether it is a country, named as such.
    """

    name: str
    type: str
    mentions: tuple[Entity, ...]
    country: str | None
    sector: str | None
    is_country: bool = False


def group_mentions(document: Document) -> tuple[MentionGroup, ...]:
    """Groups the mentions of an article.

    Names of one type are one where their keys are equal, or where the shorter is contained in one and only one
    longer name (a surname in a full name, «البعثة الأممية» in «بعثة الأمم المتحدة للدعم في ليبيا»). What could be of
    two stays alone. An office stands with the person whose name is beside it.

    Args:
        document: The document.

    Returns:
        Groups in the order of their first mentions; every entity is in exactly one.

    Example:
        >>> text = "وصل الوزير عمر السعداوي ثم خطب السعداوي"
        >>> spans = [(4, 10, "OCC"), (11, 23, "PER"), (31, 39, "PER")]
        >>> entities = tuple(Entity(start, end, type, text[start:end]) for start, end, type in spans)
        >>> [group] = group_mentions(Document(text, entities))
        >>> group.name, len(group.mentions)
        ('عمر السعداوي', 3)
    """
    grouping = _Grouping(document)
    grouping.join_holders()
    grouping.join_short_forms("PER", person_keys, is_short_person)
    grouping.join_offices()
    grouping.join_short_forms("ORG", body_keys, is_short_body)
    grouping.join_short_forms("FAC", body_keys, is_short_body)
    grouping.join_equal()
    grouping.join_bracketed()
    grouping.join_movements()
    return grouping.groups()


def name_of(entity: Entity) -> str:
    """Returns a mention without proclitics, on one line."""
    return with_vowels(" ".join(entity.name.split()), entity.text)


# an office and its holder: «وزير النفط [عمر …]», «وزير النفط، [عمر …]،», «مزارع يدعى [عمر …]»
_NEXT_TO = re.compile(r"[ \t\u00a0]+")
_APART = re.compile(r"[ \t\u00a0]*،[ \t\u00a0]*")
_CLOSING = tuple("،.؛\n")
_CALLED = re.compile(r"[ \t\u00a0]+(?:هو|هي|يدعى|تدعى|يدعي|اسمه|اسمها)[ \t\u00a0]+")
_IN_BRACKETS = re.compile(r"[ \t\u00a0]*[(\[][ \t\u00a0]*")
_DUAL_OR_PLURAL = re.compile(r"^\w{4,}(?:ان|ين|ون)$|(?:[^و]را|عما|وسا)$")
# only a rank or title stands between an office and its holder: «قائد المنطقة العسكرية [العميد] …»
_LONGEST_TITLE = 2
_OTHERWISE_JOINED = frozenset({"PER", "OCC", "ORG", "FAC", "DATE"})


class _Grouping:
    """The mentions of a document, joined step by step.

    Args:
        document: The document.
    """

    def __init__(self, document: Document) -> None:
        self._text = document.text
        self._entities = document.entities
        self._names = [name_of(entity) for entity in document.entities]
        self._sets = DisjointSets(len(self._entities))
        self._by_type: dict[str, list[int]] = defaultdict(list)
        for index, entity in enumerate(self._entities):
            self._by_type[entity.type].append(index)
        self._holders: dict[int, int] = {}

    def groups(self) -> tuple[MentionGroup, ...]:
        """Returns what was joined, with names and codes."""
        named = countries_told([(name, entity.type) for name, entity in zip(self._names, self._entities, strict=True)])
        return tuple(self._group(members, named) for members in self._sets.groups())

    def _group(self, members: Sequence[int], named: Collection[str]) -> MentionGroup:
        entities, names = self._entities, self._names
        fullest = max(members, key=lambda index: (entities[index].type == "PER", len(word_keys(names[index]))))
        told = {(names[index], entities[index].type) for index in members}
        sectors = {sector_of(name, type) for name, type in told} - {None}
        countries = {country_of(name, type, named) for name, type in told} - {None}
        sector = sectors.pop() if len(sectors) == 1 else None
        country = countries.pop() if len(countries) == 1 and sector != "IGO" else None
        type, name = entities[fullest].type, names[fullest]
        own = country_named(name) if type == "GPE" else None
        mentions = tuple(entities[index] for index in members)
        return MentionGroup(
            name if own is None else country_name(own), type, mentions, country, sector, is_country=own is not None
        )

    def join_holders(self) -> None:
        """Joins each office with the person whose name stands beside it."""
        holders = self._holders
        for index in range(len(self._entities) - 2, -1, -1):
            first, second = self._entities[index], self._entities[index + 1]
            between, behind = self._text[first.end : second.start], self._text[second.end : second.end + 1]
            apart = _APART.fullmatch(between)
            if (first.type, second.type) == ("PER", "OCC"):
                # «[عمر …]، وزير النفط،», «[عمر …] (ممرض)»
                if (apart and behind in _CLOSING) or (_IN_BRACKETS.fullmatch(between) and behind == ")"):
                    holders[index + 1] = index
            elif first.type == "OCC" and not _DUAL_OR_PLURAL.search(next(iter(word_keys(self._names[index])), "")):
                beside = _NEXT_TO.fullmatch(between)
                if second.type == "PER":
                    if beside or _CALLED.fullmatch(between) or (apart and behind == "،"):
                        holders[index] = index + 1
                elif beside and index + 1 in holders and len(word_keys(self._names[index + 1])) <= _LONGEST_TITLE:
                    holders[index] = holders[index + 1]
        for office, person in holders.items():
            self._sets.join(office, person)

    def join_short_forms(
        self, type: str, keys_of: Callable[[str], Keys], is_short_of: Callable[[Keys, Keys], bool]
    ) -> None:
        """Joins equal names of a type, and each short form with the one fuller name that it can be short for."""
        self._join_contained(self._by_type[type], keys_of, is_short_of)

    def join_offices(self) -> None:
        """Joins an office that stands alone with the one person who is said to hold it, else with its equals."""
        held: dict[Keys, dict[int, int]] = defaultdict(dict)
        offices = self._by_type["OCC"]
        for office in offices:
            if office in self._holders:
                held[body_keys(self._names[office])][office] = self._sets.find(self._holders[office])
        rest: list[int] = []
        for index in offices:
            if index in self._holders or not is_definite(self._names[index]):
                continue
            keys = body_keys(self._names[index])
            people = {
                person
                for name, found in held.items()
                if name == keys or is_short_office(keys, name)
                for office, person in found.items()
                # «الوزير» takes up who was named before
                if office < index or len(keys) > 1
            }
            if len(people) == 1:
                self._sets.join(people.pop(), index)
            else:
                rest.append(index)
        self._join_contained(rest, body_keys, is_short_office)

    def join_equal(self) -> None:
        """Joins what has one name, of the types that have no short forms; dates stay alone."""
        for type, members in self._by_type.items():
            if type not in _OTHERWISE_JOINED:
                first: dict[str, int] = {}
                for index in members:
                    key = place_key(self._names[index], type)
                    if key:
                        self._sets.join(first.setdefault(key, index), index)

    def join_bracketed(self) -> None:
        """Joins a body with the short name or abbreviation in brackets behind it."""
        for first, second in pairwise(self._by_type["ORG"]):
            start, end = self._entities[second].start, self._entities[second].end
            closed = self._text[end : end + 2].lstrip()[:1] in (")", "]")
            if closed and _IN_BRACKETS.fullmatch(self._text[self._entities[first].end : start]):
                self._sets.join(first, second)

    def join_movements(self) -> None:
        """Joins a movement as people with it as a body: «الحوثيون», «جماعة الحوثي»."""
        bodies = {}
        for index in self._by_type["ORG"]:
            keys = body_keys(self._names[index])
            if len(keys) > 1 and keys[0] in GENERIC_HEADS:
                bodies[keys[1:]] = index
        for index in self._by_type["NORP"]:
            keys = singular_keys(self._names[index])
            if keys in bodies and not adjective_countries(self._names[index]):
                self._sets.join(bodies[keys], index)

    def _join_contained(
        self, members: Sequence[int], keys_of: Callable[[str], Keys], is_short_of: Callable[[Keys, Keys], bool]
    ) -> None:
        first: dict[Keys, int] = {}
        for index in members:
            keys = keys_of(self._names[index])
            if keys:
                self._sets.join(first.setdefault(keys, index), index)
        # a short form begins or ends as the full one does, or is what stands behind a generic head
        sharing: dict[str, dict[Keys, None]] = defaultdict(dict)
        for _, level in groupby(sorted(first, key=len, reverse=True), key=len):
            names = list(level)
            for name in names:
                longer = {**sharing[name[0]], **sharing[name[-1]]}
                groups = {self._sets.find(first[other]) for other in longer if is_short_of(name, other)}
                if len(groups) == 1:
                    self._sets.join(groups.pop(), first[name])
            # only now: names of one length are not short for each other
            for name in names:
                for word in (name[0], name[-1], *name[1:3]):
                    sharing[word][name] = None
