from __future__ import annotations

import builtins
import errno
import json
import os
import random
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hadath import load
from hadath.batch import chunks, job, manifest, storage, workers
from hadath.batch.articles import Article, Columns, Place, Rejected
from hadath.batch.files import find_files, fingerprint
from hadath.batch.job import Progress, Settings, Summary, tag_corpus
from hadath.document import Document
from hadath.errors import HadathError, InputError
from hadath.tagger import BATCH_TOKENS

WORDS = ["زار", "وزير", "الخارجية", "مدينة", "تونس", "أمس", "وقال", "إن", "هجوم", "القوات", "على", "طرابلس", "،", "."]
SMALL = Settings(format="jsonl", part_size=5, batch_size=3)


def article(number: int) -> dict[str, Any]:
    draw = random.Random(number)
    text = " ".join(draw.choices(WORDS, k=draw.choice([0, 1, 5, 20, 80])))
    return {"id": f"a{number}", "text": text, "date": "2024-05-01", "n": number}


def write_corpus(path: Path, count: int, bad: bool = True) -> Path:
    """JSON lines, about every seventh of them broken in some way."""
    lines = []
    for number in range(count):
        line = json.dumps(article(number), ensure_ascii=False)
        if bad and number % 7 == 3:
            line = [line[:-4], '{"id": "x"}', '{"text": null}', "[]", '{"text": "\\udc00"}'][number // 7 % 5]
        lines.append(line + "\n")
    path.write_text("".join(lines), encoding="utf-8")
    return path


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tested here is the order of steps on the disk, which needs neither a disk's patience nor a fresh model."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
    monkeypatch.setattr(workers, "load", lru_cache(load))


@pytest.fixture
def run(tiny_model_directory: Path) -> Callable[..., Summary]:
    def run(inputs: Path | list[Path], output: Path, settings: Settings = SMALL, **options: Any) -> Summary:
        given = [str(path) for path in (inputs if isinstance(inputs, list) else [inputs])]
        return tag_corpus(given, output, options.pop("model", tiny_model_directory), settings, **options)

    return run


def result(output: Path) -> dict[str, Any]:
    """All that a finished job leaves, Parquet as tables."""
    found: dict[str, Any] = {}
    for path in sorted(output.iterdir()):
        if path.suffix == ".parquet":
            found[path.name] = pq.read_table(path).to_pylist()
        elif path.name not in (".lock", "inputs.jsonl"):
            found[path.name] = path.read_bytes()
    return found


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def tagged(output: Path) -> list[dict[str, Any]]:
    return [values for path in sorted(output.glob("part-*.jsonl")) for values in lines(path)]


# what comes out


def test_every_record_is_tagged_or_rejected_in_order(tmp_path: Path, run: Callable[..., Summary]) -> None:
    source = write_corpus(tmp_path / "a.jsonl", 40)
    summary = run(source, tmp_path / "out")
    found = tagged(tmp_path / "out")
    bad = [number for number in range(40) if number % 7 == 3]
    assert [values["n"] for values in found] == [number for number in range(40) if number not in bad]
    assert [values["line"] for values in lines(tmp_path / "out" / "rejected.jsonl")] == [n + 1 for n in bad]
    assert [len(lines(path)) for path in sorted((tmp_path / "out").glob("part-*"))][:2] == [4, 5]
    assert (summary.articles, summary.rejected, summary.parts) == (len(found), len(bad), 8)
    assert summary.entities == sum(len(values["entities"]) for values in found) > 0
    assert summary.events == sum(len(values["events"]) for values in found) > 0
    for values in found:
        assert values["text"] == article(values["n"])["text"]
        assert values["date"] == "2024-05-01"
        Document.from_dict(values)


def test_the_result_is_that_of_the_tagger(
    tmp_path: Path, run: Callable[..., Summary], tiny_model_directory: Path
) -> None:
    source = write_corpus(tmp_path / "a.jsonl", 6, bad=False)
    run(source, tmp_path / "out", replace(SMALL, part_size=6, batch_size=6))
    documents = load(tiny_model_directory, threads=1).tag([article(number)["text"] for number in range(6)])
    for values, document in zip(tagged(tmp_path / "out"), documents, strict=True):
        assert values["entities"] == document.to_dict()["entities"]
        assert values["events"] == document.to_dict()["events"]


def test_parquet_holds_what_json_lines_hold(tmp_path: Path, run: Callable[..., Summary]) -> None:
    source = write_corpus(tmp_path / "a.jsonl", 40)
    run(source, tmp_path / "jsonl")
    run(source, tmp_path / "parquet", replace(SMALL, format="parquet"))
    rows = [row for path in sorted((tmp_path / "parquet").glob("*.parquet")) for row in pq.read_table(path).to_pylist()]
    found = tagged(tmp_path / "jsonl")
    assert len(rows) == len(found) == 34
    for row, values in zip(rows, found, strict=True):
        assert row["n"] == str(values["n"])  # columns of JSON lines become strings
        assert row["other"] is None
        for name in ("id", "text", "date"):
            assert row[name] == values[name]
        assert Document.from_dict(row).events == Document.from_dict(values).events
    assert (tmp_path / "parquet" / "rejected.jsonl").read_bytes() == (
        tmp_path / "jsonl" / "rejected.jsonl"
    ).read_bytes()


def test_columns_that_come_up_late_are_kept_in_other(tmp_path: Path, run: Callable[..., Summary]) -> None:
    source = tmp_path / "a.jsonl"
    first = [{"text": "a", "k": 1}] * 150
    source.write_text(
        "".join(json.dumps(v) + "\n" for v in [*first, {"text": "b", "late": [1, None], "k": {"x": "ب"}}])
    )
    run(source, tmp_path / "out", replace(SMALL, format="parquet", part_size=1000))
    last = pq.read_table(tmp_path / "out" / "part-00000.parquet").to_pylist()[-1]
    assert (last["k"], json.loads(last["other"])) == ('{"x": "ب"}', {"late": [1, None]})


def test_parquet_columns_pass_through_with_their_types(tmp_path: Path, run: Callable[..., Summary]) -> None:
    table = pa.table(
        {
            "body": ["زار الوزير تونس", None, "قال"],
            "when": pa.array([1, 2, None], pa.timestamp("ns", tz="UTC")),
            "where": pa.array([{"x": 1.5}, None, {"x": None}]),
            "paper": pa.array(["x", "y", "x"]).dictionary_encode(),
            "entities": [1, 2, 3],
        }
    )
    pq.write_table(table, tmp_path / "a.parquet")
    run(tmp_path / "a.parquet", tmp_path / "out", replace(SMALL, format="parquet"))
    out = pq.read_table(tmp_path / "out" / "part-00000.parquet")
    kept = table.take([0, 2])
    assert out["when"].combine_chunks() == kept["when"].combine_chunks()
    assert out["where"].combine_chunks() == kept["where"].combine_chunks()
    assert out["paper"].to_pylist() == ["x", "x"]
    assert out["input_entities"].to_pylist() == [1, 3]
    assert out["id"].to_pylist() == ["a.parquet:1", "a.parquet:3"]


def test_kinds_of_input_may_be_mixed(tmp_path: Path, run: Callable[..., Summary]) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "b.txt").write_text("قال", encoding="utf-8")
    (folder / "c.csv").write_text("text,date\nزار,2024\n", encoding="utf-8")
    pq.write_table(pa.table({"text": ["تونس"], "n": [5]}), folder / "d.parquet")
    write_corpus(folder / "a.jsonl", 2)
    (folder / "ignored.ann").write_text("T1")
    (folder / "_ignored.txt").write_text("x")
    for form in ("jsonl", "parquet"):
        with_n = replace(SMALL, format=form)
        if form == "parquet":
            with pytest.raises(InputError, match=r"column 'n' is string in .*a\.jsonl and int64 in .*d\.parquet"):
                run(folder, tmp_path / form, with_n)
            (folder / "d.parquet").unlink()
        assert run(folder, tmp_path / form, with_n).articles == (5 if form == "jsonl" else 4)
    assert [values["id"] for values in tagged(tmp_path / "jsonl")] == ["a0", "a1", "b", "c.csv:2", "d.parquet:1"]


