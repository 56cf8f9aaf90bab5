"""Approximate search with exact scores: an index names candidates, the rows themselves put them in order.

Rows that came after the index was made are compared one by one; deleted ones are never found; and a query that got
fewer answers than there are is asked again, exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from accord.core.progress import Progress, silent
from accord.retrieval.dense.base import Approximate, Candidates
from accord.retrieval.dense.exact import exact_search
from accord.retrieval.dense.rows import rows_at, tail

__all__ = ["approximate_search", "build_index", "worth_asking"]

_CHUNK = 16_384
_PAIRS = 1 << 13
_SPARE = 10
_FEW = 0.1
_FEW_ROWS = 5_000
Prefer = Callable[[np.ndarray], np.ndarray]


def build_index(
    settings: Approximate, segments: Sequence[Any], *, widen: float | None = None, progress: Progress = silent
) -> Any:
    r"""A FAISS index over rows.

    The inner products of rows of many lengths make a poor graph. Each row gets one more number,
    :math:`\sqrt{m^2 - \lVert x \rVert^2}` for the longest length m, and the query a zero: products with queries stay as
    they are, and all rows are of one length.

    Reference: Bachrach et al. (2014), Speeding Up the Xbox Recommender System, RecSys, section 3 (the added number).

    Args:
        settings: which kind.
        segments: arrays (rows, dim) float32.
        widen: the longest length, where rows are not all of length 1.
        progress: opens one bar, in rows.
    """
    count = sum(map(len, segments))
    positions = np.unique(np.linspace(0, count - 1, settings.train_rows(count)).astype(np.int64))
    sample = _widened(rows_at(segments, positions), widen)
    with progress("index", total=count, unit="rows") as advance:

        def chunks() -> Iterator[np.ndarray]:
            for segment in segments:
                for first in range(0, len(segment), _CHUNK):
                    rows = segment[first : first + _CHUNK]
                    yield _widened(rows, widen)
                    advance(len(rows))

        return settings.build(sample, chunks(), count)


def _widened(rows: np.ndarray, longest: float | None) -> np.ndarray:
    if longest is None:
        return rows
    squares = np.einsum("ij,ij->i", rows, rows, dtype=np.float64)
    more = np.sqrt(np.maximum(longest**2 - squares, 0)).astype(np.float32)
    return np.hstack([rows, more[:, None]])


def approximate_search(
    queries: np.ndarray,
    segments: Sequence[Any],
    k: int,
    *,
    index: Candidates,
    skip: np.ndarray,
    keep: np.ndarray | None,
    largest_norm: float,
    prefer: Prefer,
) -> tuple[np.ndarray, np.ndarray]:
    """Most of the k rows with the largest dot product for each query, with the scores that exact search gives them.

    Args:
        queries: (queries, dim) float32.
        segments: arrays (rows, dim) float32.
        k: how many.
        index: over the first of these rows.
        skip: positions that must not be found, rising.
        keep: positions that alone may be found, rising; all when missing. Where they are few, search is exact.
        largest_norm: an upper bound on the rows' lengths.
        prefer: settles ties, as for :func:`~accord.retrieval.dense.exact_search`.

    Returns:
        Positions and scores, as of `exact_search`: always min(k, rows that may be found) of them.
    """

    def exactly(some: np.ndarray, keep: np.ndarray | None = keep) -> tuple[np.ndarray, np.ndarray]:
        return exact_search(some, segments, k, skip=skip, keep=keep, largest_norm=largest_norm, prefer=prefer)

    total = sum(map(len, segments))
    left = _left(total, skip, keep)
    if not worth_asking(total, k, skip=skip, keep=keep):
        return exactly(queries)
    selection = index.living(skip) if keep is None else index.only(_allowed(index.rows, skip, keep))
    found = index.search(queries, 2 * k + _SPARE, selection)
    if index.rows < total:
        newer = tail(segments, index.rows)
        cut = int(np.searchsorted(skip, index.rows))
        late = None if keep is None else keep[np.searchsorted(keep, index.rows) :] - index.rows
        places, _ = exact_search(
            queries, newer, k, skip=skip[cut:] - index.rows, keep=late, largest_norm=largest_norm,
            prefer=lambda here: prefer(here + index.rows),
        )  # fmt: skip
        found = np.hstack([found, np.where(places >= 0, places + index.rows, -1)])
    positions, scores = _ranked(queries, found, segments, min(k, left), prefer)
    if (short := np.flatnonzero((positions < 0).any(axis=1))).size:
        positions[short], scores[short] = exactly(queries[short])
    return positions, scores


def worth_asking(total: int, k: int, *, skip: np.ndarray, keep: np.ndarray | None) -> bool:
    """Whether enough rows may be found for an index to be faster than a look at each of them.

    Args:
        total: rows, deleted ones among them.
        k: how many are wanted.
        skip: positions that may not be found, rising.
        keep: positions that alone may be found, rising; all when None.
    """
    few = 2 * k if keep is None else max(_FEW * total, _FEW_ROWS, 2 * k)
    return _left(total, skip, keep) > few


def _left(total: int, skip: np.ndarray, keep: np.ndarray | None) -> int:
    """How many rows may be found."""
    return total - len(skip) if keep is None else len(keep) - int(np.isin(skip, keep, assume_unique=True).sum())


def _allowed(rows: int, skip: np.ndarray, keep: np.ndarray) -> np.ndarray:
    """Which of the index's rows may be found."""
    allowed = np.zeros(rows, dtype=bool)
    allowed[keep[: np.searchsorted(keep, rows)]] = True
    allowed[skip[: np.searchsorted(skip, rows)]] = False
    return allowed


def _ranked(
    queries: np.ndarray, found: np.ndarray, segments: Sequence[Any], k: int, prefer: Prefer
) -> tuple[np.ndarray, np.ndarray]:
    """The k best of each query's candidates, scored as exact search scores them; -1 where there are fewer."""
    positions = np.full((len(queries), k), -1, dtype=np.int64)
    scores = np.full((len(queries), k), -np.inf, dtype=np.float32)
    at_once = max(1, _PAIRS // found.shape[1])
    for first in range(0, len(queries), at_once):
        here = found[first : first + at_once]
        rows = rows_at(segments, np.maximum(here, 0).ravel()).reshape(*here.shape, -1)
        with np.errstate(all="ignore"):  # a damaged file may hold anything
            for number, (places, near) in enumerate(zip(here, rows), first):
                best, values = _best(queries[number], places, near, k, prefer)
                positions[number, : len(best)], scores[number, : len(best)] = best, values
    return positions, scores


def _best(
    query: np.ndarray, places: np.ndarray, rows: np.ndarray, k: int, prefer: Prefer
) -> tuple[np.ndarray, np.ndarray]:
    """The best of some places, at most k, and their scores: products in float64, rounded once."""
    products = rows.astype(np.float64)
    products *= query
    values = products.sum(axis=1).astype(np.float32)
    if not np.isfinite(values.sum()) or places.min() < 0:
        sound = np.isfinite(values) & (places >= 0)
        places, values = places[sound], values[sound]
    order = np.argsort(-values, kind="stable")
    nearest = values[order[: k + 1]].tolist()
    if len(set(nearest)) < len(nearest):
        tied = order[values[order] >= nearest[:k][-1]]
        order = tied[np.lexsort((prefer(places[tied]), -values[tied]))]
    return places[order[:k]], values[order[:k]]
