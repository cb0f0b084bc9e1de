from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from hadath.cli import main
from hadath.document import Argument, Document, Entity, Event
from hadath.records import EventRecord

TUNIS = Entity(11, 15, "GPE", "تونس")
VISIT = Event(0, 3, "CONSULT", "زار", 0.75, "Planned", (Argument("Place", TUNIS),))
DOCUMENT = Document("زار الوزير تونس", (TUNIS,), (VISIT,), "d1")


@pytest.fixture
def job(tmp_path: Path, tiny_model_directory: Path, capsys: pytest.CaptureFixture[str]) -> Callable[[str], Path]:
    """Tags a small corpus into a folder of a given format."""

    def run(form: str) -> Path:
        rows = [{"id": f"a{n}", "text": "زار الوزير مدينة تونس. " * n, "date": f"2024-05-0{n}"} for n in range(1, 8)]
        source = tmp_path / "a.jsonl"
        source.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        output = tmp_path / form
        arguments = ["tag", str(source), "-m", str(tiny_model_directory), "-o", str(output), "--part-size", "3"]
        assert main([*arguments, "--format", form]) == 0
        capsys.readouterr()
        return output

    return run


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_the_table_of_a_job_is_the_same_from_both_formats(
    job: Callable[[str], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written = {}
    for form in ("jsonl", "parquet"):
        output = job(form)
        assert main(["records", "--mentions", str(output)]) == 0
        written[form] = capsys.readouterr().out
        assert main(["records", "--mentions", str(output), "-o", str(tmp_path / f"{form}.csv")]) == 0
        assert capsys.readouterr().err.endswith(f"mentions in {tmp_path / form}.csv\n")
        assert (tmp_path / f"{form}.csv").read_text(encoding="utf-8") == written[form]
    assert written["jsonl"] == written["parquet"]
    rows = table(written["jsonl"])
    found = [
        (values["id"], event)
        for path in sorted((tmp_path / "jsonl").glob("part-*"))
        for values in map(json.loads, path.read_text(encoding="utf-8").splitlines())
        for event in values["events"]
    ]
    assert [(row["document"], row["type"], int(row["start"])) for row in rows] == [
        (name, event["type"], event["start"]) for name, event in found
    ]
    assert len(rows) > 7
    assert list(rows[0]) == [
        "document", "published", "type", "trigger", "start", "end", "modality", "score", "sentence",
        "who", "with", "where", "when", "target",
    ]  # fmt: skip
    assert {row["published"] for row in rows} <= {f"2024-05-0{n}" for n in range(1, 8)}
    # records: every mention is in one of them
    assert main(["records", str(tmp_path / "jsonl")]) == 0
    records = table(capsys.readouterr().out)
    assert sum(int(row["mentions"]) for row in records) == len(rows)
    assert {(row["document"], row["start"]) for row in records} <= {(row["document"], row["start"]) for row in rows}


def test_a_parquet_table_has_types(job: Callable[[str], Path], tmp_path: Path) -> None:
    output = job("parquet")
    assert main(["records", str(output), "-o", str(tmp_path / "events.parquet")]) == 0
    events = pq.read_table(tmp_path / "events.parquet")
    assert {name: str(events.schema.field(name).type) for name in ("type", "start", "score", "who")} == {
        "type": "string",
        "start": "int32",
        "score": "float",
        "who": "string",
    }
    assert main(["records", str(output), "-o", str(tmp_path / "events.csv")]) == 0
    rows = table((tmp_path / "events.csv").read_text(encoding="utf-8"))
    assert events["trigger"].to_pylist() == [row["trigger"] for row in rows]


def test_a_file_of_documents_brings_its_own_roles(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({**DOCUMENT.to_dict(), "day": "1 May"}) + "\n", encoding="utf-8")
    assert main(["records", str(path), "--date-column", "day"]) == 0
    [row] = table(capsys.readouterr().out)
    assert row["place"] == "تونس"
    assert (row["published"], row["score"], row["modality"]) == ("1 May", "0.7500", "Planned")
    assert (row["code"], row["quad_class"], row["place_country"]) == ("AGREE", "verbal cooperation", "TUN")


def test_a_column_of_dates_that_is_not_there_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({**DOCUMENT.to_dict(), "date": "2025-11-18"}) + "\n\n", encoding="utf-8")
    assert main(["records", str(path), "--date-column", "day"]) == 0
    captured = capsys.readouterr()
    assert len(table(captured.out)) == 1  # and the empty line is none
    assert captured.err == "hadath: no article has a date in a column 'day' (--date-column)\n"


def test_a_date_that_is_none_is_told_and_dates_are_reckoned_from_one_that_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "زار الوزير تونس أمس"
    day = Entity(16, 19, "DATE", "أمس")
    visit = Event(0, 3, "CONSULT", "زار", arguments=(Argument("Date", day),))
    values = Document(text, (day,), (visit,), "d2").to_dict()
    path = tmp_path / "a.jsonl"
    lines = [{**values, "date": date} for date in ("2025-11-18T09:00:00Z", "18 November", None)]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    assert main(["records", str(path)]) == 0
    captured = capsys.readouterr()
    assert [(row["published"], row["date_first_day"]) for row in table(captured.out)] == [
        ("2025-11-18", "2025-11-17"),
        ("18 November", ""),
        ("", ""),
    ]
    assert "1 article with a publication date that is not ISO 8601" in captured.err


def test_whole_records_as_json_lines_from_standard_input(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    line = json.dumps({**DOCUMENT.to_dict(), "date": "2025-11-18"}).encode()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(line + b"\n")))
    assert main(["records", "-", "-o", str(tmp_path / "events.jsonl")]) == 0
    [written] = (tmp_path / "events.jsonl").read_text(encoding="utf-8").splitlines()
    assert [EventRecord.from_dict(json.loads(written))] == list(DOCUMENT.records(date="2025-11-18"))
    assert capsys.readouterr().err == f"hadath: 1 event, told in 1 mention, in {tmp_path / 'events.jsonl'}\n"


