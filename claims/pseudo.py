"""Statistics of a whole set as one value an example, so that they can be paired like any other."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.stats import rankdata

from accord.core.errors import InputError

__all__ = ["pseudo_values", "spearman_values"]


def pseudo_values(statistic: Callable[..., float], *columns: np.ndarray) -> np.ndarray:
    r"""Jackknife pseudo-values: how much each example adds to a statistic.

    .. math:: v_i = n\,\theta - (n - 1)\,\theta_{-i}

    Their mean is the statistic with its bias taken out to first order; their spread is that of the statistic, so that
    differences of two sides, paired by example, have honest intervals.

    Reference: Tukey (1958); Efron and Tibshirani (1993), section 11.5.

    Args:
        statistic: of the columns.
        columns: (n,) each.

    Returns:
        (n,) values.

    >>> pseudo_values(lambda x: float(x.mean()), np.array([1.0, 2.0, 6.0])).round(9).tolist()
    [1.0, 2.0, 6.0]
    """
    n = len(columns[0])
    if n < 3:
        raise InputError(f"Pseudo-values need at least 3 examples. Got {n}.")
    whole = statistic(*columns)
    keep = ~np.eye(n, dtype=bool)
    return np.array([n * whole - (n - 1) * statistic(*(column[kept] for column in columns)) for kept in keep])


def spearman_values(scores: np.ndarray, gold: np.ndarray) -> np.ndarray:
    """Pseudo-values of Spearman's rank correlation, ties at their middle rank.

    >>> values = spearman_values(np.array([0.1, 0.4, 0.2, 0.9]), np.array([1.0, 2.0, 3.0, 4.0]))
    >>> values.shape
    (4,)
    """
    return pseudo_values(_spearman, np.asarray(scores, float), np.asarray(gold, float))


def _spearman(scores: np.ndarray, gold: np.ndarray) -> float:
    x, y = rankdata(scores), rankdata(gold)
    x, y = x - x.mean(), y - y.mean()
    return float((x @ y) / np.sqrt((x @ x) * (y @ y)))
