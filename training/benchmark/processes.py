"""What needs a process of its own to be measured: start-up, memory, and the command with several workers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from hadath.errors import HadathError
from hadath.machine import cores
from training.benchmark.timing import Measure

# Linux would count the memory of the process that this one was started from in getrusage's maximum, not in VmHWM
_PEAK = """
def peak_megabytes():
    try:
        with open("/proc/self/status", encoding="ascii") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024
    except OSError:
        import resource, sys
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
"""

_START = (
    _PEAK
    + """
import json, sys, time
start = time.perf_counter()
import hadath
imported = time.perf_counter()
tagger = hadath.load(sys.argv[1])
loaded = time.perf_counter()
with open(sys.argv[2], encoding="utf-8") as text:
    tagger(text.read())
tagged = time.perf_counter()
print(json.dumps([imported - start, loaded - imported, tagged - loaded, peak_megabytes()]))
"""
)

_TAG = (
    _PEAK
    + """
import json, sys
from hadath.cli import main
status = main(sys.argv[1:])
print(json.dumps([status, peak_megabytes()]))
"""
)


@dataclass(frozen=True)
class Start:
    """One start: seconds from the start of the process to the first tagged article, and its peak memory.

    Attributes:
        seconds: From the start of the process until the article is tagged.
        importing: Seconds of these for ``import hadath``.
        loading: Seconds of these for ``hadath.load``.
        tagging: Seconds of these for the article.
        peak: Peak memory in MB (2**20 bytes).
    """

    seconds: float
    importing: float
    loading: float
    tagging: float
    peak: float


def first_tag(model: Path, text: str) -> Start:
    """Starts a process that loads a model and tags an article."""
    with TemporaryDirectory() as folder:
        article = Path(folder) / "article.txt"
        article.write_text(text, encoding="utf-8")
        started = time.perf_counter()
        importing, loading, tagging, peak = _answer(_START, [str(model), str(article)])
        return Start(time.perf_counter() - started, importing, loading, tagging, peak)


def write_corpus(path: Path, texts: Sequence[str], articles: int) -> None:
    """Writes JSON lines with a number of articles, the texts over and over."""
    with path.open("w", encoding="utf-8") as file:
        for number in range(articles):
            record = {"id": f"article-{number}", "text": texts[number % len(texts)]}
            file.write(json.dumps(record, ensure_ascii=False) + "\n")


def tag_command(model: Path, corpus: Path, workers: int) -> tuple[float, float]:
    """Runs ``hadath tag`` on a corpus.

    Returns:
        The seconds that the whole command took, and the peak memory of its main process in MB; with one worker there
        is no other process.

    Raises:
        HadathError: If it did not end well.
    """
    with TemporaryDirectory() as folder:
        arguments = ["tag", str(corpus), "-m", str(model), "-o", f"{folder}/tagged", "--workers", str(workers)]
        start = time.perf_counter()
        status, peak = _answer(_TAG, arguments)
        taken = time.perf_counter() - start
    if status:
        raise HadathError(f"hadath {' '.join(arguments)} ended with status {status:.0f}")
    return taken, peak


def worker_measures(model: Path, corpus: Path) -> dict[str, Measure]:
    """Returns the measures of the command: one process with all cores, and as many processes as there are cores."""
    available = cores()

    def measure(workers: int) -> Measure:
        return lambda: tag_command(model, corpus, workers)[0]

    return {
        f"{_counted(workers, 'worker')} x {_counted(max(1, available // workers), 'thread')}": measure(workers)
        for workers in dict.fromkeys([1, available])
    }


def _counted(number: int, name: str) -> str:
    return f"{number} {name}{'' if number == 1 else 's'}"


def _answer(code: str, arguments: Sequence[str]) -> list[float]:
    """What a process printed as its last line."""
    # the threads of this process are no measure for that one
    environment = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, encoding="utf-8", env=environment
    )
    if done.returncode:
        raise HadathError(f"a process that was to be measured failed:\n{done.stderr.strip()}")
    answer: list[float] = json.loads(done.stdout.splitlines()[-1])
    return answer