def test_an_output_inside_the_input_is_not_read(tmp_path: Path, run: Callable[..., Summary]) -> None:
    write_corpus(tmp_path / "a.jsonl", 12)
    first = run(tmp_path, tmp_path / "out")
    assert run(tmp_path, tmp_path / "out").articles == first.articles


def test_shards_share_out_the_records(tmp_path: Path, run: Callable[..., Summary]) -> None:
    source = [write_corpus(tmp_path / "a.jsonl", 20), write_corpus(tmp_path / "b.jsonl", 9)]
    run(source, tmp_path / "all")
    for shard in (1, 2, 3):
        run(source, tmp_path / f"s{shard}", replace(SMALL, shard=(shard, 3)))
    shares = [tagged(tmp_path / f"s{shard}") for shard in (1, 2, 3)]
    ids = [values["id"] for share in shares for values in share]
    assert sorted(ids) == sorted(values["id"] for values in tagged(tmp_path / "all"))
    rejected = [tuple(v.values()) for s in (1, 2, 3) for v in lines(tmp_path / f"s{s}" / "rejected.jsonl")]
    assert sorted(rejected) == sorted(tuple(v.values()) for v in lines(tmp_path / "all" / "rejected.jsonl"))
    assert max(map(len, shares)) - min(map(len, shares)) <= 4


