"""Correlation of two series: Pearson's on values, Spearman's on average ranks."""

from __future__ import annotations

import numpy as np

from accord.maths.ranks import average_ranks

__all__ = ["pearson", "spearman"]


def pearson(left: np.ndarray, right: np.ndarray) -> float:
    r"""Linear correlation, :math:`\mathrm{cov}(x, y) / (\sigma_x \sigma_y)`.

    Also known as: Pearson's r.

    Reference: Pearson (1895).

    Differs from the paper: 0 where a series is constant, so that a collapsed encoder gets a score and not NaN.

    Args:
        left: (n,).
        right: (n,).

    Returns:
        In [-1, 1].

    >>> round(pearson(np.array([1.0, 2.0, 3.0]), np.array([2.0, 4.0, 7.0])), 4)
    0.9934
    """
    x = np.asarray(left, dtype=np.float64)
    y = np.asarray(right, dtype=np.float64)
    if x.size < 2 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return 0.0
    x, y = x - x.mean(), y - y.mean()
    x, y = x / np.abs(x).max(), y / np.abs(y).max()
    return float(np.clip((x @ y) / np.sqrt((x @ x) * (y @ y)), -1.0, 1.0))


def spearman(left: np.ndarray, right: np.ndarray) -> float:
    """Correlation of ranks; ties share their average rank.

    Also known as: Spearman's rho.

    Reference: Spearman (1904).

    Differs from the paper: 0 where a series is constant.

    Args:
        left: (n,).
        right: (n,).

    Returns:
        In [-1, 1]; unchanged by any rising change of either series.

    >>> spearman(np.array([1.0, 2.0, 3.0]), np.array([10.0, 100.0, 1000.0]))
    1.0
    """
    return pearson(average_ranks(left), average_ranks(right))
