from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers, processors

import hadath.tokens
from hadath.errors import ModelError
from hadath.text import segment
from hadath.tokens import WordTokenizer
from tests.fixtures.tiny_tokenizers import unigram_tokenizer, wordpiece_tokenizer

UNIGRAM, WORDPIECE = unigram_tokenizer(), wordpiece_tokenizer()
MINI = Path(__file__).parents[2] / "training" / "encoders" / "mini" / "tokenizer.json"

words = st.text(alphabet="ابتثجحخدذرزسشصضطظعغفقكلمنهوي", min_size=1, max_size=9)


def tokens(tokenizer: Tokenizer, ids: np.ndarray) -> list[str]:
    return [tokenizer.id_to_token(int(piece)) for piece in ids]


def plain_ids(tokenizer: Tokenizer, text: str) -> list[int]:
    return tokenizer.encode(text, add_special_tokens=False).ids


@pytest.mark.parametrize("tokenizer", [UNIGRAM, WORDPIECE], ids=["unigram", "wordpiece"])
@given(forms=st.lists(words, min_size=1, max_size=12))
def test_plain_words_have_the_ids_that_the_tokenizer_gives_them_in_running_text(
    tokenizer: Tokenizer, forms: list[str]
) -> None:
    pieces = WordTokenizer(tokenizer).pieces(forms, np.zeros(len(forms), bool))
    assert pieces.ids.tolist() == plain_ids(tokenizer, " ".join(forms))
    assert pieces.counts.tolist() == [len(plain_ids(tokenizer, form)) for form in forms]


def test_a_real_vocabulary_reads_words_and_punctuation_as_in_running_text() -> None:
    tokenizer = Tokenizer.from_file(str(MINI))
    text = "أعلنت وزارة الداخلية، أمس، توقيف ثلاثة مشتبه بهم في حي السلام."
    assert WordTokenizer(tokenizer).encode(segment(text)).ids.tolist() == plain_ids(tokenizer, text)


def test_punctuation_written_onto_a_word_has_no_word_start_marker() -> None:
    glued = WordTokenizer(UNIGRAM).encode(segment("التقى سالم."))
    assert tokens(UNIGRAM, glued.ids) == ["▁التقى", "▁سالم", "."]
    assert glued.ids.tolist() == plain_ids(UNIGRAM, "التقى سالم.")
    spaced = WordTokenizer(UNIGRAM).encode(segment("التقى سالم ."))
    assert tokens(UNIGRAM, spaced.ids) == ["▁التقى", "▁سالم", "▁", "."]


def test_a_word_after_a_bracket_is_read_as_at_the_start_of_a_word() -> None:
    pieces = WordTokenizer(UNIGRAM).encode(segment("«التقى»"))
    assert tokens(UNIGRAM, pieces.ids) == ["▁", "«", "▁التقى", "»"]


def test_the_same_mark_glued_and_spaced_is_kept_apart_in_the_cache() -> None:
    tokenizer = WordTokenizer(UNIGRAM)
    both = tokenizer.pieces([".", ".", "."], [False, True, False])
    assert both.counts.tolist() == [2, 1, 2]
    assert tokenizer.pieces([".", "."], [True, False]).counts.tolist() == [1, 2]