@pytest.mark.parametrize("limit", [1, 7, 10, 1000])
def test_a_limit_counts_records(tmp_path: Path, run: Callable[..., Summary], limit: int) -> None:
    source = write_corpus(tmp_path / "a.jsonl", 20)
    summary = run(source, tmp_path / "out", replace(SMALL, limit=limit))
    assert summary.articles + summary.rejected == min(limit, 20)


def test_a_limit_counts_what_earlier_runs_tagged(tmp_path: Path, run: Callable[..., Summary]) -> None:
    source = write_corpus(tmp_path / "a.jsonl", 30)

    def stop(progress: Progress) -> None:
        if progress.articles + progress.rejected >= 10:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(source, tmp_path / "out", replace(SMALL, limit=18), report=stop)
    summary = run(source, tmp_path / "out", replace(SMALL, limit=18))
    assert (summary.resumed, summary.articles + summary.rejected) == (2, 18)


def test_without_records_there_are_no_parts(tmp_path: Path, run: Callable[..., Summary]) -> None:
    (tmp_path / "a.jsonl").write_text("\n\n")
    summary = run(tmp_path / "a.jsonl", tmp_path / "out")
    assert (summary.articles, summary.parts) == (0, 0)
    assert run(tmp_path / "a.jsonl", tmp_path / "out").parts == 0


def test_workers_change_nothing(tmp_path: Path, run: Callable[..., Summary]) -> None:
    source = write_corpus(tmp_path / "a.jsonl", 60)
    run(source, tmp_path / "one")
    run(source, tmp_path / "two", processes=2)
    assert result(tmp_path / "one") == result(tmp_path / "two")


def test_long_articles_end_chunks_and_parts_early(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "CHUNK_CHARACTERS", 100)
    monkeypatch.setattr(chunks, "PART_CHARACTERS", 250)
    source = tmp_path / "a.jsonl"
    source.write_text(
        "".join(json.dumps({"text": "m" * length}) + "\n" for length in (60, 60, 90, 5, 5, 300, 10, 40, 55))
    )
    cut = list(chunks.cut(chunks.read_records(find_files([str(source)]), Columns()), batch_size=8, part_size=100))
    assert [[len(a.text) for a in chunk.articles] for chunk in cut] == [[60], [60], [90, 5, 5], [300], [10, 40], [55]]
    assert [chunk.ends_part for chunk in cut] == [False, False, False, True, False, True]


def test_a_text_that_the_tagger_fails_on_is_rejected_alone(
    tmp_path: Path, run: Callable[..., Summary], monkeypatch: pytest.MonkeyPatch
) -> None:
    from hadath.batch import tagging

    real = tagging.read

    def fail_on(text: str, *rest: Any) -> Any:
        if text == article(4)["text"] or broken:
            raise RuntimeError("out of order")
        return real(text, *rest)

    broken = False
    monkeypatch.setattr(tagging, "read", fail_on)
    source = write_corpus(tmp_path / "a.jsonl", 12, bad=False)
    summary = run(source, tmp_path / "out")
    [rejected] = lines(tmp_path / "out" / "rejected.jsonl")
    assert (summary.articles, summary.rejected) == (11, 1)
    assert (rejected["line"], rejected["id"]) == (5, "a4")
    assert "RuntimeError: out of order" in rejected["reason"]
    # where nothing works it is not the texts' fault
    broken = True
    with pytest.raises(RuntimeError, match="out of order"):
        run(source, tmp_path / "other")


