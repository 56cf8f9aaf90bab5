"""Search among some rows only: few are gathered, many are left in place and the others skipped."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

__all__ = ["Gathered", "Kept", "narrow"]

_FEW = ((16, 0.6), (2, 0.5), (0, 0.25))
"""From so many queries on, up to this share of a segment's rows is gathered (measured at 384 float32 numbers a row)."""
Prefer = Callable[[np.ndarray], np.ndarray]


class Gathered:
    """Some rows of an array, copied only as they are asked for, so that a block of them is all that takes memory.

    Args:
        rows: (rows, dim), for example memory-mapped.
        chosen: numbers of the rows, rising.

    >>> rows = Gathered(np.arange(10).reshape(5, 2), np.array([0, 3, 4]))
    >>> len(rows), rows.shape, rows[1:].tolist(), rows[np.array([2, 0])].tolist()
    (3, (3, 2), [[6, 7], [8, 9]], [[8, 9], [0, 1]])
    """

    def __init__(self, rows: np.ndarray, chosen: np.ndarray) -> None:
        self.rows, self.chosen = rows, chosen
        self.shape, self.dtype, self.ndim = (len(chosen), *rows.shape[1:]), rows.dtype, rows.ndim

    def __len__(self) -> int:
        return len(self.chosen)

    def __getitem__(self, which: Any) -> np.ndarray:
        chosen = self.chosen[which]
        if isinstance(which, slice) and len(chosen) and chosen[-1] - chosen[0] == len(chosen) - 1:
            return self.rows[chosen[0] : chosen[-1] + 1]  # neighbours need no copy
        return self.rows[chosen]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self[:], dtype=dtype)


class Kept:
    """What a search over some of the rows looks at in place of all segments.

    Args:
        segments: the rows that are left, a segment each.
        skip: which of them must not be found, rising.
        starts: for each segment, the position of its first row among all rows, and its chosen rows (None for all).
    """

    def __init__(self, segments: list[Any], skip: np.ndarray, starts: list[tuple[int, np.ndarray | None]]) -> None:
        self.segments, self.skip, self._starts = segments, skip, starts
        self._offsets = np.cumsum([0, *map(len, segments)])

    def positions(self, found: np.ndarray) -> np.ndarray:
        """Positions among all rows, of positions among those that were looked at; -1 stays."""
        result = np.full(found.shape, -1, dtype=np.int64)
        owner = np.searchsorted(self._offsets, found, side="right") - 1
        for number, (start, chosen) in enumerate(self._starts):
            here = (owner == number) & (found >= 0)
            local = found[here] - self._offsets[number]
            result[here] = start + (local if chosen is None else chosen[local])
        return result

    def prefer(self, prefer: Prefer | None) -> Prefer | None:
        """The same order among ties, asked by positions among the rows that were looked at."""
        return None if prefer is None else lambda found: prefer(self.positions(found))


def narrow(segments: Sequence[Any], keep: np.ndarray, skip: np.ndarray | None, queries: int) -> Kept:
    """Choose for each segment what is cheaper: to gather the rows that are kept, or to score all and skip the others.

    A gathered row is read, written and read again. One query reads every row once, so gathering pays up to a quarter
    of the rows; in a batch the arithmetic weighs more than the reading, and it pays up to half of them, or three
    fifths from 16 queries on. Segments without any are left out.

    Args:
        segments: arrays (rows, dim).
        keep: positions that may be found, rising.
        skip: positions that must not be found, rising.
        queries: how many are asked at once.

    >>> rows = np.arange(20.0, dtype=np.float32).reshape(10, 2)
    >>> kept = narrow([rows[:5], rows[5:]], np.array([6, 9]), np.array([9]), 8)
    >>> [len(segment) for segment in kept.segments], kept.positions(np.array([0, -1])).tolist()
    ([1], [6, -1])
    """
    keep = np.asarray(keep, dtype=np.int64)
    if skip is not None and len(skip):
        keep = keep[~np.isin(keep, skip, assume_unique=True)]
    few = next(share for least, share in _FEW if queries >= least)
    chosen: list[Any] = []
    starts: list[tuple[int, np.ndarray | None]] = []
    skips: list[np.ndarray] = []
    first = seen = 0
    for segment in segments:
        low, high = np.searchsorted(keep, [first, first + len(segment)])
        here = keep[low:high] - first
        if 0 < len(here) <= few * len(segment):
            chosen.append(Gathered(segment, here))
            starts.append((first, here))
        elif len(here):
            others = np.ones(len(segment), dtype=bool)
            others[here] = False
            skips.append(np.flatnonzero(others) + seen)
            chosen.append(segment)
            starts.append((first, None))
        seen += len(chosen[-1]) if len(here) else 0
        first += len(segment)
    return Kept(chosen, np.concatenate(skips) if skips else np.empty(0, dtype=np.int64), starts)
