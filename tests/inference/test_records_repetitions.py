from __future__ import annotations

import re

import pytest

from hadath.document import Argument, Document, Entity, Event
from hadath.records.assembly import event_records
from hadath.records.repetitions import same_act

ROLES = {"A": "Actor", "R": "Recipient", "P": "Place", "D": "Date"}
TYPES = {"A": "ORG", "R": "ORG", "P": "GPE", "D": "DATE"}


def triggers(text: str, modality: str = "Asserted") -> list[list[str]]:
    """The triggers of each record of a text such as «[ASSAULT قصف] [A الجيش] [R المصفاة]».

    An event has the participants that stand between its trigger and the next one.
    """
    plain, entities, events, place = "", [], [], 0
    for match in re.finditer(r"\[([A-Z]+) ([^\]]+)\]", text):
        plain += text[place : match.start()]
        start, kind, words = len(plain), match[1], match[2]
        plain += words
        place = match.end()
        if kind in ROLES:
            entities.append(Entity(start, len(plain), TYPES[kind], words))
            events[-1][-1].append(Argument(ROLES[kind], entities[-1]))
        else:
            events.append((start, len(plain), kind, words, []))
    found = tuple(Event(*event[:4], 1.0, modality, tuple(event[4])) for event in events)
    records = event_records(Document(plain + text[place:], tuple(entities), found))
    return [[trigger.text for trigger in record.triggers] for record in records]


@pytest.mark.parametrize(
    "text",
    [
        "[COERCE ترحيل] [R المهاجرين]\n[COERCE رحّل] [A جهاز الهجرة] [R المهاجرين]",
        "[ASSAULT قصفت] [A قوة الساحل] [P سبها]. وكان [ASSAULT القصف] عنيفا",
        "[CONSULT زار] [A الوفد الليبي] [P تونس]. وجاءت [CONSULT الزيارة] بدعوة",
        "[CONSULT التقى] [A وزارة النفط] [R شركة الواحة]. [CONSULT ناقشا] [A شركة الواحة] [A وزارة النفط] الأمر",
        "[REQUEST يطالب] [A حزب الأفق]\n[REQUEST طالب] [A حزب الأفق] [R الحكومة الليبية]",
        "[ASSAULT هاجم] [A لواء الصقور] [P ليبيا] ثم [ASSAULT هجوم] [A لواء الصقور] [P سبها]",
    ],
)
def test_mentions_of_one_event(text: str) -> None:
    assert len(triggers(text)) == 1


@pytest.mark.parametrize(
    "text",
    [
        # another recipient, place or date
        "[ASSAULT قصف] [A الجيش الليبي] [R المصفاة]. [ASSAULT قصف] [A الجيش الليبي] [R الميناء]",
        "[ASSAULT قصف] [A الجيش الليبي] [P سبها]. [ASSAULT قصف] [A الجيش الليبي] [P طبرق]",
        "[ASSAULT قصف] [A الجيش الليبي] [D في 3 مايو 2024]. [ASSAULT قصف] [A الجيش الليبي] [D في 5 مايو 2024]",
        "[CONSULT التقى] [A وزارة النفط] [R شركة الواحة]. [CONSULT التقى] [A وزارة النفط] [R شركة الغاز]",
        # another act
        "[COERCE اعتقل] [A الجيش الليبي] [R السائق]. [COERCE رحّل] [A الجيش الليبي] [R السائق]",
        # the same speaker, perhaps of something else
        "عنوان\n[REQUEST طالب] [A حزب الأفق] بكذا. [REQUEST طالب] [A حزب الأفق] بغيره",
        # another type
        "[ASSAULT ضرب] [A الجيش الليبي] [R السائق]. [COERCE ضرب] [A الجيش الليبي] [R السائق]",
        # nothing that speaks for it
        "[ASSAULT قصف]. [ASSAULT قصف]",
        # two that it could take up
        "[ASSAULT قصف] [P سبها]. [ASSAULT قصف] [P طبرق]. [ASSAULT القصف] عنيف",
    ],
)
def test_mentions_of_several_events(text: str) -> None:
    found = triggers(text)
    assert all(len(record) == 1 for record in found)
    assert len(found) > 1


def test_modalities_stay_apart() -> None:
    text = "زار الوفد تونس. زار الوفد تونس"
    visitor, tunis = Entity(4, 9, "ORG", "الوفد"), Entity(10, 14, "GPE", "تونس")
    roles = (Argument("Actor", visitor), Argument("Place", tunis))

    def records_of(first: str, second: str) -> int:
        events = (Event(0, 3, "CONSULT", "زار", 1.0, first, roles), Event(16, 19, "CONSULT", "زار", 1.0, second, roles))
        return len(event_records(Document(text, (visitor, tunis), events)))

    assert records_of("Asserted", "Asserted") == 1
    assert records_of("Negated", "Negated") == 1
    for other in ("Planned", "Hypothetical", "Negated"):
        assert records_of("Asserted", other) == 2


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("زار", "الزيارة", True),
        ("اعتقلت", "اعتقال", True),
        ("وقصفت", "القصف", True),
        ("انسحب", "بالانسحاب", True),
        ("طالبوا", "الطلب", True),
        ("مباحثات", "بحث", True),
        ("توقيف", "أوقفت", True),
        ("قصف", "هاجم", False),
        ("زار", "التقى", False),
        ("و", "و", False),
    ],
)
def test_triggers_of_one_root(first: str, second: str, same: bool) -> None:
    assert same_act(first, second) is same_act(second, first) is same


def test_the_title_is_told_by_the_lead_in_other_words() -> None:
    assert triggers("[ASSAULT هجوم] على [P زلة]\n[ASSAULT باغت] مسلحون [P زلة]") == [["هجوم", "باغت"]]


@pytest.mark.parametrize(
    "text",
    [
        # nothing shared
        "[ASSAULT هجوم] على البلدة\n[ASSAULT باغت] مسلحون [P زلة]",
        # two in the opening
        "[ASSAULT هجوم] على [P زلة]\n[ASSAULT باغت] مسلحون [P زلة]. [ASSAULT قتلوا] حارسا في [P زلة]",
        # two in the title
        "[ASSAULT هجوم] و[ASSAULT غارات] على [P زلة]\n[ASSAULT باغت] مسلحون [P زلة]".replace("هجوم]", "هجوم] [P زلة]"),
        # far from the title
        "[ASSAULT هجوم] على [P زلة]\n" + "كان الطقس باردا. " * 20 + "[ASSAULT باغت] مسلحون [P زلة]",
        # another place
        "[ASSAULT هجوم] على [P زلة]\n[ASSAULT باغت] مسلحون [P طبرق]",
    ],
)
def test_what_the_lead_tells_of_another_event(text: str) -> None:
    assert all(len(record) == 1 for record in triggers(text))
