from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hadath.document import Argument, Document, Entity, Event
from hadath.terminal import isolated, rendered

TEXT = "زار الوزير\nأحمد تونس أمس"
MINISTER = Entity(4, 15, "PER", "الوزير\nأحمد", 0.876)
TUNIS = Entity(16, 20, "GPE", "تونس", 1.0)
VISIT = Event(0, 3, "CONSULT", "زار", 0.5, "Planned", (Argument("Actor", MINISTER, 0.9), Argument("Place", TUNIS)))


def test_a_document_as_a_table() -> None:
    document = Document(TEXT, (MINISTER, TUNIS), (VISIT,), "خبر")
    assert rendered(document, words=5) == (
        "\u2068خبر\u2069: 1 event, 2 entities, 5 words\n"
        "\n"
        "  Event    Modality  Score  Place  Trigger\n"
        "  CONSULT  Planned    0.50    0-3  \u2068زار\u2069\n"
        "           Actor  0.90  \u2068الوزير أحمد\u2069\n"
        "           Place  1.00  \u2068تونس\u2069\n"
        "\n"
        "  Entity  Score  Place  Text\n"
        "  PER      0.88   4-15  \u2068الوزير أحمد\u2069\n"
        "  GPE      1.00  16-20  \u2068تونس\u2069\n"
    )


def test_nothing_found() -> None:
    assert rendered(Document("")) == "text: 0 events, 0 entities\n"


@given(st.text(st.one_of(st.characters(), st.sampled_from("\u2066\u2067\u2068\u2069\u202e\x1b\x07\n\u2028\x85"))))
def test_an_isolated_text_steers_nothing(text: str) -> None:
    shown = isolated(text)
    assert len(shown.splitlines()) == 1
    assert (shown[0], shown[-1]) == ("\u2068", "\u2069")
    assert not any(ord(character) < 32 or 127 <= ord(character) < 160 for character in shown)
    assert not set(shown[1:-1]) & set("\u2066\u2067\u2068\u2069\u202a\u202b\u202c\u202d\u202e")


def test_what_joins_letters_stays() -> None:
    assert isolated("می\u200cخواهم") == "\u2068می\u200cخواهم\u2069"
