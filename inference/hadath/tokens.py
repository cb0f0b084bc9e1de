"""Subwords of words: the same tokenisation at training and at inference time, each word tokenised once."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from hadath.errors import ModelError

if TYPE_CHECKING:
    from hadath.text import Words

IntArray = npt.NDArray[np.int64]

_GLUED = "\t"
_CACHED_WORDS = 65_536


@dataclass(frozen=True)
class Pieces:
    """The subwords of a sequence of words.

    Attributes:
        ids: Subword ids of all words, one after the other, int64 [P].
        counts: Number of subwords of each word, at least 1, int64 [W].
    """

    ids: IntArray
    counts: IntArray


class WordTokenizer:
    """Turns words into subword ids with any ``tokenizers`` model.

    Each word is tokenised on its own, so subwords always belong to exactly one word, and a word met before costs one
    dictionary look-up. A punctuation mark written onto the word before it is tokenised without the word-start marker
    (``▁``) of SentencePiece vocabularies, as in running text. A word that has no subwords gets the unknown one, so that
    words and labels stay aligned; a very long "word" (a URL, a number) keeps its first subwords.

    Args:
        tokenizer: The tokenizer, as loaded from a ``tokenizer.json``.
        pieces_per_word: Most subwords kept of one word.

    Example:
        >>> from tokenizers import Tokenizer, models, pre_tokenizers
        >>> wordlevel = Tokenizer(models.WordLevel({"[UNK]": 0, "[PAD]": 1, "زار": 2}, unk_token="[UNK]"))
        >>> wordlevel.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
        >>> WordTokenizer(wordlevel).pieces(["زار", "تونس"], [False, False]).ids.tolist()
        [2, 0]
    """

    _slots: dict[str, int]
    _ids: IntArray
    _offsets: IntArray
    _counts: IntArray

    def __init__(self, tokenizer: Tokenizer, pieces_per_word: int = 16) -> None:
        self._tokenizer = _plain(tokenizer)
        self._glued = _without_word_start_marker(self._tokenizer)
        self._pieces_per_word = pieces_per_word
        self.prefix_ids, self.suffix_ids = _special_ids(self._tokenizer)
        self.pad_id = _known_id(tokenizer, ("<pad>", "[PAD]", "<|pad|>")) or 0
        self.unknown_id = _known_id(tokenizer, ("<unk>", "[UNK]", "<|unk|>")) or 0
        self.mask_id = _known_id(tokenizer, ("<mask>", "[MASK]", "<|mask|>"))
        self.vocabulary_size = tokenizer.get_vocab_size()
        self._lock = threading.Lock()
        self._forget()

    @classmethod
    def from_file(cls, path: Path | str, pieces_per_word: int = 16) -> WordTokenizer:
        """Loads a ``tokenizer.json``.

        Raises:
            ModelError: If the file is missing or is no tokenizer.
        """
        try:
            return cls(Tokenizer.from_file(str(path)), pieces_per_word)
        except Exception as error:  # tokenizers raises bare Exception for a missing file and for a malformed one
            raise ModelError(f"{path}: not a readable tokenizer.json: {error}") from error

    @property
    def special_count(self) -> int:
        """Number of special subwords around a sequence."""
        return len(self.prefix_ids) + len(self.suffix_ids)

    def encode(self, words: Words) -> Pieces:
        """Returns the subwords of a segmented text."""
        return self.pieces(words.forms, words.glued)

    def pieces(self, forms: Sequence[str], glued: Sequence[bool] | npt.NDArray[np.bool_]) -> Pieces:
        """Returns the subwords of words.

        Args:
            forms: Normalised words, none of them empty.
            glued: For each word, whether it is written onto the one before it.

        Returns:
            Their subwords; at least one for each word.
        """
        keys = list(forms)
        for position in np.flatnonzero(glued):
            if not keys[position].isalnum():
                keys[position] = _GLUED + keys[position]
        # a server's threads share one tagger
        with self._lock:
            slots = [self._slots.get(key, -1) for key in keys]
            if -1 in slots:
                self._learn(keys)
                slots = [self._slots[key] for key in keys]
            slot = np.array(slots, dtype=np.int64)
            counts = self._counts[slot]
            ends = np.cumsum(counts)
            total = int(ends[-1]) if len(ends) else 0
            within = np.arange(total) - np.repeat(ends - counts, counts)
            return Pieces(self._ids[np.repeat(self._offsets[slot], counts) + within], counts)

    def _learn(self, keys: Sequence[str]) -> None:
        new = [key for key in dict.fromkeys(keys) if key not in self._slots]
        if len(self._slots) + len(new) > _CACHED_WORDS:
            self._forget()
            new = list(dict.fromkeys(keys))
        spaced = [key for key in new if not key.startswith(_GLUED)]
        glued = [key for key in new if key.startswith(_GLUED)]
        # the first characters give the first subwords: no need to tokenise a megabyte without a space
        longest = self._pieces_per_word * 16
        encodings = [
            *self._tokenizer.encode_batch([key[:longest] for key in spaced], add_special_tokens=False),
            *self._glued.encode_batch([key[1 : 1 + longest] for key in glued], add_special_tokens=False),
        ]
        pieces = [encoding.ids[: self._pieces_per_word] or [self.unknown_id] for encoding in encodings]
        counts = np.array([len(ids) for ids in pieces], dtype=np.int64)
        first_slot = len(self._counts)
        for slot, key in enumerate([*spaced, *glued], start=first_slot):
            self._slots[key] = slot
        self._offsets = np.concatenate([self._offsets, len(self._ids) + np.cumsum(counts) - counts])
        self._counts = np.concatenate([self._counts, counts])
        self._ids = np.concatenate([self._ids, np.fromiter((i for ids in pieces for i in ids), np.int64)])

    def _forget(self) -> None:
        self._slots = {}
        self._ids = np.zeros(0, np.int64)
        self._offsets = np.zeros(0, np.int64)
        self._counts = np.zeros(0, np.int64)


def _plain(tokenizer: Tokenizer) -> Tokenizer:
    """A copy that neither cuts nor pads."""
    copy = Tokenizer.from_str(tokenizer.to_str())
    copy.no_truncation()
    copy.no_padding()
    return copy


def _without_word_start_marker(tokenizer: Tokenizer) -> Tokenizer:
    description = json.loads(tokenizer.to_str())
    pre_tokenizer = description.get("pre_tokenizer") or {}
    for step in pre_tokenizer.get("pretokenizers", [pre_tokenizer]):
        if step.get("type") == "Metaspace":
            step["prepend_scheme"] = "never"
    return Tokenizer.from_str(json.dumps(description))


def _special_ids(tokenizer: Tokenizer) -> tuple[list[int], list[int]]:
    # what stands before and after a one-word text is what the model expects around every sequence
    encoding = tokenizer.encode("1")
    inside = [position for position, special in enumerate(encoding.special_tokens_mask) if not special]
    if not inside:
        return [], []
    return list(encoding.ids[: inside[0]]), list(encoding.ids[inside[-1] + 1 :])


def _known_id(tokenizer: Tokenizer, names: Sequence[str]) -> int | None:
    for name in names:
        found = tokenizer.token_to_id(name)
        if found is not None:
            return int(found)
    return None
