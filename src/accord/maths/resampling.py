"""Resampling of rows: bootstrap draws, sign flips, jackknife values, and intervals from them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np

from accord.core.checks import check_at_least, check_fraction

__all__ = [
    "bca_interval",
    "bootstrap_means",
    "bootstrap_statistics",
    "counts",
    "draws",
    "members",
    "percentile_interval",
    "sign_flip_p",
    "standard_error_interval",
    "swap_p",
]

CHUNK = 1 << 18
EXACT = 20


def draws(n: int, resamples: int, generator: np.random.Generator) -> Iterator[np.ndarray]:
    """Row numbers drawn with replacement, (some resamples, n) at a time; memory stays flat.

    Args:
        n: rows, at least 1.
        resamples: how many draws of n rows in all.
        generator: decides everything.
    """
    check_at_least("n", n, 1)
    check_at_least("resamples", resamples, 1)
    step = max(1, CHUNK // n)
    for start in range(0, resamples, step):
        yield generator.integers(0, n, size=(min(step, resamples - start), n))


def counts(n: int, resamples: int, generator: np.random.Generator) -> np.ndarray:
    """How often each of n rows is drawn, in each resample.

    Args:
        n: rows.
        resamples: how many draws of n rows.
        generator: decides everything.

    Returns:
        (resamples, n) float64; every row of it sums to n.

    >>> counts(3, 2, np.random.default_rng(0)).sum(axis=1).tolist()
    [3.0, 3.0]
    """
    return np.stack([np.bincount(row, minlength=n) for part in draws(n, resamples, generator) for row in part]) + 0.0


def members(groups: np.ndarray) -> list[np.ndarray]:
    """The rows of each group.

    Args:
        groups: (n,) group codes from 0, each of which occurs.

    Returns:
        Row numbers, rising, one array a group.

    >>> [rows.tolist() for rows in members(np.array([0, 1, 0]))]
    [[0, 2], [1]]
    """
    order = np.argsort(groups, kind="stable")
    return np.split(order, np.cumsum(np.bincount(groups))[:-1])


def bootstrap_means(
    values: np.ndarray, resamples: int, generator: np.random.Generator, *, groups: np.ndarray | None = None
) -> np.ndarray:
    """Means of rows drawn with replacement; of whole groups of rows where rows of a group are not independent.

    Reference: Efron (1979); Davison & Hinkley (1997), Bootstrap Methods and their Application, section 3.8, for groups.

    Args:
        values: (n,).
        resamples: how many.
        generator: decides the draws.
        groups: (n,) group codes from 0, or None where each row stands for itself.

    Returns:
        (resamples,) float64.

    >>> bootstrap_means(np.full(5, 0.5), 3, np.random.default_rng(0)).tolist()
    [0.5, 0.5, 0.5]
    """
    values = np.asarray(values, dtype=np.float64)
    if groups is None:
        return np.concatenate([values[rows].mean(axis=1) for rows in draws(len(values), resamples, generator)])
    sums, counts = np.bincount(groups, values), np.bincount(groups).astype(np.float64)
    parts = draws(len(sums), resamples, generator)
    return np.concatenate([sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1) for drawn in parts])


def bootstrap_statistics(
    statistic: Callable[[np.ndarray], float],
    n: int,
    resamples: int,
    generator: np.random.Generator,
    *,
    groups: np.ndarray | None = None,
) -> np.ndarray:
    """A statistic of rows drawn with replacement, recomputed for each draw.

    Args:
        statistic: takes row numbers, which may repeat.
        n: rows.
        resamples: how many.
        generator: decides the draws.
        groups: (n,) group codes from 0, drawn whole, or None where each row stands for itself.

    Returns:
        (resamples,) float64.
    """
    if groups is None:
        rows = (row for part in draws(n, resamples, generator) for row in part)
    else:
        held = members(groups)
        drawn = (row for part in draws(len(held), resamples, generator) for row in part)
        rows = (np.concatenate([held[group] for group in row]) for row in drawn)
    return np.array([statistic(row) for row in rows], dtype=np.float64)


def percentile_interval(resampled: np.ndarray, level: float) -> tuple[float, float]:
    """The middle `level` of the resampled statistics.

    Reference: Efron & Tibshirani (1993), section 13.3.

    >>> percentile_interval(np.arange(101.0), 0.5)
    (25.0, 75.0)
    """
    check_fraction("level", level, closed=False)
    low, high = np.quantile(resampled, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def standard_error_interval(value: float, resampled: np.ndarray, n: int, level: float) -> tuple[float, float]:
    r"""An interval for few rows: :math:`\hat\theta \pm t_{n-1} \sqrt{n / (n - 1)}\, \mathrm{sd}(\theta^*)`.

    The percentiles of a handful of rows are too narrow, and cannot reach far enough out for high levels.

    Reference: Efron & Tibshirani (1993), sections 12.2 and 12.3; Hesterberg (2015), arXiv:1411.5279, section 4.3, for
    the factor under the root.

    Args:
        value: the statistic itself.
        resampled: (resamples,) bootstrap statistics.
        n: rows that were resampled, at least 2.
        level: in (0, 1).

    >>> low, high = standard_error_interval(0.0, np.array([-1.0, 1.0]), 10, 0.95)
    >>> round(high, 2), low == -high
    (3.37, True)
    """
    from scipy.special import stdtrit

    check_fraction("level", level, closed=False)
    check_at_least("n", n, 2)
    spread = float(np.std(resampled, ddof=1)) if len(resampled) > 1 else math.nan
    reach = float(stdtrit(n - 1, (1 + level) / 2)) * math.sqrt(n / (n - 1)) * spread
    return value - reach, value + reach


def bca_interval(resampled: np.ndarray, jackknife: np.ndarray, observed: float, level: float) -> tuple[float, float]:
    """Bias-corrected and accelerated interval: the percentiles shifted for bias and skew.

    Reference: Efron (1987), Better Bootstrap Confidence Intervals; ties count half, as in scipy.

    Args:
        resampled: (resamples,) bootstrap statistics.
        jackknife: (n,) the statistic without each row in turn.
        observed: the statistic itself.
        level: in (0, 1).

    Returns:
        Lower and upper end; the percentile interval where the statistic does not vary.
    """
    from scipy.special import ndtr, ndtri

    check_fraction("level", level, closed=False)
    below = ((resampled < observed).mean() + (resampled <= observed).mean()) / 2
    deviation = jackknife.mean() - jackknife
    spread = (deviation**2).sum() ** 1.5
    if not 0 < below < 1 or spread == 0:
        return percentile_interval(resampled, level)
    bias, acceleration = ndtri(below), (deviation**3).sum() / (6 * spread)
    shifted = bias + ndtri(np.array([(1 - level) / 2, (1 + level) / 2]))
    low, high = np.quantile(resampled, ndtr(bias + shifted / (1 - acceleration * shifted)))
    return float(low), float(high)


def sign_flip_p(differences: np.ndarray, resamples: int, generator: np.random.Generator) -> float:
    r"""Two-sided p of a zero mean when the sign of each paired difference is arbitrary.

    All sign patterns where at most 20 differences are not zero, else
    :math:`p = (1 + \#\{|T^*| \ge |T|\}) / (1 + B)`, which is never 0.

    Also known as: Fisher's randomisation test for pairs, paired permutation test.

    Reference: Fisher (1935); Phipson & Smyth (2010) for the ones added.

    Args:
        differences: (n,) paired differences.
        resamples: random patterns, where not all are tried.
        generator: decides the patterns.

    Returns:
        In (0, 1].

    >>> sign_flip_p(np.array([1.0, 2.0, 3.0, 4.0, 5.0]), 100, np.random.default_rng(0))
    0.0625
    """
    moving = np.asarray(differences, dtype=np.float64)
    moving = moving[moving != 0]  # flipping a zero changes nothing
    if not len(moving):
        return 1.0
    slack = 1e-12 * np.abs(moving).sum()
    reach = abs(moving.sum()) - slack
    if len(moving) <= EXACT:
        sums = np.zeros(1)
        for value in moving:
            sums = np.concatenate([sums + value, sums - value])
        return float((np.abs(sums) >= reach).mean())
    check_at_least("resamples", resamples, 1)
    extreme, step = 0, max(1, CHUNK // len(moving))
    for start in range(0, resamples, step):
        size = (min(step, resamples - start), -(-len(moving) // 8))
        flips = np.unpackbits(generator.integers(0, 256, size=size, dtype=np.uint8), axis=1, count=len(moving))
        extreme += int((np.abs(moving.sum() - 2 * (flips @ moving)) >= reach).sum())
    return (1 + extreme) / (1 + resamples)


def swap_p(
    statistic: Callable[[np.ndarray], float],
    n: int,
    resamples: int,
    generator: np.random.Generator,
    *,
    groups: np.ndarray | None = None,
) -> float:
    r"""Two-sided p of no difference when either system may own either row of each pair.

    Args:
        statistic: takes (n,) booleans, True where the two systems trade rows, and returns the difference.
        n: pairs.
        resamples: random trades; p is :math:`(1 + \#\{|T^*| \ge |T|\}) / (1 + B)`.
        generator: decides the trades.
        groups: (n,) group codes from 0, traded whole, or None where each row stands for itself.

    Returns:
        In (0, 1].
    """
    reach = abs(statistic(np.zeros(n, dtype=bool))) - 1e-12
    coins = n if groups is None else int(groups.max()) + 1
    tosses = (generator.integers(0, 2, size=coins, dtype=np.uint8).astype(bool) for _ in range(resamples))
    trades = tosses if groups is None else (toss[groups] for toss in tosses)
    return (1 + sum(abs(statistic(trade)) >= reach for trade in trades)) / (1 + resamples)
