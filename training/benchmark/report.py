"""The figures as Markdown tables, for the terminal and for the README."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

from hadath.errors import HadathError
from hadath.machine import cores
from training.benchmark.processes import Start
from training.benchmark.steps import BARE, TRAINER
from training.benchmark.tagging import HADATH, LIMITS, Speeds
from training.benchmark.timing import Spread, ratio

BEGIN = "<!-- bench:start -->"
END = "<!-- bench:end -->"


class ReportError(HadathError, ValueError):
    """A README that has no place for the figures."""


def refreshed(readme: str, figures: str) -> str:
    r"""Returns a README with other figures between its markers.

    Raises:
        ReportError: If the two markers are not there, once each and in order.

    Example:
        >>> refreshed(f"# Speed\n{BEGIN}\nold\n{END}\n", "new")
        '# Speed\n<!-- bench:start -->\nnew\n<!-- bench:end -->\n'
    """
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end or BEGIN in rest or END in after or END in before:
        raise ReportError(f"the README has no place for the figures; expected the lines {BEGIN} and {END}, once each")
    return f"{before}{BEGIN}\n{figures.strip()}\n{END}{after}"


def heading(repeats: int) -> str:
    """Returns what was measured on, and how the tables are to be read."""
    versions = ", ".join(f"{name} {version(name)}" for name in ("onnxruntime", "torch", "transformers"))
    return (
        f"Measured by `make bench` on {processor()}, {cores()} cores, Python {platform.python_version()}, {versions}. "
        f"What is compared ran in turn in one process: medians of {repeats} round{'' if repeats == 1 else 's'}, ratios "
        "taken within a round, the least and the greatest in brackets."
    )


def processor() -> str:
    """Returns the processor's name."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def tagging_table(speeds: Mapping[str, Speeds]) -> str:
    """Returns the words a second of all that tags, and how many times as fast hadath is.

    Args:
        speeds: What was measured, by kind of text.
    """
    headers = ["tagger"]
    for kind in speeds:
        headers += [f"{kind}: words/s", "hadath, int8, against it"]
    contenders = [name for name in next(iter(speeds.values())).seconds if name not in LIMITS.values()]
    rows = []
    for name in contenders:
        row = [name]
        for measured in speeds.values():
            taken = measured.seconds[name]
            row.append(f"{measured.words / Spread.of(taken).median:,.0f}")
            row.append("" if name == HADATH else _times(ratio(taken, measured.seconds[HADATH])))
        rows.append(row)
    return table(headers, rows)


def limit_table(speeds: Mapping[str, Speeds]) -> str:
    """Returns the subwords a second of hadath beside those of its bare matrix products."""
    headers = ["precision", "texts", "hadath, subwords/s", "bare matrix products, subwords/s", "share"]
    rows = []
    for contender, limit in LIMITS.items():
        for kind, measured in speeds.items():
            rows.append(
                [
                    limit.split()[0],
                    kind,
                    f"{measured.subwords / Spread.of(measured.seconds[contender]).median:,.0f}",
                    f"{measured.rows / Spread.of(measured.seconds[limit]).median:,.0f}",
                    _percent(Spread.of(measured.shares(contender))),
                ]
            )
    explained = (
        "The bare products are those with the encoder's weights, by the operators of onnxruntime that the model has, "
        "over batches of as many subwords; attention's own products, which grow with the text, are no part of them."
    )
    return f"{table(headers, rows)}\n\n{explained}"


def start_table(starts: Sequence[Start], model: Path) -> str:
    """Returns start-up time, memory and size of a model."""
    median = {
        name: Spread.of([getattr(start, name) for start in starts]).median
        for name in ("seconds", "importing", "loading", "tagging")
    }
    peak = max(start.peak for start in starts)
    size = sum(path.stat().st_size for path in model.iterdir() if path.is_file()) / 1e6
    return table(
        ["new process, one article of 300 words", ""],
        [
            ["from its start to the tagged article", f"{median['seconds']:.2f} s"],
            ["of that `import hadath`", f"{median['importing']:.2f} s"],
            ["of that `hadath.load()`", f"{median['loading']:.2f} s"],
            ["of that the article", f"{median['tagging']:.2f} s"],
            ["peak memory", f"{peak:,.0f} MiB"],
            ["model on disk", f"{size:.1f} MB"],
        ],
    )


def worker_table(seconds: Mapping[str, Sequence[float]], words: int) -> str:
    """Returns the words a second of ``hadath tag`` by number of workers."""
    first = next(iter(seconds.values()))
    rows = [
        [
            name,
            f"{words / Spread.of(taken).median:,.0f}",
            "" if taken is first else _times(ratio(first, taken)),
        ]
        for name, taken in seconds.items()
    ]
    return table(["`hadath tag`, start-up counted", "words/s", "against one worker"], rows)


def memory_table(peaks: Mapping[int, float]) -> str:
    """Returns the peak memory of ``hadath tag`` by number of articles."""
    first = next(iter(peaks.values()))
    rows = [[f"{articles:,}", f"{peak:,.0f} MiB", f"{peak / first - 1:+.1%}"] for articles, peak in peaks.items()]
    return table(["`hadath tag`, articles", "peak memory", "against the fewest"], rows)


def training_table(seconds: Mapping[str, Sequence[float]], steps: int) -> str:
    """Returns the steps a second of training."""
    rows = [
        [
            name,
            f"{steps / Spread.of(seconds[name]).median:.2f}",
            _times(ratio(seconds[BARE], seconds[name])) if name == TRAINER else "",
        ]
        for name in (TRAINER, BARE)
    ]
    return table(["training", "steps/s", "against the bare loop"], rows)


def table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Returns a Markdown table whose columns stand under each other; all but the first are set to the right.

    Example:
        >>> print(table(["fruit", "number"], [["fig", "3"]]))
        | fruit | number |
        | ----- | -----: |
        | fig   |      3 |
    """
    widths = [max(3, *(len(row[column]) for row in [headers, *rows])) for column in range(len(headers))]
    rule = ["-" * width if column == 0 else "-" * (width - 1) + ":" for column, width in enumerate(widths)]
    lines = [
        [
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        for row in [headers, rule, *rows]
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _times(spread: Spread) -> str:
    return f"{spread.median:.2f} x ({spread.low:.2f} to {spread.high:.2f})"


def _percent(spread: Spread) -> str:
    return f"{spread.median:.0%} ({spread.low:.0%} to {spread.high:.0%})"
