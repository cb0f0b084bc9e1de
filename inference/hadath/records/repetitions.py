"""Which mentions of events in an article are of one and the same event."""

from __future__ import annotations

import re
from collections import defaultdict, deque
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from hadath.document import Event
from hadath.names import variants_key
from hadath.records.plover import plover_code

# what two sides do together: which of them is said to act first tells nothing
_MUTUAL = frozenset({"AGREE", "CONSULT", "COOPERATE"})
# in what is said by the same speaker again something else can be said
_SPEECH = frozenset({"AGREE", "SUPPORT", "CONCEDE", "REQUEST", "ACCUSE", "REJECT", "THREATEN"})
_PROCLITICS = re.compile(r"^[وف]?[بلك]?(?=ال\w{2})|^[وف](?=\w{3})")
_ENDINGS = re.compile(r"(?:(?<=\w{3})(?:ات|ين|ون|وا|ان|تا|ها|هم|هما|نا|كم|ت|ه))$")
_WEAK = str.maketrans("", "", "اويءىأإآؤئ")
_ADDED = "متنس"
_NEAREST = 50
_LEAD = 300
_OPENING = 700


@dataclass(frozen=True, slots=True)
class Told:
    """What one mention of an event tells.

    Attributes:
        event: The mention.
        fillers: For each role the actors, places and dates that it names, as anything that compares equal for one and
            the same.
        areas: Codes of the countries that its places are or lie in.
        countries: Those of its places that are countries.
        behind_title: Characters from the end of the article's title to its trigger; negative in the title.
    """

    event: Event
    fillers: Mapping[str, frozenset[Hashable]]
    areas: frozenset[str]
    countries: frozenset[Hashable]
    behind_title: int

    @property
    def code(self) -> str:
        """The PLOVER code after folding."""
        return plover_code(self.event.type, self.event.modality)

    @property
    def in_title(self) -> bool:
        """Whether it stands in the article's title."""
        return self.behind_title < 0

    @property
    def content(self) -> Hashable:
        """All of it that is compared with other mentions."""
        event = self.event
        fillers = frozenset(self.fillers.items())
        return event.type, event.modality, event.text, fillers, self.areas, self.countries, self.in_title


def repeated(mentions: Sequence[Told]) -> list[list[int]]:
    """Groups the mentions of events that are one event told again.

    Mentions are one only if they have one code and modality, name nobody and no place or date that contradicts, and
    something speaks for it: triggers of one root with the same actor or recipient; for meetings, which have many names,
    two things told the same. A definite noun («الهجوم») takes up the only event of its root before it. What the title
    tells is what the lead tells in other words, if they share an actor, place or date and nothing else in the opening
    does. What could be of two events stays alone.

    Args:
        mentions: The mentions, in the order of the text.

    Returns:
        Indices of the mentions of each event, in the order of the text.
    """
    groups: list[list[int]] = []
    # what the members of each group tell, each thing once: a text that says one thing thousands of times is compared
    # with itself once
    tellings: list[dict[Hashable, Told]] = []
    # groups by what can speak for a mention's being of them; what was told long before is not taken up again
    marked: dict[Hashable, deque[int]] = defaultdict(lambda: deque(maxlen=_NEAREST))
    for index, mention in enumerate(mentions):
        marks = _marks(mention)
        near = sorted({number for mark in marks for number in marked[mark]})
        evidence = {}
        for number in near:
            members = tellings[number].values()
            if all(compatible(mention, member) for member in members):
                evidence[number] = max(_evidence(mention, member) for member in members)
        best = max(evidence.values(), default=0)
        chosen = [number for number, weight in evidence.items() if weight == best > 0]
        if not chosen and _is_definite_noun(mention.event.text):
            chosen = [
                number
                for number in evidence
                if any(same_act(mention.event.text, member.event.text) for member in tellings[number].values())
            ]
        if len(chosen) != 1:
            chosen = [len(groups)]
            groups.append([])
            tellings.append({})
        groups[chosen[0]].append(index)
        tellings[chosen[0]].setdefault(mention.content, mention)
        for mark in marks:
            if chosen[0] not in marked[mark]:
                marked[mark].append(chosen[0])
    return _joined_with_lead(mentions, groups)


