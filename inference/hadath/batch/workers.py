"""Processes that tag side by side, each with its own model, fed in order and answered in order."""

from __future__ import annotations

import multiprocessing
import queue
import signal
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import TracebackType
from typing import Generic, TypeVar

from hadath.batch.tagging import Failed, Tagged, tag_texts
from hadath.errors import HadathError
from hadath.model_directory import load

Results = list[Tagged | Failed]
T = TypeVar("T")

_AHEAD = 2
"""Chunks a worker is given at once: one to tag, one to go on with."""


@dataclass(frozen=True)
class Work(Generic[T]):
    """A chunk of texts, and whatever the caller wants back with its results."""

    texts: Sequence[str]
    ticket: T


class Workers:
    """Tags chunks of texts, in this process or in several.

    Args:
        model: The model directory.
        processes: Number of processes; with 1 the work is done in this one.
        threads: CPU threads of each.
        batch_tokens: Most subwords, padding counted, that the network is given at once.

    Raises:
        ModelError: If the model cannot be loaded.
    """

    def __init__(self, model: Path, processes: int, threads: int, batch_tokens: int) -> None:
        self._tagger = load(model, threads=threads, batch_tokens=batch_tokens) if processes == 1 else None
        self._members: list[_Member] = []
        if processes > 1:
            # spawn: a forked process would inherit threads' locks in unknown states
            context = multiprocessing.get_context("spawn")
            try:
                for _ in range(processes):
                    here, there = context.Pipe()
                    process = context.Process(target=_serve, args=(there, model, threads, batch_tokens), daemon=True)
                    process.start()
                    there.close()
                    self._members.append(_Member(process, here))
            except BaseException:
                self.stop()
                raise

    def __enter__(self) -> Workers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Ends the processes."""
        for member in self._members:
            member.connection.close()
            member.process.terminate()
        for member in self._members:
            member.process.join()
            member.process.close()
        self._members = []

    def map(self, chunks: Iterable[Work[T]]) -> Iterator[tuple[T, Results]]:
        """Tags chunks.

        Args:
            chunks: The chunks; read a few ahead of the results.

        Yields:
            For each, in the same order, its ticket and the results of its texts.

        Raises:
            HadathError: If a process fails or dies.
        """
        if self._tagger is not None:
            for work in chunks:
                yield work.ticket, tag_texts(self._tagger, work.texts) if work.texts else []
            return
        source = iter(chunks)
        # in the order of the input: what is out, or done but waits for an earlier one
        pending: deque[_Pending[T]] = deque()
        exhausted = False
        while True:
            while not exhausted and len(pending) < 2 * _AHEAD * len(self._members):
                member = min(self._members, key=lambda member: len(member.out))
                if len(member.out) >= _AHEAD:
                    break
                try:
                    work = next(source)
                except StopIteration:
                    exhausted = True
                    break
                entry = _Pending(work.ticket)
                pending.append(entry)
                if work.texts:
                    member.send(list(work.texts), entry)
                else:
                    entry.results = []
            while pending and pending[0].results is not None:
                done = pending.popleft()
                yield done.ticket, done.results or []
            if not pending:
                if exhausted:
                    return
                continue
            for ready in wait([member.connection for member in self._members if member.out]):
                next(member for member in self._members if member.connection is ready).receive()


@dataclass
class _Pending(Generic[T]):
    ticket: T
    results: Results | None = None


class _Member:
    def __init__(self, process: BaseProcess, connection: Connection) -> None:
        self.process = process
        self.connection = connection
        self.out: deque[_Pending[object]] = deque()

    def send(self, texts: list[str], entry: _Pending[T]) -> None:
        try:
            self.connection.send(texts)
        except OSError:
            self._fail()
        self.out.append(entry)  # type: ignore[arg-type]  # the deque does not look at tickets

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


def _serve(connection: Connection, model: Path, threads: int, batch_tokens: int) -> None:
    """What a worker process runs until the other end of the connection closes, by whatever end of its parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides
    try:
        tagger = load(model, threads=threads, batch_tokens=batch_tokens)
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
