"""Inner products of two samples of noisy vectors, and what they say of the vectors behind the noise.

A batch's gradient is the task's gradient plus noise. Products of different batches have independent noise, so their
mean is unbiased for the product of the means; products of a batch with itself are not used for it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

__all__ = ["BatchPair", "apart", "batch_pair", "crossed"]


@dataclass(frozen=True)
class BatchPair:
    """All inner products of the vectors of two samples.

    Args:
        aa: (A, A) within the first sample.
        bb: (B, B) within the second.
        ab: (A, B) between them.
        same: whether both are one sample; products of a vector with itself then do not count.
    """

    aa: np.ndarray
    bb: np.ndarray
    ab: np.ndarray
    same: bool = False


def batch_pair(gramian: Float[np.ndarray, "n n"], owners: np.ndarray, a: int, b: int) -> BatchPair:
    """The part of a Gramian that belongs to two owners.

    >>> batch_pair(np.arange(9.0).reshape(3, 3), np.array([0, 1, 1]), 0, 1).ab
    array([[1., 2.]])
    """
    left, right = np.flatnonzero(owners == a), np.flatnonzero(owners == b)
    parts = [gramian[np.ix_(x, y)] for x, y in ((left, left), (right, right), (left, right))]
    return BatchPair(parts[0], parts[1], parts[2], same=a == b)


def crossed(
    values: Float[np.ndarray, "A B"], left: Float[np.ndarray, "*draws A"], right: Float[np.ndarray, "*draws B"]
) -> Float[np.ndarray, "*draws"]:
    """Weighted mean over all pairs of a row and a column.

    Args:
        values: one a pair.
        left: weights of rows, such as how often a bootstrap drew each; leading axes are draws.
        right: weights of columns.

    >>> float(crossed(np.array([[1.0, 3.0]]), np.ones(1), np.ones(2)))
    2.0
    """
    return np.einsum("...a,ab,...b->...", left, values, right) / (left.sum(-1) * right.sum(-1))


def apart(values: Float[np.ndarray, "A A"], weights: Float[np.ndarray, "*draws A"]) -> Float[np.ndarray, "*draws"]:
    """Weighted mean over all pairs of two different rows; not a number where only one row has weight.

    Args:
        values: one a pair; the diagonal is not read.
        weights: of rows; leading axes are draws.

    >>> float(apart(np.array([[9.0, 1.0], [3.0, 9.0]]), np.ones(2)))
    2.0
    """
    off = values * (1 - np.eye(len(values)))
    pairs = weights.sum(-1) ** 2 - (weights**2).sum(-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(pairs > 0, np.einsum("...a,ab,...b->...", weights, off, weights) / pairs, np.nan)