def test_a_word_without_subwords_gets_the_unknown_one() -> None:
    # this pre-tokenizer throws hyphens away
    tokenizer = Tokenizer(models.WordLevel({"[PAD]": 0, "[UNK]": 1, "سلام": 2}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split("-", behavior="removed")
    pieces = WordTokenizer(tokenizer).pieces(["سلام", "-", "سلام"], [False, False, False])
    assert pieces.ids.tolist() == [2, 1, 2]
    assert pieces.counts.tolist() == [1, 1, 1]


@given(forms=st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc", "Z"]), min_size=1, max_size=5), max_size=8))
def test_every_word_has_at_least_one_subword_and_none_is_lost(forms: list[str]) -> None:
    pieces = WordTokenizer(UNIGRAM, pieces_per_word=3).pieces(forms, np.zeros(len(forms), bool))
    assert len(pieces.counts) == len(forms)
    assert ((pieces.counts >= 1) & (pieces.counts <= 3)).all()
    assert pieces.counts.sum() == len(pieces.ids)


def test_a_long_word_keeps_its_first_subwords() -> None:
    word = "كبيرة"
    whole = WordTokenizer(UNIGRAM).pieces([word], [False]).ids.tolist()
    cut = WordTokenizer(UNIGRAM, pieces_per_word=3).pieces([word], [False]).ids.tolist()
    assert len(whole) == 6
    assert cut == whole[:3]


def test_a_megabyte_without_a_space_is_one_short_word() -> None:
    pieces = WordTokenizer(UNIGRAM).pieces(["ب" * 1_000_000, "." * 1_000_000], [False, True])
    assert pieces.counts.tolist() == [16, 16]


def test_no_words_have_no_subwords() -> None:
    pieces = WordTokenizer(UNIGRAM).encode(segment(" \n "))
    assert pieces.ids.tolist() == pieces.counts.tolist() == []
    assert pieces.ids.dtype == pieces.counts.dtype == np.int64


def test_a_word_met_before_is_not_tokenised_again(monkeypatch: pytest.MonkeyPatch) -> None:
    tokenizer = WordTokenizer(UNIGRAM)
    first = tokenizer.pieces(["زار", "تونس", "زار"], [False] * 3)
    monkeypatch.setattr(tokenizer, "_tokenizer", None)
    monkeypatch.setattr(tokenizer, "_glued", None)
    again = tokenizer.pieces(["زار", "تونس", "زار"], [False] * 3)
    assert again.ids.tolist() == first.ids.tolist()
    with pytest.raises(AttributeError):  # the tokenizer is needed for a new word only
        tokenizer.pieces(["زار", "ليبيا"], [False] * 2)


@given(texts=st.lists(st.lists(words, max_size=6), max_size=12))
def test_a_full_cache_is_emptied_and_gives_the_same_subwords(texts: list[list[str]]) -> None:
    large, small = WordTokenizer(UNIGRAM), WordTokenizer(UNIGRAM)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(hadath.tokens, "_CACHED_WORDS", 4)
        found = [small.pieces(text, [False] * len(text)).ids.tolist() for text in texts]
        assert len(small._slots) <= max(4, *(len(set(text)) for text in texts), 0)
    assert found == [large.pieces(text, [False] * len(text)).ids.tolist() for text in texts]


def test_threads_may_share_a_tokenizer() -> None:
    shared = WordTokenizer(UNIGRAM)
    letters = "ابتثجحخدذرزسشصضطظعغفقكلمنهوي"
    texts = [[a + b + c for a in letters[:6] for b in letters] for c in letters]
    expected = [WordTokenizer(UNIGRAM).pieces(text, [False] * len(text)).ids.tolist() for text in texts]
    found: dict[int, list[int]] = {}
    start = threading.Barrier(8)

    def work(worker: int) -> None:
        start.wait()
        for number in range(worker, len(texts), 4):  # two threads for each text
            found[number] = shared.pieces(texts[number], [False] * len(texts[number])).ids.tolist()

    threads = [threading.Thread(target=work, args=(worker % 4,)) for worker in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[number] for number in range(len(texts))] == expected


def test_special_subwords_of_a_bert() -> None:
    tokenizer = WordTokenizer(WORDPIECE)
    assert tokens(WORDPIECE, tokenizer.prefix_ids) == ["[CLS]"]
    assert tokens(WORDPIECE, tokenizer.suffix_ids) == ["[SEP]"]
    assert (tokenizer.special_count, tokenizer.pad_id, tokenizer.unknown_id, tokenizer.mask_id) == (2, 0, 1, 4)


def test_special_subwords_of_an_xlm_roberta() -> None:
    tokenizer = WordTokenizer(UNIGRAM)
    assert tokens(UNIGRAM, tokenizer.prefix_ids) == ["<s>"]
    assert tokens(UNIGRAM, tokenizer.suffix_ids) == ["</s>"]
    assert tokenizer.special_count == 2
    assert (tokenizer.pad_id, tokenizer.unknown_id) == (1, 3)
    assert tokenizer.mask_id == UNIGRAM.token_to_id("<mask>")
    assert tokenizer.vocabulary_size == UNIGRAM.get_vocab_size()


def test_a_tokenizer_without_special_subwords_or_with_several() -> None:
    bare = Tokenizer(models.WordLevel({"[UNK]": 0, "1": 1, "<a>": 2, "<b>": 3}, unk_token="[UNK]"))
    tokenizer = WordTokenizer(bare)
    assert (tokenizer.prefix_ids, tokenizer.suffix_ids, tokenizer.mask_id) == ([], [], None)
    bare.post_processor = processors.TemplateProcessing(
        single="<a> <b> $A <b>", special_tokens=[("<a>", 2), ("<b>", 3)]
    )
    tokenizer = WordTokenizer(bare)
    assert (tokenizer.prefix_ids, tokenizer.suffix_ids) == ([2, 3], [3])


def test_the_files_own_cutting_and_padding_are_switched_off(tmp_path: Path) -> None:
    cutting = unigram_tokenizer()
    cutting.enable_truncation(4)
    cutting.enable_padding(pad_id=1, pad_token="<pad>", length=32)
    cutting.save(str(tmp_path / "tokenizer.json"))
    tokenizer = WordTokenizer.from_file(tmp_path / "tokenizer.json")
    assert tokenizer.pieces(["كبيرة"], [False]).ids.tolist() == plain_ids(UNIGRAM, "كبيرة")
    assert tokenizer.pieces(["كب", "كبيرة"], [False, False]).counts.tolist() == [3, 6]
    assert tokens(UNIGRAM, tokenizer.prefix_ids) == ["<s>"]
    assert tokens(UNIGRAM, tokenizer.suffix_ids) == ["</s>"]


@pytest.mark.parametrize("content", [None, "", "{", '{"version": "1.0"}', "\x00\x01"])
def test_what_is_no_tokenizer_is_refused_by_name(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "tokenizer.json"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    with pytest.raises(ModelError, match=r"tokenizer\.json: not a readable tokenizer\.json"):
        WordTokenizer.from_file(path)
