from __future__ import annotations

import hashlib
import time
import unicodedata

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hadath.errors import InvalidTextError
from hadath.text import NormalizedText, Words, normalize, segment

VOWELS = "\u064b\u064c\u064d\u064e\u064f\u0650\u0651\u0652"
DIACRITICS = VOWELS + "\u0670\u0656\u06d6\u06dd\u06e5\u08f0"
CONTROLS = "\u200b\u200c\u200d\u200e\u200f\u061c\u202a\u202b\u202c\u202e\u2060\u2066\u2069\ufeff\u00ad"
ACCENTS = "\u0301\u0308\u0323\u0327\u0338\u20e3"
ARABIC_LETTERS = "ابتثجحخدذرزسشصضطظعغفقكلمنهويءأإآؤئىة"

pieces = st.one_of(
    st.text(alphabet=ARABIC_LETTERS, min_size=1, max_size=6),
    st.text(alphabet=DIACRITICS, min_size=1, max_size=3),
    st.text(alphabet="ـ", min_size=1, max_size=3),
    st.text(alphabet=CONTROLS, min_size=1, max_size=2),
    st.text(alphabet="\u0653\u0654\u0655", min_size=1, max_size=2),
    st.text(alphabet=ACCENTS, min_size=1, max_size=3),
    st.sampled_from(list("ﻻﻷﷲﷴﷺﷻ﷼﷽ﺑﺔﻱﭑﮎﯾﰃﹰﹶﹱﱠ")),
    st.sampled_from(list("کیہھەۀۂۃےۓٱڪپچڤگژ")),
    st.sampled_from(
        ["👍🏽", "👩‍🚒", "🇹🇳", "❤\ufe0f", "1\ufe0f\u20e3", "🏴\U000e0067\U000e0062\U000e007f", "\U0001faea"]
    ),
    st.text(alphabet="0123456789٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹٣２²½①०", min_size=1, max_size=4),
    st.text(alphabet="abzABZéßﬁİñǆ", min_size=1, max_size=4),
    st.sampled_from(
        ["क़िला", "ไทย", "בְּרֵאשִׁית", "각", "\u1161\u11a8", "ガ", "ｶﾞ", "한국", "𝐀𝟗", "\U0001ee00", "\U00020000"]
    ),
    st.sampled_from(list("،؛؟.,:!?«»\"'()[]-–—_/%٪٫+=<>$€…‼℃")),
    st.sampled_from([" ", "  ", "\n", "\r\n", "\t", "\u00a0", "\u2028", "\u3000", "\x00", "\x1f", "\x85"]),
    st.characters(exclude_categories=["Cs"]),
)
texts = st.lists(pieces, max_size=30).map("".join)


def spans(words: Words) -> list[tuple[int, int]]:
    return list(zip(words.starts.tolist(), words.ends.tolist(), strict=True))


def covered(text: str) -> list[str]:
    return [text[start:end] for start, end in spans(segment(text))]


