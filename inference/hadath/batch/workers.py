"""Workers that tag side by side, each with its own model, fed in order and answered in order."""

from __future__ import annotations

import multiprocessing
import queue
import signal
import threading
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, TypeVar

from hadath.batch.tagging import Failed, Tagged, tag_texts
from hadath.errors import HadathError
from hadath.model_directory import load
from hadath.tagger import BATCH_TOKENS, Tagger

Results = list[Tagged | Failed]
T = TypeVar("T")
Self = TypeVar("Self", bound="OrderedWorkers")

_AHEAD = 2
"""Chunks a worker is given at once: one to tag, one to go on with."""


@dataclass(frozen=True)
class TaggerSpec:
    """What a worker loads.

    Attributes:
        model: The model directory.
        batch_tokens: Most subwords, padding counted, that the network is given at once.
        providers: Execution providers, best first; by default as ``hadath.load`` chooses.
        min_scores: Least scores that are not the model's own, by kind.
    """

    model: Path
    batch_tokens: int = BATCH_TOKENS
    providers: tuple[str, ...] = ()
    min_scores: tuple[tuple[str, float], ...] = ()

    def load(self, threads: int) -> Tagger:
        """Loads the tagger.

        Raises:
            ModelError: If the model cannot be loaded.
        """
        return load(
            self.model,
            threads=threads,
            providers=self.providers or None,
            batch_tokens=self.batch_tokens,
            min_scores=dict(self.min_scores) or None,
        )


@dataclass(frozen=True)
class Work(Generic[T]):
    """A chunk of texts, and whatever the caller wants back with its results."""

    texts: Sequence[str]
    ticket: T


@dataclass(eq=False)
class Pending:
    """A chunk that was read.

    Attributes:
        ticket: What the caller wants back with its results.
        results: The results, once they are there.
    """

    ticket: Any
    results: Results | None = None


class Worker(ABC):
    """One of several that tag side by side."""

    def __init__(self) -> None:
        self.out: deque[Pending] = deque()

    @abstractmethod
    def send(self, texts: list[str], chunk: Pending) -> None:
        """Gives it the texts of a chunk, which is ``out`` until they are answered."""


class OrderedWorkers(ABC):
    """Shares chunks out among workers and gives their results in the order of the chunks."""

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @abstractmethod
    def stop(self) -> None:
        """Ends the workers."""

    @abstractmethod
    def ready(self) -> Sequence[Worker]:
        """Returns the workers that can be given texts, at least one."""

    @abstractmethod
    def receive(self) -> None:
        """Waits until something that is out is answered, and takes it in.

        Raises:
            HadathError: If a worker fails or dies.
        """

    def map(self, chunks: Iterable[Work[T]]) -> Iterator[tuple[T, Results]]:
        """Tags chunks.

        Args:
            chunks: The chunks; read a few ahead of the results.

        Yields:
            For each, in the same order, its ticket and the results of its texts.

        Raises:
            HadathError: If a worker fails or dies.
        """
        source = iter(chunks)
        # in the order of the input: what is out, or done but waits for an earlier one
        pending: deque[Pending] = deque()
        exhausted = False
        while True:
            workers = self.ready()
            while not exhausted and len(pending) < 2 * _AHEAD * len(workers):
                worker = min(workers, key=lambda worker: len(worker.out))
                if len(worker.out) >= _AHEAD:
                    break
                try:
                    work = next(source)
                except StopIteration:
                    exhausted = True
                    break
                chunk = Pending(work.ticket)
                pending.append(chunk)
                if work.texts:
                    worker.send(list(work.texts), chunk)
                else:
                    chunk.results = []
            while pending and pending[0].results is not None:
                done = pending.popleft()
                yield done.ticket, done.results or []
            if pending:
                self.receive()
            elif exhausted:
                return


class Workers(OrderedWorkers):
    """Tags chunks of texts, in this process or in several.

    Args:
        spec: What each process loads.
        processes: Number of processes; with 1 the work is done in this one.
        threads: CPU threads of each.

    Raises:
        ModelError: If the model cannot be loaded.
    """

    def __init__(self, spec: TaggerSpec, processes: int, threads: int) -> None:
        self._tagger = spec.load(threads) if processes == 1 else None
        self._members: list[_Member] = []
        if processes > 1:
            # spawn: a forked process would inherit threads' locks in unknown states
            context = multiprocessing.get_context("spawn")
            try:
                for _ in range(processes):
                    here, there = context.Pipe()
                    process = context.Process(target=_serve, args=(there, spec, threads), daemon=True)
                    process.start()
                    there.close()
                    self._members.append(_Member(process, here))
            except BaseException:
                self.stop()
                raise

    def stop(self) -> None:
        """Ends the processes."""
        for member in self._members:
            member.connection.close()
            member.process.terminate()
        for member in self._members:
            member.process.join()
            member.process.close()
        self._members = []

    def ready(self) -> Sequence[Worker]:
        """Returns the processes; what they are given before they have loaded the model waits for that."""
        return self._members

    def receive(self) -> None:
        """Takes in the answers that are there, or waits for the next."""
        for connection in wait([member.connection for member in self._members if member.out]):
            next(member for member in self._members if member.connection is connection).receive()

    def map(self, chunks: Iterable[Work[T]]) -> Iterator[tuple[T, Results]]:
        """Tags chunks, as ``OrderedWorkers.map`` has it."""
        if self._tagger is None:
            yield from super().map(chunks)
            return
        for work in chunks:
            yield work.ticket, tag_texts(self._tagger, work.texts) if work.texts else []


class _Member(Worker):
    def __init__(self, process: BaseProcess, connection: Connection) -> None:
        super().__init__()
        self.process = process
        self.connection = connection

    def send(self, texts: list[str], chunk: Pending) -> None:
        try:
            self.connection.send(texts)
        except OSError:
            self._fail()
        self.out.append(chunk)

    def receive(self) -> None:
        try:
            answer = self.connection.recv()
        except (EOFError, OSError):
            self._fail()
        if isinstance(answer, str):
            raise HadathError(answer)
        self.out.popleft().results = answer

    def _fail(self) -> None:
        self.process.join(5)
        code = self.process.exitcode
        how = f"was killed by signal {-code}" if code is not None and code < 0 else f"ended with status {code}"
        raise HadathError(
            f"a worker process {how}; if the machine ran out of memory, use fewer --workers or a smaller --batch-tokens"
        )


def _serve(connection: Connection, spec: TaggerSpec, threads: int) -> None:
    """What a worker process runs until the other end of the connection closes, by whatever end of its parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides
    try:
        tagger = spec.load(threads)
    except HadathError as error:
        connection.send(str(error))
        return
    # received beside the tagging: were both ends to send at once into full pipes, neither would go on
    arrived: queue.Queue[list[str] | None] = queue.Queue()

    def receive() -> None:
        try:
            while True:
                arrived.put(connection.recv())
        except (EOFError, OSError):
            arrived.put(None)

    threading.Thread(target=receive, daemon=True).start()
    try:
        while (texts := arrived.get()) is not None:
            try:
                connection.send(tag_texts(tagger, texts))
            except Exception as error:  # it goes to the parent, which stops the job with it
                connection.send(f"tagging failed: {type(error).__name__}: {error}")
    except OSError:
        return