def test_progress_is_told_after_every_chunk(tmp_path: Path, run: Callable[..., Summary]) -> None:
    told: list[Progress] = []
    source = [write_corpus(tmp_path / "a.jsonl", 40), write_corpus(tmp_path / "b.jsonl", 40)]
    summary = run(source, tmp_path / "out", report=told.append)
    assert told[-1] == Progress(summary.articles, summary.words, summary.rejected, 1.0)
    shares = [progress.share for progress in told]
    assert shares == sorted(shares)
    assert 0 < shares[0] < 1


# interruptions


class Disk:
    """Lets a job run and keeps a copy of its folder as it was at every step that changes what is on the disk."""

    def __init__(self, output: Path, copies: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.output = output
        self.copies = copies
        self.count = 0
        for name in ("fsync", "replace", "unlink"):
            monkeypatch.setattr(os, name, self._watched(getattr(os, name)))

    def _watched(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*arguments: Any, **options: Any) -> Any:
            self._copy()
            done = real(*arguments, **options)
            self._copy()
            return done

        return watched

    def _copy(self) -> None:
        if self.output.exists():
            shutil.copytree(self.output, self.copies / f"{self.count:04}", copy_function=shutil.copy2)
            self.count += 1


@pytest.fixture
def copies(tmp_path: Path) -> Path:
    path = tmp_path / "copies"
    path.mkdir()
    return path


@pytest.mark.parametrize("form", ["jsonl", "parquet"])
def test_a_run_killed_at_any_step_goes_on_to_the_same_result(
    tmp_path: Path, run: Callable[..., Summary], copies: Path, form: str
) -> None:
    source = [write_corpus(tmp_path / "a.jsonl", 11), write_corpus(tmp_path / "b.jsonl", 10)]
    asked = replace(SMALL, format=form)
    with pytest.MonkeyPatch.context() as patch:
        disk = Disk(tmp_path / "out", copies, patch)
        whole = run(source, tmp_path / "out", asked)
    assert disk.count > 50
    expected = result(tmp_path / "out")
    for copy in sorted(copies.iterdir())[:: 1 if form == "jsonl" else 3]:
        # what a killed process was writing may have reached the disk in part
        for torn in [*copy.glob("*.tmp")]:
            os.truncate(torn, torn.stat().st_size // 2)
        rejected = copy / "rejected.jsonl"
        begun = manifest.Manifest.read(copy)
        if rejected.exists() and begun and rejected.stat().st_size > begun.rejected_bytes:
            os.truncate(rejected, (rejected.stat().st_size + begun.rejected_bytes) // 2)
        summary = run(source, copy, asked)
        assert result(copy) == expected, copy.name
        assert replace(summary, seconds=0, resumed=0, words_now=0) == replace(whole, seconds=0, resumed=0, words_now=0)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    asked=st.builds(
        Settings,
        format=st.just("jsonl"),
        part_size=st.integers(1, 12),
        batch_size=st.integers(1, 12),
        batch_tokens=st.sampled_from([16, 200, 4096]),
        shard=st.sampled_from([(1, 1), (2, 2), (1, 3)]),
        limit=st.none() | st.integers(1, 30),
    ),
    stops=st.lists(st.integers(0, 12), max_size=3),
)
def test_however_often_it_is_stopped_the_result_is_that_of_one_run(
    tmp_path_factory: pytest.TempPathFactory,
    run: Callable[..., Summary],
    asked: Settings,
    stops: list[int],
) -> None:
    folder = tmp_path_factory.mktemp("job")
    source = [write_corpus(folder / "a.jsonl", 13), write_corpus(folder / "b.jsonl", 12)]
    run(source, folder / "whole", asked)

    class Stopped(BaseException):
        pass

    for stop in stops:
        seen = 0

        def report(progress: Progress, stop: int = stop) -> None:
            nonlocal seen
            seen += 1
            if seen > stop:
                raise Stopped

        with suppress(Stopped):
            run(source, folder / "broken", asked, report=report)
    run(source, folder / "broken", asked)
    assert result(folder / "broken") == result(folder / "whole")


def test_what_was_rejected_but_not_counted_is_forgotten(
    half: tuple[Path, Path], run: Callable[..., Summary], tmp_path: Path
) -> None:
    source, output = half
    run(source, tmp_path / "whole")
    with open(output / "rejected.jsonl", "ab") as stream:
        stream.write(b'{"file": "a.jsonl", "line": 30, "reason": "of an earlier run"}\n{"fi')
    run(source, output)
    assert result(output) == result(tmp_path / "whole")
    only_first = tmp_path / "first.jsonl"
    only_first.write_text("{\n" + '{"text": "x"}\n' * 12)

    def stop(progress: Progress) -> None:
        if progress.articles > 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(only_first, tmp_path / "first", report=stop)
    assert len(lines(tmp_path / "first" / "rejected.jsonl")) == 1
    with open(tmp_path / "first" / "rejected.jsonl", "ab") as stream:
        stream.write(b"{")
    run(only_first, tmp_path / "first")
    assert len(lines(tmp_path / "first" / "rejected.jsonl")) == 1
    good = write_corpus(tmp_path / "good.jsonl", 3, bad=False)
    (tmp_path / "good").mkdir()
    run(good, tmp_path / "good", replace(SMALL, limit=2))
    (tmp_path / "good" / "rejected.jsonl").write_bytes(b"{")
    begun = manifest.Manifest.read(tmp_path / "good")
    assert begun is not None
    begun.complete = False
    begun.write(tmp_path / "good")
    run(good, tmp_path / "good", replace(SMALL, limit=2))
    assert not (tmp_path / "good" / "rejected.jsonl").exists()


@given(
    lengths=st.lists(st.none() | st.integers(0, 200), max_size=40),
    batch_size=st.integers(1, 6),
    part_size=st.integers(1, 9),
)
def test_chunks_of_a_part_do_not_depend_on_the_parts_before(
    lengths: list[int | None], batch_size: int, part_size: int
) -> None:
    place = Place("a")
    records = [
        chunks.Record(
            Rejected(place, "bad") if length is None else Article(place, str(number), "m" * length),
            manifest.Position(number=number + 1),
        )
        for number, length in enumerate(lengths)
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chunks, "CHUNK_CHARACTERS", 300)
        patch.setattr(chunks, "PART_CHARACTERS", 700)
        whole = list(chunks.cut(records, batch_size, part_size))
        assert [content for chunk in whole for content in chunk.records] == [record.content for record in records]
        for done, chunk in enumerate(whole, start=1):
            assert len(chunk.articles) <= batch_size
            assert len(chunk.articles) <= 1 or sum(len(article.text) for article in chunk.articles) <= 300
            if chunk.ends_part:
                assert list(chunks.cut(records[chunk.after.number :], batch_size, part_size)) == whole[done:]
        assert not whole or whole[-1].ends_part


class FullDisk:
    """Fails with "no space left" at one write, fsync or rename, counted from the first."""

    def __init__(self, fails_at: int, monkeypatch: pytest.MonkeyPatch) -> None:
        self.left = fails_at
        monkeypatch.setattr(storage, "open", self._open, raising=False)
        monkeypatch.setattr(os, "fsync", self._failing(os.fsync))
        monkeypatch.setattr(os, "replace", self._failing(os.replace))

    def _failing(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def failing(*arguments: Any) -> Any:
            self.left -= 1
            if self.left < 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return real(*arguments)

        return failing

    def _open(self, *arguments: Any) -> Any:
        stream = builtins.open(*arguments)  # noqa: SIM115 (the caller closes it)
        if "b" in arguments[1] and "a" not in arguments[1]:
            return _FullStream(stream, self)
        return stream


class _FullStream:
    def __init__(self, stream: Any, disk: FullDisk) -> None:
        self._stream = stream
        self.write = disk._failing(stream.write)
        self.writelines = disk._failing(stream.writelines)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def __enter__(self) -> _FullStream:
        return self

    def __exit__(self, *error: Any) -> None:
        self._stream.close()


@pytest.mark.parametrize("form", ["jsonl", "parquet"])
def test_a_full_disk_at_any_write_is_told_and_gone_on_from(
    tmp_path: Path, run: Callable[..., Summary], form: str
) -> None:
    source = write_corpus(tmp_path / "a.jsonl", 12)
    asked = replace(SMALL, format=form)
    run(source, tmp_path / "whole", asked)
    expected = result(tmp_path / "whole")
    fails_at = 0
    finished = False
    while not finished:
        output = tmp_path / f"out{fails_at}"
        with pytest.MonkeyPatch.context() as patch:
            disk = FullDisk(fails_at, patch)
            with suppress(HadathError):
                run(source, output, asked)
                finished = True
        if not finished:
            assert disk.left < 0
        assert not list(output.glob("*.tmp"))
        run(source, output, asked)
        assert result(output) == expected, fails_at
        fails_at += 1 if form == "jsonl" else 12  # Parquet files are written in many small pieces
    assert fails_at > 25


def test_another_failure_of_the_disk_is_not_called_full(tmp_path: Path, run: Callable[..., Summary]) -> None:
    source = write_corpus(tmp_path / "a.jsonl", 12)

    def fail(*arguments: Any) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "replace", fail)
        with pytest.raises(OSError, match="Input/output error"):
            run(source, tmp_path / "out")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("form", ["jsonl", "parquet"])
def test_a_disk_that_is_really_full(tmp_path: Path, run: Callable[..., Summary], form: str) -> None:
    source = write_corpus(tmp_path / "a.jsonl", 12)
    asked = replace(SMALL, format=form)
    run(source, tmp_path / "whole", asked)
    output = tmp_path / "out"
    output.mkdir()
    run(source, output, replace(asked, limit=5))
    begun = manifest.Manifest.read(output)
    assert begun is not None
    begun.settings["limit"], begun.complete = None, False
    begun.write(output)
    (output / f"part-00001.{form}.tmp").symlink_to("/dev/full")
    with pytest.raises(HadathError, match="no space left"):
        run(source, output, asked)
    run(source, output, asked)
    assert result(output) == result(tmp_path / "whole")


# what is refused


@pytest.fixture
def half(tmp_path: Path, run: Callable[..., Summary]) -> tuple[Path, Path]:
    """A corpus, and a folder in which two of its parts are finished."""
    source = write_corpus(tmp_path / "a.jsonl", 30)

    def stop(progress: Progress) -> None:
        if progress.articles + progress.rejected >= 10:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(source, tmp_path / "out", report=stop)
    return source, tmp_path / "out"


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"part_size": 6}, "part-size was 5, is now 6"),
        ({"batch_size": 4}, "batch-size was 3, is now 4"),
        ({"batch_tokens": 100}, f"batch-tokens was {BATCH_TOKENS}, is now 100"),
        ({"min_scores": (("events", 0.5),)}, r"min-scores was not given, is now events=0\.5"),
        ({"providers": ("azure", "cpu")}, "providers was CPUExecutionProvider, is now AzureExecutionProvider CPU"),
        ({"format": "parquet"}, "format was jsonl, is now parquet"),
        ({"shard": (1, 2)}, "shard was 1/1, is now 1/2"),
        ({"limit": 3}, "limit was not given, is now 3"),
        ({"columns": Columns(text="text")}, "text-column was not given, is now text"),
        ({"columns": Columns(id="n")}, "id-column was not given, is now n"),
        ({"columns": Columns(max_chars=99)}, "max-chars was 1000000, is now 99"),
    ],
)
def test_a_changed_option_is_refused(
    half: tuple[Path, Path], run: Callable[..., Summary], changed: dict[str, Any], said: str
) -> None:
    source, output = half
    before = result(output)
    with pytest.raises(InputError, match=said) as caught:
        run(source, output, replace(SMALL, **changed))
    assert "--restart" in str(caught.value)
    assert result(output) == before