def is_white(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Zs", "Zl", "Zp")


@pytest.mark.parametrize(
    ("text", "normalized"),
    [
        ("", ""),
        ("زار الوزير تونس", "زار الوزير تونس"),
        ("كَتَبَ مُحَمَّدٌ", "كتب محمد"),
        ("هٰذا الرحمٰن", "هذا الرحمن"),
        ("بِسْمِ ٱللَّهِ ٱلرَّحْمَٰنِ", "بسم الله الرحمن"),
        ("إِنَّهُۥ كَانَ ۖ", "إنه كان "),  # small waw and a pause mark of the Quran
        ("كـــتاب", "كتاب"),
        ("١٤٤٥هـ", "1445ه"),
        ("بـ«تونس»", "ب«تونس»"),
        ("\u202bتونس\u202c\u200f", "تونس"),
        ("می\u200cخواهم", "ميخواهم"),
        ("\ufeffتو\u00adنس", "تونس"),
        ("٢٠٢٥ ۲۰۲۵ ２０２５", "2025 2025 2025"),
        ("१२", "12"),
        ("٣٫٥٪", "3٫5٪"),  # separators and signs are not digits
        ("ﻃﺮﺍﺑﻠﺲ", "طرابلس"),
        ("ﻻﻷ ﷲ ﷴ", "لالأ الله محمد"),
        ("ﺑﹶﺎﺏ", "باب"),  # a vowel drawn alone
        ("محمد ﷺ", "محمد *"),
        ("ﷻ", "*"),
        ("٥٠﷼", "50﷼"),
        ("علی الکویت", "علي الكويت"),
        ("مدرسۃ ہذا ھذا ەذا خانۀ", "مدرسة هذا هذا هذا خانه"),
        ("ے ۓ ٱ ڪ", "ي ئ ا ك"),
        ("پاچ ڤگژ", "پاچ ڤگژ"),
        ("أإآا ىي ةه ؤئء", "أإآا ىي ةه ؤئء"),
        ("ا\u0654 ا\u0655 ا\u0653 و\u0654 ي\u0654", "أ إ آ ؤ ئ"),
        ("ا\u064e\u0654", "أ"),  # vowel typed before the hamza
        ("ی\u0654 ے\u0654 ە\u0654 ہ\u0654", "ئ ئ ه ه"),
        ("ب\u0301\u0654", "ب"),
        ("cafe\u0301 e\u0323\u0302", "café ệ"),
        ("q\u0323", "q\u0323"),  # no letter of its own, and not Arabic: stays
        ("=\u0338 .\u0301", "≠ ."),
        ("क\u093c", "क\u093c"),
        ("\u1112\u1161\u11ab", "한"),
        ("ＡＢ𝐀 ﬁ ﬁ\u0301 ｶﾞ", "ABA fi fí カﾞ"),
        ("\u2adc \u2add\u0338", "\u2add \u2add"),
        ("\uffe3", "\uffe3"),  # its compatible form begins with a space
        ("ϓ ẛ", "ϓ ẛ"),
        ("٥٠\u20c1", "50\u20c1"),  # the riyal's sign
        ("m² 10² ½ ① ª", "m² 10² ½ ① ª"),
        ("％（５）", "%(5)"),
        ("❤\ufe0f 1\ufe0f\u20e3", "❤ 1"),
        ("a\nb\tc\u00a0d\u2028e\x00f\x85g", "a b c d e f g"),
        ("\u0301\u064eا", "ا"),
        ("ـ", "-"),
        ("بنغازي ـ وكالات", "بنغازي - وكالات"),
        ("2014ـــ2020", "2014-2020"),
        ("1ـ نص", "1- نص"),
        ("،ـ", "،-"),
    ],
)
def test_normalized_text(text: str, normalized: str) -> None:
    assert normalize(text).text == normalized


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        (" \n\t", []),
        ("\u064e\u200f", []),
        ("زار الوزير، تونس.", ["زار", "الوزير", "،", "تونس", "."]),
        ("وَبِلِيبيا", ["وَبِلِيبيا"]),
        ("كتـــابٌ جديدٌ", ["كتـــابٌ", "جديدٌ"]),
        ("«هذا»!", ["«", "هذا", "»", "!"]),
        ("بـ«تونس»", ["بـ", "«", "تونس", "»"]),
        ("3.5% 2014-2020", ["3", ".", "5", "%", "2014", "-", "2020"]),
        ("a_b@c.ly", ["a", "_", "b", "@", "c", ".", "ly"]),
        ("\u202b«تونس»\u202c", ["«", "تونس", "»"]),
        ("\u200fتو\u200cنس\u200f الآن", ["تو\u200cنس", "الآن"]),
        ("تونس\u200fَ", ["تونس\u200fَ"]),  # the vowel belongs to the word, and what stands before it with it
        ("\u064eتونس", ["تونس"]),
        (". \u064eتونس", [".", "تونس"]),
        (".\u064e", [".\u064e"]),
        ("محمدﷺ", ["محمد", "ﷺ"]),
        ("٥٠\u20c1", ["٥٠", "\u20c1"]),
        ("ﻻﷲ", ["ﻻﷲ"]),
        ("👩‍🚒👍🏽", ["👩", "🚒", "👍", "🏽"]),
        ("❤\ufe0fحب", ["❤\ufe0f", "حب"]),
        ("1\ufe0f\u20e3خبر", ["1\ufe0f\u20e3خبر"]),
        ("سرت ـــ «أفق»", ["سرت", "ـــ", "«", "أفق", "»"]),
        ("e\u0301t\u00e9=\u0338", ["e\u0301t\u00e9", "=\u0338"]),
        ("क़ि क\u093cि", ["क़ि", "क\u093cि"]),
    ],
)
def test_words_of_the_original(text: str, words: list[str]) -> None:
    assert covered(text) == words


def test_words_know_where_white_space_stands_before_them() -> None:
    words = segment("«زار» تونس\u200f، 2014\u00a0-2020")
    assert words.forms == ["«", "زار", "»", "تونس", "،", "2014", "-", "2020"]
    assert words.glued.tolist() == [False, True, True, False, True, False, False, True]
    assert segment("\u200f\u064eزار").glued.tolist() == [False]


