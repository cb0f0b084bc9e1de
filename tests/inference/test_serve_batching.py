from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("pydantic", reason="needs the extra serve")

from hadath.document import Document
from hadath.model_directory import load
from hadath.reading import Batch
from hadath.serve.batching import LONG, Batcher
from hadath.serve.limits import Limits
from hadath.serve.problems import Problem
from hadath.tagger import Tagger
from hadath.text import segment

TEXT = "زار وزير الخارجية مدينة تونس أمس"


def text_of(document: Document) -> bytes:
    return document.text.encode()


@contextmanager
def batching(tagger: Tagger, threads: int = 1, limits: Limits | None = None) -> Iterator[Batcher]:
    batcher = Batcher(tagger, threads, limits)
    try:
        yield batcher
    finally:
        batcher.close()


class Gate:
    """A network that waits to be let on, and remembers how many sequences it was given each time."""

    def __init__(self, tagger: Tagger) -> None:
        self._run = tagger.run
        self._open = threading.Event()
        self.entered = threading.Semaphore(0)
        self.sizes: list[int] = []

    def __call__(self, batch: Batch) -> Mapping[str, np.ndarray]:
        self.sizes.append(len(batch.input_ids))
        self.entered.release()
        assert self._open.wait(20)
        return self._run(batch)

    def open(self) -> None:
        self._open.set()


@pytest.fixture(scope="module")
def tagger(tiny_model_directory: Path) -> Tagger:
    return load(tiny_model_directory, threads=1)


@pytest.fixture
def gate(tagger: Tagger) -> Gate:
    return Gate(tagger)


def test_what_waits_is_tagged_together_up_to_a_batch(tagger: Tagger, gate: Gate) -> None:
    subwords = len(tagger.tokenizer.encode(segment(TEXT)).ids) + tagger.tokenizer.special_count
    with batching(replace(tagger, run=gate, batch_tokens=3 * subwords)) as batcher:
        first = batcher.submit([(TEXT, text_of)])
        assert gate.entered.acquire(timeout=20)
        others = [future for _ in range(7) for future in batcher.submit([(TEXT, text_of)])]
        assert (batcher.waiting().articles, batcher.waiting().characters) == (7, 7 * len(TEXT))
        gate.open()
        assert {future.result(20) for future in (*first, *others)} == {TEXT.encode()}
    assert gate.sizes == [1, 3, 3, 1]


def test_work_that_nobody_waits_for_is_dropped(tagger: Tagger, gate: Gate) -> None:
    with batching(replace(tagger, run=gate)) as batcher:
        [running] = batcher.submit([(TEXT, text_of)])
        assert gate.entered.acquire(timeout=20)
        dropped = batcher.submit([(TEXT, text_of)] * 5)
        [kept] = batcher.submit([(TEXT, text_of)])
        assert all(future.cancel() for future in dropped)
        assert not running.cancel()
        gate.open()
        assert kept.result(20) == TEXT.encode()
        assert (batcher.waiting().articles, batcher.waiting().characters) == (0, 0)
    assert gate.sizes == [1, 1]


def test_long_articles_leave_a_thread_to_the_others(tagger: Tagger, gate: Gate) -> None:
    long = "في " * (LONG // 3 + 1)
    open_gate = tagger.run

    def run(batch: Batch) -> Mapping[str, np.ndarray]:
        return gate(batch) if batch.input_ids.shape[1] > 32 else open_gate(batch)

    with batching(replace(tagger, run=run), threads=2) as batcher:
        held = batcher.submit([(long, text_of)] * 3)
        assert gate.entered.acquire(timeout=20)
        short = [future for _ in range(5) for future in batcher.submit([("في تونس", text_of)])]
        assert [future.result(20) for future in short] == ["في تونس".encode()] * 5
        assert not any(future.done() for future in held)
        assert len(gate.sizes) == 1
        gate.open()
        assert [future.result(60) for future in held] == [long.encode()] * 3


def test_too_much_waiting_is_refused_whole_and_told_when_to_come_back(tagger: Tagger, gate: Gate) -> None:
    limits = Limits(max_waiting=3 * len(TEXT))
    with batching(replace(tagger, run=gate), limits=limits) as batcher:
        accepted = batcher.submit([(TEXT, text_of)])
        assert gate.entered.acquire(timeout=20)
        # nothing waits: even what is too much by itself is taken, or it never would be
        accepted += batcher.submit([(TEXT * 4, text_of)])
        with pytest.raises(Problem, match="too many articles are waiting") as refused:
            batcher.submit([(TEXT, text_of), ("", text_of)])
        assert refused.value.status == 503
        assert 1 <= int(refused.value.headers["Retry-After"]) <= 60
        assert batcher.waiting().articles == 1
        gate.open()
        assert [future.result(20) for future in accepted] == [TEXT.encode(), (TEXT * 4).encode()]
        assert batcher.submit([(TEXT, text_of)])[0].result(20) == TEXT.encode()


def test_one_articles_failure_is_not_its_neighbours(tagger: Tagger) -> None:
    def run(batch: Batch) -> Mapping[str, np.ndarray]:
        if batch.input_ids.shape[1] > 20:
            raise MemoryError("too wide")
        return tagger.run(batch)

    def broken(document: Document) -> bytes:
        raise ValueError("no answer")

    with batching(replace(tagger, run=run, batch_tokens=64)) as batcher:
        futures = batcher.submit([("في تونس", text_of), (TEXT * 2, text_of), ("\ud800", text_of), ("في", broken)])
        assert futures[0].result(20) == "في تونس".encode()
        assert isinstance(futures[1].exception(20), MemoryError)
        assert isinstance(futures[2].exception(20), ValueError)
        assert str(futures[3].exception(20)) == "no answer"
        assert batcher.alive()
        assert batcher.submit([("في", text_of)])[0].result(20) == "في".encode()


def test_it_ends_when_what_waits_is_done(tagger: Tagger) -> None:
    batcher = Batcher(tagger, 2)
    futures = batcher.submit([(TEXT * size, text_of) for size in range(30)] + [("في " * LONG, text_of)])
    batcher.close()
    assert all(future.done() for future in futures)
    assert not batcher.alive()


@settings(max_examples=20)
@given(
    texts=st.lists(st.text(alphabet="ابتسلمنوي  .،", max_size=60), max_size=20),
    threads=st.integers(1, 3),
    tokens=st.integers(1, 200),
)
def test_every_text_gets_its_own_document(tagger: Tagger, texts: list[str], threads: int, tokens: int) -> None:
    found: list[Document] = []

    def keep(document: Document) -> bytes:
        found.append(document)
        return text_of(document)

    with batching(replace(tagger, batch_tokens=tokens), threads) as batcher:
        futures = [future for text in texts for future in batcher.submit([(text, keep)])]
        assert [future.result(20) for future in futures] == [text.encode() for text in texts]
    expected = {text: tagger(text) for text in texts}
    for document in found:
        alone = expected[document.text]
        assert [(s.start, s.end, s.type) for s in (*document.entities, *document.events)] == [
            (s.start, s.end, s.type) for s in (*alone.entities, *alone.events)
        ]
