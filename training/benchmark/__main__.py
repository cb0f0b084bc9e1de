"""The command line of the benchmark."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from hadath.errors import HadathError
from hadath.model_directory import find
from training.benchmark.processes import first_tag, tag_command, worker_measures, write_corpus
from training.benchmark.report import (
    heading,
    limit_table,
    memory_table,
    refreshed,
    start_table,
    tagging_table,
    training_table,
    worker_table,
)
from training.benchmark.steps import StepBench
from training.benchmark.tagging import TaggingBench
from training.benchmark.texts import texts_of, word_count
from training.benchmark.timing import interleaved
from training.corpus import read_corpus
from training.encoders import EncoderError
from training.networks import NetworkError
from training.script import EXIT_BAD_INPUT, quiet_libraries

SENTENCE, ARTICLE, SHORT_ARTICLE = 40, 300, 100
"""Words of the texts that are measured with."""


@dataclass(frozen=True)
class Amounts:
    """How much is measured.

    Attributes:
        sentences: Number of sentences.
        articles: Number of articles.
        corpus: Articles of the corpus for ``hadath tag``.
        steps: Steps of training that count.
        warm_up: Steps of training before them.
        memory: Articles of the corpora whose memory is compared, none for no comparison.
    """

    sentences: int = 512
    articles: int = 64
    corpus: int = 2_000
    steps: int = 15
    warm_up: int = 3
    memory: tuple[int, ...] = ()


QUICK = Amounts(sentences=64, articles=8, corpus=200, steps=3, warm_up=1)
FULL = Amounts(memory=(10_000, 100_000))


def benchmark(
    model: Path, network: Path | None, corpus: Path, repeats: int, amounts: Amounts, report: Callable[[str], None]
) -> str:
    """Measures everything.

    Args:
        model: An exported model directory.
        network: The folder ``model/`` of the training that it comes from, or None.
        corpus: The annotated corpus; its dev articles are tagged, its training articles trained on.
        repeats: Number of rounds.
        amounts: How much is measured in a round.
        report: Told what is measured next.

    Returns:
        The tables.
    """
    splits = read_corpus(corpus, ("train", "dev")).splits
    kinds = {
        f"{SENTENCE}-word sentences": texts_of(splits["dev"], amounts.sentences, SENTENCE),
        f"{ARTICLE}-word articles": texts_of(splits["dev"], amounts.articles, ARTICLE),
    }
    with TemporaryDirectory() as folder:
        scratch = Path(folder)
        # processes first: nothing of this one is in their way yet
        article = kinds[f"{ARTICLE}-word articles"][0]
        report("start-up")
        starts = [first_tag(model, article) for _ in range(repeats + 1)][1:]
        short = texts_of(splits["dev"], amounts.corpus, SHORT_ARTICLE)
        write_corpus(scratch / "corpus.jsonl", short, amounts.corpus)
        workers = interleaved(worker_measures(model, scratch / "corpus.jsonl"), repeats, report)
        peaks = {}
        for count in amounts.memory:
            report(f"memory of {count:,} articles")
            write_corpus(scratch / "many.jsonl", texts_of(splits["dev"], amounts.sentences, SENTENCE), count)
            peaks[count] = tag_command(model, scratch / "many.jsonl", workers=1)[1]
        bench = TaggingBench(model, network, scratch)
        speeds = {
            kind: bench.measure(texts, repeats, lambda name, kind=kind: report(f"{kind}: {name}"))  # type: ignore[misc]
            for kind, texts in kinds.items()
        }
        steps = StepBench(
            bench.network,
            bench.tokenizer,
            splits["train"],
            steps=amounts.steps,
            warm_up=amounts.warm_up,
            scratch=scratch,
        )
        training = interleaved(steps.measures(), repeats, report)
    sections = [
        heading(repeats),
        tagging_table(speeds),
        limit_table(speeds),
        start_table(starts, model),
        worker_table(workers, word_count(short)),
        *([memory_table(peaks)] if peaks else []),
        training_table(training, amounts.steps),
    ]
    return "\n\n".join(sections)


def main(arguments: Sequence[str] | None = None) -> int:
    """Reads the command line, measures, shows the tables; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m training.benchmark", description="Measures how fast tagging and training are on this machine."
    )
    parser.add_argument(
        "--model", help="exported model directory, int8 (default: the one that comes with hadath)", metavar="DIR"
    )
    parser.add_argument(
        "--network",
        type=Path,
        metavar="DIR",
        help="the folder model/ of the training that it comes from (default: a network of the same shape that finds "
        "nothing)",
    )
    parser.add_argument("--corpus", type=Path, default=Path("data"), metavar="DIR", help="default: %(default)s")
    parser.add_argument("--repeats", type=int, metavar="N", help="rounds that are counted (default: 5, with --quick 2)")
    how_much = parser.add_mutually_exclusive_group()
    how_much.add_argument("--quick", action="store_true", help="few texts, to see that it runs")
    how_much.add_argument(
        "--full", action="store_true", help="also the memory of 10,000 and of 100,000 articles, some minutes more"
    )
    parser.add_argument(
        "--write-readme",
        nargs="?",
        type=Path,
        const=Path("README.md"),
        metavar="FILE",
        help="write the tables between the markers of this file (default: README.md)",
    )
    options = parser.parse_args(arguments)
    repeats = (2 if options.quick else 5) if options.repeats is None else options.repeats
    if repeats < 1:
        parser.error(f"--repeats is {repeats}; expected 1 or more")
    amounts = QUICK if options.quick else FULL if options.full else Amounts()
    quiet_libraries()
    try:
        if options.write_readme is not None:
            # known before minutes are spent on figures
            refreshed(options.write_readme.read_text(encoding="utf-8"), "")
        tables = benchmark(find(options.model), options.network, options.corpus, repeats, amounts, _tell)
        if options.write_readme is not None:
            readme = options.write_readme.read_text(encoding="utf-8")
            options.write_readme.write_text(refreshed(readme, tables), encoding="utf-8", newline="\n")
    except (HadathError, EncoderError, NetworkError, OSError) as error:
        sys.stderr.write(f"error: {error}\n")
        return EXIT_BAD_INPUT
    sys.stdout.write(f"{tables}\n")
    return 0


def _tell(what: str) -> None:
    sys.stderr.write(f"measuring {what}\n")


if __name__ == "__main__":
    sys.exit(main())
