from __future__ import annotations

from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hadath.text import segment
from hadath.tokens import WordTokenizer
from tests.fixtures.tiny_tokenizers import unigram_tokenizer
from training.pretraining.packing import Packed, pack, parts_of

WORDS = WordTokenizer(unigram_tokenizer())
articles = st.lists(st.text(alphabet="ابتثجح .،", max_size=40), max_size=12)


@given(articles, st.integers(4, 24))
def test_rows_hold_the_articles_one_behind_the_other(texts: list[str], length: int) -> None:
    packed = pack(texts, WORDS, length)
    ids, starts = parts_of(packed.rows)
    pieces = [WORDS.encode(segment(text)) for text in texts]
    expected = [number for piece in pieces for number in (*piece.ids.tolist(), WORDS.suffix_ids[-1])]
    got = ids[:, 1:-1].flatten().tolist()
    assert got == expected[: len(got)]
    assert len(expected) - len(got) < length - 2
    assert (ids[:, 0] == WORDS.prefix_ids[0]).all()
    assert (ids[:, -1] == WORDS.suffix_ids[0]).all()
    first = [flag for piece in pieces for count in piece.counts for flag in [True] + [False] * (int(count) - 1)]
    assert starts.sum() <= sum(first)
    assert not starts[:, [0, -1]].any()


def test_saved_rows_are_opened_again(tmp_path: Path) -> None:
    packed = pack(["ابت ثجح"] * 9, WORDS, 8)
    packed.save(tmp_path / "packed.npy")
    assert np.array_equal(Packed.load(tmp_path / "packed.npy").rows, packed.rows)
    assert [path.name for path in tmp_path.iterdir()] == ["packed.npy"]
