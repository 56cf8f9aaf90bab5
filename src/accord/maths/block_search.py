"""The best of scores that come a block at a time."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from accord.core.checks import check_at_least

__all__ = ["best_of_blocks"]


def best_of_blocks(blocks: Iterable[np.ndarray], *, queries: int, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The k highest scores of each query and where they are, from blocks that are looked at once.

    Memory holds one block and k scores a query. Of equal scores, the earlier place comes first; NaN is never found.

    Args:
        blocks: (queries, some places) each, in the order of places.
        queries: how many.
        k: at least 1.

    Returns:
        Places (int64) and scores (float32), both (queries, min(k, places)), best first; -1 and minus infinity where
        there is nothing left.

    Raises:
        InputError: k below 1.

    >>> places, scores = best_of_blocks([np.array([[0.1, 0.9]]), np.array([[0.5]])], queries=1, k=2)
    >>> places.tolist(), scores.round(1).tolist()
    ([[1, 2]], [[0.8999999761581421, 0.5]])
    """
    check_at_least("k", k, 1)
    places = np.full((queries, k), -1, dtype=np.int64)
    best = np.full((queries, k), -np.inf, dtype=np.float32)
    start = 0
    for block in blocks:
        for number in _rising(block, best[:, -1]):
            _merge(places[number], best[number], block[number], start)
        start += block.shape[1]
    return places[:, : min(k, start)], best[:, : min(k, start)]


def _rising(block: np.ndarray, floors: np.ndarray) -> np.ndarray:
    """The queries for which a block holds something better than what is known."""
    return np.flatnonzero((block > floors[:, None]).any(axis=1)) if block.size else np.empty(0, dtype=np.int64)


def _merge(places: np.ndarray, best: np.ndarray, scores: np.ndarray, start: int) -> None:
    k = len(best)
    fresh = np.flatnonzero(scores > best[-1])
    if len(fresh) > 4 * k + 64:
        kth = np.partition(scores[fresh], len(fresh) - k)[len(fresh) - k]
        fresh = fresh[scores[fresh] >= kth]
    every = np.concatenate([best, scores[fresh].astype(np.float32)])
    order = np.argsort(-every, kind="stable")[:k]
    places[:] = np.concatenate([places, fresh + start])[order]
    best[:] = every[order]
