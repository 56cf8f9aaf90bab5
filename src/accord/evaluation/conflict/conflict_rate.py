"""Conflict rate: how often two batches pull against each other."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from accord.maths.batch_pairs import BatchPair, apart, crossed

__all__ = ["conflict_rate"]


def conflict_rate(
    pair: BatchPair,
    left: Float[np.ndarray, "*draws A"] | None = None,
    right: Float[np.ndarray, "*draws B"] | None = None,
) -> Float[np.ndarray, "*draws"]:
    r"""Share of the pairs of batches whose gradients point apart, :math:`\langle a_k, b_l \rangle < 0`.

    Pure noise gives one half. Of one task with itself it says how often batches of one task conflict.

    Also known as: share of conflicting gradients.

    Reference: Yu et al. (2020), arXiv:2001.06782, definition 1; Liu et al. (2021), arXiv:2110.14048, section 3.

    Differs from the paper: over all pairs of batches at one point, not over the steps of a run.

    Args:
        pair: inner products of two tasks' batches.
        left: weights of the first task's batches; equal when not given.
        right: weights of the second task's.

    Returns:
        In [0, 1].

    >>> float(conflict_rate(BatchPair(np.eye(2), np.eye(1), np.array([[1.0], [-1.0]]))))
    0.5
    """
    against = np.where(pair.ab < 0, 1.0, 0.0)
    left = np.ones(len(pair.aa)) if left is None else left
    if pair.same:
        return apart(against, left)
    return crossed(against, left, np.ones(len(pair.bb)) if right is None else right)
