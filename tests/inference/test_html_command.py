from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hadath.cli import main
from hadath.document import Document
from tests.inference.test_html import data_of

TEXT = "زار وزير الخارجية مدينة تونس أمس."


@pytest.fixture
def shown(
    tiny_model_directory: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[dict[str, Any], str]]:
    """Runs the command with the tiny model; returns what the page holds and what was said."""

    def run(*arguments: str | Path) -> tuple[dict[str, Any], str]:
        page = tmp_path / "page.html"
        assert main(["html", *map(str, arguments), "-m", str(tiny_model_directory), "-o", str(page)]) == 0
        return data_of(page.read_text(encoding="utf-8")), capsys.readouterr().err

    return run


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    path = tmp_path / "corpus.jsonl"
    rows: list[Any] = [{"id": f"n{n}", "text": TEXT * n, "date": f"2024-01-0{n}"} for n in range(1, 5)]
    rows.insert(2, {"id": "bad", "text": None})
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def test_texts_are_tagged_and_shown(shown: Callable[..., Any], tmp_path: Path) -> None:
    for name in ("أ.txt", "ب.txt"):
        (tmp_path / name).write_text(TEXT, encoding="utf-8")
    data, said = shown(tmp_path / "أ.txt", tmp_path / "ب.txt", "--title", "أخبار", "--language", "en")
    assert [document["id"] for document in data["documents"]] == ["أ", "ب"]
    assert data["documents"][0]["events"]
    assert (data["title"], data["words"]["filters"]) == ("أخبار", "Filter by type")
    assert said == f"hadath: 2 articles in {tmp_path / 'page.html'}, 0.0 MB\n"


@pytest.mark.parametrize("form", ["jsonl", "parquet"])
def test_what_was_tagged_is_shown_as_it_is(
    shown: Callable[..., Any],
    corpus: Path,
    tmp_path: Path,
    form: str,
    tiny_model_directory: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    untouched, _ = shown(corpus)
    folder = tmp_path / "tagged"
    arguments = ["tag", str(corpus), "-m", str(tiny_model_directory), "-o", str(folder), "--part-size", "2"]
    assert main([*arguments, "--format", form]) == 0
    capsys.readouterr()
    monkeypatch.setattr("hadath.commands.html.load", None)  # no model is needed
    for given in ([folder], sorted(folder.glob("part-*"))):
        data, said = shown(*given)
        assert data["documents"] == untouched["documents"]
        assert "skipped" not in said
    assert [document["caption"] for document in data["documents"]] == [f"2024-01-0{n}" for n in range(1, 5)]


def test_articles_that_carry_annotations_stand_among_those_that_are_tagged_now(
    shown: Callable[..., Any], tmp_path: Path
) -> None:
    tagged = Document(TEXT, id="done").to_dict()
    path = tmp_path / "mixed.jsonl"
    rows = [{"id": "new", "text": TEXT}, tagged, {"id": "newer", "text": TEXT}, {**tagged, "events": [{"start": 3}]}]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    data, said = shown(path)
    assert [(document["id"], bool(document["events"])) for document in data["documents"]] == [
        ("new", True),
        ("done", False),
        ("newer", True),
    ]
    assert f"{path}:4: not a document: 'arguments' is missing" in said


def test_records_that_cannot_be_shown_are_told_and_left_out(shown: Callable[..., Any], corpus: Path) -> None:
    data, said = shown(corpus, "--limit", "3")
    assert [document["id"] for document in data["documents"]] == ["n1", "n2", "n3"]
    assert f"{corpus}:3: 'text' is null, expected a string; skipped" in said


def test_a_page_goes_to_standard_output(
    tmp_path: Path, tiny_model_directory: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    (tmp_path / "a.txt").write_text(TEXT, encoding="utf-8")
    assert main(["html", str(tmp_path / "a.txt"), "-m", str(tiny_model_directory)]) == 0
    out = capsysbinary.readouterr().out.decode("utf-8")
    assert data_of(out)["documents"][0]["text"] == TEXT


def test_more_articles_than_a_browser_shows_are_asked_for(
    shown: Callable[..., Any], corpus: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("hadath.commands.html.MOST_ARTICLES", 2)
    assert main(["html", str(corpus)]) == 2
    assert capsys.readouterr().err.endswith(
        "hadath: more than 2 articles, which hardly a browser shows; choose how many with --limit N\n"
    )
    data, _ = shown(corpus, "--limit", "3")
    assert len(data["documents"]) == 3


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["missing.txt"], "missing.txt: no such file or folder; check the path"),
        (["empty.jsonl"], "no article can be shown; expected texts, or what `hadath tag` wrote"),
        (["a.txt", "--limit", "0"], "--limit 0: expected a whole number above 0"),
    ],
)
def test_nothing_to_show_is_an_error_and_writes_no_page(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    reason: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.txt").write_text(TEXT, encoding="utf-8")
    Path("empty.jsonl").write_text("", encoding="utf-8")
    assert main(["html", *arguments, "-o", "page.html"]) == 2
    assert capsys.readouterr().err == f"hadath: {reason}\n"
    assert not Path("page.html").exists()
