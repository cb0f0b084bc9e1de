from __future__ import annotations

from pathlib import Path

import pytest

from hadath.document import Argument, Document, Entity, Event
from training.record_figures import counts, grouping_scores, main

ROOT = Path(__file__).parents[2]

TEXT = "زار وزير الخارجية التونسي عمر السعداوي ليبيا أمس. وأشاد السعداوي"


def entity(words: str, type: str, after: int = 0) -> Entity:
    start = TEXT.index(words, after)
    return Entity(start, start + len(words), type, words)


OFFICE, PERSON, LIBYA = entity("وزير الخارجية التونسي", "OCC"), entity("عمر السعداوي", "PER"), entity("ليبيا", "GPE")
DAY, SHORT = entity("أمس", "DATE"), entity("السعداوي", "PER", TEXT.index("وأشاد"))
VISIT = Event(
    0, 3, "CONSULT", "زار", 1.0, "Planned", (Argument("Actor", PERSON), Argument("Place", LIBYA), Argument("Date", DAY))
)
DOCUMENT = Document(TEXT, (OFFICE, PERSON, LIBYA, DAY, SHORT), (VISIT,), "a1")


def test_what_records_tell_is_counted() -> None:
    found = counts(DOCUMENT.records("2025-11-18"))
    assert (found["records"], found["mentions"], found["folded"]) == (1, 1, 1)
    assert (found["Actor"], found["Actor country"], found["Actor sector"]) == (1, 1, 1)
    assert (found["Place country"], found["Date days"], found["Recipient"]) == (1, 1, 0)
    assert counts(DOCUMENT.records())["Date days"] == 0


def test_groups_are_scored_and_must_fit_the_article() -> None:
    judged = {"a1": [{str(mention.start): mention.text for mention in (OFFICE, PERSON, SHORT)}]}
    assert grouping_scores([DOCUMENT], judged) == {"pairs": (1.0, 1.0, 1.0), "B-cubed": (1.0, 1.0, 1.0)}
    assert grouping_scores([DOCUMENT], {"a1": []})["pairs"] == (0.0, 1.0, 0.0)
    with pytest.raises(ValueError, match=r"a1: .* the article has other mentions there"):
        grouping_scores([DOCUMENT], {"a1": [{"0": "زار"}]})


def test_groups_of_articles_are_those_that_a_person_made(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--corpus", str(ROOT / "data"), "--judged", str(ROOT / "tests" / "fixtures" / "mention_groups.json")])
    told = capsys.readouterr().out.splitlines()
    assert "groups in 25 articles, pairs" in told[-2]
    assert float(told[-2].split()[-1]) >= 0.96
    assert float(told[-1].split()[-1]) >= 0.98
