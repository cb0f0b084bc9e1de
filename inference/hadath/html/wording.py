"""What a page says beside the articles, in Arabic and in English."""

from __future__ import annotations

from collections.abc import Mapping

DIRECTIONS: Mapping[str, str] = {"ar": "rtl", "en": "ltr"}
"""Languages with the direction they are written in."""

WORDING: Mapping[str, Mapping[str, str]] = {
    "ar": {
        "title": "مقالات موسومة",
        "article": "مقال",
        "articles": "المقالات",
        "events": "الأحداث",
        "entities": "الكيانات",
        "event": "الحدث",
        "modality": "الوقوع",
        "trigger": "اللفظ",
        "name": "الاسم",
        "score": "الدرجة",
        "place": "الموضع",
        "filters": "الترشيح بحسب النوع",
        "search": "بحث في النصوص",
        "clear": "إلغاء الترشيح",
        "nothing": "لا مقال يطابق الترشيح.",
        "keys": "الأسهم تنقل بين العلامات، ومفتاح Enter يثبّت، ومفتاح Esc يلغي.",
        "theme": "المظهر",
        "auto": "تلقائي",
        "light": "فاتح",
        "dark": "داكن",
        "noscript": "تحتاج هذه الصفحة إلى JavaScript لعرض المقالات.",
    },
    "en": {
        "title": "Tagged articles",
        "article": "Article",
        "articles": "Articles",
        "events": "Events",
        "entities": "Entities",
        "event": "Event",
        "modality": "Modality",
        "trigger": "Trigger",
        "name": "Name",
        "score": "Score",
        "place": "Characters",
        "filters": "Filter by type",
        "search": "Search the texts",
        "clear": "Clear filters",
        "nothing": "No article matches the filters.",
        "keys": "Arrow keys move between marks, Enter pins one, Esc lets it go.",
        "theme": "Theme",
        "auto": "auto",
        "light": "light",
        "dark": "dark",
        "noscript": "This page needs JavaScript to show the articles.",
    },
}
"""Sentences and names by language and by the names under which the scripts ask for them."""
