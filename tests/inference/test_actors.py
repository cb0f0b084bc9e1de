from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hadath.actors import SECTORS, sector_of
from hadath.tables import table_rows


@pytest.mark.parametrize(
    ("name", "type", "sector"),
    [
        ("وزارتا الدفاع والداخلية", "ORG", "GOV"),
        ("الجيش اللبناني", "ORG", "MIL"),
        ("رئاسة أركان حرس الحدود", "ORG", "MIL"),
        ("المديرية العامة للأمن الوطني", "ORG", "COP"),
        ("قوات الدفاع الوطني الإثيوبية", "ORG", "MIL"),
        ("القوات الإسرائيلية", "ORG", "MIL"),
        ("جيش ليبيا", "ORG", "MIL"),
        ("رئيس تيار المستقبل الجديد", "OCC", "PTY"),
        ("جهاز المخابرات العامة", "ORG", "SPY"),
        ("مكتب النائب العام", "ORG", "JUD"),
        ("المحكمة الجنائية الدولية", "ORG", "IGO"),
        ("مجلس الأمن", "ORG", "IGO"),
        ("مجلس الأمن القومي", "ORG", "GOV"),
        ("البرلمان الأوروبي", "ORG", "IGO"),
        ("مجلس النواب", "ORG", "LEG"),
        ("حزب الأفق الجديد", "ORG", "PTY"),
        ("جماعة الحوثي", "ORG", "REB"),
        ("صحيفة الضفاف", "ORG", "MED"),
        ("الهلال الأحمر الليبي", "ORG", "NGO"),
        ("نقابة المعلمين", "ORG", "LAB"),
        ("جامعة الدول العربية", "ORG", "IGO"),
        ("جامعة سبها", "ORG", "EDU"),
        ("المبعوث الأممي", "OCC", "IGO"),
        ("المبعوث الأوروبي", "OCC", "IGO"),
        ("رئيس لجنة الأمن والدفاع بالبرلمان", "OCC", "LEG"),
        ("الخارجية المصرية", "ORG", "GOV"),
        ("كاتب الدولة لدى وزير الشؤون الخارجية", "OCC", "GOV"),
        ("مندوب ليبيا لدى الأمم المتحدة", "OCC", "GOV"),
        ("المتحدث باسم الخارجية المصرية", "OCC", "GOV"),
        ("الناطق باسم الجيش", "OCC", "MIL"),
        ("الرئيس التونسي", "OCC", "GOV"),
        ("النائبة السابقة", "OCC", "LEG"),
        ("النائب العام", "OCC", "JUD"),
        ("المبعوث التركي", "OCC", "GOV"),
        ("مصرف لبنان", "ORG", "GOV"),
        ("العميد الركن", "OCC", "MIL"),
        ("سائق شاحنة", "OCC", "CVL"),
        ("الحوثيون", "NORP", "REB"),
    ],
)
def test_what_a_mention_tells(name: str, type: str, sector: str) -> None:
    assert sector_of(name, type) == sector


@pytest.mark.parametrize(
    ("name", "type"),
    [
        ("العميد", "OCC"),
        ("رئيس اللجنة", "OCC"),
        ("رئيس اللجنة المنظمة", "OCC"),
        ("نائبه", "OCC"),
        ("المبعوث", "OCC"),
        ("المحلل العسكري", "OCC"),
        ("كتيبة الرحبة", "ORG"),
        ("قوات الساحل", "ORG"),
        ("جيش الفجر", "ORG"),
        ("هيئة الدفاع", "ORG"),
        ("لجنة الشؤون الخارجية", "ORG"),
        ("الليبيون", "NORP"),
        ("وزارة الدفاع", "FAC"),
        ("طرابلس", "GPE"),
        ("", "ORG"),
    ],
)
def test_nothing_is_guessed(name: str, type: str) -> None:
    assert sector_of(name, type) is None


def test_the_table_knows_only_sectors() -> None:
    rows = list(table_rows("sectors.tsv"))
    assert {row[0] for row in rows} == {*SECTORS, "-"}
    assert {row[1] for row in rows} == {"both", "body", "office"}
    assert {row[2] for row in rows} == {"anywhere", "first", "alone", "whole"}


@given(st.text(), st.sampled_from(["ORG", "OCC", "NORP", "PER"]))
def test_any_name_has_a_sector_or_none(name: str, type: str) -> None:
    assert sector_of(name, type) in {None, *SECTORS}
