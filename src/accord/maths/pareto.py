"""What is worth its price: rows that no other row beats in everything, and the choice under limits."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float

from accord.core.errors import InputError

__all__ = ["non_dominated", "nearest_limits", "within_limits"]


def non_dominated(costs: Float[np.ndarray, "n k"]) -> Bool[np.ndarray, " n"]:
    """Which rows no other row beats: none is at most as dear in every column and cheaper in one.

    Of equal rows the first is kept. A gain is a cost with its sign turned.

    Also known as: Pareto frontier, efficient set, skyline, maxima of a point set.

    Reference: Kung, Luccio and Preparata (1975), On Finding the Maxima of a Set of Vectors, Journal of the ACM 22 (4).

    Differs from the paper: every row is compared with every other, which is enough for thousands of rows.

    Args:
        costs: a row a candidate, smaller is better; finite.

    Returns:
        True for the rows of the frontier.

    Raises:
        InputError: another shape, or numbers that cannot be ordered.

    >>> non_dominated(np.array([[1.0, 5.0], [2.0, 3.0], [2.0, 4.0], [1.0, 5.0]])).tolist()
    [True, True, False, False]
    """
    costs = _table(costs)
    _, first = np.unique(costs, axis=0, return_index=True)
    kept = np.zeros(len(costs), dtype=bool)
    kept[first] = True
    for row in first:
        others = costs[first]
        kept[row] = not np.any(np.all(others <= costs[row], axis=1) & np.any(others < costs[row], axis=1))
    return kept


def within_limits(costs: Float[np.ndarray, "n k"], limits: Float[np.ndarray, " k"]) -> Bool[np.ndarray, " n"]:
    """Which rows are at most as dear as the limits in every column; infinity is no limit.

    >>> within_limits(np.array([[1.0, 5.0], [2.0, 3.0]]), np.array([np.inf, 4.0])).tolist()
    [False, True]
    """
    return np.all(_table(costs) <= _limits(costs, limits), axis=1)


def nearest_limits(costs: Float[np.ndarray, "n k"], limits: Float[np.ndarray, " k"]) -> Float[np.ndarray, " k"]:
    """What each limit would have to be, the others as they are, for some row to be within all of them.

    Where some row is within already, these are the least costs that the other limits allow.

    Args:
        costs: a row a candidate, smaller is better.
        limits: infinity for none.

    Returns:
        One number a column; infinity where no row is within the other limits, so that this one alone cannot help.

    >>> nearest_limits(np.array([[1.0, 5.0], [2.0, 3.0]]), np.array([1.5, 4.0])).tolist()
    [2.0, 5.0]
    """
    costs, limits = _table(costs), _limits(costs, limits)
    found = np.full(costs.shape[1], np.inf)
    for column in range(costs.shape[1]):
        rest = np.delete(np.arange(costs.shape[1]), column)
        inside = np.all(costs[:, rest] <= limits[rest], axis=1)
        found[column] = costs[inside, column].min(initial=np.inf)
    return found


def _table(costs: np.ndarray) -> np.ndarray:
    costs = np.asarray(costs, dtype=np.float64)
    if costs.ndim != 2 or not costs.shape[1]:
        raise InputError(f"`costs` must be a row a candidate and a column a cost. Got the shape {costs.shape}.")
    if not np.isfinite(costs).all():
        raise InputError("`costs` must be finite. Leave out what was not measured.")
    return costs


def _limits(costs: np.ndarray, limits: np.ndarray) -> np.ndarray:
    limits = np.asarray(limits, dtype=np.float64)
    if limits.shape != (np.shape(costs)[1],) or np.isnan(limits).any():
        raise InputError(f"`limits` must be {np.shape(costs)[1]} numbers, one a column. Got {limits.tolist()}.")
    return limits
