"""``hadath tag``: texts to the terminal, or corpora to a folder of parts."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from hadath.batch.articles import Article, Columns, Rejected
from hadath.batch.chunks import cut, read_records
from hadath.batch.files import find_files, needed
from hadath.batch.job import REJECTED, Settings, Summary, tag_corpus
from hadath.batch.manifest import Manifest
from hadath.batch.parts import FORMATS, json_line, output_values
from hadath.batch.progress import duration, progress_bar
from hadath.batch.tagging import Failed, Tagged
from hadath.batch.workers import OrderedWorkers, TaggerSpec, Work, Workers
from hadath.commands.options import add_columns, add_model
from hadath.document import Document
from hadath.errors import InputError
from hadath.machine import cores
from hadath.model_directory import ModelConfig, find
from hadath.tagger import SCORED_KINDS
from hadath.terminal import counted, rendered, say

ENGINES = ("local", "ray")

_STDOUT_FORMATS = ("text", "json", "jsonl", "brat")

_EXAMPLES = """\
examples:
  hadath tag article.txt                        events and entities of an article, for reading
  hadath tag --format json - < article.txt      the same as JSON
  hadath tag articles.jsonl > tagged.jsonl      a line of JSON for each line of JSON
  hadath tag news/ dump.csv.gz -o tagged/       a corpus, as Parquet parts in tagged/
  hadath tag dump.parquet -o tagged/ --text-column body --format jsonl
  hadath tag dump.jsonl.zst -o part2/ --shard 2/8     the second of eight machines' share
  hadath tag dump.parquet -o tagged/ --engine ray --address auto     on all machines of a Ray cluster

With -o, a run that was interrupted, by whatever, is gone on with by running the same command again; the result is
that of an unbroken run. Records that cannot be tagged are listed with their place and the reason in rejected.jsonl.

exit status: 0 done; 1 done, but records were rejected (with --strict); 2 not done; 130 interrupted
"""


def add_parser(subparsers: Any) -> None:
    """Adds the command."""
    default = Settings()
    parser = subparsers.add_parser(
        "tag",
        help="find entities and events in texts",
        description="Finds entities and events in Arabic texts: one article or ten million.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "inputs",
        nargs="+",
        metavar="INPUT",
        help="a .txt file, a table (.jsonl, .csv, .tsv, also .gz or .zst; .parquet), a folder of them, "
        "or - for a text on standard input",
    )
    add_model(parser)
    parser.add_argument(
        "--min-score",
        action="append",
        type=_min_score,
        default=[],
        metavar="KIND=VALUE",
        help=f"report only {', '.join(SCORED_KINDS)} of at least this score, 0 to 1, such as events=0.5; may be given "
        "for each (default: the model's own, see hadath info)",
    )
    given = parser.add_argument_group("input")
    add_columns(given)
    given.add_argument(
        "--max-chars",
        type=_positive,
        default=default.columns.max_chars,
        metavar="N",
        help="reject texts of more characters (default: %(default)s)",
    )
    given.add_argument("--limit", type=_positive, metavar="N", help="tag only the first N records")
    given.add_argument(
        "--shard", type=_shard, default=(1, 1), metavar="I/N", help="tag only every N-th record, from the I-th on"
    )
    out = parser.add_argument_group("output")
    out.add_argument(
        "-o", "--output", type=Path, metavar="OUT", help="a folder to write parts into (default: standard output)"
    )
    out.add_argument(
        "--format",
        choices=(*_STDOUT_FORMATS, "parquet"),
        help="with -o: parquet (default) or jsonl; without: text (default for texts), jsonl (default for tables), "
        "json, or brat",
    )
    out.add_argument(
        "--part-size",
        type=_positive,
        default=default.part_size,
        metavar="N",
        help="records in a part, with -o (default: %(default)s)",
    )
    out.add_argument("--restart", action="store_true", help="throw away what OUT holds of an earlier run")
    out.add_argument("--strict", action="store_true", help="exit with status 1 if a record was rejected")
    speed = parser.add_argument_group("speed")
    speed.add_argument(
        "--workers",
        type=_positive,
        metavar="N",
        help="processes that share the cores (default: with -o one for each core, as far as the memory goes); with "
        "--engine ray actors, with a CPU or GPU each (default: as many as the cluster has)",
    )
    speed.add_argument(
        "--batch-size",
        type=_positive,
        default=default.batch_size,
        metavar="N",
        help="articles tagged at once (default: %(default)s)",
    )
    speed.add_argument(
        "--batch-tokens",
        type=_positive,
        default=default.batch_tokens,
        metavar="N",
        help="subwords the network is given at once (default: %(default)s)",
    )
    speed.add_argument(
        "--provider",
        action="append",
        default=[],
        metavar="NAME",
        help="what runs the network: cpu, cuda or another execution provider of onnxruntime; several, best first "
        "(default: see hadath info)",
    )
    speed.add_argument(
        "--engine",
        choices=ENGINES,
        default=ENGINES[0],
        help="what the work is shared out by: local processes or a Ray cluster, with the same result "
        "(default: %(default)s)",
    )
    speed.add_argument(
        "--address",
        metavar="ADDRESS",
        help="of the Ray cluster: auto, HOST:PORT or ray://HOST:PORT (default: $RAY_ADDRESS, a cluster on this "
        "machine, or a new one)",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Tags, to standard output or into a folder."""
    if options.address is not None and options.engine != "ray":
        raise InputError("--address is of a Ray cluster; add --engine ray")
    return _to_folder(options) if options.output is not None else _to_stdout(options)