def test_every_setting_is_compared() -> None:
    kept = Settings().to_dict()
    assert {*kept, "columns"} >= {*vars(Settings())}
    assert len(kept) == len(vars(Settings())) - 1 + len(vars(Columns()))


def test_another_model_is_refused(
    half: tuple[Path, Path], run: Callable[..., Summary], tmp_path: Path, tiny_model_directory: Path
) -> None:
    source, output = half
    other = Path(shutil.copytree(tiny_model_directory, tmp_path / "other"))
    run(source, tmp_path / "copy", model=other)
    config = json.loads((other / "config.json").read_text(encoding="utf-8"))
    (other / "config.json").write_text(json.dumps({**config, "min_scores": {"events": 0.5}}), encoding="utf-8")
    with pytest.raises(InputError, match=r"the model's config\.json is another"):
        run(source, output, model=other)


def test_another_version_of_the_software_is_refused(
    half: tuple[Path, Path], run: Callable[..., Summary], monkeypatch: pytest.MonkeyPatch
) -> None:
    source, output = half
    monkeypatch.setattr(job, "__version__", "99.0")
    with pytest.raises(InputError, match=r"hadath was .*, is now 99\.0"):
        run(source, output)


def test_a_changed_input_is_refused(half: tuple[Path, Path], run: Callable[..., Summary], tmp_path: Path) -> None:
    source, output = half
    content = source.read_bytes()
    source.write_bytes(content + b'{"text": "x"}\n')
    with pytest.raises(InputError, match=r"input file a\.jsonl had [\d,]+ bytes, has now"):
        run(source, output)
    source.write_bytes(content.replace(b"a29", b"a30"))
    with pytest.raises(InputError, match=r"input file a\.jsonl has other content"):
        run(source, output)
    source.write_bytes(content)
    more = write_corpus(tmp_path / "b.jsonl", 1)
    with pytest.raises(InputError, match=r"input file b\.jsonl is new"):
        run([source, more], output)
    with pytest.raises(InputError, match=r"input file a\.jsonl stood where b\.jsonl stands now"):
        run(more, output)
    assert run(source, output).resumed == 2


