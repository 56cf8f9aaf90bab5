"""Exact nearest neighbours in blocks: one pass over the rows, never the whole matrix of scores."""

from __future__ import annotations

import numpy as np

from accord.core.checks import check_at_least, check_choice
from accord.core.errors import InputError
from accord.core.progress import Progress, silent
from accord.maths.ranks import rounded_scores, top_k

__all__ = ["nearest", "row_scores", "unit_rows"]

KINDS = ("cosine", "dot")


def unit_rows(vectors: np.ndarray) -> np.ndarray:
    """Rows scaled to length 1, in float32; a row of zeros stays zero, so that its cosine is 0 and not NaN.

    >>> unit_rows(np.array([[3.0, 4.0], [0.0, 0.0]])).tolist()
    [[0.6000000238418579, 0.800000011920929], [0.0, 0.0]]
    """
    vectors = np.asarray(vectors, dtype=np.float32)
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.divide(vectors, norms, out=np.zeros_like(vectors), where=norms > 0)


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


def nearest(
    queries: np.ndarray,
    documents: np.ndarray,
    k: int,
    *,
    order: np.ndarray,
    leave_out: np.ndarray | None = None,
    kind: str = "cosine",
    block: int = 4096,
    progress: Progress = silent,
) -> tuple[np.ndarray, np.ndarray]:
    """The k best documents of each query, best first; ties by `order`, descending, as in :func:`top_k`.

    Args:
        queries: (q, dim) vectors.
        documents: (d, dim) vectors.
        k: at least 1.
        order: (d,) place of each document's identifier among all (:func:`accord.maths.ranks.id_order`).
        leave_out: (q,) a document that a query may not get, -1 for none.
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
    check_at_least("k", k, 1)
    check_choice("kind", kind, KINDS)
    if queries.ndim != 2 or documents.ndim != 2 or queries.shape[1] != documents.shape[1]:
        raise InputError(
            f"`queries` and `documents` must share their dimension. Got {queries.shape} and {documents.shape}."
        )
    ready = unit_rows if kind == "cosine" else rounded_scores
    queries, documents = ready(queries), ready(documents)
    width = min(k, len(documents))
    rows = np.full((len(queries), width), -1, dtype=np.int64)
    best = np.full((len(queries), width), -np.inf, dtype=np.float32)
    total = len(queries) * len(documents)
    with progress("search", total=total, unit="scores") as advance:
        for first in range(0, len(queries), 1024):
            part = slice(first, first + 1024)
            out = None if leave_out is None else leave_out[part]
            for start in range(0, len(documents), block):
                stop = min(start + block, len(documents))
                scores = queries[part] @ documents[start:stop].T  # (queries of the part, documents of the block)
                if out is not None:
                    hit = np.flatnonzero((out >= start) & (out < stop))
                    scores[hit, out[hit] - start] = -np.inf
                found = top_k(scores, order[start:stop], k, floor=best[part, -1])
                rows[part], best[part] = _merged((rows[part], best[part]), found, start, order)
                advance(scores.size)
    return rows, best


def _merged(
    held: tuple[np.ndarray, np.ndarray], found: tuple[np.ndarray, np.ndarray], start: int, order: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The best of what is held and what a block gave."""
    width = held[0].shape[1]
    rows = np.concatenate([held[0], np.where(found[0] < 0, -1, found[0] + start)], axis=1)
    scores = np.concatenate([held[1], found[1]], axis=1)
    place = np.where(rows < 0, -1, order[rows])
    best = np.lexsort((-place, -scores), axis=1)[:, :width]
    return np.take_along_axis(rows, best, 1), np.take_along_axis(scores, best, 1)
