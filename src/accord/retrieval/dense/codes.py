"""Search over codes: every code is scored by its codec, a block at a time, and the best are kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import numpy as np
from jaxtyping import Float, Float32, Int64, UInt8

from accord.core.checks import check_at_least
from accord.retrieval.dense.some_rows import narrow

__all__ = ["Scores", "code_search"]

_CELLS = 1 << 22
_QUERIES = 4096
_SPARE = 1024
Prefer = Callable[[np.ndarray], np.ndarray]


class Scores(Protocol):
    """Scores a block of codes for some queries; a codec's `scores` and `code_scores` are such."""

    def __call__(self, queries: np.ndarray, codes: np.ndarray, /) -> np.ndarray:
        """Similarities, (queries, codes), higher is nearer."""
        ...


def code_search(
    queries: Float[np.ndarray, "q dim"] | UInt8[np.ndarray, "q bytes"],
    segments: Sequence[UInt8[np.ndarray, "n bytes"]],
    count: int,
    *,
    scores: Scores,
    skip: Int64[np.ndarray, " dead"] | None = None,
    keep: Int64[np.ndarray, " kept"] | None = None,
    prefer: Prefer | None = None,
) -> tuple[Int64[np.ndarray, "q count"], Float32[np.ndarray, "q count"]]:
    """The codes with the largest scores for each query, over all codes of all segments.

    Also known as: quantised flat index, first stage of a search that rescores.

    Reference: Jégou, Douze and Schmid (2011), Product Quantization for Nearest Neighbor Search, IEEE TPAMI 33 (1),
    section 3.2, where `scores` are the symmetric or the asymmetric distances.

    Args:
        queries: (queries, dim) vectors for a codec's `scores`, or (queries, bytes) codes for its `code_scores`.
        segments: arrays (codes, bytes), uint8, for example memory-mapped; position p counts codes through all of them.
        count: how many, at least 1.
        scores: of queries with a block of codes.
        skip: positions that must not be found, rising.
        keep: positions that alone may be found, rising; all when missing.
        prefer: gives a sort key for each of some positions that tie, comparable within one call; the smaller key comes
            first. When missing, the smaller position does, which needs no look at all that tie.

    Returns:
        Positions (int64) and scores (float32), both (queries, min(count, codes left)), best first. A code whose score
        is NaN is never found; where nothing is left, the position is -1 and the score minus infinity.

    Raises:
        InputError: `count` below 1.

    >>> codes = np.array([[0b11110000], [0b11000000], [0b00001111]], dtype=np.uint8)
    >>> equal_bits = lambda some, others: 8 - np.bitwise_count(some[:, None] ^ others[None]).sum(axis=2, dtype=float)
    >>> positions, scores = code_search(codes[:1], [codes[:2], codes[2:]], 2, scores=equal_bits)
    >>> positions.tolist(), scores.tolist()
    ([[0, 1]], [[8.0, 6.0]])
    """
    check_at_least("count", count, 1)
    if keep is not None:
        kept = narrow(segments, keep, skip, len(queries))
        prefer = kept.prefer(prefer)
        places, values = code_search(queries, kept.segments, count, scores=scores, skip=kept.skip, prefer=prefer)
        return kept.positions(places), values
    skip = np.empty(0, dtype=np.int64) if skip is None else np.asarray(skip, dtype=np.int64)
    count = min(int(count), sum(map(len, segments)) - len(skip))
    positions = np.full((len(queries), count), -1, dtype=np.int64)
    found = np.full((len(queries), count), -np.inf, dtype=np.float32)
    for first in range(0, len(queries) if count else 0, _QUERIES):
        part = queries[first : first + _QUERIES]
        best = [_Best(count, prefer) for _ in part]
        for start, block, dead in _blocks(segments, skip, max(_SPARE, min(1 << 16, _CELLS // len(part)))):
            rough = scores(part, block)
            rough[:, dead] = -np.inf
            for one, values in zip(best, rough):
                one.add(start, values)
        for number, one in enumerate(best, first):
            here, values = one.ranked()
            positions[number, : len(here)], found[number, : len(here)] = here, values
    return positions, found


def _blocks(
    segments: Sequence[np.ndarray], skip: np.ndarray, rows: int
) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """First position, codes, and which of them to skip."""
    offset = 0
    for segment in segments:
        for first in range(0, len(segment), rows):
            block, start = segment[first : first + rows], offset + first
            low, high = np.searchsorted(skip, [start, start + len(block)])
            yield start, block, skip[low:high] - start
        offset += len(segment)


class _Best:
    """The best of what one query has seen; blocks come in the order of positions."""

    def __init__(self, count: int, prefer: Prefer | None) -> None:
        self.count, self.prefer = count, prefer
        self.floor = np.float32(-np.inf)
        self.positions = np.empty(0, dtype=np.int64)
        self.scores = np.empty(0, dtype=np.float32)

    def add(self, start: int, scores: np.ndarray) -> None:
        """Take in those of a block that may still matter; NaN never does."""
        if self.prefer is None or not np.isfinite(self.floor):
            here = np.flatnonzero(scores > self.floor)
        else:
            here = np.flatnonzero(scores >= self.floor)
        if not len(here):
            return
        self.positions = np.concatenate([self.positions, here + start])
        self.scores = np.concatenate([self.scores, scores[here]])
        if len(self.scores) > 2 * self.count + _SPARE:
            self._prune()

    def _prune(self) -> None:
        """Keep `count`, and with a preference everything that ties with the last of them."""
        if len(self.scores) <= self.count:
            return
        kth = np.partition(self.scores, len(self.scores) - self.count)[len(self.scores) - self.count]
        kept = self.scores >= kth
        if self.prefer is None:
            level = np.flatnonzero(self.scores == kth)
            kept[level[self.count - int((self.scores > kth).sum()) :]] = False
        self.positions, self.scores, self.floor = self.positions[kept], self.scores[kept], kth

    def ranked(self) -> tuple[np.ndarray, np.ndarray]:
        """Positions and scores, best first."""
        self._prune()
        keys = self.positions if self.prefer is None or not len(self.positions) else self.prefer(self.positions)
        order = np.lexsort((keys, -self.scores))[: self.count]
        return self.positions[order], self.scores[order]
