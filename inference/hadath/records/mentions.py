"""Which mentions of an article are of one actor, place or thing: variants, short forms, an office and its holder."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise

from hadath.actors import sector_of
from hadath.document import Document, Entity
from hadath.phrases import phrase_key, word_keys
from hadath.places import (
    adjective_countries,
    countries_told,
    country_name,
    country_named,
    country_of,
    is_people,
    town_id,
)
from hadath.records.disjoint_sets import DisjointSets

Keys = tuple[str, ...]


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


# an office and its holder: «وزير النفط [عمر …]», «وزير النفط، [عمر …]،», «مزارع يدعى [عمر …]»
_NEXT_TO = re.compile(r"[ \t\u00a0]+")
_APART = re.compile(r"[ \t\u00a0]*،[ \t\u00a0]*")
_CLOSING = tuple("،.؛\n")
_CALLED = re.compile(r"[ \t\u00a0]+(?:هو|هي|يدعى|تدعى|يدعي|اسمه|اسمها)[ \t\u00a0]+")
_IN_BRACKETS = re.compile(r"[ \t\u00a0]*[(\[][ \t\u00a0]*")
_FORMER = frozenset(word_keys("السابق السابقة الأسبق الراحل المنتخب المقال المستقيل الأول الثاني"))
_DUAL_OR_PLURAL = re.compile(r"(?:ان|ين|ون|[^و]را|عما|وسا)$")
# a rank or title can stand between an office and its holder: «قائد المنطقة العسكرية [العميد] …»
_LONGEST_TITLE = 2
# heads that are left out of short forms: «قوات الدعم السريع», «الدعم السريع»
_GENERIC_HEADS = frozenset(
    word_keys(
        "وزارة جهاز قوات جماعة حركة تنظيم ميليشيا مليشيا حزب وكالة صحيفة قناة شركة كتيبة لواء منظمة مؤسسة مصرف"
        " معبر مطار ميناء مرفأ سجن مخيم مستشفى جسر حقل قاعدة سد ساحة ميدان شارع قبيلة عشيرة قبائل آل"
    )
)
_HEAD = word_keys("الرئيس")
_RED_CROSS = word_keys("اللجنة الدولية")
_PARTS_OF_NAMES = frozenset(word_keys("عبد أبو أبي أبا بو أم ابن بن بنت ولد آل با بني"))
# adjectives that stand for a body's name: «البعثة الأممية», «بعثة الأمم المتحدة للدعم في ليبيا»
_ADJECTIVES_OF_BODIES = {
    phrase_key(adjective): word_keys(body)
    for body, adjectives in {
        "الأمم المتحدة": ("أممي", "أممية"),
        "الاتحاد الأوروبي": ("أوروبي", "أوروبية"),
        "الاتحاد الأفريقي": ("أفريقي", "أفريقية", "إفريقي"),
    }.items()
    for adjective in adjectives
}
_PLURAL_OF_NATION = re.compile(r"(?:ين|ون)$")


def group_mentions(document: Document) -> tuple[MentionGroup, ...]:
    """Groups the mentions of an article.

    Names of one type are one where their keys are equal, or where the shorter is contained in one and only one
    longer name (a surname in a full name, «البعثة الأممية» in «بعثة الأمم المتحدة للدعم في ليبيا»). What could be of
    two stays alone. An office stands with the person whose name follows it.

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
    entities = document.entities
    sets = DisjointSets(len(entities))
    by_type: dict[str, list[int]] = defaultdict(list)
    for index, entity in enumerate(entities):
        by_type[entity.type].append(index)
    holders = _holders(document)
    for office, person in holders.items():
        sets.join(office, person)
    for type, members in by_type.items():
        if type == "PER":
            _join_contained(
                members, [_person_keys(name_of(entities[index])) for index in members], _is_short_person, sets
            )
        elif type == "OCC":
            _join_offices(entities, members, holders, sets)
        elif type in ("ORG", "FAC"):
            _join_contained(members, [_body_keys(name_of(entities[index])) for index in members], _is_short_body, sets)
        elif type != "DATE":
            _join_equal(members, [_place_key(entities[index]) for index in members], sets)
    _join_bracketed(document, by_type.get("ORG", ()), sets)
    _join_peoples(entities, by_type, sets)
    named = countries_told([(name_of(entity), entity.type) for entity in entities])
    return tuple(_group([entities[index] for index in members], named) for members in sets.groups())


