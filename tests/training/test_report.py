from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from hadath.document import Argument, Document, Entity, Event
from hadath.schema import Schema
from tests.fixtures.predictions import SCHEMA, Tagged, tagged_documents
from training.report import evaluate, report_text, write_report

TEXT = "أغاث الهلال أهالي سبها"
HILAL, SABHA = Entity(5, 11, "ORG", "الهلال"), Entity(18, 22, "GPE", "سبها")
AID = Event(0, 4, "AID", "أغاث", modality="Planned", arguments=(Argument("Actor", HILAL),))
GOLD = Document(TEXT, (HILAL, SABHA), (AID,), "a1")
FOUND = Document(TEXT, (HILAL,), (replace(AID, modality="Asserted"),), "a1")


def lines(text: str) -> dict[str, str]:
    """Lines of a report by their first words."""
    return {re.split(r" {2,}", line.strip())[0]: line for line in text.splitlines() if line.strip()}


def test_the_table_shows_scores_intervals_support_and_errors() -> None:
    text = report_text(evaluate([GOLD] * 2, [FOUND] * 2, SCHEMA, replicates=100), "tiny on dev")
    found = lines(text)
    assert text.splitlines()[0] == "tiny on dev"
    assert "2 documents. seqeval mode=strict, scheme=IOB2; document bootstrap, 100 replicates" in text
    assert found["ORG"].split() == ["ORG", "1.000", "1.000", "1.000", "[1.000,", "1.000]", "2", "2"]
    assert found["GPE"].split() == ["GPE", "0.000", "0.000", "0.000", "[0.000,", "0.000]", "2", "0"]
    assert found["PER"].split() == ["PER", "–", "–", "–", "0", "0"]
    assert found["of correct triggers"].split()[3:] == ["0.000", "[0.000,", "0.000]", "0.000", "2"]
    assert found["Actor"].split()[:4] == ["Actor", "1.000", "1.000", "1.000"]
    assert found["missed"].split() == ["missed", "2", "0"]
    assert found["wrong modality"].split() == ["wrong", "modality", "2"]
    assert re.search(r"micro \(all\) +1\.000  0\.500  0\.667  \[0\.667, 0\.667\] +4 +2", text)


@given(st.lists(tagged_documents(), max_size=3))
@settings(max_examples=30, deadline=None)
def test_no_line_is_longer_than_100_columns_and_columns_stand_below_each_other(texts: list[Tagged]) -> None:
    evaluation = evaluate(
        [text.gold for text in texts],
        [text.predicted for text in texts],
        SCHEMA,
        arguments=True,
        replicates=10,
    )
    text = report_text(evaluation, "title " * 40)
    assert max(map(len, text.splitlines())) <= 100
    rows = [line for line in text.splitlines() if re.match(r"  (PER|ORG|AID|micro|macro|Actor)", line)]
    assert len({len(line) for line in rows}) == 1


def test_long_type_names_do_not_break_the_table() -> None:
    schema = Schema(("GOVERNMENT_OR_INTERNATIONAL_BODY" * 3, "GPE"), (), {})
    text = report_text(evaluate([Document(TEXT, (SABHA,))], [Document(TEXT, (SABHA,))], schema, replicates=10), "t")
    assert "GOVERNMENT_OR_INTERNATION…" in text
    assert max(map(len, text.splitlines())) <= 100


def test_everything_is_written(tmp_path: Path) -> None:
    evaluation = evaluate([GOLD], [FOUND], SCHEMA, replicates=50, seed=3)
    files = write_report(evaluation, tmp_path / "report", "tiny on dev")
    assert sorted(path.name for path in files) == sorted(path.name for path in (tmp_path / "report").iterdir())
    assert (tmp_path / "report/report.txt").read_text(encoding="utf-8") == report_text(evaluation, "tiny on dev")
    record = json.loads((tmp_path / "report/metrics.json").read_text(encoding="utf-8"))
    assert record["title"] == "tiny on dev"
    assert record["metrics"]["entities/f1"] == evaluation.metrics.entities.micro.f1
    assert record["intervals"]["entities/GPE/f1"] == [0.0, 0.0]
    assert record["errors"]["errors/entities/missed"] == 1
    assert len((tmp_path / "report/errors.jsonl").read_text(encoding="utf-8").splitlines()) == 2


def test_arguments_are_told_of_found_and_of_given_spans() -> None:
    evaluation = evaluate([GOLD], [FOUND], SCHEMA, arguments=True, linked=[GOLD], replicates=50)
    text = report_text(evaluation, "tiny on dev")
    titles = [line.split("  ")[0] for line in text.splitlines() if line.startswith("Arguments")]
    assert titles == ["Arguments", "Arguments, of any types", "Arguments of given spans"]
    given = text[text.index("Arguments of given spans") :].splitlines()
    assert lines("\n".join(given))["Actor"].split()[:4] == ["Actor", "1.000", "1.000", "1.000"]
    assert evaluation.intervals["arguments_given_spans/f1"].low == 1.0
    assert evaluation.to_dict()["arguments_given_spans/f1_high"] == 1.0


def test_metrics_for_mlflow_are_numbers_under_accepted_names() -> None:
    values = evaluate([GOLD], [FOUND], SCHEMA, replicates=50).to_dict()
    assert {
        "documents",
        "entities/f1",
        "entities/f1_low",
        "events/AID/f1_high",
        "errors/events/missed",
    } <= values.keys()
    assert all(re.fullmatch(r"[A-Za-z0-9_\-. :/]+", name) for name in values)
    assert all(isinstance(value, (int, float)) for value in values.values())


def test_nothing_at_all_is_reported_without_fuss() -> None:
    evaluation = evaluate([], [], SCHEMA)
    assert "0 documents" in report_text(evaluation, "nothing")
    evaluate([Document("")], [Document("")], SCHEMA)
