"""Countries: which one a place, a body, an office or an adjective of nationality belongs to, by what its name tells."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

from hadath.phrases import longest_at, phrase_key, word_keys
from hadath.tables import table_rows

_Codes = TypeVar("_Codes")

LARGE = 150_000
"""Inhabitants from which on a city is known by its name alone, without its country."""

OVERWHELMING = 20
"""How many times larger a city is than all its namesakes abroad, to be meant whatever country is spoken of."""

_REGION_INHABITANTS = {False: 100_000, True: LARGE}  # by whether the name has several words, so that few share it
# endings of an adjective of nationality, behind its masculine singular: ليبي, ليبية, ليبيين, ليبيون, ليبيان, ليبيات …
_ENDINGS = ("", "ه", "ا", "ين", "ون", "ان", "تان", "تين", "ات")
_PREPOSITIONS = frozenset(word_keys("في لدى إلى من على عن مع ضد"))
_WATERS = frozenset(word_keys("بحر بحيرة خليج الخليج مضيق محيط نهر النيل القرن حوض قناة ممر المتوسط"))
# of no country or of more than one, whatever country or town has such a name
_NO_COUNTRY = frozenset(map(phrase_key, ("المغرب العربي", "المغرب الكبير", "غرب أفريقيا", "القدس", "القدس المحتلة")))
# after these words the name of a town tells where a body or an office belongs
_OF_TOWNS = frozenset(
    word_keys(
        "حكومة بلدية مدينة محافظة ولاية مديرية سلطات شرطة أمن محكمة جامعة نيابة نادي ميناء مطار مجلس والي محافظ"
        " عمدة حاكم عميد قاضي مستشفى"
    )
)
# adjectives that are names of towns too
_NO_TOWN = frozenset(
    word_keys("بحري بري جوي جديد جديدة قديم غربية شرقية شمالية جنوبية وسطى كبرى شمال شرق الوحدة السلام المركز")
)
# buildings that are called after a place where that lies; a street, market or hotel can have any name
_OF_THEIR_TOWN = frozenset(
    word_keys("مطار ميناء مرفأ مستشفى جامعة سجن معبر منفذ محطة مصفاة قاعدة قلعة ملعب مخيم جسر ثكنة مطرانية محكمة")
)
# what is called after a place abroad: السفارة الإيرانية as a building
_ABROAD = frozenset(word_keys("سفارة السفارة قنصلية القنصلية شارع سوق قاعة ساحة ميدان فندق مقهى دوار حي طريق مدرسة"))
# words before a country that it is not: نهر السنغال, مكتب شؤون تايوان
_NOT_OF = _WATERS | frozenset(word_keys("شؤون"))
# what may follow a town's name: مطار طرابلس الدولي
_AFTER_TOWN = frozenset(word_keys("دولي دولية بحري بلدي مركزي مدني عسكري تجاري عام غربي شرقي حدودي قديم"))
# مالي is of finance everywhere but alone and after these words, where it is of Mali
_OF_STATES = frozenset(
    word_keys(
        "جيش حكومة قوات سلطات الخارجية الداخلية الدفاع المسلحة سفير سفيرة رئيس شرطة درك وفد جانب مندوب مبعوث نظيره"
    )
)
_MALI = frozenset({"مالي", "ماليه"})


@dataclass(frozen=True, slots=True)
class _Place:
    id: str
    code: str
    inhabitants: int
    capital: bool


@dataclass(frozen=True)
class _Gazetteer:
    names: Mapping[str, str]
    countries: Mapping[str, frozenset[str]]
    adjectives: Mapping[str, frozenset[str]]
    towns: Mapping[str, tuple[_Place, ...]]
    bodies: Mapping[str, frozenset[str]]
    peoples: frozenset[str]


def country_name(code: str) -> str:
    """Returns a country's Arabic name in the CLDR.

    Args:
        code: ISO 3166-1 alpha-3.

    Raises:
        KeyError: If there is no such country.

    Example:
        >>> country_name("LBY")
        'ليبيا'
    """
    return _gazetteer().names[code]


def country_named(name: str) -> str | None:
    """Returns the code of the country whose own name this is.

    Example:
        >>> country_named("الإمارات"), country_named("الإمارات العربية المتحدة"), country_named("دبي")
        ('ARE', 'ARE', None)
    """
    keys = word_keys(name)
    if keys == _OMAN:
        return "OMN" if _OMAN_VOWEL in name else None
    return _only(_gazetteer().countries.get("".join(keys), frozenset()))


def town_id(name: str) -> str | None:
    """Returns what all names of one town share, if no other town has this name.

    Example:
        >>> town_id("نجامينا") == town_id("إنجمينا") is not None, town_id("طرابلس")
        (True, None)
    """
    towns = _gazetteer().towns.get(phrase_key(name), ())
    return towns[0].id if len(towns) == 1 else None


def adjective_countries(name: str) -> frozenset[str]:
    """Returns the countries that an adjective of nationality can mean.

    Example:
        >>> sorted(adjective_countries("الليبيين")), sorted(adjective_countries("الكونغولية"))
        (['LBY'], ['COD', 'COG'])
    """
    return _gazetteer().adjectives.get(phrase_key(name), frozenset())


def with_vowels(name: str, text: str) -> str:
    """Returns a name with the vowel sign that tells Oman and Amman apart, if the mention has it.

    Args:
        name: The mention without proclitics and diacritics.
        text: The mention as it is written.

    Example:
        >>> country_of(with_vowels("عمان", "بعمّان"), "GPE")
        'JOR'
    """
    if word_keys(name) == _OMAN:
        return "عمّان" if _AMMAN_VOWEL in text else "عُمان" if _OMAN_VOWEL in text else name
    return name


def is_people(name: str) -> bool:
    """Tells whether a name is an irregular plural that means a nation as people.

    Example:
        >>> is_people("الأتراك"), is_people("التركي")
        (True, False)
    """
    return phrase_key(name) in _gazetteer().peoples


def country_of(name: str, type: str, named: Collection[str] = ()) -> str | None:
    """Returns the country that a mention tells, ISO 3166-1 alpha-3; ``None`` where it tells none, or more than one.

    A town that is small, or has namesakes abroad, counts only where its country is spoken of. Among namesakes the one
    that is ``OVERWHELMING`` is meant whatever else is spoken of; else the one whose country is spoken of, and if
    several are, the capital among them.

    Args:
        name: The mention without proclitics.
        type: Its entity type: GPE, LOC, FAC, NORP, ORG or OCC; others tell nothing.
        named: Codes of the countries that the article speaks of, from ``countries_told``.

    Example:
        >>> country_of("وزارة الخارجية التركية", "ORG"), country_of("السفير الإيطالي في ليبيا", "OCC")
        ('TUR', 'ITA')
        >>> country_of("طرابلس", "GPE", {"LBN"}), country_of("طرابلس", "GPE")
        ('LBN', None)
    """
    keys = word_keys(name)
    if not keys or "".join(keys) in _NO_COUNTRY:
        return None
    if type == "GPE":
        return _oman_or_amman(name, named) if keys == _OMAN else _place_country(keys, named)
    if type == "LOC":
        if keys[0] in _WATERS:
            return None
        towns = _gazetteer().towns.get("".join(keys))
        return _town_country(towns, named) if towns else _phrase_country(keys, type, named)
    if type == "FAC":
        if keys[0] in _ABROAD:
            return None
        return _phrase_country(keys, type, named)
    if type not in ("ORG", "OCC", "NORP"):
        return None
    whole = _gazetteer().bodies.get("".join(keys))
    if whole:
        return _only(whole)
    return (
        _chosen(_adjectives(keys), named) if type == "NORP" else _phrase_country(_before_preposition(keys), type, named)
    )


def countries_told(mentions: Collection[tuple[str, str]]) -> frozenset[str]:
    """Returns the countries that an article speaks of, by mentions that can mean no other one.

    Two towns that are each in one country alone tell it too.

    Args:
        mentions: Name without proclitics and entity type of each mention.

    Example:
        >>> sorted(countries_told([("ليبيا", "GPE"), ("الجيش التشادي", "ORG"), ("طرابلس", "GPE")]))
        ['LBY', 'TCD']
    """
    told: set[str | None] = set()
    towns: dict[str, set[str]] = defaultdict(set)
    for name, type in mentions:
        keys = word_keys(name)
        if not keys or "".join(keys) in _NO_COUNTRY:
            continue
        if type == "GPE":
            told.add(country_of(name, type))
            only = _only({town.code for town in _gazetteer().towns.get("".join(keys), ())})
            if only is not None:
                towns[only].add("".join(keys))
        elif type in ("NORP", "ORG", "OCC", "LOC", "FAC"):
            for _, codes in _runs(keys, _gazetteer().adjectives, start=0 if type == "NORP" else 1):
                told.add(_only(codes))
            if type != "NORP":
                for _, codes in _runs(keys, _gazetteer().countries, start=1):
                    told.add(_only(codes))
    told.update(code for code, found in towns.items() if len(found) > 1)
    return frozenset(code for code in told if code is not None)


def _place_country(keys: Sequence[str], named: Collection[str]) -> str | None:
    gazetteer = _gazetteer()
    key = "".join(keys)
    countries = gazetteer.countries.get(key)
    if countries:
        return _chosen(countries, named)
    if key in gazetteer.towns:
        return _town_country(gazetteer.towns[key], named)
    # المملكة المغربية
    return _chosen(_adjectives(keys[1:]), named) if len(keys) > 1 else None


def _town_country(places: Sequence[_Place], named: Collection[str]) -> str | None:
    largest = max(places, key=lambda place: place.inhabitants)
    abroad = sum(place.inhabitants for place in places if place.code != largest.code)
    if (largest.capital or largest.inhabitants >= LARGE) and largest.inhabitants >= OVERWHELMING * abroad:
        return largest.code
    spoken_of = {place.code for place in places if place.code in named}
    if len(spoken_of) > 1:
        return _only({place.code for place in places if place.capital and place.code in spoken_of})
    return _only(spoken_of)


_OMAN = word_keys("عمان")
_OMAN_VOWEL = "ع\u064f"
_AMMAN_VOWEL = "م\u0651"


def _oman_or_amman(name: str, named: Collection[str]) -> str | None:
    """Oman and Amman are spelt alike without vowels: told by a vowel sign, else by the country that is spoken of."""
    if _AMMAN_VOWEL in name:
        return "JOR"
    return "OMN" if _OMAN_VOWEL in name else _only({"OMN", "JOR"}.intersection(named))


def _phrase_country(keys: Sequence[str], type: str, named: Collection[str]) -> str | None:
    adjectives = _adjectives(keys[1:], before=keys[0])
    if adjectives:
        return _chosen(adjectives, named)
    countries = [
        codes for place, codes in _runs(keys, _gazetteer().countries, start=1) if keys[place - 1] not in _NOT_OF
    ]
    if countries:
        return _chosen(frozenset().union(*countries), named) if len(countries) == 1 else None
    if type == "LOC":
        return None
    heads = _OF_THEIR_TOWN if type == "FAC" else _OF_TOWNS
    for place in range(1, 2 if type == "FAC" else len(keys)):
        match = longest_at(keys, place, _gazetteer().towns)
        if match and keys[place] not in _NO_TOWN and keys[place - 1] in heads:
            end, towns = match
            if all(key in _AFTER_TOWN for key in keys[end:]):
                return _town_country(towns, named)
    return None


def _adjectives(keys: Sequence[str], before: str = "") -> frozenset[str]:
    """Countries of the adjectives among words; none where two adjectives tell different ones."""
    found: frozenset[str] | None = None
    place = 0
    while place < len(keys):
        match = longest_at(keys, place, _gazetteer().adjectives)
        previous = keys[place - 1] if place else before
        if match is None or (keys[place] in _MALI and previous and previous not in _OF_STATES):
            place += 1
            continue
        place, codes = match
        found = codes if found is None else found & codes
        if not found:
            return frozenset()
    return found or frozenset()


def _runs(keys: Sequence[str], table: Mapping[str, _Codes], start: int) -> Iterator[tuple[int, _Codes]]:
    """The values of words that stand in a table, with where they begin."""
    place = start
    while place < len(keys):
        match = longest_at(keys, place, table)
        if match is None or (keys[place] in _MALI and place and keys[place - 1] not in _OF_STATES):
            place += 1
        else:
            yield place, match[1]
            place = match[0]


def _before_preposition(keys: tuple[str, ...]) -> tuple[str, ...]:
    for place, key in enumerate(keys):
        if place and key in _PREPOSITIONS:
            return keys[:place]
    return keys


def _chosen(codes: frozenset[str], named: Collection[str]) -> str | None:
    """The one country, or the one of several that is spoken of."""
    return _only(codes) or _only({code for code in codes if code in named})


def _only(codes: Collection[str]) -> str | None:
    return next(iter(codes)) if len(codes) == 1 else None


@lru_cache(maxsize=1)
def _gazetteer() -> _Gazetteer:
    names = {row[0]: row[1] for row in table_rows("countries.tsv")}
    countries: dict[str, set[str]] = defaultdict(set)
    adjectives: dict[str, set[str]] = defaultdict(set)
    towns: dict[str, list[_Place]] = defaultdict(list)
    peoples: set[str] = set()
    for code, name in names.items():
        countries[phrase_key(name)].add(code)
    for number, (code, inhabitants, capital, listed) in enumerate(table_rows("cities.tsv")):
        for name in listed.split("|"):
            towns[phrase_key(name)].append(_Place(f"{code} {number}", code, int(inhabitants), capital == "1"))
    for code, kind, listed in table_rows("own_names.tsv"):
        for name in listed.split("|"):
            if kind == "country":
                countries[phrase_key(name)].add(code)
            elif kind == "place":
                assumed = _REGION_INHABITANTS[len(word_keys(name)) > 1]
                towns[phrase_key(name)].append(_Place(f"{code} {name}", code, assumed, False))
            elif kind == "people":
                adjectives[phrase_key(name)].add(code)
                peoples.add(phrase_key(name))
            else:
                for ending in _ENDINGS:
                    keys = word_keys(name)
                    adjectives["".join(key + ending for key in keys)].add(code)
                    # جنوب سودانيين
                    adjectives["".join(keys) + ending].add(code)
    bodies: dict[str, set[str]] = defaultdict(set)
    for code, listed in table_rows("organizations.tsv"):
        for name in listed.split("|"):
            bodies[phrase_key(name)].add(code)
    return _Gazetteer(
        names,
        {key: frozenset(codes) for key, codes in countries.items()},
        {key: frozenset(codes) for key, codes in adjectives.items()},
        {key: tuple(places) for key, places in towns.items()},
        {key: frozenset(codes) for key, codes in bodies.items()},
        frozenset(peoples),
    )
