"""Mixtures over clusters: what share of some points each cluster has, and where in it they lie."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int

from accord.core.checks import check_at_least, check_fraction
from accord.core.errors import InputError

__all__ = ["in_turn", "mixture_sums", "smoothed"]


def mixture_sums(
    vectors: Float[np.ndarray, "points dim"], codes: Int[np.ndarray, " points"], clusters: int
) -> tuple[Float[np.ndarray, " clusters"], Float[np.ndarray, "clusters dim"]]:
    r"""The share :math:`n_c / n` of each cluster, and the sum :math:`\frac{1}{n} \sum_{i : c_i = c} x_i` in it.

    The sum is the share times the mean of the cluster's points, so both may be averaged over several sets of points.

    Args:
        vectors: the points.
        codes: the cluster of each, from 0.
        clusters: how many there are.

    Returns:
        Shares that sum to 1, and the sums; zeros where there is no point at all.

    >>> shares, sums = mixture_sums(np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 3.0]]), np.array([0, 2, 2]), 3)
    >>> shares.round(2).tolist(), sums.round(2).tolist()
    ([0.33, 0.0, 0.67], [[0.33, 0.0], [0.0, 0.0], [0.0, 1.33]])
    """
    points = max(len(codes), 1)
    shares = np.bincount(codes, minlength=clusters) / points
    sums = np.zeros((clusters, vectors.shape[1]))
    np.add.at(sums, codes, np.asarray(vectors, dtype=np.float64))
    return shares, sums / points


def smoothed(own: np.ndarray, others: np.ndarray, share: float) -> np.ndarray:
    r"""The mix :math:`(1 - \lambda) x + \lambda \frac{1}{k} \sum_j y_j` of something with the mean of its neighbours.

    Also known as: Jelinek-Mercer smoothing.

    Reference: Jelinek and Mercer (1980), Interpolated estimation of Markov source parameters.

    Args:
        own: of any shape.
        others: (k, ...) of the neighbours; where there are none, `own` stays as it is.
        share: what the neighbours get, in [0, 1].

    Returns:
        An array of the shape of `own`.

    Raises:
        InputError: a share outside [0, 1].

    >>> smoothed(np.array([1.0, 0.0]), np.array([[0.0, 1.0], [1.0, 0.0]]), 0.5).tolist()
    [0.75, 0.25]
    """
    check_fraction("share", share)
    if not len(others):
        return own
    return (1 - share) * own + share * np.mean(others, axis=0)


def in_turn(quotas: Sequence[int] | np.ndarray) -> Int[np.ndarray, " total"]:
    r"""Whose turn it is, so that every beginning of the order is in proportion to the quotas.

    Place j of part c, from 0, comes at :math:`(j + 1/2) / n_c`; of equal ones the earlier part goes first.

    Also known as: Webster's method, Sainte-Laguë, as an order.

    Reference: Balinski and Young (1982), Fair Representation, chapter 4.

    Args:
        quotas: how often each part has a turn, at least 0.

    Returns:
        (sum of quotas,) numbers of parts.

    Raises:
        InputError: a negative quota.

    >>> in_turn([4, 2, 0, 1]).tolist()
    [0, 1, 0, 3, 0, 1, 0]
    """
    counts = np.asarray(quotas, dtype=np.int64)
    if counts.ndim != 1:
        raise InputError(f"`quotas` must be a list of whole numbers. Got the shape {counts.shape} instead.")
    for count in counts.tolist():
        check_at_least("quotas", count, 0)
    part = np.repeat(np.arange(len(counts)), counts)
    place = np.arange(len(part)) - np.repeat(np.cumsum(counts) - counts, counts)
    return part[np.argsort((place + 0.5) / np.maximum(counts[part], 1), kind="stable")]
