"""Arabic text made uniform and cut into words, every character traced back to the original.

Normalisation removes or unifies only what carries no meaning: diacritics, tatweel, direction and zero-width marks,
presentation forms, digits of other scripts, letters of Persian and Urdu keyboards. Letters that a writer chooses
between (أ and ا, ى and ي, ة and ه) stay as they are.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from hadath.errors import InvalidTextError

IntArray = npt.NDArray[np.int64]
CodeArray = npt.NDArray[np.uint32]


@dataclass(frozen=True)
class NormalizedText:
    """A normalised text and where each of its characters comes from.

    Attributes:
        text: The normalised text.
        starts: For each of its characters the offset in the original at which its source begins, [L].
        ends: The offset after its source; marks that were removed belong to the character before them, [L].
    """

    text: str
    starts: IntArray
    ends: IntArray


@dataclass(frozen=True)
class Words:
    """The words of a text.

    Attributes:
        forms: Normalised words.
        starts: Offset of each word's first character in the original text, [W].
        ends: Offset after its last one, [W].
        glued: Whether no white space stands between it and the word before, [W].
    """

    forms: list[str]
    starts: IntArray
    ends: IntArray
    glued: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.forms)


def normalize(text: str) -> NormalizedText:
    """Normalises a text.

    Args:
        text: Any text.

    Returns:
        The normalised text with its offset map.

    Raises:
        InvalidTextError: If it is not a string or holds half of a surrogate pair.

    Example:
        >>> normalized = normalize("كِتـــاب ٢٠٢٥")
        >>> normalized.text
        'كتاب 2025'
        >>> int(normalized.starts[2]), int(normalized.ends[1])  # alef, and teh with its tatweel
        (6, 6)
    """
    codes, starts, ends = _normalized(text)
    return NormalizedText(codes.tobytes().decode("utf-32-le"), starts, ends)


def segment(text: str) -> Words:
    """Cuts a text into words: what stands between white space, each punctuation mark and symbol on its own.

    Args:
        text: Any text.

    Returns:
        Its words, normalised, in the order of the text.

    Raises:
        InvalidTextError: If it is not a string or holds half of a surrogate pair.

    Example:
        >>> words = segment("زارَ «طرابلس».")
        >>> words.forms
        ['زار', '«', 'طرابلس', '»', '.']
        >>> words.starts.tolist(), words.ends.tolist()
        ([0, 5, 6, 12, 13], [4, 6, 12, 13, 14])
    """
    codes, starts, ends = _normalized(text)
    if not len(codes):
        return Words([], starts, ends, np.zeros(0, np.bool_))
    kinds = _kinds(codes)
    before = np.concatenate([[_SPACE], kinds[:-1]])
    after = np.concatenate([kinds[1:], [_SPACE]])
    first = np.flatnonzero((kinds == _SYMBOL) | ((kinds == _LETTER) & (before != _LETTER)))
    last = np.flatnonzero((kinds == _SYMBOL) | ((kinds == _LETTER) & (after != _LETTER)))
    normalized = codes.tobytes().decode("utf-32-le")
    forms = [normalized[begin : end + 1] for begin, end in zip(first.tolist(), last.tolist(), strict=True)]
    return Words(forms, starts[first], ends[last], before[first] != _SPACE)


# What becomes of a character, where it is not simply another one. Control characters become spaces, so their own
# code points are free to mark this.
_REMOVED = 0  # belongs to the character before it: diacritics, tatweel
_DROPPED = 1  # belongs to nothing: direction and zero-width marks
_COMPOSED = 2  # joins the character before it to another one: combining hamza, combining accents
_EXPANDED = 3  # becomes several characters: ligatures

_SPACE, _LETTER, _SYMBOL = 0, 1, 2

_TATWEEL = 0x0640
_LIGATURE_OF_WORDS = ord("*")

# Letters of Persian, Urdu, Pashto, Kurdish and Uyghur keyboards that stand for an Arabic one in Arabic text
_LOOK_ALIKES = {
    0x0671: "ا",  # alef wasla
    0x06A9: "ك",  # keheh
    0x06AA: "ك",  # swash kaf
    0x06BE: "ه",  # heh doachashmee
    0x06C0: "ه",  # heh with yeh above
    0x06C1: "ه",  # heh goal
    0x06C2: "ه",  # heh goal with hamza above
    0x06C3: "ة",  # teh marbuta goal
    0x06CC: "ي",  # Farsi yeh
    0x06CD: "ي",  # yeh with tail
    0x06D0: "ي",  # e
    0x06D2: "ي",  # yeh barree
    0x06D3: "ئ",  # yeh barree with hamza above
    0x06D5: "ه",  # ae
}


def _normalized(text: str) -> tuple[CodeArray, IntArray, IntArray]:
    """The normalised code points, and start and end of the source of each."""
    if not isinstance(text, str):
        raise InvalidTextError(f"a text must be a str, not {type(text).__name__}; decode bytes first")
    try:
        codes = np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32)
    except UnicodeEncodeError as error:
        raise InvalidTextError(
            f"the text is not valid Unicode: a lone surrogate U+{ord(text[error.start]):04X} at offset {error.start}; "
            "decode the source with its true encoding, or with errors='replace'"
        ) from None
    mapped = _mapped(codes)
    if not (mapped <= _EXPANDED).any():
        positions = np.arange(len(mapped), dtype=np.int64)
        return mapped, positions, positions + 1
    _compose(mapped, text)
    index = np.flatnonzero(mapped > _COMPOSED)
    ends = index + 1
    removed = np.flatnonzero(mapped == _REMOVED)
    owners = np.searchsorted(index, removed) - 1
    owned = owners >= 0
    # of several marks the last one counts: numpy keeps the last value assigned to a place
    ends[owners[owned]] = removed[owned] + 1
    kept = mapped[index]
    if not (kept == _EXPANDED).any():
        return kept, index, ends
    parts = [
        _expansion(text[place]) if code == _EXPANDED else chr(code)
        for place, code in zip(index.tolist(), kept.tolist(), strict=True)
    ]
    lengths = np.array([len(part) for part in parts])
    expanded = np.frombuffer("".join(parts).encode("utf-32-le"), dtype=np.uint32)
    return expanded, np.repeat(index, lengths), np.repeat(ends, lengths)


def _mapped(codes: CodeArray) -> CodeArray:
    return _looked_up(codes, _tables()[0], _replacement)


def _kinds(codes: CodeArray) -> npt.NDArray[np.uint32]:
    return _looked_up(codes, _tables()[1], _kind)


def _looked_up(codes: CodeArray, table: CodeArray, of: Callable[[str], int]) -> CodeArray:
    beyond = codes >= len(table)
    if not beyond.any():
        return table[codes]
    looked_up = table[np.where(beyond, 0, codes)]
    values, places = np.unique(codes[beyond], return_inverse=True)
    looked_up[beyond] = np.array([of(chr(value)) for value in values], dtype=np.uint32)[places]
    return looked_up


def _compose(mapped: CodeArray, text: str) -> None:
    """Joins combining characters to the ones before them, in place."""
    for place in np.flatnonzero(mapped == _COMPOSED).tolist():
        base = place - 1
        while base >= 0 and mapped[base] <= _COMPOSED:
            base -= 1
        mark = text[place]
        if base >= 0 and mapped[base] != _EXPANDED:
            joined = unicodedata.normalize("NFC", chr(mapped[base]) + mark)
            if len(joined) == 1:
                mapped[base] = ord(joined)
                mapped[place] = _REMOVED
                continue
        # what joins nothing is a diacritic too many, or a letter of its own (Hangul)
        mapped[place] = _REMOVED if unicodedata.category(mark) == "Mn" else ord(mark)


@lru_cache(maxsize=1)
def _tables() -> tuple[CodeArray, CodeArray]:
    """For each code point of the basic plane, what becomes of it and what it is."""
    characters = [chr(code) for code in range(0x10000)]
    replacements = np.array([_replacement(character) for character in characters], dtype=np.uint32)
    # second halves of canonical pairs: e + U+0301 is é, ا + U+0654 is أ
    for character in characters:
        pair = unicodedata.decomposition(character).split(" ")
        if len(pair) == 2 and not pair[0].startswith("<"):
            replacements[int(pair[1], 16)] = _COMPOSED
    # Hangul is composed by rule and has no entries of its own
    replacements[0x1161:0x1176] = replacements[0x11A8:0x11C3] = _COMPOSED
    kinds = np.array([_kind(character) for character in characters], dtype=np.uint32)
    return replacements, kinds


def _kind(character: str) -> int:
    if character == " ":
        return _SPACE
    return _SYMBOL if unicodedata.category(character)[0] in "PS" else _LETTER


def _replacement(character: str) -> int:
    """What becomes of a character: another one's code point, or one of the marks above."""
    code = ord(character)
    category = unicodedata.category(character)
    if category == "Cs":
        return code  # half a surrogate pair, refused before
    if category in ("Cc", "Zs", "Zl", "Zp"):
        return ord(" ")
    if code in _LOOK_ALIKES:
        return ord(_LOOK_ALIKES[code])
    if code == _TATWEEL or _is_diacritic(code, category):
        return _REMOVED
    if category == "Cf" or 0xFE00 <= code <= 0xFE0F or 0xE0100 <= code <= 0xE01EF:
        return _DROPPED
    if category == "Nd":
        return ord(str(unicodedata.digit(character)))
    if category[0] not in "LN" or code > 0xFFFF:
        return code
    expansion = _expansion(character)
    if not expansion:
        return _REMOVED
    return ord(expansion) if len(expansion) == 1 else _EXPANDED


