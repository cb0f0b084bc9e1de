"""Groups of articles divided so that every part has its share of every label, the rare ones first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

Labels = Mapping[str, int]
"""What an article has, with how often."""

_ARTICLES = ""
"""The label that every article has once: parts are to have their share of articles, too."""


def stratified(
    groups: Sequence[Sequence[Labels]],
    placed: Mapping[str, Sequence[Labels]],
    sizes: Mapping[str, float],
    *,
    seed: int,
) -> list[str]:
    """Chooses a part for each group.

    Iterative stratification (Sechidis, Tsoumakas and Vlahavas, On the Stratification of Multi-Label Data, ECML 2011),
    with groups in place of examples and numbers of occurrences in place of presence: the label of which least is left
    is dealt out first. Each group that has it goes to the part that lacks most of what the group has, every label
    counted by the share that is lacking, and articles as much as all labels together, so that sizes are kept.

    Args:
        groups: For each group, its articles.
        placed: The articles that are in each part already.
        sizes: The share of each part, in any unit.
        seed: Decides between parts that lack equally much.

    Returns:
        The part of each group. The same groups in another order get the same parts, whatever their order, as far as
        they differ in their labels.

    Example:
        >>> article = {"event AID": 1}
        >>> stratified([[article], [article], [article]], {"test": [article]}, {"train": 3, "test": 1}, seed=1)
        ['train', 'train', 'train']
    """
    parts = list(sizes)
    names = sorted({name for group in groups for article in group for name in article})
    columns = {name: index for index, name in enumerate([_ARTICLES, *names])}
    counts = np.array([_sum(group, columns) for group in groups]).reshape(len(groups), len(columns))
    there = np.array([_sum(placed.get(part, ()), columns) for part in parts]).reshape(len(parts), len(columns))
    shares = np.array([sizes[part] for part in parts], float) / sum(sizes.values())
    # what each part still lacks of each label, [parts, labels]; less than nothing where it has too much
    wanted = shares[:, None] * (counts.sum(axis=0) + there.sum(axis=0))
    lacks = wanted - there
    # parts of no share get nothing, however little the others lack
    closed = shares == 0
    scale = np.where(wanted > 0, wanted, np.inf)
    random = np.random.default_rng(seed)
    ties = random.random((len(groups), len(parts)))
    chosen = np.full(len(groups), -1)
    left = counts.sum(axis=0)
    while (chosen < 0).any():
        remaining = np.flatnonzero(left[1:] > 0) + 1
        label = int(remaining[np.argmin(left[remaining])]) if len(remaining) else 0
        members = np.flatnonzero((chosen < 0) & (counts[:, label] > 0))
        # large groups first, while there is room for them
        for group in members[np.argsort(-counts[members, label], kind="stable")].tolist():
            weights = (counts[group] > 0) / max(1, np.count_nonzero(counts[group][1:]))
            weights[0] = 1.0
            lacking = (lacks / scale) @ weights
            part = int(np.lexsort((ties[group], -lacking, closed))[0])
            chosen[group] = part
            lacks[part] -= counts[group]
            left -= counts[group]
    return [parts[index] for index in chosen.tolist()]


def _sum(articles: Sequence[Labels], columns: Mapping[str, int]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    row = np.zeros(len(columns))
    row[0] = len(articles)
    for article in articles:
        for name, number in article.items():
            # labels that no group has make no difference
            if name in columns:
                row[columns[name]] += number
    return row