def test_an_input_that_is_gone_is_told(tmp_path: Path, run: Callable[..., Summary]) -> None:
    source = [write_corpus(tmp_path / f"{name}.jsonl", 5) for name in "ab"]
    run(source, tmp_path / "out")
    with pytest.raises(InputError, match=r"input file b\.jsonl is gone"):
        run(source[:1], tmp_path / "out")


def test_an_input_that_was_only_touched_or_moved_is_the_same(
    half: tuple[Path, Path], run: Callable[..., Summary], tmp_path: Path
) -> None:
    source, output = half
    os.utime(source, (1, 1))
    (tmp_path / "elsewhere").mkdir()
    moved = source.rename(tmp_path / "elsewhere" / source.name)
    assert run(moved, output).resumed == 2


def test_a_change_between_the_samples_of_a_large_file_is_found(
    half: tuple[Path, Path], run: Callable[..., Summary], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hadath.batch import files

    monkeypatch.setattr(files, "_SAMPLED_ABOVE", 1000)
    monkeypatch.setattr(files, "_SAMPLES", 3)
    monkeypatch.setattr(files, "_SAMPLE_BYTES", 50)
    source = write_corpus(tmp_path / "a.jsonl", 60)
    output = tmp_path / "sampled"

    def stop(progress: Progress) -> None:
        if progress.share > 0.4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(source, output, report=stop)
    before = fingerprint(next(find_files([str(source)])))
    assert before.is_sample
    content = source.read_bytes()
    changed = content.replace(b'"id": "a2"', b'"id": "b2"')
    assert changed != content
    source.write_bytes(changed)
    os.utime(source, (1, 1))
    assert fingerprint(next(find_files([str(source)]))).digest == before.digest
    with pytest.raises(InputError, match=r"the input that part-00000\.jsonl was made of has other content"):
        run(source, output)
    source.write_bytes(content)
    os.utime(source, (1, 1))
    assert run(source, output).resumed > 1


def test_restart_begins_anew(half: tuple[Path, Path], run: Callable[..., Summary]) -> None:
    source, output = half
    other = replace(SMALL, part_size=4, format="parquet")
    summary = run(source, output, other, restart=True)
    assert summary.resumed == 0
    assert not list(output.glob("*.jsonl.tmp"))
    assert not list(output.glob("part-*.jsonl"))
    run(source, output.with_name("fresh"), other)
    assert result(output) == result(output.with_name("fresh"))


def test_restart_removes_nothing_but_its_own(half: tuple[Path, Path], run: Callable[..., Summary]) -> None:
    source, output = half
    (output / "notes.txt").write_text("mine")
    (output / "part-one.jsonl").write_text("mine")
    run(source, output, restart=True)
    assert (output / "notes.txt").read_text() == (output / "part-one.jsonl").read_text() == "mine"


def test_restart_removes_nothing_where_no_job_was_begun(tmp_path: Path, run: Callable[..., Summary]) -> None:
    source = write_corpus(tmp_path / "a.jsonl", 5)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "part-00000.jsonl").write_text("mine")
    with pytest.raises(InputError, match="not empty"):
        run(source, tmp_path / "out", restart=True)
    assert (tmp_path / "out" / "part-00000.jsonl").read_text() == "mine"


