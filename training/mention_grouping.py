"""How well mentions are grouped, against groups that a person made: pairwise and B-cubed F1."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from itertools import combinations

Groups = Sequence[Sequence[Hashable]]


def pairwise_scores(gold: Groups, found: Groups) -> tuple[float, float, float]:
    """Returns precision, recall and F1 of the pairs of mentions that are in one group.

    Args:
        gold: Groups of mentions; those that are alone may be left out.
        found: Groups of the same mentions.

    Example:
        >>> pairwise_scores([[1, 2, 3]], [[1, 2], [3]])[0]
        1.0
    """
    pairs = [{frozenset(pair) for group in groups for pair in combinations(group, 2)} for groups in (gold, found)]
    both = len(pairs[0] & pairs[1])
    return _scores(both / len(pairs[1]) if pairs[1] else 1.0, both / len(pairs[0]) if pairs[0] else 1.0)


def b_cubed_scores(gold: Groups, found: Groups, mentions: Sequence[Hashable]) -> tuple[float, float, float]:
    """Returns B-cubed precision, recall and F1 (A. Bagga and B. Baldwin, LREC 1998), the mean over mentions.

    Args:
        gold: Groups of mentions; those that are alone may be left out.
        found: Groups of the same mentions.
        mentions: All mentions, those that are alone too.

    Example:
        >>> b_cubed_scores([[1, 2]], [[1, 2]], [1, 2, 3])
        (1.0, 1.0, 1.0)
    """
    if not mentions:
        return 1.0, 1.0, 1.0
    of_gold, of_found = (
        {mention: frozenset(group) for group in [[mention] for mention in mentions] + [list(g) for g in groups]
         for mention in group}
        for groups in (gold, found)
    )  # fmt: skip
    shared = [(len(of_gold[m] & of_found[m]), len(of_found[m]), len(of_gold[m])) for m in mentions]
    precision = sum(both / own for both, own, _ in shared) / len(mentions)
    recall = sum(both / own for both, _, own in shared) / len(mentions)
    return _scores(precision, recall)


def _scores(precision: float, recall: float) -> tuple[float, float, float]:
    total = precision + recall
    return precision, recall, 2 * precision * recall / total if total else 0.0
