"""Which of a mention's first letters are proclitics (و ف ب ل ك), and which begin the name itself.

Nothing in the letters tells «وليد» (a name) from «وهلال» (and Hilal). What tells is whether the word, or what is left
of it without its first letter, is known: from a table of words, from the countries and cities, and from the article,
in which a name that carries a proclitic here often stands without it elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache, cached_property
from typing import NamedTuple

from hadath.tables import table_rows

_LETTERS = frozenset("وفبلك")
_FOLDED = str.maketrans("أإآىةئؤ", "ااايهيو")

# After these no proclitic can stand: «في وردامة», «مدينة بيبيجا».
_PREPOSITIONS = ("في", "من", "الي", "علي", "عن", "مع", "لدي", "عند", "حتي", "منذ", "نحو", "ضد", "بين", "تجاه", "حول")
_HEADS = ("قرب", "عبر", "داخل", "خارج", "مدينه", "بلده", "قريه", "محافظه", "ولايه", "حي")
_NO_PROCLITIC_AFTER = frozenset({*_PREPOSITIONS, *_HEADS})
# Beside those that end in ـي and ـية.
_ORDINALS = ("الاول", "الاولي", "الثانيه", "الثالث", "الثالثه", "الرابع", "الرابعه", "الخامس", "الخامسه", "السادس")
_KINDS = ("العليا", "العامه", "الخاصه", "المشتركه", "المستقله", "المصغره", "الموسعه", "المختصه", "المكلفه", "المتقاعد")
_ADJECTIVES = frozenset(
    {*_ORDINALS, *_KINDS, "السابع", "الثامن", "التاسع", "العاشر", "الواحده", "الماضيه", "المقبله", "الفاصله"}
)
# What nouns and adjectives of the table take at their end.
_ENDINGS = ("هما", "ها", "هم", "نا", "ه", "ا", "ون", "ين", "ان", "ات", "يه", "يون", "يين", "تين", "تان", "تي")
_SHORTEST_STEM = 3
# Types whose mentions are common nouns and numbers for the most part: a word that is unknown is none of those that
# begin with ب, ل or ف, which the table has.
_COMMON_NOUNS = frozenset({"OCC", "FAC", "WEA", "LAW", "MONEY", "DATE", "CARDINAL"})


class _Vocabulary(NamedTuple):
    own: frozenset[str]
    """Words that begin with a letter that looks like a proclitic."""
    plain: frozenset[str]
    """Other words that proclitics are written onto."""
    with_article: frozenset[str]
    """Of ``own`` those that begin with ل and take the article: «للجنة» can be ل and «اللجنة»."""


class Evidence:
    """What an article tells of the words in it.

    Args:
        forms: Its words, normalised, in their order, as ``hadath.text.segment`` cuts them.
    """

    def __init__(self, forms: Sequence[str] = ()) -> None:
        self._forms = forms

    @cached_property
    def words(self) -> frozenset[str]:
        """The words, folded."""
        return frozenset(folded(" ".join(self._forms)).split())

    def before(self, place: int) -> str:
        """The word before a place, folded; empty before the first."""
        return folded(self._forms[place - 1]) if 0 < place <= len(self._forms) else ""


def may_have_proclitics(text: str) -> bool:
    """Returns whether a text begins with a letter that can be a proclitic."""
    return text[:1] in _LETTERS


def folded(text: str) -> str:
    """Returns a normalised text with those letters folded that writers choose between, one for one.

    Example:
        >>> folded("الإسكندرية")
        'الاسكندريه'
    """
    return text.translate(_FOLDED)


def without_proclitics(first: str, type: str, evidence: Evidence, place: int = 0, following: str = "") -> str:
    """Returns the first word of a mention without its proclitics.

    Args:
        first: The word, normalised.
        type: The entity's type.
        evidence: The article.
        place: Where in the article the word stands, counted in words.
        following: What follows the word in the mention.

    Returns:
        The word, shorter where it has proclitics, with the article restored where it has melted with ل.

    Example:
        >>> nothing = Evidence()
        >>> [without_proclitics(word, "GPE", nothing) for word in ("وبالرباط", "للجزائر", "لبنان", "وليبيا")]
        ['الرباط', 'الجزائر', 'لبنان', 'ليبيا']
        >>> without_proclitics("للأمم", "ORG", nothing), without_proclitics("وليد", "PER", nothing)
        ('الأمم', 'وليد')
    """
    if not may_have_proclitics(first):
        return first
    word = folded(first)
    vocabulary = _vocabulary()
    if word in vocabulary.own or evidence.before(place) in _NO_PROCLITIC_AFTER:
        return first
    rests = list(_rests(word, type, evidence, vocabulary))
    # «لغزة» is ل and «غزة», «لولاية» ل and «ولاية», rather than «لغز» and «لولا» with an ending
    if _known(word, vocabulary.own) and not any(_is_whole(rest.text, vocabulary) for rest in rests):
        return first
    for tells in (_listed, _in_article):  # «ولفرنسا» is no «لفرنسا», though the article has that too
        for rest in rests:
            if tells(rest, type, evidence, vocabulary):
                melted = rest.proclitics.endswith("ل") and _melted(rest.text, evidence, vocabulary, following)
                return ("ال" if melted or rest.article else "") + first[len(rest.proclitics) :]
    common = type in _COMMON_NOUNS
    if not common and any(letter + word in evidence.words for letter in "وبلف"):
        return first
    # nothing is known of the word: what it is more often
    stripped = word.startswith("بب") or (word[0] == "و" and word[1:2] != "و") or (common and word[0] != "ك")
    length = next((len(rest.proclitics) for rest in rests if not rest.article), 0)
    return first[length:] if stripped and len(word) - length > 2 else first


class _Rest(NamedTuple):
    """What is left of a word, article included, without what may be proclitics."""

    proclitics: str
    text: str
    article: bool = False


def _rests(word: str, type: str, evidence: Evidence, vocabulary: _Vocabulary) -> Iterator[_Rest]:
    """The ways to take proclitics off a word, the fewest first."""
    for start in (0, 1) if word[0] in "وف" else (0,):
        left = word[start:]
        if start and not left.startswith("لل"):
            yield _Rest(word[:1], left)
        if left.startswith("لل"):
            # «للبنان»; but «للحسين» is ل and «الحسين», though there is the name «لحسين»
            own = left[1:] in vocabulary.own and (type == "GPE" or left[1:] in evidence.words)
            if not own and left[1:] not in vocabulary.with_article:
                yield _Rest(word[: start + 2], "ال" + left[2:], True)
        if left[:1] in ("ب", "ل", "ك"):
            yield _Rest(word[: start + 1], left[1:])


def _is_whole(rest: str, vocabulary: _Vocabulary) -> bool:
    return rest in vocabulary.plain or (len(rest) > _SHORTEST_STEM and rest in vocabulary.own)


def _listed(rest: _Rest, type: str, evidence: Evidence, vocabulary: _Vocabulary) -> bool:
    """Whether the tables tell that what is left is a word."""
    if rest.text[:1].isdecimal():
        return True
    if rest.proclitics.endswith("ك"):
        # rare before a name, while many names begin with it
        return _is_whole(rest.text, vocabulary) and rest.text in evidence.words
    if rest.text.startswith("ال") and len(rest.text) > _SHORTEST_STEM + 1:
        return True
    if type == "PER" and rest.proclitics[0] in "بف":
        return False
    return len(rest.text) > 1 and (_known(rest.text, vocabulary.plain) or _known(rest.text, vocabulary.own))


def _in_article(rest: _Rest, type: str, evidence: Evidence, vocabulary: _Vocabulary) -> bool:
    """Whether the article has what is left as a word."""
    shortest = _SHORTEST_STEM + 1 if type == "PER" and rest.text not in vocabulary.plain else _SHORTEST_STEM
    return not rest.proclitics.endswith("ك") and len(rest.text) >= shortest and rest.text in evidence.words


def _melted(rest: str, evidence: Evidence, vocabulary: _Vocabulary, following: str) -> bool:
    """Whether «للجنة» stands for ل and «اللجنة», not for ل and «لجنة»."""
    if rest not in vocabulary.with_article:
        return False
    definite, indefinite = "ال" + rest in evidence.words, rest in evidence.words
    if definite != indefinite:
        return definite
    # «للجنة الدولية», «للواء 444», «للواء السابع» have an adjective or a number, «للجنة الحوار» a genitive
    second = folded(following).split(" ")[0]
    return second.endswith(("ي", "يه")) or second in _ADJECTIVES or not second.startswith("ال")


def _known(word: str, words: frozenset[str]) -> bool:
    """Whether a word is among others, as it stands or with an ending."""
    if word in words:
        return True
    stems = [word[: -len(ending)] for ending in _ENDINGS if word.endswith(ending)]
    # «بندقيته» is «بندقية» with a pronoun
    return any(
        stem in words or stem + "ه" in words or (stem[-1] == "ت" and stem[:-1] + "ه" in words)
        for stem in stems
        if len(stem) >= _SHORTEST_STEM
    )


@cache
def _vocabulary() -> _Vocabulary:
    kinds: dict[str, set[str]] = {"own": set(), "plain": set(), "takes article": set()}
    for kind, words in table_rows("first_words.tsv"):
        kinds[kind].update(words.split("|"))
    own = kinds["own"] | kinds["takes article"]
    plain = kinds["plain"]
    for file in ("countries.tsv", "cities.tsv"):
        for row in table_rows(file):
            for name in row[-1].split("|"):
                word = folded(name).split()[0]
                if len(word) > 2:
                    (own if word[0] in "وفبل" else plain).add(word)
    return _Vocabulary(frozenset(own), frozenset(plain), frozenset(kinds["takes article"]))
