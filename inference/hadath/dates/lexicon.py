"""The words of Arabic date expressions, and how a text is cut into them."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, NamedTuple

from hadath.proclitics import folded
from hadath.text import normalize

LONGEST = 24
"""Tokens of the longest expression that is read; more are no date."""

_CACHED = 1 << 14


class Token(NamedTuple):
    """A word or phrase that means something in a date.

    Attributes:
        kind: What it is, such as ``month``.
        value: Which one: a number, a name, a pair.
        joined: Whether و is written onto it.
        text: Its first word, folded, without proclitics.
    """

    kind: str
    value: Any
    joined: bool = False
    text: str = ""


_PIECE = re.compile(r"[^\W\d_]+|\d+|[^\w\s]")


MEANINGS: dict[tuple[str, ...], tuple[str, Any]] = {}
"""What a phrase is, and which one: kind and value of its token."""


def _add(kind: str, value: Any, *phrases: str, article: bool = False) -> None:
    """Enters phrases, ``/`` between them; with ``article`` also with ال before the first word."""
    for phrase in "/".join(phrases).split("/"):
        words = tuple(folded(phrase).split())
        MEANINGS[words] = (kind, value)
        if article:
            MEANINGS[("ال" + words[0], *words[1:])] = (kind, value)


for _number, _names in enumerate(
    (
        "الاثنين/الأثنين/الإثنين/الأتنين",
        "الثلاثاء/الثلاثا/الثلثاء/الثلوثاء",
        "الأربعاء/الأربعا/الاربعاء",
        "الخميس",
        "الجمعة",
        "السبت",
        "الأحد",
    )
):
    _add("weekday", _number, _names)

for _number, _names in enumerate(
    (
        "يناير/كانون الثاني/كانون ثاني/كانون ثان/جانفي",
        "فبراير/شباط/فيفري",
        "مارس/آذار",
        "أبريل/نيسان/أفريل",
        "مايو/أيار/ماي",
        "يونيو/يونيه/حزيران/جوان",
        "يوليو/يوليه/تموز/جويلية/يوليوز",
        "أغسطس/آب/أوت/غشت",
        "سبتمبر/أيلول/شتنبر",
        "أكتوبر/تشرين الأول/تشرين أول/اكتوبر",
        "نوفمبر/تشرين الثاني/تشرين ثاني/تشرين ثان/نونبر",
        "ديسمبر/كانون الأول/كانون أول/دجنبر/دجمبر/ديسنبر",
    ),
    start=1,
):
    _add("month", ("gregorian", _number), _names)

for _number, _names in enumerate(
    (
        "محرم/المحرم/محرم الحرام",
        "صفر",
        "ربيع الأول/ربيع أول",
        "ربيع الآخر/ربيع الثاني/ربيع ثاني",
        "جمادى الأولى/جمادى الأول/جمادي الأولى",
        "جمادى الآخرة/جمادى الثانية/جمادى الثاني/جمادى الآخر",
        "رجب",
        "شعبان",
        "رمضان/رمضان المبارك/رمضان الكريم",
        "شوال",
        "ذو القعدة/ذي القعدة/ذو قعدة",
        "ذو الحجة/ذي الحجة/ذو حجة",
    ),
    start=1,
):
    _add("month", ("hijri", _number), _names)

# unit, how many the word itself says (0: a plural, which says none)
_add("unit", ("day", 1), "يوم/يوما")
_add("unit", ("day", 2), "يومين/يومان/يومي", "اليومين/اليومان")
_add("unit", ("day", 0), "أيام/أياما", "الأيام")
_add("unit", ("week", 1), "أسبوع/أسبوعا", article=True)
_add("unit", ("week", 2), "أسبوعين/أسبوعان/أسبوعي", article=True)
_add("unit", ("week", 0), "أسابيع", article=True)
_add("unit", ("month", 1), "شهر/شهرا", article=True)
_add("unit", ("month", 2), "شهرين/شهران/شهري", article=True)
_add("unit", ("month", 0), "أشهر/شهور", article=True)
_add("unit", ("year", 1), "عام/عاما/سنة/حول", article=True)
_add("unit", ("year", 2), "عامين/عامان/عامي/سنتين/سنتان/سنتي", article=True)
_add("unit", ("year", 0), "أعوام/سنوات/سنين", article=True)
_add("unit", ("decade", 1), "عقد/عقدا", article=True)
_add("unit", ("decade", 2), "عقدين/عقدان", article=True)
_add("unit", ("decade", 0), "عقود", article=True)
_add("unit", ("century", 1), "قرن/قرنا", article=True)
_add("unit", ("century", 2), "قرنين/قرنان", article=True)
_add("unit", ("century", 0), "قرون", article=True)
_add("unit", ("hour", 1), "ساعة", article=True)
_add("unit", ("hour", 2), "ساعتين/ساعتان", article=True)
_add("unit", ("hour", 0), "ساعات", article=True)

_add("offset", 0, "اليوم/الآن/هذا اليوم/هذا النهار/يومنا هذا")
_add("offset", -1, "أمس/الأمس/البارحة/البارح/أمبارح/امبارح/يوم أمس/يوم الأمس/نهار أمس/مبارح")
_add("offset", -2, "أول أمس/أول من أمس/أول البارحة/أمس الأول")
_add("offset", 1, "غدا/غد/الغد/يوم غد/يوم الغد/غدوة/بكرة")
_add("offset", 2, "بعد غد/بعد الغد/بعد غدا")
_add("night", 0, "الليلة/هذه الليلة/الليلة الجارية")
_add("night", -1, "الليلة الماضية/ليلة أمس/ليلة البارحة/الليلة الفائتة/الليلة الفارطة/الليلة المنصرمة/ليل أمس")
_add("night", -2, "ليلة أول أمس/ليلة أول من أمس/الليلة قبل الماضية")
_add("night", 1, "ليلة الغد/ليلة غد")

_PAST = "ماضي/فائت/منصرم/فارط/منقضي/سالف/سابق/أخير/المنصرف"
_NEXT = "مقبل/قادم/آتي/تالي له/جاي"
_NOW = "جاري/حالي/الراهن"
for _names, _direction in ((_PAST, -1), (_NEXT, 1), (_NOW, 0)):
    for _name in _names.split("/"):
        _stem = "ال" + folded(_name).removeprefix("ال")
        _add("relation", _direction, *(_stem + ending for ending in ("", "ه", "ين", "ان", "تين", "تان", "ات")))
_add("relation", -1, "الماض/الفايت")
_add("relation", -2, "قبل الماضي/قبل الماضية/ما قبل الماضي/ما قبل الماضية/قبل الفائت/قبل المنصرم")
_add("relation", 2, "بعد المقبل/بعد القادم/ما بعد المقبل/بعد المقبلة/بعد القادمة")
_add("this", 0, "هذا/هذه/هاذا/هذين/هذان")

# the Arabic word, what it is for a date, and whether «قبل» before it names an earlier part of the same day
_add("part of day", "dawn", "فجر/فجرا/السحر/سحر/شروق/الشروق", "الفجر")
_add("part of day", "morning", "صباح/صباحا/صبيحة/ضحى/صبح/الصبح/الضحى/الصباح/بكور/غداة")
_add("part of day", "morning", "قبل ظهر/قبل الظهر/قبيل ظهر/قبيل الظهر/قبل منتصف نهار")
_add("part of day", "noon", "ظهر/ظهرا/ظهيرة/الظهر/الظهيرة/زوال/الزوال/منتصف نهار/منتصف النهار")
_add("part of day", "afternoon", "عصر/عصرا/العصر/بعد ظهر/بعد الظهر/بعيد ظهر/بعيد الظهر/بعد زوال/بعد الزوال")
_add("part of day", "evening", "مساء/عشية/المساء/مغرب/المغرب/غروب/مغيب/العشية/أمسية")
_add("part of day", "night", "ليل/ليلا/ليلة/الليل/بعد منتصف ليل/بعد منتصف ليلة/سهرة")
_add("part of day", "midnight", "منتصف ليل/منتصف ليلة/منتصف الليل/نصف ليل")
_add("part of day", None, "نهار/نهارا/النهار")
_add("half of day", "am", "ص")
_add("half of day", "pm", "م")
_add("night between", None, "الليلة الفاصلة بين/الليلة الرابطة بين/الليلة بين/ليلة بين")

_add("edge", "start", "مطلع/بداية/أوائل/مستهل/بدايات/مطالع/فاتحة/بواكير")
_add("edge", "middle", "منتصف/أواسط/وسط/منتصفة")
_add("edge", "end", "أواخر/نهاية/آخر/ختام/نهايات/خواتيم/أخريات")
# after these words «قبل نهاية» means up to the last day
_add("end of", None, "انقضاء/انتهاء/موفى/متم")
_add("season", "spring", "ربيع", article=True)
_add("season", "summer", "صيف/صائفة", article=True)
_add("season", "autumn", "خريف", article=True)
_add("season", "winter", "شتاء", article=True)
_add("division", ("quarter", 4), "الربع/الفصل/الثلاثي")
_add("division", ("half", 2), "النصف/السداسي")
for _decade, _names in (
    (20, "العشرين"),
    (30, "الثلاثين"),
    (40, "الأربعين"),
    (50, "الخمسين"),
    (60, "الستين"),
    (70, "السبعين"),
    (80, "الثمانين"),
    (90, "التسعين"),
):
    _add("decade", _decade, _names + "يات", _names + "ات", _names[2:] + "يات", _names[2:] + "ات")

# a feast: calendar, month, day, number of days
for _month, _first, _length, _names in (
    (10, 1, 3, "عيد الفطر/عيد الفطر المبارك"),
    (12, 10, 4, "عيد الأضحى/عيد الأضحى المبارك/العيد الكبير"),
):
    _add("feast", ("hijri", _month, _first, _length), _names)
    for _number, _ordinal in enumerate(("أول", "ثاني", "ثالث", "رابع")[:_length]):
        _days = (f"{_ordinal} أيام {_name}" for _name in _names.split("/"))
        _add("feast", ("hijri", _month, _first + _number, 1), *_days)
_add("feast", ("hijri", 12, 9, 1), "يوم عرفة/وقفة عرفة/يوم عرفات")
_add("feast", ("hijri", 1, 1, 1), "رأس السنة الهجرية/عيد رأس السنة الهجرية/رأس العام الهجري/عطلة رأس السنة الهجرية")
_add("feast", ("hijri", 1, 10, 1), "عاشوراء/يوم عاشوراء")
_add(
    "feast",
    ("hijri", 3, 12, 1),
    "المولد النبوي/المولد النبوي الشريف/عيد المولد النبوي/ذكرى المولد النبوي/ذكرى المولد النبوي الشريف",
)
_add("feast", ("hijri", 7, 27, 1), "الإسراء والمعراج/ذكرى الإسراء والمعراج/ليلة الإسراء والمعراج")
_add("feast", ("gregorian", 1, 1, 1), "رأس السنة/رأس السنة الميلادية/رأس السنة الجديدة/عيد رأس السنة/عطلة رأس السنة")
_add("feast", ("gregorian", 12, 25, 1), "عيد الميلاد/عيد الميلاد المجيد/يوم عيد الميلاد")
_add("feast", ("gregorian", 5, 1, 1), "عيد العمال/عيد العمال العالمي/عيد الشغل/يوم العمال العالمي")
_add("feast", ("gregorian", 3, 8, 1), "يوم المرأة العالمي/اليوم العالمي للمرأة/اليوم الدولي للمرأة")
_add("last ten", None, "العشر الأواخر/العشر الأخيرة")

_add("before", None, "قبل/قبيل")
_add("after", None, "بعد/بعيد/عقب/ما بعد")
_add("since", None, "منذ/مذ/ابتداء من/بدءا من/اعتبارا من/انطلاقا من")
_add("until", None, "موعد أقصاه/في موعد أقصاه/في أجل أقصاه/حتى/لغاية/إلى غاية/وحتى/حتى غاية")
_add("by", None, "بحلول")
_add("before", None, "قبل حلول/قبيل حلول/قبل بدء/قبل دخول")
_add("within", None, "خلال/غضون/في غضون/ضمن/في ظرف/ظرف")
_add("through", None, "طوال/طيلة/أثناء/على مدى/على مدار/على امتداد/مدار/مدى")
_add("to", None, "إلى")
_add("from", None, "من/كل من")
_add("between", None, "بين/ما بين")
_add("and", None, "و")
_add("dash", None, "-/–/—/−")
# no phrases: «/» stands between phrases above
MEANINGS[("/",)] = ("slash", None)
MEANINGS[("ال",)] = ("mark", None)  # «الـ24 ساعة»
for _mark in "،,()[]«»\"'“”؛":
    MEANINGS[(_mark,)] = ("mark", None)
for _mark in ".:":
    MEANINGS[(_mark,)] = (_mark, None)

_add("roughly", None, "نحو/حوالي/قرابة/زهاء/ما يقارب/ما يقرب من/تقريبا/ما يناهز/حدود/في حدود")
_add("more", None, "أكثر من/ما يزيد على/ما يزيد عن/أزيد من/ما لا يقل عن")
_add("less", None, "أقل من/ما لا يزيد على/ما لا يزيد عن/مدة لا تتجاوز")
_add("filler", None, "في/عند/مع/تاريخ/بتاريخ/الفترة/الفترة الممتدة/المدة/المدة الممتدة")
_add("matching", None, "الموافق/المصادف/الموافق ل/الموافق فيه")
_add(
    "late hour",
    None,
    "ساعة متأخرة من/ساعات متأخرة من/وقت متأخر من/وقت مبكر من/ساعة مبكرة من/ساعات مبكرة من",
    "الساعات الأولى من/ساعات الصباح الأولى من/ساعات الفجر الأولى من/ساعات فجر/الساعات المتأخرة من",
    "الساعات الأخيرة من/الساعات المبكرة من",
)
_add("hijri", None, "ه/هجري/هجرية/للهجرة/الهجري/الهجرية")
_add("gregorian", None, "ميلادي/ميلادية/للميلاد/الميلادي")
_add("zone", None, "بتوقيت/بالتوقيت/توقيت")
_add("to the hour", -15, "إلا ربعا/إلا ربع/إلا الربع")
_add("to the hour", -20, "إلا ثلثا/إلا ثلث")
_add("to the hour", 30, "والنصف/ونصف/ونصفا/ونصف الساعة")
_add("to the hour", 15, "والربع/وربع/وربعا/وربع الساعة")
_add("to the hour", 20, "والثلث/وثلث/وثلثا")
_add("and a half", None, "ونصف العام/ونصف السنة/ونصف الشهر")

_UNITS = (
    (1, "أحد/إحدى", "الحادي/الحادية"),
    (2, "اثنا/اثني/اثنتا/اثنتي/اثنين/اثنان/اثنتين/اثنتان", "الثاني/الثانية"),
    (3, "ثلاث/ثلاثة", "الثالث/الثالثة"),
    (4, "أربع/أربعة", "الرابع/الرابعة"),
    (5, "خمس/خمسة", "الخامس/الخامسة"),
    (6, "ست/ستة", "السادس/السادسة"),
    (7, "سبع/سبعة", "السابع/السابعة"),
    (8, "ثمان/ثمانية/ثماني/ثمانيا", "الثامن/الثامنة"),
    (9, "تسع/تسعة", "التاسع/التاسعة"),
    (10, "عشر/عشرة", "العاشر/العاشرة"),
)
for _number, _cardinals, _ordinals in _UNITS:
    _add("number", _number, _cardinals, article=_number > 2)
    _add("ordinal", _number, _ordinals, *(name[2:] for name in _ordinals.split("/")))
_add("number", 2, "الاثني/الاثنتي/الاثنتين")
_add("ordinal", 1, "الأول/الأولى/أول/أولى/غرة/الفاتح/فاتح/الواحدة")
_add("number", 1, "واحد/واحدا/واحدة")
for _number, _stem in enumerate(["عشر", "ثلاث", "أربع", "خمس", "ست", "سبع", "ثمان", "تسع"], start=2):
    _add("tens", _number * 10, _stem + "ون", _stem + "ين", article=True)
for _number, _stem in enumerate(["ثلاث", "أربع", "خمس", "ست", "سبع", "ثمان", "تسع"], start=3):
    _add("hundreds", _number * 100, _stem + "مئة", _stem + "مائة", _stem + "ماية", _stem + " مئة", _stem + " مائة")
_add("hundreds", 100, "مئة/مائة/ماية")
_add("hundreds", 200, "مئتين/مئتان/مائتين/مائتان")
_add("thousands", 1000, "ألف/ألفا/الألف")
_add("thousands", 2000, "ألفين/ألفان/الألفين/ألفي")

_BY_FIRST: dict[str, list[tuple[tuple[str, ...], tuple[str, Any]]]] = {}
for _phrase, _meaning in sorted(MEANINGS.items(), key=lambda item: -len(item[0])):
    _BY_FIRST.setdefault(_phrase[0], []).append((_phrase, _meaning))


@lru_cache(maxsize=_CACHED)
def tokens(text: str) -> tuple[Token, ...] | None:
    """Cuts an expression into words that mean something in a date.

    Args:
        text: The expression.

    Returns:
        Its tokens; ``None`` if a word is unknown or there are more than ``LONGEST``.

    Example:
        >>> [(token.kind, token.value) for token in tokens("مساء الخميس 5 مارس")]
        [('part of day', 'evening'), ('weekday', 3), ('number', 5), ('month', ('gregorian', 3))]
        >>> tokens("يوم الاقتراع") is None
        True
    """
    pieces = _PIECE.findall(folded(normalize(text).text))
    if len(pieces) > 2 * LONGEST:
        return None
    found: list[Token] = []
    place = 0
    while place < len(pieces):
        token, length = _token(pieces, place)
        if token is None:
            # the place after «بتوقيت» is no part of the date
            if not found or found[-1].kind != "zone":
                return None
        else:
            found.append(token)
        place += length
    return tuple(found) if len(found) <= LONGEST else None


def _token(pieces: list[str], place: int) -> tuple[Token | None, int]:
    """The longest phrase that begins at a place, and its words."""
    piece = pieces[place]
    if piece.isdecimal():
        # ten digits are no number of a date, and Python refuses to read thousands of them
        return (Token("number", int(piece), text=piece), 1) if len(piece) < 10 else (None, 1)
    for form, joined in _forms(piece):
        for phrase, (kind, value) in _BY_FIRST.get(form, ()):
            if phrase[1:] == tuple(pieces[place + 1 : place + len(phrase)]):
                return Token(kind, value, joined, form), len(phrase)
    return None, 1


def _forms(word: str) -> list[tuple[str, bool]]:
    """A word as it stands, and without the proclitics that it may have; whether و is one of them."""
    forms = [(word, False)]
    rests = [(word, False)]
    if word[0] in "وف" and len(word) > 3:
        rests.append((word[1:], word[0] == "و"))
        forms.append(rests[-1])
    for rest, joined in rests:
        if rest.startswith("لل") and len(rest) > 4:
            forms.append(("ال" + rest[2:], joined))
        elif rest[0] in "بلك" and len(rest) > 3:
            forms.append((rest[1:], joined))
    return forms
