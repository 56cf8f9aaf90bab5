"""Magnitude similarity: whether one task's gradient drowns the other's."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from accord.maths.batch_pairs import BatchPair, apart, crossed

__all__ = ["magnitude_similarity"]


def magnitude_similarity(
    pair: BatchPair,
    left: Float[np.ndarray, "*draws A"] | None = None,
    right: Float[np.ndarray, "*draws B"] | None = None,
) -> Float[np.ndarray, "*draws"]:
    r"""How alike the gradients of two tasks are in length, the mean over pairs of batches.

    .. math:: \frac{2 \|a\| \|b\|}{\|a\|^2 + \|b\|^2}

    Also known as: gradient magnitude similarity.

    Reference: Yu et al. (2020), arXiv:2001.06782, definition 2.

    Args:
        pair: inner products of two tasks' batches.
        left: weights of the first task's batches; equal when not given.
        right: weights of the second task's.

    Returns:
        In [0, 1]; 1 for gradients of one length.

    >>> float(magnitude_similarity(BatchPair(np.eye(1), 9 * np.eye(1), np.zeros((1, 1)))))
    0.6
    """
    a, b = np.diag(pair.aa)[:, None], np.diag(pair.bb)[None, :]
    with np.errstate(invalid="ignore", divide="ignore"):
        values = np.nan_to_num(2 * np.sqrt(a * b) / (a + b))
    left = np.ones(len(pair.aa)) if left is None else left
    if pair.same:
        return apart(values, left)
    return crossed(values, left, np.ones(len(pair.bb)) if right is None else right)
