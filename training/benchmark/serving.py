"""How ``hadath serve`` bears up: many clients at once, against tagging the same texts as a batch.

The server is a process of its own on the loopback address; what tags as a batch has all cores while it is measured, the
server and its clients have them while these are.
"""

from __future__ import annotations

import argparse
import http.client
import json
import re
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from hadath.errors import HadathError
from hadath.machine import cores
from hadath.model_directory import find, load
from hadath.tagger import Tagger
from training.benchmark.report import processor
from training.benchmark.texts import texts_of
from training.benchmark.timing import interleaved, ratio
from training.corpus import read_corpus
from training.script import EXIT_BAD_INPUT

HOST = "127.0.0.1"
_TEXTS = 128


@dataclass(frozen=True)
class Served:
    """What clients saw.

    Attributes:
        latencies: Seconds from sending each request to its whole answer.
        seconds: How long it all took.
        errors: Requests that were not answered with 200.
    """

    latencies: Sequence[float]
    seconds: float
    errors: int


@contextmanager
def running_server(model: Path, *options: str) -> Iterator[int]:
    """Runs ``hadath serve`` on a free port of the loopback address and gives the port.

    Raises:
        HadathError: If it does not start.
    """
    command = [sys.executable, "-m", "hadath", "serve", "--host", HOST, "--port", "0", "-m", str(model), *options]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, encoding="utf-8") as process:
        assert process.stderr is not None
        first = process.stderr.readline()
        found = re.search(r"url=http://[^ ]*:(\d+)/", first)
        if found is None:
            raise HadathError(f"hadath serve did not start: {first}{process.stderr.read()}")
        # a pipe that nobody reads would fill up and stop the server
        reader = threading.Thread(target=process.stderr.read)
        reader.start()
        try:
            yield int(found[1])
        finally:
            process.terminate()
            process.wait(60)
            reader.join()


def served(port: int, texts: Sequence[str], clients: int, seconds: float) -> Served:
    """Sends texts from many clients, each the next one as soon as it has an answer.

    Args:
        port: The server's port on the loopback address.
        texts: What is sent, over and over.
        clients: Number of clients, each with a connection of its own.
        seconds: For how long new requests are sent.
    """
    bodies = [json.dumps({"text": text}, ensure_ascii=False).encode("utf-8") for text in texts]
    numbers = count()
    latencies: list[float] = []
    errors: list[object] = []
    start = time.perf_counter()

    def client() -> None:
        connection = http.client.HTTPConnection(HOST, port, timeout=60)
        while (sent := time.perf_counter()) < start + seconds:
            try:
                body = bodies[next(numbers) % len(bodies)]
                connection.request("POST", "/tag", body, {"Content-Type": "application/json"})
                answer = connection.getresponse()
                answer.read()
                if answer.status != 200:
                    errors.append(answer.status)
            except OSError as error:
                errors.append(error)
                connection.close()
            latencies.append(time.perf_counter() - sent)
        connection.close()

    threads = [threading.Thread(target=client) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Served(latencies, time.perf_counter() - start, len(errors))


def benchmark(tagger: Tagger, model: Path, texts: Sequence[str], clients: int, seconds: float, rounds: int) -> str:
    """Measures batch tagging and the server in turn and returns the table."""
    results: list[Served] = []
    with running_server(model, "--quiet") as port:

        def batch() -> float:
            start = time.perf_counter()
            for _ in tagger.pipe(texts):
                pass
            return (time.perf_counter() - start) / len(texts)

        def serve() -> float:
            results.append(served(port, texts, clients, seconds / rounds))
            return results[-1].seconds / len(results[-1].latencies)

        taken = interleaved({"batch": batch, "serve": serve}, rounds, lambda what: print(what, file=sys.stderr))
    counted = results[1:]
    latencies = sorted(latency for result in counted for latency in result.latencies)
    share = ratio(taken["batch"], taken["serve"])
    rows = [
        ("batch mode, articles/s", f"{1 / statistics.median(taken['batch']):.1f}"),
        ("served, articles/s", f"{1 / statistics.median(taken['serve']):.1f}"),
        ("share of batch mode", f"{share.median:.0%} ({share.low:.0%} to {share.high:.0%})"),
        ("requests", f"{len(latencies):,} in {sum(result.seconds for result in counted):.0f} s"),
        ("errors", f"{sum(result.errors for result in counted)}"),
        ("latency, median", f"{_percentile(latencies, 50):.2f} s"),
        ("latency, 99 % within", f"{_percentile(latencies, 99):.2f} s"),
        ("latency, longest", f"{latencies[-1]:.2f} s"),
    ]
    words = round(statistics.mean(len(text.split()) for text in texts))
    title = f"{clients} clients, articles of {words} words"
    width = max(len(title), *(len(name) for name, _ in rows))
    return "\n".join(
        [
            f"Measured by `python -m training.benchmark.serving` on {processor()}, {cores()} cores, clients and all; "
            f"batch tagging and the server in turn, {rounds} rounds, ratios taken within a round, the least and the "
            "greatest in brackets.",
            "",
            f"| {title:<{width}} | {'':>18} |",
            f"| {'-' * width} | {'-' * 17}: |",
            *(f"| {name:<{width}} | {value:>18} |" for name, value in rows),
        ]
    )


def _percentile(ordered: Sequence[float], share: int) -> float:
    return ordered[min(len(ordered) - 1, len(ordered) * share // 100)]


def main(arguments: Sequence[str] | None = None) -> int:
    """Reads the command line, measures, shows the table; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m training.benchmark.serving",
        description="Measures hadath serve under load against batch tagging of the same texts.",
    )
    parser.add_argument("--model", metavar="DIR", help="exported model directory (default: the one with hadath)")
    parser.add_argument("--corpus", type=Path, default=Path("data"), metavar="DIR", help="default: %(default)s")
    parser.add_argument("--clients", type=int, default=32, metavar="N", help="default: %(default)s")
    parser.add_argument("--seconds", type=float, default=60, metavar="S", help="of load, all rounds (default: 60)")
    parser.add_argument("--words", type=int, default=200, metavar="N", help="of an article (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="default: %(default)s")
    options = parser.parse_args(arguments)
    try:
        texts = texts_of(read_corpus(options.corpus, ("dev",)).splits["dev"], _TEXTS, options.words)
        model = find(options.model)
        table = benchmark(load(model), model, texts, options.clients, options.seconds, options.rounds)
    except (HadathError, OSError) as error:
        sys.stderr.write(f"error: {error}\n")
        return EXIT_BAD_INPUT
    sys.stdout.write(f"{table}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
