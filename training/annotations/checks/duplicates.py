"""The same story twice: across splits it makes scores untrue, within one it counts double."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from hadath.document import Document
from hadath.text import Words
from training.annotations.checks.composition import UNSPLIT
from training.annotations.checks.finding import ArticleFiles, Finding, Level
from training.annotations.near_duplicates import near_duplicates


def duplicates(
    splits: Mapping[str, Sequence[Document]],
    words: Sequence[Words],
    files: ArticleFiles,
    *,
    threshold: float,
    shingle_words: int,
) -> Iterator[Finding]:
    """Yields each article that tells the story of another one in nearly the same words.

    Args:
        splits: The articles of each split.
        words: The words of the articles, in the same order.
        files: Where the articles are.
        threshold: Least Jaccard index of word shingles, 0 to 1.
        shingle_words: Words in a shingle.

    Yields:
        Errors where the same words stand in two splits, doubts where nearly the same do, or in one split.
    """
    split_of = [split for split, documents in splits.items() for _ in documents]
    documents = [document for group in splits.values() for document in group]
    for pair in near_duplicates(words, threshold, words=shingle_words):
        first, second = documents[pair.first], documents[pair.second]
        where = split_of[pair.first], split_of[pair.second]
        same = pair.similarity == 1
        across = where[0] != where[1] and UNSPLIT not in where
        otherwise = same and first.text == second.text and not _annotated_alike(first, second)
        how = "the same text as" if same else f"{pair.similarity:.0%} of its word runs in common with"
        advice = (
            "a model is measured on what it learnt; keep one, or `python -m training.annotations split leaks=move`"
            if across
            else "they are annotated differently: see `python -m training.annotations agree`, keep one"
            if otherwise
            else "keep one, unless both are meant to count"
        )
        yield Finding(
            "duplicate across splits" if across else "duplicate",
            Level.ERROR if across and same else Level.DOUBT,
            f"{second.id} ({where[1]}) has {how} {first.id} ({where[0]}); {advice}",
            str(Path(files.folder) / f"{second.id}.txt"),
            document=str(second.id),
            weight=1.0 if across else 0.5 * pair.similarity + 0.5 * otherwise,
        )


def _annotated_alike(first: Document, second: Document) -> bool:
    return (first.entities, first.events) == (second.entities, second.events)
