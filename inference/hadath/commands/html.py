"""``hadath html``: a page on which to read articles with what was found in them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from hadath.batch.articles import Article, Columns, Rejected, plain
from hadath.batch.chunks import read_records
from hadath.batch.files import find_files
from hadath.batch.manifest import Manifest
from hadath.batch.parts import output_values
from hadath.batch.storage import write_whole
from hadath.batch.tagging import Failed, Tagged, tag_texts
from hadath.commands.options import add_columns, add_date_column, add_model
from hadath.document import Document
from hadath.errors import InputError, InvalidDocumentError
from hadath.event_table import publication_date
from hadath.html.view import tagged_page
from hadath.html.wording import WORDING
from hadath.model_directory import load
from hadath.terminal import counted, say

MOST_ARTICLES = 20_000
"""Articles of a page where no number is given: all are held in memory, here and by the browser."""

_ARTICLES_AT_ONCE = 64
_TAGGED_COLUMNS = ("input_entities", "input_events")
"""What the reader names the columns of an article that is tagged already."""

_EXAMPLES = """\
examples:
  hadath html article.txt -o page.html              tags an article and shows it
  hadath html tagged/ -o page.html                  shows what `hadath tag -o tagged/` found
  hadath html news.jsonl --limit 500 -o page.html   the first 500 articles of a table

The page needs no network and no other file: send it, print it, keep it. Articles that carry entities and events, as
`hadath tag` writes them, are shown as they are; the others are tagged.
"""


def add_parser(subparsers: Any) -> None:
    """Adds the command."""
    parser = subparsers.add_parser(
        "html",
        help="show articles with their entities and events as a web page",
        description="Writes one self-contained page that shows articles with their entities and events.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "inputs",
        nargs="+",
        metavar="INPUT",
        help="what `hadath tag` takes or has written: a .txt file, a table (.jsonl, .csv, .tsv, .parquet), a folder, "
        "or - for a text on standard input",
    )
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="the page, such as page.html (default: standard output)"
    )
    add_model(parser)
    parser.add_argument("--title", metavar="TITLE", help="the page's title")
    parser.add_argument(
        "--language", choices=tuple(WORDING), default="ar", help="language of the page's labels (default: %(default)s)"
    )
    parser.add_argument(
        "--limit",
        type=int,
        metavar="N",
        help=f"show only the first N articles (needed for more than {MOST_ARTICLES:,})",
    )
    add_columns(parser)
    add_date_column(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Writes the page."""
    if options.limit is not None and options.limit < 1:
        raise InputError(f"--limit {options.limit}: expected a whole number above 0")
    articles = list(islice(_articles(options), options.limit or MOST_ARTICLES + 1))
    if options.limit is None and len(articles) > MOST_ARTICLES:
        raise InputError(
            f"more than {MOST_ARTICLES:,} articles, which hardly a browser shows; choose how many with --limit N"
        )
    shown = list(_tagged(articles, options.model))
    if not shown:
        raise InputError("no article can be shown; expected texts, or what `hadath tag` wrote")
    documents = [document for _, document in shown]
    captions = [publication_date(_other_columns(article), options.date_column) for article, _ in shown]
    if options.date_column is not None and not any(captions):
        say(f"no article has a date in a column {options.date_column!r} (--date-column)")
    content = tagged_page(documents, title=options.title, captions=captions, language=options.language).encode("utf-8")
    output: Path | None = options.output
    if output is None:
        sys.stdout.buffer.write(content)
        return 0
    write_whole(output, lambda stream: stream.write(content))
    say(f"{counted(len(documents), 'article')} in {output}, {len(content) / 1e6:.1f} MB")
    return 0


def _articles(options: argparse.Namespace) -> Iterator[Article]:
    """The articles of all inputs; those that cannot be read are told and left out."""
    columns = Columns(options.text_column, options.id_column)
    for record in read_records(find_files(list(_files(options.inputs))), columns):
        if isinstance(record.content, Rejected):
            say(f"{record.content.place}: {record.content.reason}; skipped")
        else:
            yield record.content


def _files(inputs: Sequence[str]) -> Iterator[str]:
    """The inputs, a folder that ``hadath tag -o`` wrote as its finished parts."""
    for given in inputs:
        manifest = Manifest.read(Path(given)) if Path(given).is_dir() else None
        if manifest is None:
            yield given
            continue
        if not manifest.complete:
            say(f"{given} is not finished; only its finished parts are shown")
        yield from (str(Path(given) / part.name) for part in manifest.parts)


def _tagged(articles: Sequence[Article], model: str | None) -> Iterator[tuple[Article, Document]]:
    """Articles with their documents: tagged now, unless they carry what was found."""
    untagged = [article for article in articles if not _carries(article)]
    fresh = _tag(untagged, model) if untagged else iter(())
    for article in articles:
        try:
            if _carries(article):
                entities, events = (plain(article.kept[name]) for name in _TAGGED_COLUMNS)
                values = {"id": article.id, "text": article.text, "entities": entities, "events": events}
                yield article, Document.from_dict(values)
                continue
            found = next(fresh)
        except InvalidDocumentError as error:
            say(f"{article.place}: {error}; skipped")
            continue
        if isinstance(found, Failed):
            say(f"{article.place}: {found.reason}; skipped")
        else:
            yield article, Document.from_dict(output_values(article, found))


def _other_columns(article: Article) -> dict[str, Any]:
    return {name: plain(value) for name, value in article.kept.items() if name not in _TAGGED_COLUMNS}


def _carries(article: Article) -> bool:
    return all(name in article.kept for name in _TAGGED_COLUMNS)


def _tag(articles: Sequence[Article], model: str | None) -> Iterator[Tagged | Failed]:
    tagger = load(model)
    for first in range(0, len(articles), _ARTICLES_AT_ONCE):
        yield from tag_texts(tagger, [article.text for article in articles[first : first + _ARTICLES_AT_ONCE]])
