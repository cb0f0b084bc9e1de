"""Sectors: what kind of actor a body or an office is, by what its name tells, in agent codes of CAMEO and PLOVER."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from hadath.phrases import longest_at, phrase_key, word_keys
from hadath.places import adjective_countries, country_named
from hadath.tables import table_rows

SECTORS: Mapping[str, str] = {
    "IGO": "international or regional body of states",
    "GOV": "government: head of state, ministries, diplomats, local authorities",
    "MIL": "armed forces, border and coast guards",
    "COP": "police, gendarmerie, internal security",
    "SPY": "intelligence services",
    "JUD": "courts, judges, prosecutors",
    "LEG": "parliament and its members",
    "PTY": "political parties and blocs",
    "REB": "armed groups that fight a government",
    "CRM": "criminal groups, smugglers, pirates",
    "MED": "media and journalists",
    "BUS": "companies, banks, traders",
    "NGO": "humanitarian, rights and civic organisations",
    "LAB": "trade unions",
    "EDU": "universities, schools, scholars",
    "HLH": "hospitals, medical staff",
    "REL": "religious bodies",
    "CVL": "civilians by trade",
}
"""Sector codes and what they cover."""

# words that leave an office what it is
_NEUTRAL = frozenset(word_keys("السابق السابقة الحالي الجديد المنتخب الأول الأولى العام"))


@lru_cache(maxsize=1 << 16)
def sector_of(name: str, type: str) -> str | None:
    """Returns the sector that a mention tells, one of ``SECTORS``; ``None`` where it tells none.

    An international body is looked for in the whole name. Else the first words that tell a sector decide, for what a
    body is stands first: «المتحدث باسم وزارة الدفاع» is GOV, «رئيس أركان الجيش» is MIL. Ranks that
    armies and police share tell neither.

    Args:
        name: The mention without proclitics.
        type: Its entity type: ORG, OCC or NORP; others tell nothing.

    Example:
        >>> sector_of("بعثة الأمم المتحدة للدعم في ليبيا", "ORG"), sector_of("العميد", "OCC")
        ('IGO', None)
        >>> sector_of("المتحدث باسم وزارة الدفاع", "OCC"), sector_of("النائب", "OCC"), sector_of("نائب الوزير", "OCC")
        ('GOV', 'LEG', 'GOV')
    """
    rules = _rules().get(type)
    keys = word_keys(name)
    if rules is None or "".join(keys) in rules.whole:
        return None
    # the diplomat of one state at an international body is not of that body
    if _AT in keys[1:]:
        keys = keys[: keys.index(_AT, 1)]
    if any(_is_international(longest_at(keys, place, rules.anywhere)) for place in range(len(keys))):
        return "IGO"
    alone = longest_at(keys, 0, rules.alone)
    longer = longest_at(keys, 0, rules.anywhere)
    if alone and longer and longer[0] > alone[0]:
        # «النائب العام» is no «النائب»
        alone = None
    if (
        alone
        and not _OF_SOMEBODY.search(name)
        and all(key in _NEUTRAL or adjective_countries(key) for key in keys[alone[0] :])
    ):
        return alone[1]
    first = longest_at(keys, 0, rules.first)
    return _leftmost(keys, rules.anywhere, _is_irregular(name)) or (first[1] if first else None)


def _leftmost(keys: Sequence[str], table: Mapping[str, str], irregular: bool) -> str | None:
    for place in range(len(keys)):
        match = longest_at(keys, place, table)
        if match and not (irregular and keys[place] == _ARMY):
            return match[1] if match[1] in SECTORS else None
    return None


_AT = phrase_key("لدى")
_ARMY = phrase_key("الجيش")
_ARMY_OF = re.compile(r"(?:^|\s)جيش\s+(\S+)")
# «نائبه», not «نائبة»
_OF_SOMEBODY = re.compile(r"^(?!ال)\S*(?:ه|ها|هم|هما)$")


def _is_irregular(name: str) -> bool:
    """Whether an army is called so but is no state's, as far as its name tells: «جيش الفجر», not «جيش ليبيا»."""
    army = _ARMY_OF.search(name)
    return army is not None and not country_named(army[1]) and not adjective_countries(army[1])


def _is_international(match: tuple[int, str] | None) -> bool:
    return match is not None and match[1] == "IGO"


@dataclass(frozen=True)
class _Rules:
    """Sectors by ``phrase_key``: of words that count anywhere, at the front, with no others behind, or as they are."""

    anywhere: Mapping[str, str]
    first: Mapping[str, str]
    alone: Mapping[str, str]
    whole: Mapping[str, str]


@lru_cache(maxsize=1)
def _rules() -> Mapping[str, _Rules]:
    return {"ORG": _read(("both", "body")), "OCC": _read(("both", "office", "body")), "NORP": _read(("both",))}


def _read(scopes: Sequence[str]) -> _Rules:
    tables: dict[str, dict[str, str]] = {"anywhere": {}, "first": {}, "alone": {}, "whole": {}}
    for sector, scope, where, words in table_rows("sectors.tsv"):
        # an office is not what its first word is called as a body: رئاسة
        if scope not in scopes or (where == "first" and "office" in scopes):
            continue
        for phrase in words.split("|"):
            tables[where].setdefault(phrase_key(phrase), sector)
    return _Rules(**tables)
