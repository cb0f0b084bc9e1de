"""Raw articles out of files: some of them drawn by lot, without those that repeat each other or the corpus."""

from __future__ import annotations

import random
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from hadath.batch.articles import Article, Columns, Rejected, plain
from hadath.batch.files import find_files
from hadath.batch.readers import reader_of
from hadath.text import segment
from training.annotations.articles import Findings
from training.annotations.formats.json_records import metadata_of
from training.annotations.identifiers import article_id, short_hash
from training.annotations.near_duplicates import Likeness, groups, near_duplicates

# what a tool's file says of an article itself
_TAKEN = frozenset(
    {"id", "article_id", "text", "data", "meta", "split", "label", "labels", "cats", "entities", "events"}
    | {"relations", "spans", "tokens", "comments", "Comments", "annotation_approver"}
)


@dataclass(frozen=True)
class RawArticle:
    """An article that nobody has annotated.

    Attributes:
        name: Its name, safe as a file's, and no other article's.
        text: Its text.
        metadata: What else its source says of it, as texts.
    """

    name: str
    text: str
    metadata: Mapping[str, str]


@dataclass(frozen=True)
class Drawn:
    """Articles as they were read.

    Attributes:
        articles: The articles, in the order of the files.
        total: How many there were to draw from.
        rejected: Records that are no article.
    """

    articles: Sequence[Article]
    total: int
    rejected: Sequence[Rejected]


def drawn_articles(paths: Sequence[str], columns: Columns, most: int | None, seed: int, findings: Findings) -> Drawn:
    """Reads articles, and keeps some of them by lot where they are many.

    Args:
        paths: Files and folders, as ``hadath tag`` reads them.
        columns: Where text and name stand in tables.
        most: Number of articles that are kept; None for all.
        seed: Of the lot.
        findings: Gets what was left out, with counts.

    Returns:
        The articles, each with at least one word.

    Raises:
        InputError: If a file is missing, of an unknown kind, or cannot be read.
    """
    draw = random.Random(seed)
    # a reservoir: however many articles there are, only those that may be kept are in memory
    kept: list[tuple[int, Article]] = []
    rejected: list[Rejected] = []
    total = 0
    for article in _read(paths, columns):
        if isinstance(article, Rejected):
            rejected.append(article)
            continue
        if not any(form[0].isalnum() for form in segment(article.text).forms):
            findings.note("articles without a word")
            continue
        if most is None or len(kept) < most:
            kept.append((total, article))
        elif (place := draw.randrange(total + 1)) < most:
            kept[place] = (total, article)
        total += 1
    findings.note("articles not drawn, since there are more than pool", total - len(kept))
    return Drawn([article for _, article in sorted(kept, key=lambda pair: pair[0])], total, rejected)


def _read(paths: Sequence[str], columns: Columns) -> Iterator[Article | Rejected]:
    for file in find_files(paths):
        reader = reader_of(file, columns)
        for row in reader.rows():
            yield reader.article(row)


def new_articles(
    articles: Sequence[Article],
    annotated: Mapping[str, str],
    alike: Likeness,
    findings: Findings,
) -> list[RawArticle]:
    """Leaves out what repeats an annotated article or another one, and names the rest.

    Args:
        articles: The articles.
        annotated: Texts of the articles of the corpus, by their names.
        alike: When two articles tell one story.
        findings: Gets what was left out, with counts.

    Returns:
        Of each story that the corpus does not have the first article, in order.
    """
    texts = [*annotated.values(), *(article.text for article in articles)]
    fresh = []
    for story in groups(len(texts), near_duplicates(texts, alike.threshold, words=alike.shingle_words)):
        own = [index - len(annotated) for index in story if index >= len(annotated)]
        known = len(own) < len(story)
        findings.note("articles that tell a story of the corpus", len(own) if known else 0)
        findings.note("articles that tell the story of another one", 0 if known else len(own) - 1)
        if not known:
            fresh.append(own[0])
    used = {name.casefold() for name in annotated}
    named = []
    for index in sorted(fresh):
        article = articles[index]
        name = article_id(article.id)
        if name.casefold() in used:
            name = article_id(f"{name}-{short_hash(article.text)}")
        used.add(name.casefold())
        named.append(RawArticle(name, article.text, _metadata(article, findings)))
    return named


def _metadata(article: Article, findings: Findings) -> dict[str, str]:
    fields = {_kept_name(name, _TAKEN): plain(value) for name, value in article.kept.items()}
    return metadata_of(fields, (), findings)


def _kept_name(name: str, taken: Collection[str]) -> str:
    """A name for a field that no format takes for one of its own; two fields never get one name."""
    return f"input_{name}" if re.sub("^(input_)+", "", name) in taken else name