def _joined_with_lead(mentions: Sequence[Told], groups: Sequence[list[int]]) -> list[list[int]]:
    """Joins what only the title tells with what the lead tells."""
    opening = [number for number, group in enumerate(groups) if 0 <= mentions[group[0]].behind_title < _OPENING]
    claims: dict[int, list[int]] = defaultdict(list)
    for number, group in enumerate(groups):
        title = mentions[group[0]]
        if len(group) > 1 or not title.in_title:
            continue
        like = [
            other
            for other in opening
            if all(compatible(title, mentions[member]) for member in groups[other])
            and any(_shared(title, mentions[member]) for member in groups[other])
        ]
        if len(like) == 1 and mentions[groups[like[0]][0]].behind_title < _LEAD:
            claims[like[0]].append(number)
    lead_of = {titles[0]: lead for lead, titles in claims.items() if len(titles) == 1}
    taken = set(lead_of.values())
    return [
        [*group, *groups[lead_of[number]]] if number in lead_of else group
        for number, group in enumerate(groups)
        if number not in taken
    ]


def _marks(mention: Told) -> list[Hashable]:
    """Who and what takes part and the roots of the trigger, each with code and modality."""
    kind = (mention.code, mention.event.modality)
    fillers = {filler for filled in mention.fillers.values() for filler in filled}
    return [*((*kind, filler) for filler in fillers), *((*kind, "root", root) for root in _roots(mention.event.text))]


def compatible(first: Told, second: Told) -> bool:
    """Tells whether nothing in two mentions speaks against their being of one event."""
    if first.code != second.code or first.event.modality != second.event.modality:
        return False
    if first.event.type in _MUTUAL:
        if not _agree(_parties(first), _parties(second)):
            return False
    elif not all(_agree(_fillers(first, role), _fillers(second, role)) for role in ("Actor", "Recipient")):
        return False
    if not _agree(_fillers(first, "Date"), _fillers(second, "Date")):
        return False
    places = _fillers(first, "Place"), _fillers(second, "Place")
    # a country and a town in it are no contradiction
    return _agree(*places) or (
        first.areas == second.areas and len(first.areas) == 1 and bool(first.countries | second.countries)
    )


def same_act(first: str, second: str) -> bool:
    """Tells whether two triggers are of one root, as far as their letters show.

    Example:
        >>> same_act("زار", "الزيارة"), same_act("اعتقلت", "اعتقال"), same_act("قصف", "هاجم")
        (True, True, False)
    """
    return bool(_roots(first) & _roots(second))


def _evidence(first: Told, second: Told) -> int:
    """How strongly two compatible mentions speak for being of one event; 0 where they do not."""
    mutual = first.event.type in _MUTUAL
    shared = _shared(first, second)
    if mutual and _parties(first) & _parties(second):
        shared = shared - {"Actor", "Recipient"} | {"parties"}
        if len(_parties(first) & _parties(second)) > 1:
            shared.add("both parties")
    if not shared:
        return 0
    title = first.in_title != second.in_title
    if not same_act(first.event.text, second.event.text):
        # a visit, a reception, talks: one meeting by many names
        return len(shared) if len(shared) > 1 and first.event.type == "CONSULT" else 0
    if first.event.type in _SPEECH and shared <= {"Actor", "parties"} and not title:
        return 0
    return 1 + len(shared) if shared & {"Actor", "Recipient", "parties"} or len(shared) > 1 else 0


def _shared(first: Told, second: Told) -> set[str]:
    """Roles in which two mentions name the same."""
    return {role for role in first.fillers if first.fillers[role] & second.fillers.get(role, frozenset())}


def _fillers(mention: Told, role: str) -> frozenset[Hashable]:
    return mention.fillers.get(role, frozenset())


def _parties(mention: Told) -> frozenset[Hashable]:
    return _fillers(mention, "Actor") | _fillers(mention, "Recipient")


def _agree(first: frozenset[Hashable], second: frozenset[Hashable]) -> bool:
    return first <= second or second <= first


def _is_definite_noun(trigger: str) -> bool:
    return bool(re.match(r"[وف]?(?:[بك]?ال|لل)\w{3}", trigger))


@lru_cache(maxsize=1 << 14)
def _roots(trigger: str) -> frozenset[str]:
    return frozenset(root for word in trigger.split() if len(root := _root(word)) > 1)


def _root(word: str) -> str:
    """The letters of a word that are most likely its root's; not always all of them."""
    key = variants_key(_PROCLITICS.sub("", word))
    letters = _ENDINGS.sub("", key).translate(_WEAK)
    letters = re.sub(r"(.)\1", r"\1", letters)
    while len(letters) > 3 and letters[0] in _ADDED:
        letters = letters[1:]
    if len(letters) == 3 and letters[0] == "ت" and key[0] == "ت":
        letters = letters[1:]
    return letters
