"""Wojood: a token a line with all its tags, those of nested spans one behind the other (Jarrar et al., LREC 2022)."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hadath.batch.storage import write_whole
from hadath.schema import Schema
from training.annotations.articles import CorpusArticle, Findings, Kind, SourceArticle
from training.annotations.formats import source_files
from training.annotations.formats.tokens import (
    OUTSIDE,
    SPLIT_NAMES,
    Found,
    Passage,
    Token,
    encoded,
    layer,
    note_arguments,
    note_modality,
    packed,
    source_article,
    token_sentences,
)
from training.brat import read_text

SUFFIXES = (".txt", ".conll", ".tsv")


@dataclass
class Options:
    """What can be set; explained in configs/format/wojood.yaml."""

    separator_token: str | None = "$#$"
    stray: str = "begin"
    words_per_article: int = 200
    splits: dict[str, str] = field(default_factory=lambda: dict(SPLIT_NAMES))

    def __post_init__(self) -> None:
        if self.stray not in ("begin", "refuse"):
            raise ValueError(f"stray is {self.stray}; expected begin or refuse")
        if self.words_per_article < 0:
            raise ValueError(f"words_per_article is {self.words_per_article}; expected a number from 0 on")


def read(source: Path, options: Options, findings: Findings) -> list[SourceArticle]:
    """Reads a file, or the files of a folder.

    Args:
        source: The file or folder.
        options: How articles are made.
        findings: Gets what is wrong.

    Returns:
        The articles; spans nest as they do in the source.
    """

    def decode(sentence: Sequence[Token], kind: Kind, findings: Findings, path: Path) -> list[Found]:
        return nested_spans(sentence, options.stray, path, findings) if kind is Kind.ENTITY else []

    articles = []
    for path in source_files(source, SUFFIXES):
        text = read_text(path, findings.problems)
        if text is None:
            continue
        before = len(findings.problems)
        sentences = _sentences(path, text.removeprefix("\ufeff"), options, findings)
        if len(findings.problems) == before and not sentences:
            findings.problem_at(path, 0, "holds no token; expected a token a line, with its tags")
        for number, chunk in enumerate(packed(sentences, options.words_per_article), start=1):
            passage = Passage(
                chunk, f"{path.stem}-{number:04d}", chunk[0][0].line, split=options.splits.get(path.stem.lower())
            )
            articles.append(source_article(path, passage, decode, findings))
    return articles


def _sentences(path: Path, text: str, options: Options, findings: Findings) -> list[list[Token]]:
    sentences: list[list[Token]] = [[]]
    for number, line in enumerate(text.split("\n"), start=1):
        line = line.removesuffix("\r")
        if not line.strip():
            sentences.append([])
            continue
        token, *tags = line.split("\t") if "\t" in line else line.split(" ")
        if not token.strip() or not tags:
            findings.problem_at(path, number, f"{line[:60]!r} is no token with its tags; expected TOKEN TAG TAG …")
        elif token == options.separator_token and tags == [OUTSIDE]:
            findings.note(f"separators {token} left out")
        else:
            sentences[-1].append(Token(number, token, {Kind.ENTITY: tags}))
    return [sentence for sentence in sentences if sentence]


def nested_spans(sentence: Sequence[Token], stray: str, path: Path, findings: Findings) -> list[Found]:
    """Returns the spans of a sentence whose tokens have several tags each.

    A ``B-`` begins a span, an ``I-`` goes on with the innermost span of its label that is open; of two open spans of a
    label one ``I-`` goes on with the outer one, since nested spans end no later than those around them.
    """
    done: list[Found] = []
    open_spans: dict[str, list[int]] = {}
    for index, token in enumerate(sentence):
        begins: list[str] = []
        goes_on: dict[str, int] = {}
        for tag in token.tags[Kind.ENTITY]:
            prefix, dash, label = tag.partition("-")
            if tag == OUTSIDE:
                continue
            if prefix not in ("B", "I") or not dash or not label:
                findings.problem_at(path, token.line, f"the tag {tag!r} is none; expected O, B-TYPE or I-TYPE")
            elif prefix == "B":
                begins.append(label)
            else:
                goes_on[label] = goes_on.get(label, 0) + 1
        still_open: dict[str, list[int]] = {}
        for label, starts in open_spans.items():
            kept = starts[: goes_on.get(label, 0)]
            done += [Found(start, index - 1, label) for start in starts[len(kept) :]]
            goes_on[label] = goes_on.get(label, 0) - len(kept)
            still_open[label] = kept
        for label, count in goes_on.items():
            for _ in range(count):
                if stray == "refuse":
                    message = (
                        f"I-{label} follows no B-{label}; begin the span with B-{label}, or set format.stray=begin"
                    )
                    findings.problem_at(path, token.line, message)
                else:
                    findings.note(f"I-{label} without B-{label} read as the beginning of a span")
                begins.append(label)
        for label in begins:
            still_open.setdefault(label, []).append(index)
        open_spans = still_open
    for label, starts in open_spans.items():
        done += [Found(start, len(sentence) - 1, label) for start in starts]
    # outer spans first, and in the order of the tags where two cover the same tokens
    return sorted(done, key=lambda found: (found.first, -found.last))


def write(articles: Sequence[CorpusArticle], schema: Schema, to: Path, options: Options, findings: Findings) -> None:
    """Writes a folder with a file for each split; triggers of events get tags as entities do.

    Args:
        articles: The articles.
        schema: The schema of the corpus.
        to: The folder.
        options: Not used.
        findings: Gets what has no room.
    """
    note_arguments(articles, "Wojood", findings)
    note_modality(articles, "Wojood", findings)
    findings.note("articles whose names and fields have no room, and whose white space is rebuilt", len(articles))
    files: dict[str, io.StringIO] = {}
    for article in articles:
        stream = files.setdefault(article.split, io.StringIO())
        for sentence in token_sentences(article):
            spans = [span[:3] for kind in Kind for span in layer(article.document, sentence, kind)]
            for token, tag in zip(sentence, encoded(spans, len(sentence), "bio2"), strict=True):
                stream.write(f"{article.document.text[token.start : token.end]} {tag}\n")
            stream.write("\n")
    to.mkdir(parents=True, exist_ok=True)
    for split, stream in files.items():
        content = stream.getvalue().encode("utf-8")
        write_whole(to / f"{split}.txt", lambda file, content=content: file.write(content))
