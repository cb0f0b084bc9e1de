from __future__ import annotations

import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnxruntime
import pytest

from hadath.batch import files
from hadath.cli import main
from hadath.document import Document
from hadath.version import __version__

TEXT = "زار وزير الخارجية مدينة تونس أمس. وقال إن القوات على الطريق."


@dataclass(frozen=True)
class Outcome:
    status: int
    out: str
    err: str


@pytest.fixture
def hadath(tiny_model_directory: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """Runs the command in this process, with the tiny model where it takes one."""

    def run(*arguments: str | Path) -> Outcome:
        given = list(map(str, arguments))
        if given[0] == "tag" and "-m" not in given:
            given[1:1] = ["-m", str(tiny_model_directory)]
        status = main(given)
        captured = capsys.readouterr()
        return Outcome(status, captured.out, captured.err)

    return run


@pytest.fixture
def article(tmp_path: Path) -> Path:
    path = tmp_path / "خبر.txt"
    path.write_text(TEXT, encoding="utf-8")
    return path


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "corpus.jsonl"
    rows = [json.dumps({"id": f"n{n}", "text": TEXT * n, "date": "2024-01-02"}, ensure_ascii=False) for n in range(5)]
    path.write_text("\n".join([*rows[:2], "{broken", *rows[2:]]) + "\n", encoding="utf-8")
    return path


def is_a_sentence(error: str) -> bool:
    return error.startswith("hadath: ") and error.count("\n") == 1 and "Traceback" not in error


# to the terminal


def test_an_article_is_shown_for_reading(hadath: Callable[..., Outcome], article: Path) -> None:
    outcome = hadath("tag", article)
    assert outcome.status == 0
    assert outcome.err == ""
    first, *rest = outcome.out.splitlines()
    assert re.fullmatch("\u2068خبر\u2069: \\d+ events?, \\d+ entit(y|ies), 13 words", first)
    document = Document.from_dict(json.loads(hadath("tag", article, "--format", "json").out))
    assert document.events
    for span in (*document.events, *document.entities):
        [line] = [line for line in rest if f" {span.start}-{span.end} " in line]
        assert line.endswith(f"\u2068{span.text}\u2069")
        assert f"{span.type} " in line
        assert f"{span.score:.2f}" in line


def test_several_articles_are_shown_one_after_the_other(
    hadath: Callable[..., Outcome], article: Path, tmp_path: Path
) -> None:
    shutil.copy(article, tmp_path / "b.txt")
    outcome = hadath("tag", article, tmp_path / "b.txt")
    assert [line for line in outcome.out.splitlines() if "words" in line][1].startswith("\u2068b\u2069")
    folder = hadath("tag", tmp_path)
    assert folder.out.count("words") == 2


def test_one_article_as_json_is_one_object(hadath: Callable[..., Outcome], article: Path) -> None:
    values = json.loads(hadath("tag", article, "--format", "json").out)
    assert (values["id"], values["text"]) == ("خبر", TEXT)
    Document.from_dict(values)
    line = hadath("tag", article, "--format", "jsonl").out
    assert line.count("\n") == 1
    assert json.loads(line) == values


def test_several_articles_as_json_are_a_list(hadath: Callable[..., Outcome], table: Path, tmp_path: Path) -> None:
    values = json.loads(hadath("tag", table, "--format", "json").out)
    assert [value["id"] for value in values] == ["n0", "n1", "n2", "n3", "n4"]
    (tmp_path / "empty.jsonl").write_text("")
    assert json.loads(hadath("tag", tmp_path / "empty.jsonl", "--format", "json").out) == []


def test_an_article_as_brat(hadath: Callable[..., Outcome], article: Path) -> None:
    values = json.loads(hadath("tag", article, "--format", "json").out)
    assert hadath("tag", article, "--format", "brat").out == Document.from_dict(values).to_brat() != ""


def test_standard_input_is_a_text(
    hadath: Callable[..., Outcome], article: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Input:
        buffer = io.BytesIO(article.read_bytes())

    monkeypatch.setattr(sys, "stdin", Input)
    piped = json.loads(hadath("tag", "-", "--format", "json").out)
    assert piped.pop("id") == "stdin"
    named = json.loads(hadath("tag", article, "--format", "json").out)
    named.pop("id")
    assert piped == named


def test_a_table_becomes_json_lines_and_broken_lines_are_told(hadath: Callable[..., Outcome], table: Path) -> None:
    outcome = hadath("tag", table)
    values = [json.loads(line) for line in outcome.out.splitlines()]
    assert [value["id"] for value in values] == ["n0", "n1", "n2", "n3", "n4"]
    assert values[0]["date"] == "2024-01-02"
    broken, counted = outcome.err.splitlines()
    assert broken.startswith(f"hadath: {table}:3: broken JSON: ")
    assert counted == "hadath: 1 of 6 records skipped"
    assert outcome.status == 0
    assert hadath("tag", table, "--strict").status == 1


def test_the_same_is_found_on_the_terminal_and_in_a_folder(
    hadath: Callable[..., Outcome], table: Path, tmp_path: Path
) -> None:
    shown = hadath("tag", table, "--batch-size", "2").out
    hadath("tag", table, "-o", tmp_path / "out", "--format", "jsonl", "--batch-size", "2")
    assert (tmp_path / "out" / "part-00000.jsonl").read_text(encoding="utf-8") == shown


def test_limit_and_shard_work_on_the_terminal(hadath: Callable[..., Outcome], table: Path) -> None:
    assert len(hadath("tag", table, "--limit", "2").out.splitlines()) == 2
    second = hadath("tag", table, "--shard", "2/2").out.splitlines()
    assert [json.loads(line)["id"] for line in second] == ["n1", "n2", "n4"]


def test_an_empty_text_has_nothing_in_it(hadath: Callable[..., Outcome], tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("")
    outcome = hadath("tag", tmp_path / "a.txt")
    assert (outcome.status, outcome.out) == (0, "\u2068a\u2069: 0 events, 0 entities, 0 words\n")


def test_a_text_of_a_megabyte_is_tagged_whole(hadath: Callable[..., Outcome], tmp_path: Path) -> None:
    text = (TEXT + "\n") * (1_000_000 // len(f"{TEXT}\n".encode()) + 1)
    (tmp_path / "a.txt").write_text(text, encoding="utf-8")
    document = Document.from_dict(json.loads(hadath("tag", tmp_path / "a.txt", "--format", "jsonl").out))
    assert document.text == text
    assert max(entity.end for entity in document.entities) > len(text) - 2 * len(TEXT)


# what cannot be done


def test_a_missing_file_is_a_sentence(hadath: Callable[..., Outcome], article: Path, tmp_path: Path) -> None:
    outcome = hadath("tag", article, tmp_path / "missing.txt")
    assert outcome.status == 2
    assert outcome.out == ""
    assert is_a_sentence(outcome.err)
    assert "missing.txt: no such file or folder" in outcome.err


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.txt", b"\x00\x01\x02\xff", "it is a binary file"),
        ("a.txt", b"\xcd\xc8\xd1", "Windows-1256"),
        ("a.jsonl", b"{\n", "no record could be tagged, 1 record rejected"),
        ("a.jpg", b"\xff\xd8", "cannot tell what kind of file"),
        ("a.jsonl", b'{"title": "x"}\n', "no column looks like the text"),
        ("a.parquet", b"x", "not a readable Parquet file"),
    ],
)
@pytest.mark.parametrize("folder", [False, True])
def test_bad_input_is_a_sentence(
    hadath: Callable[..., Outcome], tmp_path: Path, name: str, content: bytes, said: str, folder: bool
) -> None:
    (tmp_path / name).write_bytes(content)
    outcome = hadath("tag", tmp_path / name, *(["-o", tmp_path / "out"] if folder else []))
    assert outcome.status == 2
    last = outcome.err.splitlines(keepends=True)[-1]
    assert is_a_sentence(last)
    if folder and name == "a.txt":
        assert f"no record could be tagged, 1 record rejected; see {tmp_path / 'out' / 'rejected.jsonl'}" in last
    else:
        assert said in last


def test_an_empty_folder_is_a_sentence(hadath: Callable[..., Outcome], tmp_path: Path) -> None:
    outcome = hadath("tag", tmp_path)
    assert outcome.status == 2
    assert "the folder holds nothing to tag" in outcome.err


def test_a_missing_model_is_a_sentence(hadath: Callable[..., Outcome], article: Path, tmp_path: Path) -> None:
    for extra in ([], ["-o", tmp_path / "out"]):
        outcome = hadath("tag", article, "-m", tmp_path / "nowhere", *extra)
        assert outcome.status == 2
        assert is_a_sentence(outcome.err)
        assert "no model at" in outcome.err
    assert not (tmp_path / "out").exists()


def test_a_model_of_a_newer_format_is_a_sentence(
    hadath: Callable[..., Outcome], article: Path, tmp_path: Path, tiny_model_directory: Path
) -> None:
    model = Path(shutil.copytree(tiny_model_directory, tmp_path / "model"))
    config = json.loads((model / "config.json").read_text(encoding="utf-8"))
    (model / "config.json").write_text(json.dumps({**config, "format": 99, "hadath_version": "9.9"}), encoding="utf-8")
    for command in (["tag", article, "-m", model], ["info", model]):
        outcome = hadath(*command)
        assert outcome.status == 2
        assert is_a_sentence(outcome.err)
        assert "upgrade" in outcome.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--format", "parquet"], "--format parquet needs an output folder"),
        (["--restart"], "--restart is for an output folder"),
        (["-o", "out", "--format", "text"], "--format text is for standard output; with -o use parquet or jsonl"),
    ],
)
def test_options_that_do_not_go_together(
    hadath: Callable[..., Outcome], article: Path, arguments: list[str], said: str
) -> None:
    outcome = hadath("tag", article, *arguments)
    assert outcome.status == 2
    assert is_a_sentence(outcome.err)
    assert said in outcome.err


