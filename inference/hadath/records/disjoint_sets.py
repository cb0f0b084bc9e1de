"""Sets of indices that are joined step by step."""

from __future__ import annotations

from collections import defaultdict


class DisjointSets:
    """A partition of ``range(size)``, at first each index alone.

    Args:
        size: Number of indices.

    Example:
        >>> sets = DisjointSets(4)
        >>> sets.join(0, 2)
        >>> sets.groups()
        [[0, 2], [1], [3]]
    """

    def __init__(self, size: int) -> None:
        self._parents = list(range(size))

    def find(self, index: int) -> int:
        """Returns the least index of the set that one is in."""
        while self._parents[index] != index:
            self._parents[index] = self._parents[self._parents[index]]
            index = self._parents[index]
        return index

    def join(self, first: int, second: int) -> None:
        """Makes one set of the sets that two indices are in."""
        roots = self.find(first), self.find(second)
        self._parents[max(roots)] = min(roots)

    def groups(self) -> list[list[int]]:
        """Returns the sets in the order of their least indices, each sorted."""
        members: dict[int, list[int]] = defaultdict(list)
        for index in range(len(self._parents)):
            members[self.find(index)].append(index)
        return list(members.values())