def test_a_table_that_fails_midway_leaves_the_old_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, output = tmp_path / "a.jsonl", tmp_path / "events.csv"
    path.write_text(json.dumps(DOCUMENT.to_dict()) + "\n", encoding="utf-8")
    assert main(["records", str(path), "-o", str(output)]) == 0
    before = output.read_bytes()
    broken = {**DOCUMENT.to_dict(), "events": [{}]}
    path.write_text(json.dumps(DOCUMENT.to_dict()) + "\n" + json.dumps(broken) + "\n", encoding="utf-8")
    assert main(["records", str(path), "-o", str(output)]) == 2
    assert "a.jsonl:2: not a document" in capsys.readouterr().err
    assert output.read_bytes() == before
    assert not output.with_name("events.csv.tmp").exists()


def test_without_events_the_table_has_its_header(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.jsonl").write_text(json.dumps(Document("x").to_dict()) + "\n")
    for name in ("events.csv", "events.parquet"):
        assert main(["records", str(tmp_path / "a.jsonl"), "-o", str(tmp_path / name)]) == 0
    assert (tmp_path / "events.csv").read_text().startswith("document,published,code")
    assert pq.read_table(tmp_path / "events.parquet").num_rows == 0


def test_an_unfinished_job_is_told(job: Callable[[str], Path], capsys: pytest.CaptureFixture[str]) -> None:
    output = job("jsonl")
    values = json.loads((output / "manifest.json").read_text(encoding="utf-8"))
    (output / "manifest.json").write_text(json.dumps({**values, "complete": False, "parts": values["parts"][:1]}))
    assert main(["records", str(output)]) == 0
    captured = capsys.readouterr()
    assert "is not finished" in captured.err
    assert {row["document"] for row in table(captured.out)} <= {"a1", "a2", "a3"}


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.jsonl", b"{", "a.jsonl:1: broken JSON"),
        ("a.jsonl", b'{"text": "x"}', "a.jsonl:1: not a document"),
        ("a.jsonl", b"[" * 100_000, "a.jsonl:1: broken JSON"),
        ("a.jsonl", b'{"text": "\\ud800", "entities": [], "events": []}', "a.jsonl:1: not a document: its text is not"),
        ("a.jsonl", b"[]", "a.jsonl:1: not a document"),
        ("a.parquet", b"x", "not a readable Parquet file"),
        ("a.txt", b"x", "expected a folder that `hadath tag -o` wrote"),
        ("sub/a.jsonl", b"", "holds no manifest.json"),
    ],
)
def test_what_is_no_output_of_tag_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, content: bytes, said: str
) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    assert main(["records", str(path.parent if "/" in name else path)]) == 2
    assert said in capsys.readouterr().err


def test_an_output_of_an_unknown_kind_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["records", "x", "-o", str(tmp_path / "events.xlsx")]) == 2
    assert "ends in .csv, .parquet or .jsonl" in capsys.readouterr().err
    assert main(["records", str(tmp_path / "nowhere.jsonl")]) == 2
    assert "no such file" in capsys.readouterr().err
