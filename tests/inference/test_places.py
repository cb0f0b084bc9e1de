from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hadath.places import adjective_countries, countries_told, country_name, country_named, country_of, town_id
from hadath.tables import table_rows

CODES = {row[0] for row in table_rows("countries.tsv")}


@pytest.mark.parametrize(
    ("name", "type", "country"),
    [
        ("ليبيا", "GPE", "LBY"),
        ("المملكة المغربية", "GPE", "MAR"),
        ("سلطنة عُمان", "GPE", "OMN"),
        ("عُمان", "GPE", "OMN"),
        ("عمّان", "GPE", "JOR"),
        ("الولايات المتحدة", "GPE", "USA"),
        ("كوريا الجنوبية", "GPE", "KOR"),
        ("جنوب السودان", "GPE", "SSD"),
        ("غينيا الاستوائية", "GPE", "GNQ"),
        ("انجمينا", "GPE", "TCD"),
        ("أبو ظبي", "GPE", "ARE"),
        ("موسكو", "GPE", "RUS"),
        ("قطاع غزة", "GPE", "PSE"),
        ("شمال دارفور", "GPE", "SDN"),
        ("التونسيين", "NORP", "TUN"),
        ("جنوب سودانيين", "NORP", "SSD"),
        ("الأتراك", "NORP", "TUR"),
        ("مالي", "NORP", "MLI"),
        ("الجيش المالي", "ORG", "MLI"),
        ("وزارة الخارجية التركية", "ORG", "TUR"),
        ("البنتاغون", "ORG", "USA"),
        ("السفير الإيطالي في ليبيا", "OCC", "ITA"),
        ("سفير اليابان لدى تونس", "OCC", "JPN"),
        ("والي صفاقس", "OCC", "TUN"),
        ("مطار بنينا الدولي", "FAC", None),
        ("ميناء باليرمو", "FAC", "ITA"),
        ("الجنوب الليبي", "LOC", "LBY"),
    ],
)
def test_what_a_mention_tells(name: str, type: str, country: str | None) -> None:
    assert country_of(name, type) == country


@pytest.mark.parametrize(
    ("name", "type"),
    [
        ("القدس", "GPE"),
        ("طرابلس", "GPE"),
        ("عمان", "GPE"),
        ("الكونغو", "GPE"),
        ("كوريا", "GPE"),
        ("المهدية", "GPE"),
        ("المغرب العربي", "LOC"),
        ("خليج عمان", "LOC"),
        ("البحر المتوسط", "LOC"),
        ("وزارة المالية", "ORG"),
        ("المحلل المالي", "OCC"),
        ("وزارة الداخلية", "ORG"),
        ("اللجنة التونسية الليبية المشتركة", "ORG"),
        ("الحرس البحري", "ORG"),
        ("معبر كرم أبو سالم", "FAC"),
        ("سوق ليبيا", "FAC"),
        ("السفارة الإيرانية", "FAC"),
        ("مرصد نهر السنغال", "ORG"),
        ("مكتب شؤون تايوان", "ORG"),
        ("عمر السعداوي", "PER"),
        ("دبابة تركية", "WEA"),
        ("", "GPE"),
    ],
)
def test_nothing_is_guessed(name: str, type: str) -> None:
    assert country_of(name, type) is None


def test_the_article_tells_namesakes_apart() -> None:
    assert country_of("طرابلس", "GPE", {"LBN"}) == "LBN"
    assert country_of("طرابلس", "GPE", {"LBY", "SYR"}) == "LBY"
    # the capital, where both countries are spoken of
    assert country_of("طرابلس", "GPE", {"LBY", "LBN"}) == "LBY"
    assert country_of("المهدية", "GPE", {"TUN"}) == "TUN"
    assert country_of("الكونغولي", "NORP", {"COG"}) == "COG"
    # one that is far larger is meant anyway
    assert country_of("لندن", "GPE", {"CAN"}) == "GBR"


def test_what_an_article_speaks_of() -> None:
    mentions = [("الجيش التشادي", "ORG"), ("بعثة الأمم المتحدة للدعم في ليبيا", "ORG"), ("طرابلس", "GPE")]
    assert countries_told(mentions) == {"TCD", "LBY"}
    assert countries_told([("عمر التونسي", "PER"), ("المغرب العربي", "LOC")]) == set()
    # two small towns of one country speak for it, one alone does not
    assert countries_told([("عطبرة", "GPE"), ("ود مدني", "GPE")]) == {"SDN"}
    assert countries_told([("عطبرة", "GPE"), ("عطبره", "GPE")]) == set()


def test_names_of_countries_and_towns() -> None:
    assert country_named("الإمارات العربية المتحدة") == country_named("الامارات") == "ARE"
    assert country_named("دبي") is None
    assert (country_named("عُمان"), country_named("عمّان"), country_named("عمان")) == ("OMN", None, None)
    assert country_name("ARE") == "الإمارات العربية المتحدة"
    assert town_id("نجامينا") == town_id("إنجمينا") is not None
    assert town_id("طرابلس") is None


@pytest.mark.parametrize("form", ["ليبي", "الليبية", "ليبيين", "الليبيون", "ليبيان", "ليبيتان", "ليبيات", "ليبيًا"])
def test_forms_of_an_adjective(form: str) -> None:
    assert adjective_countries(form) == {"LBY"}


def test_the_tables_know_only_countries() -> None:
    assert {
        row[0] for file in ("cities.tsv", "own_names.tsv", "organizations.tsv") for row in table_rows(file)
    } <= CODES
    assert {row[1] for row in table_rows("own_names.tsv")} == {"country", "place", "adjective", "people"}


@given(
    st.text(),
    st.sampled_from(["GPE", "LOC", "FAC", "NORP", "ORG", "OCC", "PER", "X"]),
    st.sets(st.sampled_from(["LBY"])),
)
def test_any_name_has_a_country_or_none(name: str, type: str, named: set[str]) -> None:
    assert country_of(name, type, named) in {None, *CODES}
    assert countries_told([(name, type)]) <= CODES
