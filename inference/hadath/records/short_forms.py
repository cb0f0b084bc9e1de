"""Names as they are compared within an article, and which is a short form of which."""

from __future__ import annotations

import re

from hadath.phrases import phrase_key, word_keys
from hadath.places import adjective_countries, country_named, is_people, town_id

Keys = tuple[str, ...]
"""The words of a name as they are compared."""

GENERIC_HEADS = frozenset(
    word_keys(
        "وزارة جهاز قوات جماعة حركة تنظيم ميليشيا مليشيا حزب وكالة صحيفة قناة شركة كتيبة لواء منظمة مؤسسة مصرف"
        " معبر مطار ميناء مرفأ سجن مخيم مستشفى جسر حقل قاعدة سد ساحة ميدان شارع قبيلة عشيرة قبائل آل"
    )
)
"""First words that short forms leave out: «قوات الدعم السريع», «الدعم السريع»."""

_HEADS_OF_NATURE = frozenset(word_keys("نهر جبل جبال وادي جزيرة"))
_INTERNATIONAL_COMMITTEE = word_keys("اللجنة الدولية")  # للصليب الأحمر
_HEAD_OF_STATE = word_keys("الرئيس")
_TELLING_APART = frozenset(word_keys("السابق السابقة الأسبق الراحل المنتخب المقال المستقيل الأول الثاني بلس"))
_PARTS_OF_NAMES = frozenset(word_keys("عبد أبو أبي أبا بو أم ابن بن بنت ولد آل با بني"))
_PLURAL = re.compile(r"(?:ين|ون)$")
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


def person_keys(name: str) -> Keys:
    """Returns the words of a person's name, those that belong together as one: عبد الله, أبو زيد, بن علي, صلاح الدين.

    Example:
        >>> person_keys("عبد الله بن علي الطيب")
        ('عبدالله', 'بنعلي', 'طيب')
    """
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


def body_keys(name: str) -> Keys:
    """Returns the words of a body, an office or a building; a country's name and its adjective are one.

    Example:
        >>> body_keys("الجيش الليبي") == body_keys("جيش ليبيا")
        True
        >>> body_keys("البعثة الأممية") == body_keys("بعثة الأمم المتحدة")
        True
    """
    keys: list[str] = []
    for place, key in enumerate(word_keys(name)):
        body = _ADJECTIVES_OF_BODIES.get(key)
        if body and (not keys or keys[-1] != body[0]):
            keys += body
            continue
        countries = adjective_countries(key)
        country = country_named(key) or (min(countries) if len(countries) == 1 else None)
        keys.append(country if country and place else key)
    return tuple(keys)


def place_key(name: str, type: str) -> str:
    """Returns the key of what has no short forms: places, peoples, and any type that is not told of here.

    Args:
        name: The name without proclitics.
        type: Its entity type.

    Example:
        >>> place_key("الإمارات", "GPE") == place_key("دولة الإمارات", "GPE"), place_key("نهر النيل", "LOC")
        (True, 'نيل')
    """
    keys = word_keys(name)
    key = "".join(keys)
    if type == "GPE":
        return country_named(name) or town_id(name) or key
    if type == "LOC":
        return "".join(keys[1:] if len(keys) > 1 and keys[0] in _HEADS_OF_NATURE else keys)
    if type != "NORP":
        return key
    countries = adjective_countries(name)
    if len(countries) != 1:
        return "".join(keys[1:] if len(keys) > 1 and keys[0] in GENERIC_HEADS else keys)
    # «الليبي» is of a side or a thing, «الليبيون» are people, «23 ليبيا» are persons
    if _PLURAL.search(key) or is_people(name):
        return f"{min(countries)} people"
    return f"{min(countries)} {'persons' if key.endswith('يا') else 'side'}"


def singular_keys(name: str) -> Keys:
    """Returns the words of a movement as people like those of it as a body.

    Example:
        >>> singular_keys("الحوثيون") == body_keys("جماعة الحوثي")[1:]
        True
    """
    return tuple(_PLURAL.sub("", key) for key in word_keys(name))


def is_short_person(short: Keys, full: Keys) -> bool:
    """Tells whether a person's name is a short form of a fuller one, with its first or its last word.

    Example:
        >>> is_short_person(person_keys("السعداوي"), person_keys("عمر علي السعداوي"))
        True
    """
    return _is_subsequence(short, full) and (short[0] == full[0] or short[-1] == full[-1])


def is_short_body(short: Keys, full: Keys) -> bool:
    """Tells whether the name of a body or building is a short form of a fuller one.

    Example:
        >>> is_short_body(body_keys("حكومة الوحدة"), body_keys("حكومة الوحدة الوطنية"))
        True
    """
    if short[0] == full[0]:
        return _is_subsequence(short, full) and _TELLING_APART.intersection(full) <= set(short)
    if short in _ADJECTIVES_OF_BODIES.values():
        # «منظمة الأمم المتحدة للطفولة» is not the United Nations
        return False
    if full[: len(_INTERNATIONAL_COMMITTEE)] == _INTERNATIONAL_COMMITTEE:
        return full[len(_INTERNATIONAL_COMMITTEE) :][: len(short)] == short
    return full[0] in GENERIC_HEADS and full[1 : len(short) + 1] == short


def is_short_office(short: Keys, full: Keys) -> bool:
    """Tells whether an office can be a short form of a fuller one; «الرئيس», of a state, is of none.

    Example:
        >>> is_short_office(body_keys("الوزير"), body_keys("وزير النفط"))
        True
    """
    if short[0] != full[0] or short == _HEAD_OF_STATE:
        return False
    return _is_subsequence(short, full) and _TELLING_APART.intersection(full) <= set(short)


def is_definite(name: str) -> bool:
    """Tells whether an office is a certain one's.

    Example:
        >>> is_definite("الوزير"), is_definite("والي صفاقس"), is_definite("مسؤول ليبي")
        (True, True, False)
    """
    words = name.split()
    return any(word.startswith(("ال", "لل")) for word in words) or any(
        country_named(word) or town_id(word) for word in words[1:]
    )


def _is_subsequence(short: Keys, full: Keys) -> bool:
    if len(short) >= len(full):
        return False
    rest = iter(full)
    return all(word in rest for word in short)
