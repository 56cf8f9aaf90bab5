"""Order of scores: the tie rule of trec_eval, the best k of a matrix, and average ranks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from accord.core.checks import check_at_least
from accord.core.errors import InputError

__all__ = ["average_ranks", "id_order", "rounded_scores", "top_k"]


def id_order(ids: Sequence[str]) -> np.ndarray:
    """Position of each identifier when all are sorted as strings; equal identifiers share one.

    Args:
        ids: (n,) identifiers.

    Returns:
        (n,) int64 positions, 0 for the smallest.

    >>> id_order(["d10", "d9", "d1", "d9"]).tolist()
    [1, 2, 0, 2]
    """
    place = {name: i for i, name in enumerate(sorted(set(ids)))}
    return np.fromiter((place[name] for name in ids), dtype=np.int64, count=len(ids))


def rounded_scores(scores: np.ndarray) -> np.ndarray:
    """Scores as trec_eval compares them: in float32.

    Raises:
        InputError: a score is not a number.
    """
    with np.errstate(over="ignore"):
        rounded = np.asarray(scores).astype(np.float32)
    if np.isnan(rounded).any():
        raise InputError("`scores` must be numbers. Got NaN; the encoder or the run is broken.")
    return rounded


def top_k(
    scores: np.ndarray, ids: Sequence[str] | np.ndarray, k: int, *, floor: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """The k best columns of each row, best first: score descending in float32, then identifier descending.

    A partition finds the k-th score of each row; everything at or above it is sorted exactly, so that ties at the cut
    follow the identifiers too. Scores of minus infinity never appear.

    Reference: Buckley (2004), trec_eval; the order that pytrec_eval and ir_measures inherit.

    Args:
        scores: (rows, columns).
        ids: an identifier a column, or its :func:`id_order`.
        k: at least 1.
        floor: (rows,) scores below which nothing is wanted; saves the partition where few columns reach it.

    Returns:
        (rows, min(k, columns)) column numbers, -1 where a row has no more, and their scores (minus infinity there).

    Raises:
        InputError: a NaN score, or identifiers that do not match the columns.

    >>> columns, best = top_k(np.array([[0.5, -1.0, 0.5, 0.5]]), ["a", "b", "c", "d"], 2)
    >>> columns.tolist(), best.tolist()
    ([[3, 2]], [[0.5, 0.5]])
    """
    check_at_least("k", k, 1)
    scores = rounded_scores(scores)
    rows, width = scores.shape
    order = ids if isinstance(ids, np.ndarray) and ids.dtype.kind == "i" else id_order(list(ids))
    if len(order) != width:
        raise InputError(f"`ids` must name each of the {width} columns. Got {len(order)} instead.")
    keep = min(k, width)
    least = np.full(rows, np.finfo(np.float32).min) if floor is None else np.maximum(floor, np.finfo(np.float32).min)
    wanted = scores >= least[:, None].astype(np.float32)
    if keep < width and np.count_nonzero(wanted) > 4 * rows * keep:
        wanted &= scores >= np.partition(scores, width - keep, axis=1)[:, width - keep, None]
    row, column = np.nonzero(wanted)
    value = scores[row, column]
    best = np.lexsort((-order[column], -value, row))
    row, column, value = row[best], column[best], value[best]
    place = np.arange(len(row)) - np.searchsorted(row, row)
    inside = place < keep
    columns = np.full((rows, keep), -1, dtype=np.int64)
    found = np.full((rows, keep), -np.inf, dtype=np.float32)
    columns[row[inside], place[inside]] = column[inside]
    found[row[inside], place[inside]] = value[inside]
    return columns, found


def average_ranks(values: np.ndarray) -> np.ndarray:
    """Ranks from 1, equal values sharing the mean of their places.

    Args:
        values: (n,).

    Returns:
        (n,) float64 in [1, n].

    >>> average_ranks(np.array([3.0, 1.0, 3.0])).tolist()
    [2.5, 1.0, 2.5]
    """
    values = np.asarray(values)
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]]) if len(ordered) else np.zeros(0, int)
    ends = np.r_[starts[1:], len(ordered)]
    ranks = np.empty(len(ordered))
    ranks[order] = np.repeat((starts + ends + 1) / 2, ends - starts)
    return ranks
