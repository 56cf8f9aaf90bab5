"""Exact search: every row is compared, a block at a time, and ties are settled in a defined order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from accord.core.checks import check_at_least
from accord.core.errors import InputError
from accord.retrieval.dense.some_rows import narrow

__all__ = ["exact_search"]

_CELLS = 1 << 22
_QUERIES = 4096
_LOWEST = np.float32(np.finfo(np.float32).min)
Prefer = Callable[[np.ndarray], np.ndarray]


def exact_search(
    queries: np.ndarray,
    segments: Sequence[np.ndarray],
    k: int,
    *,
    skip: np.ndarray | None = None,
    keep: np.ndarray | None = None,
    largest_norm: float | None = None,
    prefer: Prefer | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    r"""The k rows with the largest dot product for each query, over all rows of all segments.

    Scores are first computed in float32 by blocked matrix products; every row that could be among the k best within
    the rounding error :math:`\gamma_d \lVert q \rVert \lVert x \rVert` is scored again in float64 and rounded once. So
    equal rows tie exactly, and results depend neither on the blocks nor on the other queries of the batch.

    Also known as: flat index, brute force, maximum inner product search.

    Args:
        queries: (queries, dim), finite.
        segments: arrays (rows, dim), float32, for example memory-mapped; position p counts rows through all of them.
        k: how many, at least 1.
        skip: positions that must not be found, rising.
        keep: positions that alone may be found, rising; all when missing.
        largest_norm: an upper bound on the rows' lengths; computed when missing.
        prefer: gives a sort key for each of some positions that tie, comparable within one call; the smaller key comes
            first. Positions themselves when missing.

    Returns:
        Positions (int64) and scores (float32), both (queries, min(k, rows left)), best first. A row that holds NaN is
        never found; where nothing is left, the position is -1 and the score minus infinity.

    Raises:
        InputError: k below 1, or shapes that do not fit.

    >>> rows = np.eye(3, dtype=np.float32)
    >>> positions, scores = exact_search(np.array([[0.1, 0.9, 0.5]]), [rows[:2], rows[2:]], 2)
    >>> positions.tolist(), scores.round(2).tolist()
    ([[1, 2]], [[0.8999999761581421, 0.5]])
    """
    check_at_least("k", k, 1)
    queries = np.ascontiguousarray(queries, dtype=np.float32)
    segments = [segment for segment in segments if len(segment)]
    if queries.ndim != 2 or any(s.ndim != 2 or s.shape[1] != queries.shape[1] for s in segments):
        shapes = [tuple(s.shape) for s in segments[:3]]
        raise InputError(f"`queries` must be (queries, dim) with the rows' dim. Got {queries.shape} for {shapes}.")
    if keep is not None:
        kept = narrow(segments, keep, skip, len(queries))
        prefer, norm = kept.prefer(prefer), largest_norm
        found, scores = exact_search(queries, kept.segments, k, skip=kept.skip, largest_norm=norm, prefer=prefer)
        return kept.positions(found), scores
    rows = _Rows(segments, np.empty(0, dtype=np.int64) if skip is None else np.asarray(skip, dtype=np.int64))
    k = min(int(k), rows.left)
    positions = np.full((len(queries), k), -1, dtype=np.int64)
    scores = np.full((len(queries), k), -np.inf, dtype=np.float32)
    if not k:
        return positions, scores
    largest_norm = rows.largest_norm() if largest_norm is None else largest_norm
    for first in range(0, len(queries), _QUERIES):
        part = queries[first : first + _QUERIES]
        for n, (found, values) in enumerate(_search(part, rows, k, largest_norm, prefer), first):
            positions[n, : len(found)], scores[n, : len(found)] = found, values
    return positions, scores


class _Rows:
    """The rows of all segments, by position."""

    def __init__(self, segments: Sequence[np.ndarray], skip: np.ndarray) -> None:
        self.segments = segments
        self.skip = skip
        self.offsets = np.cumsum([0, *map(len, segments)])
        self.left = int(self.offsets[-1]) - len(skip)

    def blocks(self, rows: int) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
        """First position, rows, and which of them to skip."""
        for offset, segment in zip(self.offsets.tolist(), self.segments):
            for first in range(0, len(segment), rows):
                block, start = segment[first : first + rows], offset + first
                low, high = np.searchsorted(self.skip, [start, start + len(block)])
                yield start, block, self.skip[low:high] - start

    def scores(self, query: np.ndarray, positions: np.ndarray) -> np.ndarray:
        """Dot products in float64, rounded once to float32; a row's score depends on nothing but the row."""
        wide, result = query.astype(np.float64), np.empty(len(positions), dtype=np.float32)
        owner = np.searchsorted(self.offsets, positions, side="right") - 1
        for number in np.unique(owner):
            here = np.flatnonzero(owner == number)
            for part in np.array_split(here, -(-len(here) // 4096)):
                rows = self.segments[number][positions[part] - self.offsets[number]].astype(np.float64)
                result[part] = (rows * wide).sum(axis=1)
        return result

    def largest_norm(self) -> float:
        """The length of the longest row."""
        blocks = (block for _, block, _ in self.blocks(8192))
        squares = (np.einsum("ij,ij->i", b, b, dtype=np.float64).max(initial=0.0) for b in blocks)
        return float(np.sqrt(max(squares)))


def _search(
    queries: np.ndarray, rows: _Rows, k: int, largest_norm: float, prefer: Prefer | None
) -> list[tuple[np.ndarray, np.ndarray]]:
    norms = np.sqrt(np.einsum("ij,ij->i", queries, queries, dtype=np.float64))
    slack = (queries.shape[1] + 4) * 2.0**-24 * norms * largest_norm
    pools = [_Pool(query, rows, k, float(e), prefer) for query, e in zip(queries, slack)]
    floors = np.full(len(queries), _LOWEST)
    with np.errstate(all="ignore"):  # a damaged file may hold anything
        for start, block, dead in rows.blocks(max(1024, min(1 << 16, _CELLS // len(queries)))):
            scores = (block @ queries[0])[None] if len(queries) == 1 else queries @ block.T
            scores[:, dead] = -np.inf
            if np.isnan(scores.min()):
                scores[np.isnan(scores)] = -np.inf
            if len(block) >= k and floors.min() == _LOWEST:
                kth = np.partition(scores, len(block) - k, axis=1)[:, len(block) - k]
                floors = np.fmax(floors, (kth - 2 * slack).astype(np.float32))  # NaN leaves the old floor
            owner, column = np.nonzero(scores >= floors[:, None])
            numbers, firsts = np.unique(owner, return_index=True)
            for number, columns in zip(numbers, np.split(column, firsts[1:])):
                floors[number] = max(floors[number], pools[number].add(columns + start, scores[number, columns]))
        return [pool.best() for pool in pools]


class _Pool:
    """The rows that may still be among one query's k best."""

    def __init__(self, query: np.ndarray, rows: _Rows, k: int, slack: float, prefer: Prefer | None) -> None:
        self.query, self.rows, self.k, self.slack, self.prefer = query, rows, k, slack, prefer
        self.positions = np.empty(0, dtype=np.int64)
        self.rough = np.empty(0, dtype=np.float32)

    def add(self, positions: np.ndarray, rough: np.ndarray) -> np.float32:
        """Take in rows with their rough scores; returns the score below which no further row matters."""
        self.positions = np.concatenate([self.positions, positions])
        self.rough = np.concatenate([self.rough, rough])
        floor = self._floor()
        self._keep(self.rough >= floor)
        if len(self.positions) > 2 * self.k + 1024:  # a flood of ties: settle it now
            kept, exact = self._settle()
            self._keep(kept)
            floor = max(floor, np.float32(exact[-1] - self.slack))
        return floor

    def best(self) -> tuple[np.ndarray, np.ndarray]:
        """Positions and exact scores, best first."""
        kept, exact = self._settle()
        return self.positions[kept], exact

    def _floor(self) -> np.float32:
        if len(self.rough) < self.k:
            return _LOWEST
        kth = np.partition(self.rough, len(self.rough) - self.k)[len(self.rough) - self.k]
        floor = np.float32(kth - 2 * self.slack)
        return floor if np.isfinite(floor) else _LOWEST

    def _keep(self, which: np.ndarray) -> None:
        self.positions, self.rough = self.positions[which], self.rough[which]

    def _settle(self) -> tuple[np.ndarray, np.ndarray]:
        exact = self.rows.scores(self.query, self.positions)
        order = np.lexsort((self.positions, -exact))
        ranked = exact[order]
        if self.prefer is not None and (ranked[: self.k][: len(ranked) - 1] == ranked[1 : self.k + 1]).any():
            tied = order[ranked >= ranked[min(self.k, len(ranked)) - 1]]
            order = tied[np.lexsort((self.prefer(self.positions[tied]), -exact[tied]))]
        order = order[: self.k]
        return order, exact[order]
