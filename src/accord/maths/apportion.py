"""Shares of tasks, and whole numbers from shares: how many of `total` each share gets."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from accord.core.checks import check_at_least
from accord.core.errors import InputError

__all__ = ["apportion", "task_shares"]


def apportion(shares: Sequence[float] | np.ndarray, total: int) -> np.ndarray:
    r"""Split `total` into whole numbers in the proportion of `shares`.

    Each share :math:`q_i = T s_i / \sum_j s_j` is rounded down; what is left goes one by one to the largest remainders,
    and of equal remainders to the earlier share.

    Also known as: largest remainder method, Hamilton's method, Hare quota.

    Reference: Balinski and Young (1982), Fair Representation, chapter 3.

    Args:
        shares: not negative, not all zero.
        total: what to hand out, at least 0.

    Returns:
        One int64 a share; the sum is `total`, and each differs from its exact share by less than one.

    Raises:
        InputError: a share that is negative or not finite, no share above zero, or a negative total.

    >>> apportion([2, 1, 1], 10).tolist()
    [5, 3, 2]
    """
    check_at_least("total", total, 0)
    values = np.asarray(shares, dtype=np.float64)
    if values.ndim != 1 or not np.isfinite(values).all() or (values < 0).any() or not values.sum() > 0:
        raise InputError(f"`shares` must be finite, not negative and not all zero. Got {values.tolist()} instead.")
    exact = values / values.sum() * total
    # A share such as 0.15 * 20 misses its whole number by one part in 2**53: forgive that before rounding down.
    quotas = np.floor(exact + 1e-9).astype(np.int64)
    left = int(total - quotas.sum())
    order = np.argsort(np.round(quotas - exact, 9), kind="stable")
    quotas[order[:left]] += 1
    return quotas


def task_shares(sizes: Sequence[int], weights: Sequence[float], *, power: float) -> np.ndarray:
    r"""The share :math:`w_i n_i^p / \sum_j w_j n_j^p` of each task.

    Args:
        sizes: rows of each task, at least 1.
        weights: one a task, not negative, not all zero.
        power: 1 for shares in proportion to the sizes, 0 for equal ones.

    Returns:
        float64, summing to 1.

    Raises:
        InputError: no task, another number of weights, a size below 1, or weights that are negative or all zero.

    >>> task_shares([900, 100], [1.0, 1.0], power=0.5).tolist()
    [0.75, 0.25]
    """
    if not len(sizes) or len(sizes) != len(weights):
        raise InputError(
            f"`weights` must have one entry a task, and a task at least. Got {len(weights)} for {len(sizes)} tasks."
        )
    for size in sizes:
        check_at_least("sizes", int(size), 1)
    factors = np.asarray(weights, dtype=np.float64)
    if not np.isfinite(factors).all() or (factors < 0).any() or not factors.any():
        raise InputError(f"`weights` must be finite, not negative and not all zero. Got {factors.tolist()} instead.")
    shares = factors * np.asarray(sizes, dtype=np.float64) ** power
    return shares / shares.sum()
