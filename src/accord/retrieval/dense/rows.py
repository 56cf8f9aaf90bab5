"""Rows by position, over segments that lie in files, and half-precision rows as the float32 vectors they stand for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

__all__ = ["Halves", "float_rows", "rows_at", "tail"]


class Halves:
    """Half-precision rows that read as float32, converted a block at a time.

    Args:
        rows: (rows, dim) float16, for example memory-mapped.
        unit: bring each to length 1, which rounding to half precision has changed a little.

    >>> rows = Halves(np.array([[3, 4], [1, 0]], dtype=np.float16), unit=True)
    >>> len(rows), rows[:1].tolist(), rows[np.array([1])].tolist()
    (2, [[0.6000000238418579, 0.800000011920929]], [[1.0, 0.0]])
    """

    dtype = np.dtype(np.float32)
    ndim = 2

    def __init__(self, rows: np.ndarray, *, unit: bool) -> None:
        self.rows, self.unit, self.shape = rows, unit, rows.shape

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, which: Any) -> np.ndarray:
        rows = self.rows[which].astype(np.float32)
        if not self.unit:
            return rows
        with np.errstate(all="ignore"):  # a damaged file may hold anything
            lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows, dtype=np.float64))
            return (rows / lengths[:, None]).astype(np.float32)


def float_rows(segments: Sequence[np.ndarray], similarity: str) -> list[Any]:
    """Segments as float32 rows, of unit length under cosine."""
    unit = similarity == "cosine"
    return [Halves(segment, unit=unit) if segment.dtype == np.float16 else segment for segment in segments]


def rows_at(segments: Sequence[Any], positions: np.ndarray) -> np.ndarray:
    """The rows at some positions, in their order.

    Args:
        segments: arrays (rows, dim); position p counts rows through all of them.
        positions: (n), each of them in range.

    Returns:
        (n, dim).

    >>> rows_at([np.array([[0.0], [1.0]]), np.array([[2.0]])], np.array([2, 0])).tolist()
    [[2.0], [0.0]]
    """
    if len(segments) == 1:
        return segments[0][positions]
    offsets = np.cumsum([0, *map(len, segments)])
    owner = np.searchsorted(offsets, positions, side="right") - 1
    rows = np.empty((len(positions), segments[0].shape[1]), dtype=segments[0].dtype)
    for number in np.unique(owner):
        here = np.flatnonzero(owner == number)
        rows[here] = segments[number][positions[here] - offsets[number]]
    return rows


def tail(segments: Sequence[Any], first: int) -> list[Any]:
    """The rows from a position on, not copied where they are arrays.

    >>> [len(rows) for rows in tail([np.zeros((2, 1)), np.zeros((3, 1))], 4)]
    [1]
    """
    parts, offset = [], 0
    for segment in segments:
        begun = max(0, first - offset)
        if begun < len(segment):
            parts.append(_from(segment, begun))
        offset += len(segment)
    return parts


def _from(segment: Any, first: int) -> Any:
    return Halves(segment.rows[first:], unit=segment.unit) if isinstance(segment, Halves) else segment[first:]