def test_ligature_shares_its_place_among_its_letters() -> None:
    normalized = normalize("xﷲَ.")
    assert normalized.text == "xالله."
    assert normalized.starts.tolist() == [0, 1, 1, 1, 1, 3]
    assert normalized.ends.tolist() == [1, 3, 3, 3, 3, 4]


def test_marks_after_white_space_belong_to_nothing() -> None:
    normalized = normalize("ا \u064eب")
    assert normalized.ends.tolist() == [1, 2, 4]


@pytest.mark.parametrize("value", [None, b"abc", 3, ["a"]])
def test_what_is_no_text_is_refused(value: object) -> None:
    with pytest.raises(InvalidTextError, match=f"not {type(value).__name__}; .*decode"):
        segment(value)  # type: ignore[arg-type]


@given(before=texts, surrogate=st.characters(categories=["Cs"]), after=texts)
def test_lone_surrogates_are_refused_with_their_place(before: str, surrogate: str, after: str) -> None:
    text = before + surrogate + after
    for read in (segment, normalize):
        with pytest.raises(InvalidTextError, match=rf"surrogate, U\+{ord(surrogate):04X}, at offset {len(before)};"):
            read(text)


def test_a_text_with_surrogates_can_be_mended_as_the_message_says() -> None:
    text = "خبر \ud83d\ude00 \ud800"
    with pytest.raises(InvalidTextError, match="mend the text") as raised:
        segment(text)
    assert "text.encode('utf-16', 'surrogatepass').decode('utf-16', 'replace')" in str(raised.value)
    mended = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    assert segment(mended).forms == ["خبر", "😀", "\ufffd"]


@given(text=texts)
def test_offsets_of_characters_lie_in_the_text_and_in_its_order(text: str) -> None:
    normalized: NormalizedText = normalize(text)
    assert len(normalized.text) == len(normalized.starts) == len(normalized.ends)
    assert normalized.starts.dtype == normalized.ends.dtype == np.int64
    assert (normalized.starts < normalized.ends).all()
    assert (normalized.starts >= 0).all()
    assert (normalized.ends <= len(text)).all()
    same = (normalized.starts[1:] == normalized.starts[:-1]) & (normalized.ends[1:] == normalized.ends[:-1])
    assert (same | (normalized.starts[1:] >= normalized.ends[:-1])).all()


@given(text=texts)
def test_words_lie_in_the_text_in_its_order_and_without_overlap(text: str) -> None:
    words = segment(text)
    assert len(words) == len(words.forms) == len(words.starts) == len(words.ends) == len(words.glued)
    assert words.starts.dtype == words.ends.dtype == np.int64
    assert words.glued.dtype == np.bool_
    assert (words.starts < words.ends).all()
    assert (words.starts[1:] >= words.ends[:-1]).all()
    assert not len(words) or (words.starts[0] >= 0 and words.ends[-1] <= len(text))


@example(text="2014ـ2020ـ")
@example(text="ﷺ\u064e")
@given(text=texts)
def test_a_word_read_alone_is_the_same_word(text: str) -> None:
    words = segment(text)
    for form, (start, end) in zip(words.forms, spans(words), strict=True):
        assert normalize(text[start:end]).text == form
        assert covered(text[start:end]) == [text[start:end]]


@given(text=texts)
def test_every_character_that_stays_is_in_exactly_one_word(text: str) -> None:
    normalized, words = normalize(text), segment(text)
    assert "".join(words.forms) == normalized.text.replace(" ", "")
    owner = np.full(len(text), -1)
    for word, (start, end) in enumerate(spans(words)):
        assert not any(is_white(character) for character in text[start:end])
        owner[start:end] = word
    for character, start, end in zip(
        normalized.text, normalized.starts.tolist(), normalized.ends.tolist(), strict=True
    ):
        assert len(set(owner[start:end].tolist())) == 1
        assert (owner[start] == -1) == (character == " ")


@given(text=texts)
def test_a_symbol_is_a_word_of_its_own_and_no_other_word_holds_one(text: str) -> None:
    for form in segment(text).forms:
        symbols = [character for character in form if unicodedata.category(character)[0] in "PS"]
        assert not symbols or len(form) == 1


@given(text=texts)
def test_glued_tells_whether_white_space_stands_between(text: str) -> None:
    words = segment(text)
    edges = [0, *words.ends.tolist()]
    for word, start in enumerate(words.starts.tolist()):
        between = text[edges[word] : start]
        assert words.glued[word] == (word > 0 and not any(is_white(character) for character in between))


