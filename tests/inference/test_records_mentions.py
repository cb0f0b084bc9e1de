from __future__ import annotations

import re

import pytest

from hadath.document import Document, Entity
from hadath.records.mentions import MentionGroup, group_mentions


def marked(text: str) -> Document:
    """Makes a document of a text in which mentions are marked: «وصل [OCC الوزير] إلى [GPE تونس]»."""
    plain, entities, place = "", [], 0
    for match in re.finditer(r"\[([A-Z]+) ([^\]]+)\]", text):
        plain += text[place : match.start()]
        entities.append(Entity(len(plain), len(plain) + len(match[2]), match[1], match[2]))
        plain += match[2]
        place = match.end()
    return Document(plain + text[place:], tuple(entities))


def groups_of(text: str) -> list[list[str]]:
    """The groups with more than one mention."""
    groups = group_mentions(marked(text))
    return [[mention.text for mention in group.mentions] for group in groups if len(group.mentions) > 1]


def only(text: str) -> MentionGroup:
    [group] = group_mentions(marked(text))
    return group


@pytest.mark.parametrize(
    "text",
    [
        "[PER عمر السعداوي] … [PER السعداوي]",
        "[PER عمر علي السعداوي] … [PER عمر السعداوي]",
        "[PER أحمد الغرياني] … [PER احمد الغرياني]",
        "[PER عبد الله بن يوسف] … [PER بن يوسف]",
        "[OCC وزير النفط] [PER عمر السعداوي]",
        "[OCC وزير النفط]، [PER عمر السعداوي]، وصل",
        "قال [PER عمر السعداوي]، [OCC وزير النفط]، أمس",
        "[PER عمر السعداوي] ([OCC ممرض]): نعم",
        "[OCC مزارع] يدعى [PER عمر السعداوي]",
        "[OCC قائد المنطقة] [OCC العميد] [PER عمر السعداوي]",
        "[OCC وزير النفط] [PER عمر السعداوي] … [OCC الوزير]",
        "[OCC والي صفاقس] … [OCC والي صفاقس]",
        "[ORG بعثة الأمم المتحدة للدعم في ليبيا] … [ORG البعثة الأممية]",
        "[ORG بعثة الاتحاد الأوروبي] … [ORG البعثة الأوروبية]",
        "[ORG الجيش الليبي] … [ORG جيش ليبيا]",
        "[ORG حكومة الوحدة] … [ORG حكومة الوحدة الوطنية]",
        "[ORG قوات الدعم السريع] … [ORG الدعم السريع]",
        "[ORG اللجنة الدولية للصليب الأحمر] … [ORG الصليب الأحمر]",
        "[ORG بعثة الاتحاد الأوروبي للمساعدة] ( [ORG يوبام] )",
        "[ORG جماعة الحوثي] … [NORP الحوثيين]",
        "[GPE الإمارات] … [GPE الإمارات العربية المتحدة]",
        "[GPE نجامينا] … [GPE إنجمينا]",
        "[FAC معبر رأس جدير] … [FAC رأس جدير]",
        "[FAC مطار معيتيقة] … [FAC مطار معيتيقة الدولي]",
        "[LOC نهر مرب] … [LOC مرب]",
        "[OCC الأمين العام للجامعة] [PER عمر السعداوي]",
        "[OCC المدوّن] [PER عمر السعداوي]",
        "[NORP قبيلة الزنتان] … [NORP الزنتان]",
        "[NORP الليبيين] … [NORP الليبيون]",
        "[LAW قانون العفو] … [LAW قانون العفو]",
    ],
)
def test_mentions_of_one(text: str) -> None:
    assert len(groups_of(text)) == 1
    assert len(groups_of(text)[0]) == text.count("[")


@pytest.mark.parametrize(
    "text",
    [
        "[PER عمر السعداوي] … [PER علي السعداوي] … [PER السعداوي]",
        "[PER علي عمر الطيب] … [PER عمر]",
        "[OCC الوزيران] [PER عمر السعداوي]",
        "[OCC وزير النفط]، [PER عمر السعداوي] قال",
        "[OCC الوزير] … [OCC وزير النفط] … [OCC وزير المالية]",
        "[OCC ضابط] … [OCC ضابط]",
        "[OCC سائق شاحنة] … [OCC سائق شاحنة]",
        "[OCC رئيس البلدية] … [OCC رئيس البلدية السابق]",
        "[OCC الرئيس] … [OCC رئيس حزب الأفق]",
        "[ORG وزارة الدفاع التركية] … [ORG وزارة الدفاع الليبية] … [ORG وزارة الدفاع]",
        "[ORG الأمم المتحدة] … [ORG بعثة الأمم المتحدة]",
        "[ORG الجيش الليبي] … [ORG قيادة الجيش الليبي]",
        "[ORG الاتحاد الأوروبي] … [ORG الوكالة الأوروبية للحدود]",
        "[ORG الأمم المتحدة] … [ORG منظمة الأمم المتحدة للطفولة]",
        "[ORG أوبك] … [ORG أوبك بلس]",
        "[GPE عمّان] … [GPE عُمان]",
        "[GPE تونس] … [ORG تونس]",
        "[NORP الليبي] … [NORP الليبيون]",
        "[NORP الليبي] … [NORP ليبيا]",
        "[NORP التركي] … [NORP الأتراك]",
        "[DATE أمس] … [DATE أمس]",
    ],
)
def test_mentions_of_several(text: str) -> None:
    assert groups_of(text) == []


def test_only_a_title_stands_between_an_office_and_its_holder() -> None:
    text = "مثل أمام [OCC قاضي التحقيق] [OCC الموظف السابق في الجمارك] [PER عمر السعداوي]"
    assert groups_of(text) == [["الموظف السابق في الجمارك", "عمر السعداوي"]]


def test_an_office_between_two_names_is_of_the_one_behind_it() -> None:
    assert groups_of("[PER عمر السعداوي]، [OCC وزير النفط] [PER علي الطيب]") == [["وزير النفط", "علي الطيب"]]


def test_an_office_is_of_the_holder_named_before_it() -> None:
    text = "[OCC وزير النفط] [PER عمر السعداوي] و[OCC سفير مالطا] [PER جون بورغ] … [OCC الوزير] … [OCC السفير]"
    assert groups_of(text) == [["وزير النفط", "عمر السعداوي", "الوزير"], ["سفير مالطا", "جون بورغ", "السفير"]]


def test_a_group_has_the_fullest_name_and_what_its_mentions_tell() -> None:
    group = only("[PER السعداوي] … [OCC وزير النفط الليبي] [PER عمر السعداوي]")
    assert (group.name, group.type, group.country, group.sector) == ("عمر السعداوي", "PER", "LBY", "GOV")
    group = only("[ORG البعثة الأممية] … [ORG بعثة الأمم المتحدة للدعم في ليبيا]")
    assert (group.name, group.country, group.sector) == ("بعثة الأمم المتحدة للدعم في ليبيا", None, "IGO")
    group = only("[GPE الإمارات]")
    assert (group.name, group.country, group.is_country) == ("الإمارات العربية المتحدة", "ARE", True)


def test_what_mentions_contradict_is_left_empty() -> None:
    group = only("[OCC السفير الإيطالي] [OCC النائب] [PER ماريو كوستا] … [OCC السفير الإيطالي]")
    assert (group.country, group.sector) == ("ITA", None)