def test_brat_is_for_one_article(hadath: Callable[..., Outcome], table: Path) -> None:
    outcome = hadath("tag", table, "--format", "brat")
    assert outcome.status == 2
    assert "one article" in outcome.err


def test_standard_input_is_not_for_folders(hadath: Callable[..., Outcome], tmp_path: Path) -> None:
    outcome = hadath("tag", "-", "-o", tmp_path / "out")
    assert outcome.status == 2
    assert "save it to a file" in outcome.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "required"),
        (["nonsense"], "invalid choice"),
        (["tag"], "INPUT"),
        (["tag", "a.txt", "--shard", "3/2"], "expected I/N with I from 1 to N"),
        (["tag", "a.txt", "--shard", "0/2"], "expected I/N"),
        (["tag", "a.txt", "--workers", "0"], "no whole number above 0"),
        (["tag", "a.txt", "--part-size", "-5"], "no whole number above 0"),
        (["tag", "a.txt", "--format", "xml"], "invalid choice"),
        (["tag", "a.txt", "--unknown"], "unrecognized arguments"),
    ],
)
def test_wrong_usage_is_told_with_status_2(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


def test_a_file_that_may_not_be_read_is_a_sentence(
    hadath: Callable[..., Outcome], article: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(*arguments: Any, **options: Any) -> Any:
        raise PermissionError(13, "Permission denied", str(article))

    monkeypatch.setattr("builtins.open", denied)
    monkeypatch.setattr(files, "open", denied, raising=False)
    outcome = hadath("tag", article)
    monkeypatch.undo()
    assert outcome.status == 2
    assert outcome.err == f"hadath: {article}: Permission denied\n"


@pytest.mark.parametrize(
    ("package", "name", "arguments", "said"),
    [
        ("pyarrow", "a.txt", ["-o", "out"], "writing Parquet"),
        ("pyarrow", "a.parquet", [], "Parquet"),
        ("zstandard", "a.jsonl.zst", [], "a.jsonl.zst: reading .zst"),
    ],
)
def test_what_the_extra_would_bring_is_said(
    hadath: Callable[..., Outcome],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    package: str,
    name: str,
    arguments: list[str],
    said: str,
) -> None:
    (tmp_path / name).write_bytes(b"x")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.delitem(sys.modules, "hadath.batch.parquet", raising=False)
    outcome = hadath("tag", name, *arguments)
    assert outcome.status == 2
    assert f"needs {package}; install it with: pip install 'hadath[batch]'" in outcome.err
    assert said in outcome.err


# to a folder


def test_a_job_ends_with_a_summary(hadath: Callable[..., Outcome], table: Path, tmp_path: Path) -> None:
    outcome = hadath("tag", table, "-o", tmp_path / "out")
    assert outcome.status == 0
    assert outcome.out == ""
    assert re.fullmatch(
        r"hadath: 5 articles, 130 words: [\d,]+ entities, [\d,]+ events\n"
        r"  0:0\d, [\d,]+ words/s\n"
        rf"  1 record rejected, listed in {re.escape(str(tmp_path))}/out/rejected.jsonl\n"
        rf"  1 part \(parquet\) in {re.escape(str(tmp_path))}/out\n",
        outcome.err,
    )
    assert hadath("tag", table, "-o", tmp_path / "out", "--strict").status == 1
    again = hadath("tag", table, "-o", tmp_path / "out")
    assert again.err.startswith("hadath: was finished already\n  5 articles")


def test_a_changed_option_is_a_sentence(hadath: Callable[..., Outcome], table: Path, tmp_path: Path) -> None:
    hadath("tag", table, "-o", tmp_path / "out")
    outcome = hadath("tag", table, "-o", tmp_path / "out", "--part-size", "7")
    assert outcome.status == 2
    assert is_a_sentence(outcome.err)
    assert "part-size was 2000, is now 7" in outcome.err
    assert hadath("tag", table, "-o", tmp_path / "out", "--part-size", "7", "--restart").status == 0


# about itself


def test_help_shows_groups_and_examples(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["tag", "--help"])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    for words in ("input:", "output:", "speed:", "examples:", "hadath tag article.txt", "exit status:"):
        assert words in shown
    with pytest.raises(SystemExit):
        main(["--help"])
    assert "records" in capsys.readouterr().out


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"hadath {__version__}\n"


def test_info_tells_what_a_model_is(hadath: Callable[..., Outcome], tiny_model_directory: Path) -> None:
    shown = hadath("info", tiny_model_directory).out
    for words in ("tiny", str(tiny_model_directory), "PER, ORG, PLACE, DATE", "MEET, ATTACK, HELP", "64 subwords"):
        assert words in shown
    values = json.loads(hadath("info", tiny_model_directory, "--json").out)
    assert values["model"] == "tiny"
    assert values["schema"]["entity_types"] == ["PER", "ORG", "PLACE", "DATE"]
    assert values["windowing"] == {"max_length": 64, "overlap": 16, "pieces_per_word": 8}
    assert values["provenance"]["encoder"] == "random"
    assert values["onnxruntime"] == onnxruntime.__version__
    assert "CPUExecutionProvider" in values["providers"]
    assert values["bytes"] == sum(path.stat().st_size for path in tiny_model_directory.iterdir())


# as a process

PACKAGE = Path(__file__).parents[2] / "inference"


def command(*arguments: str | Path, **options: Any) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": str(PACKAGE), "OMP_NUM_THREADS": "1"}
    given = [sys.executable, "-m", "hadath", *map(str, arguments)]
    return subprocess.Popen(given, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)


def test_the_process_ends_with_the_status(tmp_path: Path, article: Path, tiny_model_directory: Path) -> None:
    good = command("tag", article, "-m", tiny_model_directory)
    bad = command("tag", tmp_path / "nowhere.txt")
    out, err = good.communicate(timeout=60)
    assert (good.returncode, err) == (0, b"")
    assert "خبر" in out.decode("utf-8")
    out, err = bad.communicate(timeout=60)
    assert (bad.returncode, out) == (2, b"")
    assert is_a_sentence(err.decode("utf-8"))


def test_arabic_comes_out_whatever_the_locale(
    article: Path, tiny_model_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "latin-1")
    process = command("tag", "-", "-m", tiny_model_directory, stdin=subprocess.PIPE)
    out, err = process.communicate(article.read_bytes(), timeout=60)
    assert (process.returncode, err) == (0, b"")
    assert "تونس" in out.decode("utf-8")


def test_a_reader_that_goes_away_is_no_error(tmp_path: Path, tiny_model_directory: Path) -> None:
    rows = [json.dumps({"text": TEXT * 20}, ensure_ascii=False) for _ in range(500)]
    (tmp_path / "a.jsonl").write_text("\n".join(rows), encoding="utf-8")
    process = command("tag", tmp_path / "a.jsonl", "-m", tiny_model_directory)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.read(10)
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    assert (process.wait(60), err) == (141, b"")
    # nor where it goes away before the first word, which is only noticed at the end
    process = command("info", tiny_model_directory)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    assert (process.wait(60), err) == (141, b"")


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc to look for processes")
@pytest.mark.parametrize("workers", [1, 2])
def test_ctrl_c_ends_a_job_in_an_orderly_way(tmp_path: Path, tiny_model_directory: Path, workers: int) -> None:
    rows = [json.dumps({"text": TEXT * 30}, ensure_ascii=False) for _ in range(3000)]
    (tmp_path / "a.jsonl").write_text("\n".join(rows), encoding="utf-8")
    output = tmp_path / "out"
    process = command(
        "tag", tmp_path / "a.jsonl", "-m", tiny_model_directory, "-o", output,
        "--format", "jsonl", "--part-size", "20", "--workers", workers, start_new_session=True,
        # a shell's background jobs are started deaf to Ctrl-C, and these tests may be one's child
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while not (output / "part-00001.jsonl").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, b"")
    said = err.decode("utf-8")
    assert re.fullmatch(r"hadath: interrupted; \d+ finished parts? kept in .*; run the same command to go on\n", said)
    assert not living(process.pid)


def living(group: int) -> list[int]:
    """The processes of a group that are still there after some seconds, those that only wait to be counted left out."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        found = []
        for path in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError):
                name_and_rest = path.read_text().rpartition(")")
                state, _, its_group = name_and_rest[2].split()[:3]
                if int(its_group) == group and state != "Z":
                    found.append(int(path.parent.name))
        if not found:
            return []
        time.sleep(0.05)
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="names that are no UTF-8 are only possible on Linux")
def test_a_file_name_that_is_no_utf8_is_no_trouble(hadath: Callable[..., Outcome], tmp_path: Path) -> None:
    outcome = hadath("tag", os.fsdecode(b"\xff.txt"))
    assert (outcome.status, outcome.err) == (2, "hadath: \\udcff.txt: no such file or folder; check the path\n")
    path = os.fsencode(tmp_path) + b"/\xff.txt"
    with open(path, "wb") as stream:
        stream.write(TEXT.encode("utf-8"))
    assert hadath("tag", os.fsdecode(path)).out.startswith("\u2068\ufffd\u2069: ")
    assert hadath("tag", os.fsdecode(path), "-o", tmp_path / "out", "--format", "jsonl").status == 0
    assert json.loads((tmp_path / "out" / "part-00000.jsonl").read_bytes())["id"] == "\ufffd"
