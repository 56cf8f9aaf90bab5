"""Noise-corrected cosine: the angle between two tasks' gradients over all of their data, from a few batches."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from accord.maths.batch_pairs import BatchPair, apart, crossed

__all__ = ["corrected_cosine"]


def corrected_cosine(
    pair: BatchPair,
    left: Float[np.ndarray, "*draws A"] | None = None,
    right: Float[np.ndarray, "*draws B"] | None = None,
) -> Float[np.ndarray, "*draws"]:
    r"""Cosine of the expected gradients.

    .. math:: \rho = \frac{\overline{\langle a_k, b_l \rangle}}
        {\sqrt{\overline{\langle a_k, a_l \rangle}_{k \ne l} \; \overline{\langle b_k, b_l \rangle}_{k \ne l}}}

    Each mean is over different batches only, hence free of their noise; a plain cosine of batches shrinks towards zero
    as batches get noisier, and this one does not.

    Also known as: disattenuated cosine, correction for attenuation.

    Reference: Spearman (1904), The Proof and Measurement of Association between Two Things.

    Differs from the paper: inner products in place of correlations.

    Args:
        pair: inner products of two tasks' batches.
        left: weights of the first task's batches; equal when not given.
        right: weights of the second task's.

    Returns:
        In [-1, 1]; not a number where the batches of a task show no common direction, or where both are one task.

    >>> own, cross = np.array([[2.0, 1.0], [1.0, 2.0]]), np.full((2, 2), -1.0)
    >>> float(corrected_cosine(BatchPair(own, own, cross)))
    -1.0
    """
    if pair.same:
        return np.full(np.shape(left)[:-1] if left is not None else (), np.nan)
    left = np.ones(len(pair.aa)) if left is None else left
    right = np.ones(len(pair.bb)) if right is None else right
    signal = apart(pair.aa, left), apart(pair.bb, right)
    with np.errstate(invalid="ignore", divide="ignore"):
        lengths = np.where((signal[0] > 0) & (signal[1] > 0), np.sqrt(signal[0] * signal[1]), np.nan)
        return np.clip(crossed(pair.ab, left, right) / lengths, -1, 1)