@given(text=texts)
def test_normalising_twice_changes_nothing(text: str) -> None:
    once = normalize(text).text
    assert normalize(once).text == once
    assert segment(once).forms == segment(text).forms


@example(text="\u1112\u1161\u11ab क़ \u2adc ≠ ۀ ۂ ۓ ئ أ Ǖ ệ ガ")
@given(text=texts)
def test_composed_and_decomposed_text_have_the_same_words(text: str) -> None:
    composed, decomposed = (segment(unicodedata.normalize(form, text)) for form in ("NFC", "NFD"))
    assert composed.forms == decomposed.forms
    assert composed.glued.tolist() == decomposed.glued.tolist()


marked_letters = st.tuples(st.sampled_from(ARABIC_LETTERS), st.text(alphabet=VOWELS + "\u0670\u06d6ـ", max_size=3))
marked_others = st.tuples(st.sampled_from("  \n.،«»5aé🙂"), st.text(alphabet=VOWELS, max_size=2))


@given(
    parts=st.lists(
        st.tuples(
            st.text(alphabet=CONTROLS, max_size=2),
            marked_letters | marked_others,
            st.text(alphabet=CONTROLS, max_size=2),
        ),
        max_size=40,
    )
)
def test_marks_change_no_word_and_no_place(parts: list[tuple[str, tuple[str, str], str]]) -> None:
    plain = "".join(character for _, (character, _), _ in parts)
    marked = "".join(before + character + marks + after for before, (character, marks), after in parts)
    lengths = np.array(
        [len(before) + 1 + len(marks) + len(after) for before, (_, marks), after in parts], dtype=np.int64
    )
    before = np.array([len(before) for before, _, _ in parts], dtype=np.int64)
    own = np.array([1 + len(marks) for _, (_, marks), _ in parts], dtype=np.int64)
    places = np.cumsum(lengths) - lengths + before
    expected, found = segment(plain), segment(marked)
    assert found.forms == expected.forms
    assert found.glued.tolist() == expected.glued.tolist()
    # a word takes its last character's marks with it, and neither the controls before nor those after it
    assert found.starts.tolist() == places[expected.starts].tolist()
    assert found.ends.tolist() == (places + own)[expected.ends - 1].tolist()


def test_presentation_forms_are_read_as_the_letters_that_they_draw() -> None:
    seen = 0
    for code in (*range(0xFB50, 0xFE00), *range(0xFE70, 0xFEFF)):
        form = chr(code)
        if unicodedata.category(form) != "Lo":
            continue
        letters = unicodedata.normalize("NFKC", form)
        if form == "\ufe73" or not any(unicodedata.category(letter) == "Lo" for letter in letters):
            assert normalize("ب" + form).text == "ب", f"U+{code:04X} draws a mark"
        elif " " in letters:
            assert segment(f"ب{form}ب").forms == ["ب", "*", "ب"], f"U+{code:04X} draws a phrase"
        else:
            assert segment(f"ب{form}ب").forms == [f"ب{normalize(letters).text}ب"], f"U+{code:04X} draws {letters}"
        seen += 1
    assert seen > 700


def test_the_arabic_blocks_are_read_as_the_models_learnt_them() -> None:
    # This must not change with Python's version of Unicode. Where it changes on purpose, models trained before read
    # other words than they learnt: count up hadath.model_directory.NORMALIZATION too.
    digest = hashlib.sha256()
    for first, last in ((0x0600, 0x06FF), (0x0750, 0x077F), (0x0870, 0x08FF), (0xFB50, 0xFDFF), (0xFE70, 0xFEFF)):
        for code in range(first, last + 1):
            for text in (chr(code), f"ب{chr(code)}ب"):
                words = segment(text)
                digest.update(f"{' '.join(words.forms)} {spans(words)}\n".encode())
    assert digest.hexdigest() == "7dc677047447025abe93b1ec37dcc531491c5674df625b698627e96cdd30980b"


@pytest.mark.parametrize(
    "unit", ["ا\u0654", "\u0654", "\u0301\u0323", "ـ ", "ـ", "ﻻ", "ﷺ", "\u064e", "\u200f", "क\u093c", "\x00", "."]
)
def test_time_grows_with_the_length_alone(unit: str) -> None:
    text = "ا" + unit * (200_000 // len(unit))
    start = time.perf_counter()
    segment(text)
    # a twentieth of a second where it is linear, minutes where it is quadratic
    assert time.perf_counter() - start < 5
