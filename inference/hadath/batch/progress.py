"""A progress bar on the terminal: articles, speed and time left; silent where nobody watches."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from hadath.batch.job import Progress


@contextmanager
def progress_bar() -> Iterator[Callable[[Progress], None] | None]:
    """Shows a progress bar on standard error while the context lasts.

    Yields:
        What to tell of progress, or None where standard error is no terminal or rich is not installed.
    """
    if not sys.stderr.isatty():
        yield None
        return
    try:
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn
        from rich.progress import Progress as Bar
    except ModuleNotFoundError:
        yield None
        return
    columns = (BarColumn(bar_width=24), TextColumn("{task.percentage:3.0f} %  {task.fields[state]}"))
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("tagging", total=1.0, state="loading the model")
        clock = Clock()

        def show(progress: Progress) -> None:
            bar.update(task, completed=progress.share, state=clock.state(progress))

        yield show


class Clock:
    """Speaks of speed and of the time left.

    Args:
        now: Returns the time in seconds.
    """

    def __init__(self, now: Callable[[], float] = time.perf_counter) -> None:
        self._now = now
        self._begun = now()
        self._first: tuple[float, float] | None = None

    def state(self, progress: Progress) -> str:
        """Returns what stands beside the bar.

        Example:
            >>> seconds = iter([0.0, 10.0, 20.0])
            >>> clock = Clock(lambda: next(seconds))
            >>> _ = clock.state(Progress(articles=100, words=20_000, rejected=0, share=0.25))
            >>> clock.state(Progress(articles=200, words=40_000, rejected=0, share=0.5))
            '200 articles, 10/s, 2,000 words/s, 0:20 left'
        """
        now = self._now()
        seconds = max(now - self._begun, 1e-9)
        speed = progress.articles / seconds
        shown = f"{speed:,.0f}" if speed >= 10 else f"{speed:.1f}"
        state = f"{progress.articles:,} articles, {shown}/s, {progress.words / seconds:,.0f} words/s"
        if progress.rejected:
            state += f", {progress.rejected:,} rejected"
        # the share may have begun anywhere, where an earlier run stopped: only its growth counts
        if self._first is None:
            self._first = (now, progress.share)
        grown = progress.share - self._first[1]
        if grown > 0:
            left = (1 - progress.share) * (now - self._first[0]) / grown
            state += f", {duration(left)} left"
        return state


def duration(seconds: float) -> str:
    """Returns a time as hours, minutes and seconds.

    Example:
        >>> duration(75), duration(3725)
        ('1:15', '1:02:05')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
