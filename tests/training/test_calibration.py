from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hadath import Document, Entity, Event, load
from hadath.document import Argument
from training.calibration import BINS, fitted_temperatures, reliability, scored, trade_offs, write_trade_offs

TEXT = "زار الوزير تونس أمس"
MINISTER = Entity(4, 10, "OCC", "الوزير", 0.9)
TUNIS = Entity(11, 15, "GPE", "تونس", 0.6)
VISIT = Event(0, 3, "CONSULT", "زار", 0.8, arguments=(Argument("Actor", MINISTER, 0.7), Argument("Place", TUNIS, 0.4)))
GOLD = Document(TEXT, (MINISTER, TUNIS), (VISIT,))

predictions = st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60)


@given(predictions)
def test_bins_hold_every_prediction_once(pairs: list[tuple[float, bool]]) -> None:
    scores, correct = np.array([score for score, _ in pairs]), np.array([right for _, right in pairs])
    found = reliability(scores, correct)
    assert found.counts.sum() == len(pairs)
    assert (found.counts * found.scores).sum() == pytest.approx(scores.sum())
    assert (found.counts * found.right).sum() == pytest.approx(correct.sum())
    assert 0 <= found.error <= 1


def test_scores_that_mean_what_they_say_have_no_error() -> None:
    correct = np.arange(1000) % 10 < 8
    assert reliability(np.full(1000, 0.8), correct).error == pytest.approx(0)
    assert reliability(np.full(1000, 1.0), correct).error == pytest.approx(0.2)
    assert reliability(np.zeros(0), np.zeros(0, bool)).error == 0


def test_what_is_right_and_what_is_not() -> None:
    wrong_type = replace(TUNIS, type="LOC")
    found = Document(TEXT, (MINISTER, wrong_type), (replace(VISIT, arguments=(Argument("Actor", MINISTER, 0.7),)),))
    scores, correct = scored("entities", [GOLD], [found])
    assert (scores.tolist(), correct.tolist()) == ([0.9, 0.6], [True, False])
    assert scored("events", [GOLD], [found])[1].tolist() == [True]
    scores, correct = scored("arguments", [GOLD], [found])
    assert (scores.tolist(), correct.tolist()) == ([0.7], [True])
    other_event = Document(TEXT, (MINISTER,), (replace(VISIT, type="ASSAULT", arguments=found.events[0].arguments),))
    assert scored("arguments", [GOLD], [other_event])[1].tolist() == [False]


def test_a_higher_least_score_reports_less() -> None:
    rows = trade_offs("entities", [GOLD], [GOLD])
    assert [row.least for row in rows] == pytest.approx(np.arange(BINS) / 10)
    assert (rows[0].precision, rows[0].recall, rows[0].f1) == (1, 1, 1)
    assert rows[7].recall == 0.5
    assert rows[7].f1 == pytest.approx(2 / 3)


def test_the_table_of_least_scores(tmp_path: Path) -> None:
    lines = write_trade_offs([GOLD], [GOLD], tmp_path / "new").read_text(encoding="utf-8").splitlines()
    assert lines[:2] == ["kind,least,precision,recall,f1", "entities,0.0,1.0,1.0,1.0"]
    assert len(lines) == 1 + 3 * BINS


def test_temperatures_lessen_the_loss(tiny_model_directory: Path) -> None:
    tagger = load(tiny_model_directory)
    texts = [TEXT, "غادر الرئيس بيروت صباحا وعاد إليها مساء", "استقبل السفير وفدا من الرباط"]
    found = [tagger(text) for text in texts]
    assert any(document.entities for document in found)
    # half of what it finds is right
    gold = [Document(document.text, document.entities[::2], document.events[::2]) for document in found]

    def loss(temperatures: dict[str, float]) -> float:
        trial = [replace(tagger, temperatures=temperatures)(text) for text in texts]
        total = 0.0
        for kind in ("entities", "events"):
            scores, correct = scored(kind, gold, trial)
            total -= float(np.log(np.where(correct, scores, 1 - scores).clip(1e-6)).mean()) if len(scores) else 0.0
        return total

    fitted = fitted_temperatures(tagger, gold)
    assert set(fitted) <= {"entities", "events", "arguments"}
    assert loss(fitted) < loss({})
    # what the tagger had been set to before makes no difference
    assert (
        fitted_temperatures(replace(tagger, temperatures={"entities": 3.0}, min_scores={"events": 0.9}), gold) == fitted
    )
