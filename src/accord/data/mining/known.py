"""What may never be a negative of a query: its positives, texts equal to them or to itself, rows of its own class."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from accord.core.types import Ragged

__all__ = ["Forbidden", "listed", "same_class"]

Forbidden = Callable[[slice, slice], "np.ndarray | tuple[np.ndarray, np.ndarray]"]
"""From a range of queries and one of documents to what may not be found, for :func:`accord.maths.nearest.nearest`."""


def listed(known: Ragged) -> Forbidden:
    """Forbid documents by lists.

    Args:
        known: for each query, document rows.

    Returns:
        What indexes the forbidden (query, document) places of a block.

    >>> rows, columns = listed(Ragged.of([[0, 5], [3]]))(slice(0, 2), slice(2, 6))
    >>> rows.tolist(), columns.tolist()
    ([0, 1], [3, 1])
    """
    owner = np.repeat(np.arange(len(known)), known.lengths)

    def forbid(part: slice, span: slice) -> tuple[np.ndarray, np.ndarray]:
        some = slice(known.offsets[part.start], known.offsets[part.stop])
        inside = (known.values[some] >= span.start) & (known.values[some] < span.stop)
        return owner[some][inside] - part.start, known.values[some][inside] - span.start

    return forbid


def same_class(queries: np.ndarray, documents: np.ndarray) -> Forbidden:
    """Forbid documents that share a class with the query.

    Args:
        queries: (q, most) codes of each query's classes, padded with -1.
        documents: (d, most) codes of each document's classes, padded with -1.

    Returns:
        A mask of the forbidden (query, document) places of a block.

    >>> same_class(np.array([[0, 1], [2, -1]]), np.array([[1], [2], [3]]))(slice(0, 2), slice(0, 3)).tolist()
    [[True, False, False], [False, True, False]]
    """
    others = np.where(documents < 0, -2, documents)  # padding is nobody's class

    def forbid(part: slice, span: slice) -> np.ndarray:
        mask = np.zeros((part.stop - part.start, span.stop - span.start), dtype=bool)
        for left in queries[part].T:
            for right in others[span].T:
                mask |= left[:, None] == right[None, :]
        return mask

    return forbid