def test_a_restart_killed_at_any_step_can_be_repeated(
    half: tuple[Path, Path], run: Callable[..., Summary], copies: Path
) -> None:
    source, output = half
    with pytest.MonkeyPatch.context() as patch:
        Disk(output, copies, patch)
        run(source, output, restart=True)
    for copy in list(copies.iterdir())[::3]:
        run(source, copy, restart=True)
        assert result(copy) == result(output)


def test_the_message_of_a_full_disk_says_what_to_do(tmp_path: Path, run: Callable[..., Summary]) -> None:
    source = write_corpus(tmp_path / "a.jsonl", 5)
    with pytest.MonkeyPatch.context() as patch:
        FullDisk(0, patch)
        with pytest.raises(HadathError, match=r"out: no space left .* run the same command again"):
            run(source, tmp_path / "out")


def test_a_folder_that_holds_other_things_is_not_written_into(tmp_path: Path, run: Callable[..., Summary]) -> None:
    source = write_corpus(tmp_path / "a.jsonl", 5)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "part-00000.jsonl").write_text("mine")
    with pytest.raises(InputError, match=r"not empty .*part-00000\.jsonl"):
        run(source, tmp_path / "out")
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="is a file"):
        run(source, tmp_path / "file")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"format": 1}', b'{"settings": {}}', b"\xff"])
