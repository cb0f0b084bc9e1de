from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import IO

import pytest

from hadath.batch import files, storage
from hadath.batch.files import InputFile, find_files, fingerprint
from hadath.batch.job import Progress
from hadath.batch.progress import Clock, duration, progress_bar
from hadath.errors import HadathError, InputError


def touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def names(*inputs: Path, exclude: Path | None = None) -> list[str]:
    return [file.name for file in find_files([str(path) for path in inputs], exclude)]


def test_a_folder_is_searched_at_every_depth_in_the_order_of_names(tmp_path: Path) -> None:
    touch(*(tmp_path / name for name in ("b.txt", "a/z.txt", "a/b/c.jsonl.gz", "a.csv", "d.parquet")))
    touch(*(tmp_path / name for name in (".hidden.txt", "_part.txt", "a/_SUCCESS", "x.ann", "README", "e.txt.gz")))
    assert names(tmp_path) == ["a/b/c.jsonl.gz", "a/z.txt", "a.csv", "b.txt", "d.parquet"]
    assert names(tmp_path / "b.txt", tmp_path / "a") == ["b.txt", "b/c.jsonl.gz", "z.txt"]
    assert names(tmp_path, exclude=tmp_path / "a") == ["a.csv", "b.txt", "d.parquet"]


@pytest.mark.parametrize(
    ("name", "kind", "compression"),
    [
        ("a.txt", "text", ""),
        ("a", "text", ""),
        ("A.TXT", "text", ""),
        ("a.b.jsonl", "jsonl", ""),
        ("a.ndjson.zst", "jsonl", "zstd"),
        ("a.csv.GZ", "csv", "gzip"),
        ("a.tsv", "csv", ""),
        ("a.pq", "parquet", ""),
    ],
)
def test_the_name_tells_the_kind(tmp_path: Path, name: str, kind: str, compression: str) -> None:
    touch(tmp_path / name)
    assert list(find_files([str(tmp_path / name)])) == [InputFile(str(tmp_path / name), name, kind, compression)]


@pytest.mark.parametrize("name", ["a.json", "a.pdf", "a.txt.gz", "a.parquet.zst", "a.gz"])
def test_other_kinds_are_refused(tmp_path: Path, name: str) -> None:
    touch(tmp_path / name)
    with pytest.raises(InputError, match="cannot tell what kind of file this is; expected a folder"):
        names(tmp_path / name)


def test_a_linked_folder_inside_a_folder_is_not_followed(tmp_path: Path) -> None:
    touch(tmp_path / "a" / "a.txt")
    (tmp_path / "a" / "loop").symlink_to(tmp_path / "a")
    (tmp_path / "a" / "linked.txt").symlink_to(tmp_path / "a" / "a.txt")
    assert names(tmp_path / "a") == ["a.txt", "linked.txt"]


@pytest.mark.skipif(sys.platform != "linux", reason="names that are no UTF-8 are only possible on Linux")
def test_a_file_name_that_is_no_utf8_can_be_told(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/\xff.txt"
    with open(path, "wb") as stream:
        stream.write(b"x")
    [file] = find_files([str(tmp_path)])
    assert fingerprint(file).name == "\ufffd.txt"


def test_a_fingerprint_tells_any_change_of_a_small_file_and_not_its_time(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"abc" * 1000)
    file = InputFile(str(path), "a.txt", "text")
    before = fingerprint(file)
    os.utime(path, (1, 1))
    assert fingerprint(file).digest == before.digest
    path.write_bytes(b"abc" * 999 + b"abd")
    assert fingerprint(file).digest != before.digest
    assert not before.is_sample


def test_a_fingerprint_of_a_large_file_reads_little_and_both_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.jsonl"
    size = 300 * 1024 * 1024
    with open(path, "wb") as stream:
        stream.truncate(size)  # a hole, which takes no space
    file = InputFile(str(path), "a.jsonl", "jsonl")
    read = 0
    real = open

    class Counting:
        def __init__(self, stream: IO[bytes]) -> None:
            self.stream = stream

        def __enter__(self) -> Counting:
            return self

        def __exit__(self, *error: object) -> None:
            self.stream.close()

        def seek(self, place: int) -> int:
            return self.stream.seek(place)

        def read(self, count: int) -> bytes:
            nonlocal read
            read += count
            return self.stream.read(count)

    monkeypatch.setattr(files, "open", lambda *arguments: Counting(real(*arguments)), raising=False)
    before = fingerprint(file)
    assert before.is_sample
    assert 0 < read <= 4 * 1024 * 1024
    for place in (0, size - 1):
        with real(path, "r+b") as stream:
            stream.seek(place)
            stream.write(b"x")
        after = fingerprint(file)
        assert after.digest != before.digest
        before = after


# storage


def test_a_file_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "a"
    assert storage.write_whole(path, lambda stream: stream.write(b"one")) == 3

    def fail(stream: IO[bytes]) -> None:
        stream.write(b"tw")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        storage.write_whole(path, fail)
    assert path.read_bytes() == b"one"
    assert list(tmp_path.iterdir()) == [path]


def test_appending_begins_at_a_place_and_leaves_nothing_behind_it(tmp_path: Path) -> None:
    path = tmp_path / "a"
    storage.append_from(path, 0, b"abc")
    storage.append_from(path, 3, b"def")
    storage.append_from(path, 4, b"x")
    assert path.read_bytes() == b"abcdx"
    storage.append_from(path, 2, b"")
    assert path.read_bytes() == b"ab"


def test_a_lock_ends_with_its_holder(tmp_path: Path) -> None:
    again = storage.locked(tmp_path)
    with storage.locked(tmp_path), pytest.raises(HadathError, match="another process is writing there"):
        again.__enter__()
    with storage.locked(tmp_path):
        pass


# progress


def test_the_time_left_counts_from_where_this_run_began() -> None:
    seconds = iter([0.0, 1.0, 11.0])
    clock = Clock(lambda: next(seconds))
    assert "left" not in clock.state(Progress(10, 100, 0, 0.8))
    assert clock.state(Progress(110, 1100, 3, 0.9)) == "110 articles, 10/s, 100 words/s, 3 rejected, 0:10 left"


def test_durations() -> None:
    assert [duration(seconds) for seconds in (0, 59.6, 3599, 36_000)] == ["0:00", "1:00", "59:59", "10:00:00"]


def test_progress_is_shown_on_a_terminal_only(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with progress_bar() as report:
        assert report is None
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    with progress_bar() as report:
        assert report is not None
        report(Progress(10, 100, 0, 0.5))
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "10 articles" in captured.err
    monkeypatch.setitem(sys.modules, "rich.progress", None)
    monkeypatch.setitem(sys.modules, "rich", None)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with progress_bar() as report:
        assert report is None
