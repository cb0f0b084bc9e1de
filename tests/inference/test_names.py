from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hadath.errors import InvalidTextError
from hadath.names import variants_key


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("أحمد", "احمد"),
        ("إبراهيم", "ابراهيم"),
        ("آمنة", "امنه"),
        ("مصطفى", "مصطفي"),
        ("القاهرة", "القاهره"),
        ("ليبيَّا", "ليبيا"),
        ("ليبـــيا", "ليبيا"),
        ("عبد الله", "عبدالله"),
        ("أبو ظبي", "أبوظبي"),
        ("الدار البيضاء", "الدار البيضا"),
        ("السودان", "سودان"),
        ("مجلس شؤون المرأة", "مجلس شئون المرأة"),
        ("ڤيينا", "فيينا"),
        ("«سلام بلا حدود»", "سلام بلا حدود"),
        ("NATO", "nato"),
        ("كتيبة ١٦", "كتيبة 16"),
    ],
)
def test_spellings_of_a_name_share_a_key(one: str, other: str) -> None:
    assert variants_key(one) == variants_key(other) != ""


@pytest.mark.parametrize(
    ("one", "other"),
    [("تونس", "توزر"), ("الرياض", "رياضة"), ("كتيبة 16", "كتيبة 61"), ("علي", "علاء"), ("سورية", "سوري"), ("الي", "ي")],
)
def test_other_names_do_not(one: str, other: str) -> None:
    assert variants_key(one) != variants_key(other)


@given(st.text(alphabet="ابتألإىةءئؤـَّ ٣3aB-", max_size=12))
def test_a_key_is_its_own_key_but_for_an_article(name: str) -> None:
    key = variants_key(name)
    assert all(character.isalnum() for character in key)
    assert variants_key(key) in {key, variants_key("ال" + key), key[2:], key[:-1]}


def test_what_is_no_text_is_refused() -> None:
    with pytest.raises(InvalidTextError):
        variants_key("\ud800")