def name_of(entity: Entity) -> str:
    """Returns a mention without proclitics, on one line."""
    name: str = getattr(entity, "name", entity.text)
    return " ".join(name.split())


def _group(mentions: Sequence[Entity], named: Collection[str]) -> MentionGroup:
    fullest = max(mentions, key=lambda entity: (entity.type == "PER", len(word_keys(name_of(entity)))))
    sectors = {sector_of(name_of(entity), entity.type) for entity in mentions} - {None}
    countries = {country_of(name_of(entity), entity.type, named) for entity in mentions} - {None}
    sector = sectors.pop() if len(sectors) == 1 else None
    country = countries.pop() if len(countries) == 1 and sector != "IGO" else None
    own = country_named(name_of(fullest)) if fullest.type == "GPE" else None
    name = name_of(fullest) if own is None else country_name(own)
    return MentionGroup(name, fullest.type, tuple(mentions), country, sector, is_country=own is not None)


def _holders(document: Document) -> dict[int, int]:
    """For each office that a person's name stands beside, by their indices."""
    entities, text = document.entities, document.text
    holders: dict[int, int] = {}
    for index in range(len(entities) - 2, -1, -1):
        first, second = entities[index], entities[index + 1]
        between, behind = text[first.end : second.start], text[second.end : second.end + 1]
        if (first.type, second.type) == ("PER", "OCC"):
            # «[عمر …]، وزير النفط،», «[عمر …] (ممرض)»
            if (_APART.fullmatch(between) and behind in _CLOSING) or (
                _IN_BRACKETS.fullmatch(between) and behind == ")"
            ):
                holders[index + 1] = index
        elif first.type == "OCC" and not _DUAL_OR_PLURAL.search(next(iter(word_keys(name_of(first))), "")):
            if second.type == "PER":
                named = _NEXT_TO.fullmatch(between) or _CALLED.fullmatch(between)
                if named or (_APART.fullmatch(between) and behind == "،"):
                    holders[index] = index + 1
            elif index + 1 in holders and _NEXT_TO.fullmatch(between):
                if len(word_keys(name_of(second))) <= _LONGEST_TITLE:
                    holders[index] = holders[index + 1]
    return holders


def _join_contained(
    members: Sequence[int], keys: Sequence[Keys], is_short_of: Callable[[Keys, Keys], bool], sets: DisjointSets
) -> None:
    """Joins equal names, and each shorter one with the longer ones that it is short for, if those are of one group."""
    first: dict[Keys, int] = {}
    for member, name in zip(members, keys, strict=True):
        if name:
            sets.join(first.setdefault(name, member), member)
    # names that share their first or last word can be short for each other
    sharing: dict[str, list[Keys]] = defaultdict(list)
    for name in sorted(first, key=len, reverse=True):
        longer = {id(other): other for word in {name[0], name[-1]} for other in sharing[word]}
        groups = {sets.find(first[other]) for other in longer.values() if is_short_of(name, other)}
        if len(groups) == 1:
            sets.join(groups.pop(), first[name])
        for word in {name[0], name[-1]}:
            sharing[word].append(name)


def _join_equal(members: Sequence[int], keys: Sequence[str], sets: DisjointSets) -> None:
    first: dict[str, int] = {}
    for member, key in zip(members, keys, strict=True):
        if key:
            sets.join(first.setdefault(key, member), member)


def _join_offices(
    entities: Sequence[Entity], members: Sequence[int], holders: dict[int, int], sets: DisjointSets
) -> None:
    """Joins an office that stands alone with the one person who is said to hold it, or with its equals."""
    held: dict[Keys, dict[int, int]] = defaultdict(dict)
    for office in members:
        if office in holders:
            held[_body_keys(name_of(entities[office]))][office] = sets.find(holders[office])
    free = [index for index in members if index not in holders and _is_definite(name_of(entities[index]))]
    rest: list[int] = []
    for index in free:
        keys = _body_keys(name_of(entities[index]))
        people = {
            person
            for name, found in held.items()
            if name == keys or _is_short_office(keys, name)
            for office, person in found.items()
            if office < index or len(keys) > 1
        }
        if len(people) == 1:
            sets.join(people.pop(), index)
        else:
            rest.append(index)
    _join_contained(rest, [_body_keys(name_of(entities[index])) for index in rest], _is_short_office, sets)


