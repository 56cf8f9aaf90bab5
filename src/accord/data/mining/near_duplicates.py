"""Near-duplicates by their vectors: each row that repeats an earlier one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from accord.core.errors import InputError
from accord.core.progress import Progress, silent
from accord.maths.nearest import unit_rows

__all__ = ["Duplicates", "near_duplicates"]

ROUNDING = 1e-6


@dataclass(frozen=True)
class Duplicates:
    """Which row each row repeats.

    Args:
        of: (n,) the nearest kept row before it that a row repeats; the row itself where it is kept.
        scores: (n,) float32 score with that row; 1 where it is kept.
    """

    of: np.ndarray
    scores: np.ndarray

    @property
    def kept(self) -> np.ndarray:
        """Rows that repeat none before them, rising."""
        return np.flatnonzero(self.of == np.arange(len(self.of)))


def near_duplicates(
    vectors: np.ndarray, *, threshold: float, block: int = 1024, progress: Progress = silent
) -> Duplicates:
    """Go through the rows and keep each that has no kept row before it at a cosine of `threshold` or more.

    So no two kept rows are that near, every dropped row has a kept one that is, and a chain of small steps does not
    pull unlike rows together, as connected components would. The order of rows decides which of a group stays: the
    first.

    Also known as: semantic deduplication, leader clustering.

    Reference: Abbas et al. (2023), SemDeDup, arXiv:2303.09540.

    Differs from the paper: all rows are compared instead of those within one k-means cluster, and the first row stays
    instead of the one farthest from the centre.

    Args:
        vectors: (n, dim).
        threshold: a cosine in [-1, 1]; scores within 1e-6 of it count as equal to it.
        block: rows compared at once.
        progress: told of the rows.

    Returns:
        Which row each row repeats.

    Raises:
        InputError: a threshold outside, or vectors that are no matrix of numbers.

    >>> near_duplicates(np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.1]]), threshold=0.9).of.tolist()
    [0, 1, 0]
    """
    if vectors.ndim != 2:
        raise InputError(f"`vectors` must be (n, dim). Got {vectors.shape} instead.")
    if not -1 <= threshold <= 1:
        raise InputError(f"`threshold` must be a cosine in [-1, 1]. Got {threshold!r} instead.")
    units = unit_rows(vectors)
    if np.isnan(units).any():
        raise InputError("`vectors` must be numbers. Got NaN or infinity; the encoder is broken.")
    of, scores = np.arange(len(units)), np.ones(len(units), dtype=np.float32)
    kept = np.zeros(0, dtype=np.int64)
    with progress("near-duplicates", total=len(units), unit="rows") as advance:
        for first in range(0, len(units), block):
            rows = np.arange(first, min(first + block, len(units)))
            who, best = _nearest_kept(units, rows, kept, block)
            fresh = best < threshold - ROUNDING
            fresh[fresh] = _leaders(units[rows[fresh]], threshold)
            who, best = _nearest_within(units, rows, fresh, who, best)
            of[rows[~fresh]], scores[rows[~fresh]] = who[~fresh], best[~fresh]
            kept = np.concatenate([kept, rows[fresh]])
            advance(len(rows))
    return Duplicates(of, scores)


def _nearest_kept(units: np.ndarray, rows: np.ndarray, kept: np.ndarray, block: int) -> tuple[np.ndarray, np.ndarray]:
    """The nearest of the kept rows to each of some rows, the first where several tie, and its score."""
    who, best = np.full(len(rows), -1), np.full(len(rows), -np.inf, dtype=np.float32)
    for first in range(0, len(kept), 4 * block):
        others = kept[first : first + 4 * block]
        scores = units[rows] @ units[others].T
        top = scores.argmax(axis=1)
        found = scores[np.arange(len(rows)), top]
        who, best = np.where(found > best, others[top], who), np.maximum(found, best)
    return who, best


def _leaders(units: np.ndarray, threshold: float) -> np.ndarray:
    """Which of some rows stay, going through them in order."""
    near = np.tril(units @ units.T >= threshold - ROUNDING, -1)
    stays = np.ones(len(units), dtype=bool)
    for row in np.flatnonzero(near.any(axis=1)):
        stays[row] = not (near[row] & stays).any()
    return stays


def _nearest_within(
    units: np.ndarray, rows: np.ndarray, fresh: np.ndarray, who: np.ndarray, best: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The same as what was found so far, where no row that this block keeps comes before and lies nearer."""
    if fresh.all() or not fresh.any():
        return who, best
    new = rows[fresh]
    scores = np.where(new[None, :] < rows[:, None], units[rows] @ units[new].T, -np.inf).astype(np.float32)
    top = scores.argmax(axis=1)
    found = scores[np.arange(len(rows)), top]
    return np.where(found > best, new[top], who), np.maximum(found, best)