def _is_diacritic(code: int, category: str) -> bool:
    """Combining marks of the Arabic blocks, accents, and marks that enclose a symbol."""
    return category == "Me" or (
        category == "Mn"
        and (
            0x0300 <= code <= 0x036F
            or 0x0600 <= code <= 0x06FF
            or 0x0890 <= code <= 0x08FF
            or 0x1AB0 <= code <= 0x1AFF
            or 0x1DC0 <= code <= 0x1DFF
            or 0x20D0 <= code <= 0x20FF
            or 0xFE20 <= code <= 0xFE2F
        )
    )


@lru_cache(maxsize=4096)
def _expansion(character: str) -> str:
    """The letters of a presentation form or other compatibility character; itself where it is none."""
    decomposed = unicodedata.normalize("NFKC", character)
    if decomposed == character:
        return character
    letters = "".join(
        _LOOK_ALIKES.get(ord(part), part)
        for part in decomposed
        if ord(part) != _TATWEEL and not _is_diacritic(ord(part), unicodedata.category(part))
    )
    if not letters.strip():
        return ""  # a diacritic on a space or a tatweel
    if " " in letters:
        return chr(_LIGATURE_OF_WORDS)  # a phrase in one character, such as ﷺ: a word of its own
    return letters if letters.isalnum() else character
