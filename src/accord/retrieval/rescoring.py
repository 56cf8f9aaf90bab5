"""Codes find, vectors decide: the best of a scan over codes are put in order by their stored vectors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from accord.core.errors import InputError
from accord.retrieval.dense.codes import code_search
from accord.retrieval.dense.exact import exact_search

if TYPE_CHECKING:
    from accord.compression.codecs.base import FittedCodec

__all__ = ["LEAST", "OVERSAMPLE", "Rescore", "candidates", "rescored_search"]

OVERSAMPLE = 10
"""Candidates of the scan for each answer that is wanted, unless the caller says otherwise."""
LEAST = 100
"""Candidates that are always looked at then, however few answers are wanted."""
Rescore = bool | int | None


def candidates(k: int, rescore: Rescore, *, stored: bool) -> int:
    """How many of the scan's best are rescored for k answers; 0 for none.

    Args:
        k: answers wanted.
        rescore: as in :meth:`Store.search`.
        stored: whether there are vectors to rescore by.

    Raises:
        InputError: a number below 1, or rescoring wanted from a store that keeps no vectors.

    >>> candidates(10, None, stored=True), candidates(3, True, stored=True), candidates(10, 4, stored=True)
    (100, 100, 40)
    >>> candidates(10, None, stored=False), candidates(10, False, stored=True)
    (0, 0)
    """
    if rescore is None:
        rescore = stored
    if not isinstance(rescore, (bool, int, np.integer)):
        raise InputError(f"`rescore` must be True, False or a whole number from 1. Got {rescore!r} instead.")
    if rescore is False:
        return 0
    if rescore is not True and rescore < 1:
        raise InputError(f"`rescore` must be at least 1: candidates for each answer. Got {rescore!r} instead.")
    if not stored:
        raise InputError(
            "This store keeps codes only (it was made with rescore='none'), so nothing can be rescored. "
            "Search with rescore=False, or index the documents again with rescore='float16'."
        )
    return max(OVERSAMPLE * k, LEAST) if rescore is True else int(rescore) * k


def rescored_search(
    queries: np.ndarray,
    codes: Sequence[np.ndarray],
    vectors: Sequence[np.ndarray],
    k: int,
    *,
    codec: FittedCodec,
    count: int,
    skip: np.ndarray,
    prefer: Callable[[np.ndarray], np.ndarray],
    keep: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """The k best of the `count` best codes, by the exact scores of their stored vectors.

    The scan compares codes with codes where that is a comparison of bits, and codes with the queries themselves where
    it is not. Where all rows are candidates, no code is read.

    Args:
        queries: (queries, dim) float32, of unit length under cosine.
        codes: arrays (rows, bytes).
        vectors: arrays (rows, dim) of the same rows, float16 or float32.
        k: answers wanted.
        codec: made the codes.
        count: candidates, at least k.
        skip: positions that must not be found, rising.
        prefer: settles ties.
        keep: positions that alone may be found, rising; all when missing.

    Returns:
        Positions and scores as of `exact_search`.
    """
    offsets = np.cumsum([0, *map(len, codes)])
    if keep is not None:
        keep = np.setdiff1d(keep, skip, assume_unique=True)
    left = int(offsets[-1]) - len(skip) if keep is None else len(keep)
    if not left:
        return np.empty((len(queries), 0), dtype=np.int64), np.empty((len(queries), 0), dtype=np.float32)
    if count >= left:
        every = np.setdiff1d(np.arange(offsets[-1]), skip, assume_unique=True) if keep is None else keep
        return _by_vectors(queries, every, offsets, vectors, k, codec.similarity, prefer)
    if codec.bitwise:
        found, _ = code_search(codec.encode(queries), codes, count, scores=codec.code_scores, skip=skip, keep=keep)
    else:
        found, _ = code_search(queries, codes, count, scores=codec.scores, skip=skip, keep=keep)
    parts = [
        _by_vectors(query[None], np.sort(here[here >= 0]), offsets, vectors, k, codec.similarity, prefer)
        for query, here in zip(queries, found)
    ]
    k = min(k, left)
    positions = np.full((len(queries), k), -1, dtype=np.int64)
    scores = np.full((len(queries), k), -np.inf, dtype=np.float32)
    for number, (here, values) in enumerate(parts):
        positions[number, : here.shape[1]], scores[number, : here.shape[1]] = here[0], values[0]
    return positions, scores


def _by_vectors(
    queries: np.ndarray,
    positions: np.ndarray,
    offsets: np.ndarray,
    vectors: Sequence[np.ndarray],
    k: int,
    similarity: str,
    prefer: Callable[[np.ndarray], np.ndarray],
) -> tuple[np.ndarray, np.ndarray]:
    rows = _rows(vectors, offsets, positions)
    with np.errstate(all="ignore"):  # a damaged file may hold anything
        lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows, dtype=np.float64))
        if similarity == "cosine" and vectors[0].dtype == np.float16:  # such rows are a little longer or shorter than 1
            rows, lengths = (rows / lengths[:, None]).astype(np.float32), np.ones(1) + 1e-6
    longest = float(lengths[np.isfinite(lengths)].max(initial=0.0))
    found, scores = exact_search(queries, [rows], k, largest_norm=longest, prefer=lambda here: prefer(positions[here]))
    return np.where(found >= 0, positions[found], -1), scores


def _rows(vectors: Sequence[np.ndarray], offsets: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """The rows at some rising positions, float32."""
    cuts = np.searchsorted(positions, offsets[1:-1])
    parts = [
        segment[here - offset].astype(np.float32)
        for segment, offset, here in zip(vectors, offsets, np.split(positions, cuts))
        if len(here)
    ]
    return np.concatenate(parts)
