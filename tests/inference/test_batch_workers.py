from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from hadath import load
from hadath.batch.tagging import Failed, Tagged, tag_texts
from hadath.batch.workers import TaggerSpec, Work, Workers
from hadath.errors import HadathError

TEXTS = [" ".join(["زار الوزير مدينة تونس ."] * count) for count in (1, 0, 7, 3, 40, 2)]


def test_results_come_in_the_order_of_the_chunks(tiny_model_directory: Path) -> None:
    chunks = [Work(TEXTS[: number % 7], number) for number in range(40)]
    tagger = load(tiny_model_directory, threads=1)
    expected = [(work.ticket, tag_texts(tagger, work.texts) if work.texts else []) for work in chunks]
    with Workers(TaggerSpec(tiny_model_directory, 4096), 3, 1) as workers:
        assert list(workers.map(chunks)) == expected
        assert list(workers.map(iter(chunks[:5]))) == expected[:5]
        assert list(workers.map([])) == []
    with Workers(TaggerSpec(tiny_model_directory, 4096), 1, 1) as workers:
        assert list(workers.map(chunks)) == expected


def test_chunks_are_read_only_a_few_ahead(tiny_model_directory: Path) -> None:
    read = 0

    def endless() -> object:
        nonlocal read
        while True:
            read += 1
            yield Work(TEXTS, read)

    with Workers(TaggerSpec(tiny_model_directory, 4096), 2, 1) as workers:
        results = workers.map(endless())  # type: ignore[var-annotated,arg-type]
        for expected in range(1, 20):
            assert next(results)[0] == expected
            assert read <= expected + 8


def test_chunks_larger_than_a_pipe_do_not_jam(tiny_model_directory: Path) -> None:
    large = [" ".join(["تونس"] * 1000)] * 20
    with Workers(TaggerSpec(tiny_model_directory, 4096), 2, 1) as workers:
        assert [ticket for ticket, _ in workers.map(Work(large, number) for number in range(6))] == list(range(6))


def test_a_worker_that_dies_ends_the_job_with_a_sentence(tiny_model_directory: Path) -> None:
    with Workers(TaggerSpec(tiny_model_directory, 4096), 2, 1) as workers:
        results = workers.map(Work(TEXTS, number) for number in range(10_000))
        next(results)
        pid = workers._members[0].process.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(HadathError, match=r"a worker process was killed by signal 9; .*--workers"):
            for _ in results:
                pass


def test_a_worker_that_cannot_load_the_model_says_so(tmp_path: Path) -> None:
    with (
        Workers(TaggerSpec(tmp_path / "nowhere"), 2, 1) as workers,
        pytest.raises(HadathError, match="no model at"),
    ):
        list(workers.map([Work(TEXTS, 1)]))


def test_workers_end_with_their_parent(tiny_model_directory: Path) -> None:
    if not hasattr(os, "fork"):
        pytest.skip("this system cannot fork")
    with Workers(TaggerSpec(tiny_model_directory, 4096), 2, 1) as workers:
        list(workers.map([Work(TEXTS, 1), Work(TEXTS, 2)]))
        members = [member.process for member in workers._members]
        # what a worker sees of its parent's death, by whatever signal: the other end of its pipe is closed
        for member in workers._members:
            member.connection.close()
        deadline = time.monotonic() + 10
        while any(process.is_alive() for process in members) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert [process.exitcode for process in members] == [0, 0]


def test_one_failing_text_does_not_cost_the_others(tiny_model_directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tagger = load(tiny_model_directory, threads=1)
    results = tag_texts(tagger, ["زار", "\ud800", "قال"])
    assert [type(result) for result in results] == [Tagged, Failed, Tagged]
    assert isinstance(results[1], Failed)
    assert "InvalidTextError" in results[1].reason


def test_words_are_counted(tiny_model_directory: Path) -> None:
    [result] = tag_texts(load(tiny_model_directory, threads=1), ["زار الوزير، تونس"])
    assert isinstance(result, Tagged)
    assert result.words == 4
