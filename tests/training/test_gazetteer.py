from __future__ import annotations

from typing import Any

import pytest

from hadath.tables import table_rows
from training.gazetteer import arabic_names, cities, countries

ALPHA3 = {"LY": "LBY", "FR": "FRA", "MM": "MMR"}


def city(name: str, code: str, inhabitants: int, *names: str, id: int = 1) -> dict[str, Any]:
    return {
        "geonameid": id, "name": name, "countrycode": code, "population": inhabitants, "alternatenames": list(names)
    }  # fmt: skip


def test_countries_have_codes_and_one_name() -> None:
    names = {"LY": "ليبيا", "MM": "ميانمار (بورما)", "EU": "الاتحاد الأوروبي"}
    assert list(countries(names, ALPHA3)) == [("LBY", "ليبيا"), ("MMR", "ميانمار")]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (["Sabha", "سبها", "سَبها", "سبھا"], ["سبها"]),
        (["مدينة غات", "غات"], ["غات"]),
        (["تىرانا", "ئاممان", "پاریس"], []),
        (["أنجمينا", "نجامينا"], ["أنجمينا", "نجامينا"]),
    ],
)
def test_only_names_in_arabic_spelling(given: list[str], kept: list[str]) -> None:
    assert arabic_names(given) == kept


def test_cities_by_size_and_country() -> None:
    places = [
        city("Nice", "FR", 342_669, "نيس"),
        city("Sabha", "LY", 130_000, "سبها"),
        city("Tripoli", "LY", 1_300_000, "طرابلس"),
        city("Small", "FR", 30_000, "صغيرة"),
        city("Village", "LY", 900, "قرية صغيرة"),
        city("Elsewhere", "ZZ", 900_000, "هناك"),
        city("Latin", "LY", 900_000, "Latin"),
        city("Jerusalem", "LY", 900_000, "القدس", id=281184),
    ]
    assert list(cities(places, ALPHA3, {"LY": "Tripoli"})) == [
        ("FRA", 342_669, False, ["نيس"]),
        ("LBY", 1_300_000, True, ["طرابلس"]),
        ("LBY", 130_000, False, ["سبها"]),
    ]


def test_the_shipped_tables_are_what_it_writes() -> None:
    babel = pytest.importorskip("babel", reason="needs the extra gazetteer")
    pycountry = pytest.importorskip("pycountry", reason="needs the extra gazetteer")
    alpha3 = {country.alpha_2: country.alpha_3 for country in pycountry.countries}
    written = dict(countries(babel.Locale("ar").territories, alpha3))
    shipped = dict(table_rows("countries.tsv"))
    # names change a little from one release of the CLDR to the next
    assert sum(written.get(code) == name for code, name in shipped.items()) > 0.95 * len(shipped)
