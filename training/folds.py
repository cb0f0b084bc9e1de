"""Articles divided into folds by story: near-duplicates are never on both sides of a division."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from training.annotations.near_duplicates import Likeness, groups, near_duplicates


def folds_by_story(texts: Mapping[str, str], folds: int, alike: Likeness, *, seed: int = 0) -> list[list[str]]:
    """Divides articles into folds of about the same size.

    Args:
        texts: The articles' texts by their names.
        folds: Number of folds, at least 2.
        alike: When articles tell one story.
        seed: Seed of the division.

    Returns:
        Names of the articles of each fold, in the order of ``texts``. Stories are dealt out the longest first, each to
        the smallest fold, in an order drawn by the seed among those of the same number of articles.

    Raises:
        ValueError: If there are fewer stories than folds, or ``folds`` is below 2.

    Example:
        >>> story = "وصل الوفد الوزاري إلى صنعاء مساء اليوم قادما من مسقط"
        >>> texts = {"a": story, "b": "اجتمع البرلمان", "c": story + " جوا", "d": "افتتح الجسر"}
        >>> sorted(folds_by_story(texts, 2, Likeness(0.5, shingle_words=3)))
        [['a', 'c'], ['b', 'd']]
    """
    if folds < 2:
        raise ValueError(f"folds is {folds}; expected at least 2")
    names = list(texts)
    stories = groups(len(names), near_duplicates(list(texts.values()), alike.threshold, words=alike.shingle_words))
    if len(stories) < folds:
        raise ValueError(f"folds is {folds}, but the articles tell {len(stories)} stories; expected at most as many")
    drawn = np.random.default_rng(seed).permutation(len(stories))
    parts: list[list[int]] = [[] for _ in range(folds)]
    for story in sorted((stories[index] for index in drawn), key=len, reverse=True):
        min(parts, key=len).extend(story)
    return [[names[index] for index in sorted(part)] for part in parts]


def write_fold(directory: Path, dev: Sequence[str], parts: Sequence[Sequence[str]], others: Mapping[str, str]) -> bool:
    """Writes the splits of one fold.

    Args:
        directory: The folder of the splits, made if it does not exist.
        dev: The fold that is judged on.
        parts: All folds; those besides ``dev`` are learnt from.
        others: Content of the files of the splits that stay as they are, by their names.

    Returns:
        Whether nothing else stood there: False where the folder holds another division, which is left as it is.
    """
    train = [name for part in parts if part is not dev for name in part]
    files = {"train.txt": _lines(train), "dev.txt": _lines(dev), **others}
    if directory.is_dir():
        there = {path.name: path.read_text(encoding="utf-8") for path in directory.glob("*.txt")}
        if there and there != files:
            return False
    directory.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (directory / name).write_text(text, encoding="utf-8")
    return True


def _lines(names: Sequence[str]) -> str:
    return "".join(f"{name}\n" for name in names)