def test_a_damaged_manifest_is_refused(half: tuple[Path, Path], run: Callable[..., Summary], content: bytes) -> None:
    source, output = half
    (output / "manifest.json").write_bytes(content)
    with pytest.raises(InputError, match=r"manifest\.json"):
        run(source, output)


def test_a_manifest_of_another_format_is_refused(half: tuple[Path, Path], run: Callable[..., Summary]) -> None:
    source, output = half
    values = json.loads((output / "manifest.json").read_text(encoding="utf-8"))
    (output / "manifest.json").write_text(json.dumps({**values, "format": 2}))
    with pytest.raises(InputError, match="format 2, this version of hadath reads format 1"):
        run(source, output)


@pytest.mark.parametrize("change", ["missing", "longer"])
def test_a_finished_part_that_is_not_as_it_was_is_refused(
    half: tuple[Path, Path], run: Callable[..., Summary], change: str
) -> None:
    source, output = half
    if change == "missing":
        (output / "part-00001.jsonl").unlink()
    else:
        with open(output / "part-00001.jsonl", "ab") as stream:
            stream.write(b"x")
    with pytest.raises(InputError, match=r"part-00001\.jsonl, which was finished, is missing or changed"):
        run(source, output)


def test_two_processes_do_not_write_into_one_folder(half: tuple[Path, Path], run: Callable[..., Summary]) -> None:
    source, output = half
    with storage.locked(output), pytest.raises(HadathError, match="another process is writing there"):
        run(source, output)
    run(source, output)


def test_a_finished_job_is_not_done_again(half: tuple[Path, Path], run: Callable[..., Summary]) -> None:
    source, output = half
    first = run(source, output)
    times = {path.name: path.stat().st_mtime_ns for path in output.iterdir()}
    again = run(source, output)
    assert (again.resumed, again.words_now) == (again.parts, 0)
    assert (again.articles, again.rejected) == (first.articles, first.rejected)
    assert {path.name: path.stat().st_mtime_ns for path in output.iterdir()} == times