def _to_folder(options: argparse.Namespace) -> int:
    form = options.format or "parquet"
    if form not in FORMATS:
        raise InputError(f"--format {form} is for standard output; with -o use {' or '.join(FORMATS)}")
    output: Path = options.output
    try:
        with progress_bar() as report:
            summary = tag_corpus(
                options.inputs,
                output,
                find(options.model),
                _settings(options, form),
                processes=options.workers,
                restart=options.restart,
                report=report,
                cluster=_cluster(options),
            )
    except KeyboardInterrupt:
        finished = 0
        with suppress(InputError, OSError):
            manifest = Manifest.read(output)
            finished = len(manifest.parts) if manifest else 0
        say(f"interrupted; {counted(finished, 'finished part')} kept in {output}; run the same command to go on")
        return 130
    say(_shown(summary, output, form))
    if summary.rejected and not summary.articles:
        listed = output / REJECTED
        raise InputError(f"no record could be tagged, {counted(summary.rejected, 'record')} rejected; see {listed}")
    return 1 if options.strict and summary.rejected else 0


def _to_stdout(options: argparse.Namespace) -> int:
    if options.restart:
        raise InputError("--restart is for an output folder; give one with -o OUT")
    first = next(find_files(options.inputs))
    form = options.format or ("text" if first.kind == "text" else "jsonl")
    if form not in _STDOUT_FORMATS:
        raise InputError(f"--format {form} needs an output folder; give one with -o OUT")
    single = len(options.inputs) == 1 and first.path == options.inputs[0] and first.kind == "text"
    if form == "brat" and not single:
        raise InputError("--format brat holds one article; give a single text")
    articles = 0
    rejected: list[Rejected] = []  # the first one; the others are only counted
    rejections = 0
    for content in _stream(options, form):
        if isinstance(content, Rejected):
            rejections += 1
            rejected = rejected or [content]
            if not single:
                say(f"{content.place}: {content.reason}; skipped")
            continue
        sys.stdout.write(_formatted(content, form, single, articles))
        articles += 1
    if form == "json" and not single:
        sys.stdout.write("\n]\n" if articles else "[]\n")
    if rejected and not articles:
        raise InputError(
            f"{rejected[0].place}: {rejected[0].reason}"
            if single
            else f"no record could be tagged, {counted(rejections, 'record')} rejected"
        )
    if rejections:
        say(f"{rejections:,} of {counted(articles + rejections, 'record')} skipped")
    return 1 if options.strict and rejections else 0


