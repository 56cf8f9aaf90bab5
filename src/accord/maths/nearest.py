"""Exact nearest neighbours in blocks: one pass over the rows, never the whole matrix of scores."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from accord.core.checks import check_at_least, check_choice
from accord.core.errors import InputError
from accord.core.progress import Progress, silent
from accord.maths.ranks import rounded_scores

__all__ = ["Forbid", "nearest", "nearest_parts", "place_scores", "row_scores", "unit_rows"]

KINDS = ("cosine", "dot")
PART = 1024
CHUNK = 8192
LEAST = np.finfo(np.float32).min
CLOSE = 2.0**-19
"""Share of the product of two lengths below which scores out of a product of blocks may owe their order to rounding."""

Forbid = Callable[[slice, slice], Any]
"""From a range of queries and one of documents to what is not to be found, as what indexes their (queries, documents)
scores: a mask, or arrays of rows and columns, both counted from the start of the ranges."""


def unit_rows(vectors: np.ndarray) -> np.ndarray:
    """Rows scaled to length 1, in float32; a row of zeros stays zero, so that its cosine is 0 and not NaN.

    >>> unit_rows(np.array([[3.0, 4.0], [0.0, 0.0]])).tolist()
    [[0.6000000238418579, 0.800000011920929], [0.0, 0.0]]
    """
    vectors = np.asarray(vectors, dtype=np.float32)
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    with np.errstate(invalid="ignore"):  # infinity becomes NaN, and NaN stays what it is
        return np.divide(vectors, norms, out=np.zeros_like(vectors), where=norms != 0)


def row_scores(left: np.ndarray, right: np.ndarray, *, kind: str = "cosine") -> np.ndarray:
    """Score of row i of `left` with row i of `right`.

    Args:
        left: (n, dim).
        right: (n, dim).
        kind: "cosine" or "dot".

    Returns:
        (n,) float32.

    >>> row_scores(np.array([[1.0, 0.0]]), np.array([[2.0, 0.0]])).tolist()
    [1.0]
    """
    check_choice("kind", kind, KINDS)
    if kind == "cosine":
        left, right = unit_rows(left), unit_rows(right)
    return np.einsum("nd,nd->n", np.asarray(left, np.float32), np.asarray(right, np.float32))


def place_scores(
    queries: np.ndarray, documents: np.ndarray, rows: np.ndarray, columns: np.ndarray, *, kind: str = "cosine"
) -> np.ndarray:
    """Scores of chosen places (rows[i], columns[i]) of the matrix of scores; a score depends on its two vectors alone.

    Args:
        queries: (q, dim).
        documents: (d, dim).
        rows: (n,) which query.
        columns: (n,) which document.
        kind: "cosine" or "dot".

    Returns:
        (n,) float32.

    >>> place_scores(np.eye(2), np.array([[1.0, 1.0], [0.0, 2.0]]), np.array([0, 1]), np.array([1, 1])).tolist()
    [0.0, 1.0]
    """
    scores = np.empty(len(rows), dtype=np.float32)
    for first in range(0, len(rows), CHUNK):
        some = slice(first, first + CHUNK)
        scores[some] = row_scores(queries[rows[some]], documents[columns[some]], kind=kind)
    return scores


def nearest(
    queries: np.ndarray,
    documents: np.ndarray,
    k: int,
    *,
    order: np.ndarray,
    leave_out: np.ndarray | None = None,
    forbid: Forbid | None = None,
    kind: str = "cosine",
    block: int = 4096,
    progress: Progress = silent,
) -> tuple[np.ndarray, np.ndarray]:
    """The k best documents of each query, best first; ties by `order`, descending, as in :func:`top_k`.

    Scores are products of whole blocks. The last bits of such a product depend on its place in the block on some
    processors, so documents that are close to each other are scored again, pair by pair, before they are put in order:
    equal documents tie exactly.

    Args:
        queries: (q, dim) vectors.
        documents: (d, dim) vectors.
        k: at least 1.
        order: (d,) place of each document's identifier among all (:func:`accord.maths.ranks.id_order`).
        leave_out: (q,) a document that a query may not get, -1 for none.
        forbid: which of a block's (queries, documents) may not be found; see :data:`Forbid`.
        kind: "cosine" or "dot".
        block: documents scored at once.
        progress: told of scored documents.

    Returns:
        (q, min(k, d)) row numbers of documents, -1 where there are no more, and float32 scores.

    Raises:
        InputError: dimensions that differ, or a vector that is not a number.

    >>> rows, scores = nearest(np.eye(2), np.array([[1.0, 0.0], [1.0, 1.0]]), 1, order=np.arange(2))
    >>> rows.tolist()
    [[0], [1]]
    """
    parts = nearest_parts(
        queries, documents, k, order=order, leave_out=leave_out, forbid=forbid, kind=kind, block=block,
        progress=progress,
    )  # fmt: skip
    width = min(k, len(documents))
    rows = np.full((len(queries), width), -1, dtype=np.int64)
    scores = np.full((len(queries), width), -np.inf, dtype=np.float32)
    for first, found, best in parts:
        rows[first : first + len(found)], scores[first : first + len(found)] = found, best
    return rows, scores


def nearest_parts(
    queries: np.ndarray,
    documents: np.ndarray,
    k: int,
    *,
    order: np.ndarray,
    leave_out: np.ndarray | None = None,
    forbid: Forbid | None = None,
    kind: str = "cosine",
    block: int = 4096,
    progress: Progress = silent,
) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """:func:`nearest` for 1,024 queries at a time, so that memory does not grow with their number.

    Args:
        queries: as for :func:`nearest`, like all that follow.
        documents: the same.
        k: the same.
        order: the same.
        leave_out: the same.
        forbid: the same.
        kind: the same.
        block: the same.
        progress: the same.

    Yields:
        The first query of the part, and the rows and scores of its queries.

    Raises:
        InputError: dimensions that differ, or a vector that is not a number.
    """
    check_at_least("k", k, 1)
    check_choice("kind", kind, KINDS)
    if queries.ndim != 2 or documents.ndim != 2 or queries.shape[1] != documents.shape[1]:
        raise InputError(
            f"`queries` and `documents` must share their dimension. Got {queries.shape} and {documents.shape}."
        )
    same = queries is documents
    documents = _ready(documents, kind)
    queries = documents if same else _ready(queries, kind)
    banned = [rule for rule in (forbid, None if leave_out is None else _one_each(leave_out)) if rule is not None]
    buffer = np.empty(min(PART, len(queries)) * min(block, len(documents)), dtype=np.float32)
    longest = _lengths(documents).max(initial=0.0)
    with progress("search", total=len(queries) * len(documents), unit="scores") as advance:
        for first in range(0, len(queries), PART):
            part = slice(first, min(first + PART, len(queries)))
            best = _Best(queries[part], documents, min(k, len(documents)), order, longest)
            for start in range(0, len(documents), block):
                span = slice(start, min(start + block, len(documents)))
                shape = part.stop - first, span.stop - start
                scores = buffer[: shape[0] * shape[1]].reshape(shape)
                np.matmul(queries[part], documents[span].T, out=scores)
                for rule in banned:
                    scores[rule(part, span)] = -np.inf
                best.add(scores, start)
                advance(scores.size)
            yield first, *best.found()


def _ready(vectors: np.ndarray, kind: str) -> np.ndarray:
    """Vectors whose dot products are the scores, all of them numbers."""
    if kind == "dot":
        return rounded_scores(vectors)
    units = unit_rows(vectors)
    if np.isnan(units).any():
        raise InputError("`queries` and `documents` must be numbers. Got NaN or infinity; the encoder is broken.")
    return units


def _lengths(vectors: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):
        return np.sqrt(np.einsum("nd,nd->n", vectors, vectors, dtype=np.float64))


def _one_each(leave_out: np.ndarray) -> Forbid:
    def forbid(part: slice, span: slice) -> tuple[np.ndarray, np.ndarray]:
        out = leave_out[part]
        hit = np.flatnonzero((out >= span.start) & (out < span.stop))
        return hit, out[hit] - span.start

    return forbid


class _Best:
    """What may still be among the k best of each query of a part.

    Every score that may be at or above a query's floor, the k-th best known so far, is kept; the floors rise whenever
    enough has come together, and everything is sorted once, at the end.
    """

    def __init__(
        self, queries: np.ndarray, documents: np.ndarray, width: int, order: np.ndarray, longest: float
    ) -> None:
        self.queries, self.documents = queries, documents
        self.width, self.order = width, order
        close = CLOSE * longest * _lengths(queries)
        self.close = np.where(close <= -LEAST, close, 0).astype(np.float32)  # 0 where something is infinite
        self.floor = np.full(len(queries), LEAST, dtype=np.float32)
        self.row = np.zeros(0, dtype=np.int16)
        self.document = np.zeros(0, dtype=np.int64)
        self.score = np.zeros(0, dtype=np.float32)
        self.settled = 0

    def add(self, scores: np.ndarray, start: int) -> None:
        """Take in a block of (queries, documents) scores whose first document is `start`."""
        head = max(PART, 4 * self.width)
        if start == 0 and scores.shape[1] > head:  # floors from a few columns spare the rest
            sample = np.partition(scores[:, :head], head - self.width, axis=1)[:, head - self.width]
            self._raise_to(sample)
        hit = np.flatnonzero(scores >= self.floor[:, None])
        row, column = np.divmod(hit, scores.shape[1])
        self.row = np.concatenate([self.row, row.astype(np.int16)])
        self.document = np.concatenate([self.document, column + start])
        self.score = np.concatenate([self.score, scores.ravel()[hit]])
        if len(self.row) > self.settled + self.width * len(self.floor):
            self._raise_floors()

    def found(self) -> tuple[np.ndarray, np.ndarray]:
        """(queries, k) documents and scores, best first."""
        self._raise_floors()
        row, document, score = self._sorted()
        place = np.arange(len(row)) - np.searchsorted(row, np.arange(len(self.floor)))[row]
        rows = np.full((len(self.floor), self.width), -1, dtype=np.int64)
        scores = np.full((len(self.floor), self.width), -np.inf, dtype=np.float32)
        rows[row, place], scores[row, place] = document, score
        return rows, scores

    def _raise_floors(self) -> None:
        by_row = np.argsort(self.row, kind="stable")
        self._keep(by_row)
        counts = np.bincount(self.row, minlength=len(self.floor))
        most = int(counts.max(initial=0))
        if most > self.width:
            place = np.arange(len(self.row)) - np.repeat(np.cumsum(counts) - counts, counts)
            table = np.full((len(self.floor), most), -np.inf, dtype=np.float32)
            table[self.row, place] = self.score
            kth = np.partition(table, most - self.width, axis=1)[:, most - self.width]
            self._raise_to(kth)
            self._keep(np.flatnonzero(self.score >= self.floor[self.row]))
            if len(self.row) > 2 * self.width * len(self.floor):  # a flood of ties: settle it now
                self.row, self.document, self.score = self._sorted()
        self.settled = len(self.row)

    def _raise_to(self, kth: np.ndarray) -> None:
        """Floors below which nothing can be among the best, whatever rounding did to it and to the k-th."""
        self.floor = np.fmax(self.floor, kth - self.close)

    def _settle_close_scores(self) -> None:
        """Score again, pair by pair, what has a neighbour that is as good but for rounding."""
        by_score = np.lexsort((self.score, self.row))
        row, score = self.row[by_score], self.score[by_score]
        with np.errstate(invalid="ignore"):  # infinite scores are as good as each other
            near = (row[1:] == row[:-1]) & (score[1:] - score[:-1] <= self.close[row[1:]])
        either = np.zeros(len(row), dtype=bool)
        either[1:] |= near
        either[:-1] |= near
        again = by_score[either]
        self.score[again] = place_scores(
            self.queries, self.documents, self.row[again], self.document[again], kind="dot"
        )

    def _sorted(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The best of each query, at most k: by query, score and order."""
        self._settle_close_scores()
        best = np.lexsort((-self.order[self.document], -self.score, self.row))
        row = self.row[best]
        place = np.arange(len(row)) - np.searchsorted(row, np.arange(len(self.floor), dtype=row.dtype))[row]
        best = best[place < self.width]
        return self.row[best], self.document[best], self.score[best]

    def _keep(self, which: np.ndarray) -> None:
        self.row, self.document, self.score = self.row[which], self.document[which], self.score[which]
