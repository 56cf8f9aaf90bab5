"""Ids that must differ, in eight bytes each: equal hashes are looked up before anything is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

__all__ = ["SeenIds"]


class SeenIds:
    """Remembers the hashes of ids, row by row.

    >>> seen = SeenIds()
    >>> for part in (["a", "b"], ["c", "a"]):
    ...     seen.add(part)
    >>> seen.repeated(lambda rows: (["a", "b", "c", "a"][row] for row in rows))
    (3, 'a', 0)
    """

    def __init__(self) -> None:
        self._hashes: list[np.ndarray] = []

    def add(self, ids: Sequence[object]) -> None:
        """Remember the ids of the next rows."""
        self._hashes.append(np.fromiter(map(hash, ids), dtype=np.int64, count=len(ids)))

    def repeated(self, look_up: Callable[[np.ndarray], Iterator[str]]) -> tuple[int, str, int] | None:
        """The first row whose id an earlier row has.

        Args:
            look_up: gives the ids of rising rows.

        Returns:
            That row, the id, and the earlier row; None where all differ.
        """
        if not self._hashes:
            return None
        hashes = np.concatenate(self._hashes)
        order = np.argsort(hashes, kind="stable")
        twins = np.flatnonzero(hashes[order][1:] == hashes[order][:-1])
        rows = np.unique(np.concatenate([order[twins], order[twins + 1]]))
        seen: dict[str, int] = {}
        for row, value in zip(rows.tolist(), look_up(rows) if len(rows) else ()):
            if value in seen:
                return row, value, seen[value]
            seen[value] = row
        return None
