from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hadath.errors import InvalidTextError, ModelError
from hadath.reading import Reading, Windowing, batches, read
from hadath.tokens import WordTokenizer
from tests.fixtures.tiny_tokenizers import unigram_tokenizer

TOKENIZER = WordTokenizer(unigram_tokenizer(), pieces_per_word=6)
WINDOWING = Windowing(max_length=24, overlap=6, pieces_per_word=6)

texts = st.lists(st.text(alphabet="ابتسلم \n.،«»؟", max_size=150), max_size=8)


def readings_of(several: list[str]) -> list[Reading]:
    return [read(text, TOKENIZER, WINDOWING) for text in several]


@given(several=texts, batch_tokens=st.integers(-1, 300))
def test_batches_hold_every_word_exactly_once(several: list[str], batch_tokens: int) -> None:
    readings = readings_of(several)
    ids = [piece for reading in readings for piece in reading.pieces.ids.tolist()]
    counts = np.concatenate([reading.pieces.counts for reading in readings] or [np.zeros(0, np.int64)])
    found: dict[int, list[int]] = {}
    for batch in batches(readings, TOKENIZER, batch_tokens):
        assert batch.input_ids.shape == batch.attention_mask.shape
        flat = batch.input_ids.reshape(-1)
        words = zip(batch.word_starts.tolist(), batch.word_ends.tolist(), batch.targets.tolist(), strict=True)
        for start, end, word in words:
            assert word not in found
            assert end == start + counts[word] - 1
            found[word] = flat[start : start + counts[word]].tolist()
            assert batch.attention_mask.reshape(-1)[start : start + counts[word]].all()
    assert sorted(found) == list(range(len(counts)))
    assert [piece for word in sorted(found) for piece in found[word]] == ids


@given(several=texts, batch_tokens=st.integers(1, 300))
def test_batches_stay_within_their_size_and_the_windows_within_theirs(several: list[str], batch_tokens: int) -> None:
    for batch in batches(readings_of(several), TOKENIZER, batch_tokens):
        rows, width = batch.input_ids.shape
        assert rows == 1 or rows * width <= batch_tokens
        assert width <= WINDOWING.max_length


@given(several=texts)
def test_a_window_stands_between_the_special_subwords_and_padding_is_masked(several: list[str]) -> None:
    for batch in batches(readings_of(several), TOKENIZER, 120):
        for ids, mask in zip(batch.input_ids.tolist(), batch.attention_mask.tolist(), strict=True):
            length = sum(mask)
            assert mask == [1] * length + [0] * (len(mask) - length)
            assert ids[:1] == TOKENIZER.prefix_ids
            assert ids[length - 1 : length] == TOKENIZER.suffix_ids
            assert set(ids[length:]) <= {TOKENIZER.pad_id}
        # at least one window fills the width
        assert batch.attention_mask.sum(axis=1).max() == batch.attention_mask.shape[1]


def test_windows_of_many_texts_share_a_batch() -> None:
    readings = readings_of(["سالم. " * 40, "", "سلام", "..."])
    assert len(list(batches(readings, TOKENIZER, 10_000))) == 1
    assert len(list(batches(readings, TOKENIZER, 1))) == sum(len(reading.windows) for reading in readings)


def test_no_texts_and_empty_texts_have_no_batches() -> None:
    assert list(batches([], TOKENIZER, 100)) == []
    assert list(batches(readings_of(["", " \n", "ًٌ"]), TOKENIZER, 100)) == []


def test_a_text_that_is_no_text_is_refused() -> None:
    with pytest.raises(InvalidTextError, match="not bytes"):
        read(b"abc", TOKENIZER, WINDOWING)  # type: ignore[arg-type]
    with pytest.raises(InvalidTextError, match="surrogate"):
        read("سلام \ud800", TOKENIZER, WINDOWING)


def test_windowing_of_a_config() -> None:
    values = {"max_length": 128, "overlap": 16, "pieces_per_word": 8}
    assert Windowing.from_dict(values) == Windowing(128, 16, 8)
    assert Windowing.from_dict({}) == Windowing()


@pytest.mark.parametrize(
    "values",
    [
        {"max_length": 64, "stride": 16},
        {"max_length": "64"},
        {"max_length": 256.5},
        {"overlap": 16.0},
        {"pieces_per_word": True},
        {"max_length": None},
        {"overlap": -1},
        {"pieces_per_word": 0},
        {"max_length": 64, "overlap": 48, "pieces_per_word": 16},
        {"max_length": 16, "overlap": 0, "pieces_per_word": 8},
        {"max_length": -5},
    ],
)
def test_windowing_that_cannot_be_used_is_refused(values: dict[str, object]) -> None:
    with pytest.raises(ModelError, match="max_length"):
        Windowing.from_dict(values)


@given(
    windowing=st.builds(Windowing, st.integers(1, 80), st.integers(-2, 60), st.integers(-1, 30)),
    text=st.text(alphabet="ابت .", max_size=300),
)
def test_any_text_can_be_read_with_any_windowing_that_is_accepted(windowing: Windowing, text: str) -> None:
    try:
        accepted = Windowing.from_dict(vars(windowing))
    except ModelError:
        return
    tokenizer = WordTokenizer(unigram_tokenizer(), accepted.pieces_per_word)
    reading = read(text, tokenizer, accepted)
    assert sum(window.keep_last - window.keep_first for window in reading.windows) == len(reading.words)
