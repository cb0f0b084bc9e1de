from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hadath.phrases import longest_at, phrase_key, word_keys
from hadath.tables import table_rows


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("وزارتي الدفاع والداخلية", ("وزارتي", "دفاع", "داخليه")),
        ("اللجنة الدولية للصليب الأحمر", ("لجنه", "دوليه", "صليب", "احمر")),
        ("والي صفاقس", ("والي", "صفاقس")),
        ("الرئيس بالنيابة", ("رئيس".replace("ئ", "ء"), "نيابه")),
        ("«EUBAM Libya»", ("eubam", "libya")),
        ("كَتيبة 166", ("كتيبه", "166")),
        ("–", ()),
    ],
)
def test_the_keys_of_words(name: str, keys: tuple[str, ...]) -> None:
    assert word_keys(name) == keys


def test_spacing_makes_no_difference() -> None:
    assert phrase_key("بورت سودان") == phrase_key("بورتسودان") == phrase_key("بورت-سودان")


def test_the_longest_run_wins() -> None:
    table = {phrase_key("مجلس الأمن"): "IGO", phrase_key("مجلس الأمن القومي"): "GOV"}
    keys = word_keys("أمين مجلس الأمن القومي")
    assert longest_at(keys, 1, table) == (4, "GOV")
    assert longest_at(keys[:3], 1, table) == (3, "IGO")
    assert longest_at(keys, 0, table) is None


@given(st.text())
def test_any_text_has_keys(text: str) -> None:
    assert all(word_keys(text))


@pytest.mark.parametrize(
    ("file", "columns"),
    [("countries.tsv", 2), ("cities.tsv", 4), ("own_names.tsv", 3), ("sectors.tsv", 4), ("organizations.tsv", 2)],
)
def test_tables_are_whole(file: str, columns: int) -> None:
    rows = list(table_rows(file))
    assert rows
    assert {len(row) for row in rows} == {columns}
    assert all(value.strip() == value != "" for row in rows for value in row)
    assert all(all(phrase_key(name) for name in row[-1].split("|")) for row in rows)
