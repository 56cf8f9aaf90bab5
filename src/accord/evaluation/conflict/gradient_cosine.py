"""Gradient cosine: whether two tasks pull the weights the same way, batch beside batch."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from accord.maths.batch_pairs import BatchPair, apart, crossed

__all__ = ["gradient_cosine"]


def gradient_cosine(
    pair: BatchPair,
    left: Float[np.ndarray, "*draws A"] | None = None,
    right: Float[np.ndarray, "*draws B"] | None = None,
) -> Float[np.ndarray, "*draws"]:
    r"""Mean cosine of the gradients of two tasks over pairs of batches.

    .. math:: \frac{1}{AB} \sum_{k,l} \frac{\langle a_k, b_l \rangle}{\|a_k\| \, \|b_l\|}

    Of one task with itself it is the mean over pairs of two different batches: the **noise ceiling**, which even two
    equal tasks do not exceed. Between tasks the ceiling is :math:`\sqrt{c_a c_b}`.

    Also known as: gradient similarity, gradient alignment; the ceiling: reliability, signal share of a gradient.

    Reference: Yu et al. (2020), arXiv:2001.06782, definition 1; Wang et al. (2020), arXiv:2010.05874, section 3.

    Differs from the paper: averaged over all pairs of batches, and set beside the ceiling of noise.

    Args:
        pair: inner products of the two tasks' batches.
        left: weights of the first task's batches; equal when not given.
        right: weights of the second task's.

    Returns:
        In [-1, 1].

    >>> products = np.array([[1.0, 0.5], [0.5, 1.0]])
    >>> float(gradient_cosine(BatchPair(products, products, products, same=True)))
    0.5
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        cosines = pair.ab / np.sqrt(np.outer(np.diag(pair.aa), np.diag(pair.bb)))
    cosines = np.nan_to_num(np.clip(cosines, -1, 1))
    left = np.ones(len(pair.aa)) if left is None else left
    if pair.same:
        return apart(cosines, left)
    return crossed(cosines, left, np.ones(len(pair.bb)) if right is None else right)
