"""Arabic text made uniform and cut into words, every character traced back to the original.

Normalisation removes or unifies only what carries no meaning: diacritics, tatweel, direction and zero-width marks,
presentation forms, digits of other scripts, letters of Persian and Urdu keyboards. Letters that a writer chooses
between (أ and ا, ى and ي, ة and ه) stay as they are.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby

import numpy as np
import numpy.typing as npt

from hadath.errors import InvalidTextError

IntArray = npt.NDArray[np.int64]
CodeArray = npt.NDArray[np.uint32]


@dataclass(frozen=True, eq=False)
class NormalizedText:
    """A normalised text and where each of its characters comes from.

    Attributes:
        text: The normalised text.
        starts: For each of its characters the offset in the original at which its source begins, int64 [L].
        ends: The offset after its source, int64 [L]; diacritics and tatweel that were removed belong to the character
            before them. The characters of a ligature share its offsets.
    """

    text: str
    starts: IntArray
    ends: IntArray


@dataclass(frozen=True, eq=False)
class Words:
    """The words of a text.

    Attributes:
        forms: Normalised words, none of them empty.
        starts: Offset of each word's first character in the original text, int64 [W].
        ends: Offset after its last one, int64 [W].
        glued: Whether no white space stands between it and the word before, bool [W]; false for the first word.
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
        InvalidTextError: If it is not a string or holds a lone surrogate.

    Example:
        >>> normalized = normalize("كِتـــاب ٢٠٢٥")
        >>> normalized.text
        'كتاب 2025'
        >>> int(normalized.starts[2]), int(normalized.ends[1])  # alef, and teh with its tatweel
        (6, 6)
    """
    characters = _normalized(text)
    return NormalizedText(_string(characters.codes), characters.starts, characters.ends)


def segment(text: str) -> Words:
    """Cuts a text into words: what stands between white space, each punctuation mark and symbol on its own.

    Args:
        text: Any text.

    Returns:
        Its words, normalised, in the order of the text.

    Raises:
        InvalidTextError: If it is not a string or holds a lone surrogate.

    Example:
        >>> words = segment("زارَ «طرابلس».")
        >>> words.forms
        ['زار', '«', 'طرابلس', '»', '.']
        >>> words.starts.tolist(), words.ends.tolist()
        ([0, 5, 6, 12, 13], [4, 6, 12, 13, 14])
    """
    characters = _normalized(text)
    # white space around the text spares the first and the last word a case of their own
    kinds = np.concatenate([_AROUND, characters.kinds, _AROUND])
    letter = kinds == _LETTER
    symbol = (kinds == _SYMBOL)[1:-1]
    first = np.flatnonzero(symbol | (letter[1:-1] & ~letter[:-2]))
    last = np.flatnonzero(symbol | (letter[1:-1] & ~letter[2:]))
    normalized = _string(characters.codes)
    forms = [normalized[begin:end] for begin, end in zip(first.tolist(), (last + 1).tolist(), strict=True)]
    return Words(forms, characters.starts[first], characters.ends[last], kinds[first] != _SPACE)


# What a character is. The first three stay in the normalised text.
_LETTER = 1  # part of a word: letters, digits, whatever is none of the others
_SYMBOL = 2  # a word of its own: punctuation and symbols
_SPACE = 3
_LIGATURE = 4  # several letters in one character
_TATWEEL = 5
_JOINING = 6  # may join the character before it to another one: combining hamza, accents, vowels of Hangul
_MARK = 7  # removed, belongs to the character before it: diacritics, variation selectors
_CONTROL = 8  # removed, belongs to nothing: direction and zero-width marks

_AROUND = np.array([_SPACE], dtype=np.uint32)

# For each code point what it becomes (21 bits), and above these what it is; 0 where no text has held it yet. Filled
# as characters are met, for a text holds a hundred different ones out of a million; pages never met take no memory.
_CODE_BITS = 21
_TABLE: CodeArray = np.zeros(0x110000, dtype=np.uint32)
_LIGATURES: dict[int, str] = {}

# Letters of Persian, Urdu, Pashto, Kurdish and Uyghur keyboards that stand for an Arabic one in Arabic text. Not among
# them: letters that write a sound of their own in Arabic text (پ چ ڤ ڨ گ ژ), and ں ٮ ٯ, which no keyboard offers in
# place of an Arabic letter. A Farsi yeh at the end of a word can stand for ي or for ى; it becomes ي, as in the middle,
# for endings in ي (الإيراني) are the more frequent ones where such keyboards are in use.
_LOOK_ALIKES = {
    0x0671: "ا",  # alef wasla
    0x06A9: "ك",  # keheh
    0x06AA: "ك",  # swash kaf
    0x06BE: "ه",  # heh doachashmee
    0x06C0: "ه",  # heh with yeh above: Persian mark of a genitive on an ه
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

# Ranges, both ends included, are written out where versions of Unicode (Python 3.10 has 13, Python 3.14 has 16) know
# more or fewer of their characters, so that a model reads the same text under each.
_ARABIC_MARKS = (
    (0x0610, 0x061A),  # honorifics and small vowels
    (0x064B, 0x065F),  # vowels, shadda, sukun, maddah, hamza above and below
    (0x0670, 0x0670),  # superscript alef
    (0x06D6, 0x06DC),  # Quranic marks
    (0x06DF, 0x06E8),  # also the small waw and small yeh, letters to Unicode, but vowels in use
    (0x06EA, 0x06ED),
    (0x0897, 0x089F),
    (0x08C9, 0x08E1),
    (0x08E3, 0x08FF),
    (0xFE73, 0xFE73),  # the tail of a seen drawn apart, in old code pages
    (0x10EFA, 0x10EFF),
)
_JOINING_ARABIC_MARKS = (0x0653, 0x0655)  # maddah, hamza above, hamza below
_ARABIC = ((0x0600, 0x06FF), (0x0750, 0x077F), (0x0870, 0x08FF), (0xFB50, 0xFDFF), (0xFE70, 0xFEFE))
_VARIATION_SELECTORS = ((0x180B, 0x180D), (0x180F, 0x180F), (0xFE00, 0xFE0F), (0xE0100, 0xE01EF))
_CONTROLS = ((0x034F, 0x034F), (0x0890, 0x0891))  # grapheme joiner; Arabic pound and piastre marks
_HANGUL_VOWELS_AND_FINALS = ((0x1160, 0x11FF), (0xD7B0, 0xD7FB))
_SYMBOLS = (  # where a code point that Unicode has not assigned yet will be a symbol
    (0x061D, 0x061D),
    (0x0888, 0x0888),
    (0x20A0, 0x20CF),  # currencies: the riyal's sign is newer than Python 3.14
    (0x2E00, 0x2E7F),
    (0xFBB2, 0xFBD2),
    (0xFD40, 0xFD4F),
    (0xFD90, 0xFD91),
    (0xFDC8, 0xFDCF),
    (0xFDFE, 0xFDFF),
    (0x1F000, 0x1FBEF),
)

# Compatibility forms that are the same letter drawn otherwise. Superscripts and circled digits are not: 10² is not 102.
_SAME_LETTER = ("<wide>", "<narrow>", "<font>", "<isolated>", "<initial>", "<medial>", "<final>")
_LATIN_AND_HEBREW_FORMS = ((0xFB00, 0xFB4F),)

_PHRASE = "*"  # stands for a phrase in one character, such as ﷺ: one word, for its words would share one offset
_LONGEST_CLUSTER = 30  # marks on one letter that can join it; more are no writing, and are slow to put in order


@dataclass(frozen=True, eq=False)
class _Characters:
    """The code points of a normalised text, what each is, and start and end of its source."""

    codes: CodeArray
    kinds: CodeArray
    starts: IntArray
    ends: IntArray


def _normalized(text: str) -> _Characters:
    codes, kinds = _looked_up(_code_points(text))
    if not len(codes) or kinds.max() <= _SPACE:
        starts = np.arange(len(codes), dtype=np.int64)
        return _Characters(codes, kinds, starts, starts + 1)
    # what some characters become is more than one character
    strings: dict[int, str] = {}
    if (kinds == _TATWEEL).any():
        _settle_tatweel(codes, kinds)
    ligatures = np.flatnonzero(kinds == _LIGATURE)
    if len(ligatures):
        strings = {place: _LIGATURES[ord(text[place])] for place in ligatures.tolist()}
        kinds[ligatures] = _LETTER
    if (kinds == _JOINING).any():
        _join(codes, kinds, strings, text)
    kept = kinds <= _SPACE
    index = np.flatnonzero(kept)
    ends = index + 1
    marks = np.flatnonzero(kinds == _MARK)
    owners = np.cumsum(kept)[marks] - 1
    owned = owners >= 0
    owned[owned] = kinds[index[owners[owned]]] != _SPACE
    # of several marks the last one counts: numpy keeps the last value assigned to a place
    ends[owners[owned]] = marks[owned] + 1
    codes, kinds = codes[index], kinds[index]
    if not strings:
        return _Characters(codes, kinds, index, ends)
    places = np.array(sorted(strings), dtype=np.int64)
    slots = np.searchsorted(index, places)
    lengths = np.ones(len(index), dtype=np.int64)
    lengths[slots] = [len(strings[place]) for place in places.tolist()]
    several = np.zeros(len(index), dtype=np.bool_)
    several[slots] = True
    codes = np.repeat(codes, lengths)
    codes[np.repeat(several, lengths)] = _code_points("".join(strings[place] for place in places.tolist()))
    return _Characters(codes, np.repeat(kinds, lengths), np.repeat(index, lengths), np.repeat(ends, lengths))


def _code_points(text: str) -> CodeArray:
    if not isinstance(text, str):
        raise InvalidTextError(
            f"a text is a str, not {type(text).__name__}; read the file as text, or decode the bytes: "
            "content.decode('utf-8')"
        )
    try:
        return np.frombuffer(text.encode("utf-32-le"), dtype="<u4")
    except UnicodeEncodeError as error:
        raise InvalidTextError(
            f"the text is not valid Unicode: a lone surrogate, U+{ord(text[error.start]):04X}, at offset "
            f"{error.start}; decode the source with its true encoding, or mend the text: "
            "text.encode('utf-16', 'surrogatepass').decode('utf-16', 'replace')"
        ) from None


def _string(codes: CodeArray) -> str:
    return codes.astype("<u4", copy=False).tobytes().decode("utf-32-le")


def _looked_up(codes: CodeArray) -> tuple[CodeArray, CodeArray]:
    """What each code point becomes and what it is."""
    entries = _TABLE[codes]
    if not entries.all():
        for code in np.unique(codes[entries == 0]).tolist():
            kind, string = _rule(code)
            if kind == _LIGATURE:
                _LIGATURES[code] = string
            # a ligature's entry tells its last letter, which is what a tatweel after it draws out
            _TABLE[code] = kind << _CODE_BITS | ord(string[-1])
        entries = _TABLE[codes]
    becomes: CodeArray = entries & np.uint32((1 << _CODE_BITS) - 1)
    kinds: CodeArray = entries >> np.uint32(_CODE_BITS)
    return becomes, kinds


def _settle_tatweel(codes: CodeArray, kinds: CodeArray) -> None:
    """Makes each tatweel a mark or a dash, in place.

    After an Arabic letter it draws the letter out. Elsewhere it is written for a dash (بنغازي ـ وكالات, 2014ـ2020), and
    without it two numbers would become one. A run of them is one dash.
    """
    places = np.flatnonzero(kinds == _TATWEEL)
    before = _kept_before(kinds)[places]
    drawn = (before >= 0) & (kinds[before] != _SYMBOL) & _is_arabic(codes[before])
    kinds[places] = _MARK
    _, first = np.unique(before[~drawn], return_index=True)
    dashes = places[~drawn][first]
    kinds[dashes] = _SYMBOL
    codes[dashes] = ord("-")


def _join(codes: CodeArray, kinds: CodeArray, strings: dict[int, str], text: str) -> None:
    """Joins combining characters to the ones before them, in place."""
    places = np.flatnonzero(kinds == _JOINING)
    before = _kept_before(kinds)[places]
    kinds[places] = _MARK
    for base, group in groupby(zip(before.tolist(), places.tolist(), strict=True), key=lambda pair: pair[0]):
        if base < 0 or kinds[base] == _SPACE:
            continue
        marks = "".join([text[place] for _, place in group])
        joined = _joined(strings.get(base) or chr(codes[base]), marks[:_LONGEST_CLUSTER])
        if len(joined) == 1:
            codes[base] = ord(joined)
        else:
            strings[base] = joined


@lru_cache(maxsize=4096)
def _joined(base: str, marks: str) -> str:
    """A letter or symbol with the combining characters that can join it.

    What joins nothing is a diacritic too many, except on letters of other scripts, where it can tell words apart.
    """
    joined = unicodedata.normalize("NFC", base + marks)
    category = unicodedata.category(joined[0])
    if category[0] in "PS":
        return joined[0]
    if category[0] != "L" or _among(ord(joined[0]), _ARABIC):
        return "".join([character for character in joined if not _is_joining(ord(character))])
    return "".join([character for character in joined if not _among(ord(character), _ARABIC_MARKS)])


def _kept_before(kinds: CodeArray) -> IntArray:
    """For each character the place of the last one up to it that stays in the text; -1 where there is none."""
    places = np.where(kinds <= _LIGATURE, np.arange(len(kinds)), -1)
    return np.maximum.accumulate(places)


def _rule(code: int) -> tuple[int, str]:
    """What a character is, and the characters that it becomes."""
    character = chr(code)
    category = unicodedata.category(character)
    if character == "ـ":
        return _TATWEEL, character
    if _is_joining(code):
        return _JOINING, character
    if _among(code, _ARABIC_MARKS) or _among(code, _VARIATION_SELECTORS) or category == "Me":
        return _MARK, character
    if category == "Cf" or _among(code, _CONTROLS):
        return _CONTROL, character
    if category == "Cc" or category.startswith("Z"):
        return _SPACE, " "
    if code in _LOOK_ALIKES:
        return _LETTER, _LOOK_ALIKES[code]
    if category == "Nd":
        return _LETTER, str(unicodedata.digit(character))
    if category[0] in "PS" or (category == "Cn" and _among(code, _SYMBOLS)):
        return _SYMBOL, _same_symbol(character)
    return _letters(character)


def _is_joining(code: int) -> bool:
    if _among(code, _ARABIC_MARKS):
        return _JOINING_ARABIC_MARKS[0] <= code <= _JOINING_ARABIC_MARKS[1]
    if _among(code, _VARIATION_SELECTORS) or _among(code, _CONTROLS):
        return False
    return unicodedata.category(chr(code)) in ("Mn", "Mc") or _among(code, _HANGUL_VOWELS_AND_FINALS)


def _same_symbol(character: str) -> str:
    if unicodedata.decomposition(character).startswith("<wide>"):
        form = unicodedata.normalize("NFKC", character)
        return form if len(form) == 1 else character
    # combining marks on a symbol are left out, as where they are written apart from it
    return unicodedata.normalize("NFC", character)[0]


def _letters(character: str) -> tuple[int, str]:
    """The letters of a presentation form or the like; the character itself where it is none."""
    decomposition = unicodedata.decomposition(character)
    drawn_otherwise = decomposition.startswith(_SAME_LETTER) or _among(ord(character), _LATIN_AND_HEBREW_FORMS)
    form = unicodedata.normalize("NFKC" if drawn_otherwise else "NFC", character)
    if form == character:
        return _LETTER, character
    rules = [_rule(ord(part)) for part in form]
    kinds = [kind for kind, _ in rules]
    if kinds[0] == _JOINING:
        return _LETTER, character
    letters = "".join([string for kind, string in rules if kind in (_LETTER, _JOINING)])
    if not letters:
        return _MARK, character  # a diacritic drawn on a space or a tatweel
    if _SPACE in kinds:
        return _SYMBOL, _PHRASE
    return (_LETTER if len(letters) == 1 else _LIGATURE), letters


def _among(code: int, ranges: tuple[tuple[int, int], ...]) -> bool:
    return any(first <= code <= last for first, last in ranges)


def _is_arabic(codes: CodeArray) -> npt.NDArray[np.bool_]:
    result = np.zeros(len(codes), dtype=np.bool_)
    for first, last in _ARABIC:
        result |= (codes >= first) & (codes <= last)
    return result
