"""Articles of many requests tagged together: what waits is gathered by a thread that is free, without a pause."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field

from hadath.document import Document
from hadath.reading import Reading, read
from hadath.serve.limits import Limits
from hadath.serve.problems import busy
from hadath.tagger import Tagger

LONG = 20_000
"""Characters of an article from which on it is tagged alone, and never by all threads at once."""

Finish = Callable[[Document], bytes]
"""Makes the answer of a document, in the thread that tagged it."""


@dataclass(frozen=True, eq=False)
class _Job:
    text: str
    finish: Finish
    answer: Future[bytes] = field(default_factory=Future)


@dataclass(frozen=True)
class Waiting:
    """What waits for a thread: a number of articles, and their characters together."""

    articles: int
    characters: int


class Batcher:
    """Threads that tag what is submitted, each a batch at a time.

    A thread that becomes free takes the articles that have waited longest, until their subwords fill a batch, and
    tags them at once: alone where nothing else waits, many together where requests pile up. Work whose future was
    cancelled before a thread took it is dropped. Articles of ``LONG`` characters are tagged one at a time, by all
    threads but one, so that short ones are not kept waiting.

    Args:
        tagger: A tagger that runs one batch at a time (``load(threads=1)``); the threads share it.
        threads: Number of threads, one a core.
        limits: ``max_waiting`` is kept here.
    """

    def __init__(self, tagger: Tagger, threads: int, limits: Limits | None = None) -> None:
        self._tagger = tagger
        self._limits = limits or Limits()
        self._short: deque[_Job] = deque()
        self._long: deque[_Job] = deque()
        self._long_running = 0
        self._characters = 0
        self._speed = 0.0
        self._closed = False
        self._changed = threading.Condition()
        self.threads = threads
        self._workers = [
            threading.Thread(target=self._work, name=f"hadath-tagger-{number}", daemon=True)
            for number in range(threads)
        ]
        for worker in self._workers:
            worker.start()

    def submit(self, works: list[tuple[str, Finish]]) -> list[Future[bytes]]:
        """Gives articles to the threads, all or none.

        Args:
            works: Each article's text with what makes the answer of its document.

        Returns:
            A future of each answer. It may fail with what tagging and answering raise.

        Raises:
            Problem: If too much is waiting already.
        """
        jobs = [_Job(text, finish) for text, finish in works]
        characters = sum(len(job.text) for job in jobs)
        with self._changed:
            if self._characters and self._characters + characters > self._limits.max_waiting:
                raise busy("too many articles are waiting", self._seconds_to_wait())
            self._characters += characters
            for job in jobs:
                (self._long if len(job.text) >= LONG else self._short).append(job)
            self._changed.notify_all()
        return [job.answer for job in jobs]

    def waiting(self) -> Waiting:
        """Returns what waits for a thread."""
        with self._changed:
            return Waiting(len(self._short) + len(self._long), self._characters)

    def alive(self) -> bool:
        """Returns whether all threads are at work."""
        return all(worker.is_alive() for worker in self._workers)

    def close(self) -> None:
        """Ends the threads once they have done what waits."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for worker in self._workers:
            worker.join()

    def _seconds_to_wait(self) -> int:
        """In how many seconds what waits should be done, from 1 to 60, by the speed of the last batches."""
        if not self._speed:
            return 1
        return min(60, max(1, math.ceil(self._characters / (self._speed * self.threads))))

    def _work(self) -> None:
        while (first := self._next(wait=True)) is not None:
            started = time.perf_counter()
            jobs = self._gathered(first)
            try:
                self._answer(jobs)
                seconds = time.perf_counter() - started
            finally:
                if len(first.text) >= LONG:
                    with self._changed:
                        self._long_running -= 1
                        self._changed.notify_all()
            if jobs:
                speed = sum(len(job.text) for job, _ in jobs) / seconds
                # the last ten batches or so count
                self._speed = speed if not self._speed else 0.9 * self._speed + 0.1 * speed

    def _next(self, wait: bool) -> _Job | None:
        """The article that a thread takes next; None where there is none, or with ``wait`` where none will come."""
        with self._changed:
            while True:
                if wait and self._long and self._long_running < max(1, self.threads - 1):
                    self._long_running += 1
                    return self._taken(self._long)
                if self._short:
                    return self._taken(self._short)
                if not wait or (self._closed and not self._long):
                    return None
                self._changed.wait()

    def _taken(self, queue: deque[_Job]) -> _Job:
        job = queue.popleft()
        self._characters -= len(job.text)
        return job

    def _gathered(self, first: _Job) -> list[tuple[_Job, Reading]]:
        """A batch's articles, read; those nobody waits for any more are left out, and those that cannot be read."""
        gathered: list[tuple[_Job, Reading]] = []
        subwords = 0
        job: _Job | None = first
        while job is not None:
            if job.answer.set_running_or_notify_cancel():
                try:
                    reading = read(job.text, self._tagger.tokenizer, self._tagger.windowing)
                except Exception as error:  # its client must hear of it
                    job.answer.set_exception(error)
                else:
                    gathered.append((job, reading))
                    subwords += len(reading.pieces.ids) + len(reading.windows) * self._tagger.tokenizer.special_count
            # with one more of their size the network would be run a second time, for a part of a batch
            full = gathered and subwords + subwords / len(gathered) > self._tagger.batch_tokens
            job = None if full or len(first.text) >= LONG else self._next(wait=False)
        return gathered

    def _answer(self, jobs: list[tuple[_Job, Reading]]) -> None:
        readings = [reading for _, reading in jobs]
        try:
            documents = self._tagger.decode(readings, self._tagger.logits(readings))
        except Exception as error:  # whatever it is, the thread must live and the clients must hear of it
            if len(jobs) == 1:
                jobs[0][0].answer.set_exception(error)
            else:
                # one article's failure is not its neighbours'
                for alone in jobs:
                    self._answer([alone])
            return
        for (job, _), document in zip(jobs, documents, strict=True):
            try:
                answer = job.finish(document)
            except Exception as error:
                job.answer.set_exception(error)
            else:
                job.answer.set_result(answer)