def _stream(options: argparse.Namespace, form: str) -> Iterator[tuple[Article, Tagged] | Rejected]:
    settings = _settings(options, form)
    deque(find_files(options.inputs), maxlen=0)  # a missing one is known before the model is loaded
    model = find(options.model)
    providers = tuple(ModelConfig.read(model).providers(settings.providers))
    spec = TaggerSpec(model, settings.batch_tokens, providers, settings.min_scores)
    records = read_records(find_files(options.inputs), settings.columns, settings.shard)
    chunks = cut(islice(records, settings.limit), settings.batch_size, settings.part_size)
    with _workers(options, spec) as workers:
        for chunk, results in workers.map(Work([a.text for a in chunk.articles], chunk) for chunk in chunks):
            answers = iter(results)
            for record in chunk.records:
                if isinstance(record, Rejected):
                    yield record
                elif isinstance(answer := next(answers), Failed):
                    yield Rejected(record.place, answer.reason, record.id)
                else:
                    yield record, answer


def _workers(options: argparse.Namespace, spec: TaggerSpec) -> OrderedWorkers:
    """What tags to standard output: one process, or what the options say."""
    cluster = _cluster(options)
    processes = options.workers or 1
    return cluster(spec) if cluster else Workers(spec, processes, max(1, cores() // processes))


def _cluster(options: argparse.Namespace) -> Callable[[TaggerSpec], OrderedWorkers] | None:
    if options.engine != "ray":
        return None
    needed("ray", "tagging on a Ray cluster", extra="ray")
    from hadath.ray import RayWorkers  # only here, since it needs that

    return partial(RayWorkers, actors=options.workers, address=options.address)


def _formatted(content: tuple[Article, Tagged], form: str, single: bool, before: int) -> str:
    article, found = content
    if form == "jsonl":
        return json_line(article, found)
    if form == "json":
        value = json.dumps(output_values(article, found), ensure_ascii=False, indent=2)
        return f"{value}\n" if single else f"{',' if before else '['}\n{value}"
    document = Document.from_dict(output_values(article, found))
    if form == "brat":
        return document.to_brat()
    return ("\n" if before else "") + rendered(document, found.words)


def _settings(options: argparse.Namespace, form: str) -> Settings:
    return Settings(
        columns=Columns(options.text_column, options.id_column, options.max_chars),
        format=form,
        part_size=options.part_size,
        batch_size=options.batch_size,
        batch_tokens=options.batch_tokens,
        min_scores=tuple(dict(options.min_score).items()),
        providers=tuple(options.provider),
        shard=options.shard,
        limit=options.limit,
    )


def _shown(summary: Summary, output: Path, form: str) -> str:
    lines = []
    if summary.resumed == summary.parts and summary.parts:
        lines.append("was finished already")
    elif summary.resumed:
        lines.append(f"went on after {counted(summary.resumed, 'finished part')}")
    lines.append(
        f"{counted(summary.articles, 'article')}, {counted(summary.words, 'word')}: "
        f"{counted(summary.entities, 'entity', 'entities')}, {counted(summary.events, 'event')}"
    )
    if summary.words_now:
        lines.append(f"{duration(summary.seconds)}, {summary.words_now / summary.seconds:,.0f} words/s")
    if summary.rejected:
        lines.append(f"{counted(summary.rejected, 'record')} rejected, listed in {output / REJECTED}")
    lines.append(f"{counted(summary.parts, 'part')} ({form}) in {output}")
    return "\n  ".join(lines)


def _positive(value: str) -> int:
    if not re.fullmatch(r"\d+", value) or int(value) < 1:
        raise argparse.ArgumentTypeError(f"{value!r} is no whole number above 0")
    return int(value)


def _min_score(value: str) -> tuple[str, float]:
    kind, _, score = value.partition("=")
    if kind not in SCORED_KINDS or not re.fullmatch(r"[01]|[01]?\.\d+", score, re.ASCII) or float(score) > 1:
        raise argparse.ArgumentTypeError(
            f"{value!r} is no least score; expected {', '.join(SCORED_KINDS)} with 0 to 1, such as events=0.5"
        )
    return kind, float(score)


def _shard(value: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d+)/(\d+)", value)
    if not match or not 1 <= int(match[1]) <= int(match[2]):
        raise argparse.ArgumentTypeError(f"{value!r} is no share; expected I/N with I from 1 to N, such as 2/8")
    return int(match[1]), int(match[2])