def _join_bracketed(document: Document, bodies: Sequence[int], sets: DisjointSets) -> None:
    """Joins a body with the short name or abbreviation in brackets behind it."""
    entities, text = document.entities, document.text
    for first, second in pairwise(bodies):
        between = text[entities[first].end : entities[second].start]
        closed = text[entities[second].end : entities[second].end + 2].lstrip()[:1] in (")", "]")
        if closed and _IN_BRACKETS.fullmatch(between):
            sets.join(first, second)


def _join_peoples(entities: Sequence[Entity], by_type: dict[str, list[int]], sets: DisjointSets) -> None:
    """Joins a movement as people with it as a body: «الحوثيون», «جماعة الحوثي»."""
    bodies = {}
    for index in by_type.get("ORG", ()):
        keys = _body_keys(name_of(entities[index]))
        if len(keys) == 2 and keys[0] in _GENERIC_HEADS:
            bodies[keys[1:]] = index
    for index in by_type.get("NORP", ()):
        keys = tuple(_PLURAL_OF_NATION.sub("", key) for key in word_keys(name_of(entities[index])))
        if keys in bodies and not adjective_countries(name_of(entities[index])):
            sets.join(bodies[keys], index)


def _place_key(entity: Entity) -> str:
    """Key of a place, a people or anything else that has no short forms."""
    entity_name = name_of(entity)
    key = phrase_key(entity_name)
    if entity.type == "GPE":
        return country_named(entity_name) or town_id(entity_name) or key
    if entity.type == "NORP":
        keys = word_keys(entity_name)
        countries = adjective_countries(entity_name)
        if len(countries) == 1:
            # «الليبي» and «الليبية» of a delegation, «الليبيون» and «الليبيين» of the people
            if _PLURAL_OF_NATION.search(key) or is_people(entity_name):
                return f"{min(countries)} people"
            # «23 ليبيا» are persons
            return f"{min(countries)} {'persons' if key.endswith('يا') else 'side'}"
        return "".join(keys[1:] if len(keys) > 1 and keys[0] in _GENERIC_HEADS else keys)
    return key


def _person_keys(name: str) -> Keys:
    """Words of a person's name; what belongs together stays together: عبد الله, أبو زيد, بن علي, صلاح الدين."""
    joined: list[str] = []
    prefix = ""
    for key in word_keys(name):
        if key in _PARTS_OF_NAMES:
            prefix += key
        elif key == "دين" and joined and not prefix:
            joined[-1] += key
        else:
            joined.append(prefix + key)
            prefix = ""
    return (*joined, prefix) if prefix else tuple(joined)


def _body_keys(name: str) -> Keys:
    """Words of a body's name, a country's name and its adjective alike: «جيش ليبيا», «الجيش الليبي»."""
    keys: list[str] = []
    for place, key in enumerate(word_keys(name)):
        countries = adjective_countries(key)
        country = country_named(key) or (min(countries) if len(countries) == 1 else None)
        body = _ADJECTIVES_OF_BODIES.get(key)
        if body and (not keys or keys[-1] != body[0]):
            keys += body
        else:
            keys.append(country if country and place else key)
    return tuple(keys)


def _is_short_person(short: Keys, full: Keys) -> bool:
    return _is_subsequence(short, full) and (short[0] == full[0] or short[-1] == full[-1])


def _is_short_body(short: Keys, full: Keys) -> bool:
    if short[0] == full[0]:
        return _is_subsequence(short, full)
    if full[: len(_RED_CROSS)] == _RED_CROSS and full[len(_RED_CROSS) :][: len(short)] == short:
        return True
    return full[0] in _GENERIC_HEADS and full[1 : len(short) + 1] == short


def _is_short_office(short: Keys, full: Keys) -> bool:
    # «الرئيس» is a state's, not of one of the bodies whose heads are named
    return short[0] == full[0] and short != _HEAD and _is_subsequence(short, full) and _FORMER & set(full) <= set(short)


def _is_subsequence(short: Keys, full: Keys) -> bool:
    if len(short) >= len(full):
        return False
    rest = iter(full)
    return all(word in rest for word in short)


def _is_definite(name: str) -> bool:
    """Whether an office is a certain one's: «الوزير», «والي صفاقس», not «ضابط», «مسؤول ليبي»."""
    words = name.split()
    return any(word.startswith(("ال", "لل")) for word in words) or any(
        country_named(word) or town_id(word) for word in words[1:]
    )
