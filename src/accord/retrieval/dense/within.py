"""Range search: every row that is near enough, compared one by one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from accord.core.checks import check_finite
from accord.retrieval.dense.rows import rows_at
from accord.retrieval.dense.some_rows import narrow

__all__ = ["range_search"]

_CHUNK = 65_536
_EXACT = 4_096


def range_search(
    query: np.ndarray,
    segments: Sequence[Any],
    least_score: float,
    *,
    skip: np.ndarray | None = None,
    keep: np.ndarray | None = None,
    largest_norm: float,
) -> tuple[np.ndarray, np.ndarray]:
    """All rows whose dot product with a query is at least `least_score`.

    A first look in float32 leaves out what is further below than its rounding error; the rest is scored in float64 and
    rounded once, as in :func:`~accord.retrieval.dense.exact_search`, so both give a row the same score.

    Also known as: radius search, epsilon neighbourhood.

    Args:
        query: (dim) float32.
        segments: arrays (rows, dim) float32; position p counts rows through all of them.
        least_score: compared with the score after it was rounded to float32.
        skip: positions that must not be found, rising.
        keep: positions that alone may be found, rising; all when missing.
        largest_norm: an upper bound on the rows' lengths.

    Returns:
        Positions (int64), rising, and scores (float32).

    Raises:
        InputError: a `least_score` that is no finite number.

    >>> rows = np.array([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]], dtype=np.float32)
    >>> positions, scores = range_search(rows[0], [rows], 0.6, largest_norm=1.0)
    >>> positions.tolist(), scores.round(2).tolist()
    ([0, 1], [1.0, 0.6000000238418579])
    """
    check_finite("least_score", least_score)
    if keep is not None:
        kept = narrow(segments, keep, skip, 1)
        found, scores = range_search(query, kept.segments, least_score, skip=kept.skip, largest_norm=largest_norm)
        return kept.positions(found), scores
    least = np.float32(least_score)
    slack = (len(query) + 4) * 2.0**-24 * float(np.linalg.norm(query.astype(np.float64))) * largest_norm
    floor = np.float32(float(least) - 2 * slack)
    near, offset = [np.empty(0, dtype=np.int64)], 0
    with np.errstate(all="ignore"):  # a damaged file may hold anything
        for segment in segments:
            for first in range(0, len(segment), _CHUNK):
                rough = segment[first : first + _CHUNK] @ query
                near.append(np.flatnonzero(rough >= floor) + offset + first)
            offset += len(segment)
        positions = np.concatenate(near)
        if skip is not None and len(skip):
            positions = positions[~np.isin(positions, skip, assume_unique=True)]
        wide = query.astype(np.float64)
        scores = np.empty(len(positions), dtype=np.float32)
        for first in range(0, len(positions), _EXACT):
            here = slice(first, first + _EXACT)
            scores[here] = (rows_at(segments, positions[here]).astype(np.float64) * wide).sum(axis=1)
    enough = scores >= least
    return positions[enough], scores[enough]
