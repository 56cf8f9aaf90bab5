"""Bootstrap: how much a score, or a difference, would move with other examples."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from accord.core.checks import check_choice
from accord.core.random import numpy_generator
from accord.evaluation.statistics.pairing import Pair, System, pooled, score_on, systems
from accord.maths.resampling import bca_interval, bootstrap_means, bootstrap_statistics, percentile_interval

__all__ = ["METHODS", "Bootstrap", "bootstrap_effect", "bootstrap_score", "interval"]

METHODS = ("percentile", "bca")


@dataclass(frozen=True)
class Bootstrap:
    """A statistic of n examples and what became of it on resampled ones.

    Args:
        n: examples.
        observed: the statistic of all examples.
        resampled: (resamples,) the statistic on examples drawn with replacement.
        values: (n,) where the statistic is the mean of these.
        statistic: takes row numbers, where it is not.
        groups: (n,) codes of the groups that were drawn whole; None where each example stands for itself.
    """

    n: int
    observed: float
    resampled: np.ndarray
    values: np.ndarray | None = None
    statistic: Callable[[np.ndarray], float] | None = None
    groups: np.ndarray | None = None

    @property
    def units(self) -> int:
        """What was drawn: groups, or examples where there are no groups."""
        return self.n if self.groups is None else int(self.groups.max()) + 1

    def interval(self, level: float = 0.95, *, method: str = "percentile") -> tuple[float, float]:
        """Lower and upper end, by "percentile" or "bca" (corrects for bias and skew; recomputes without each row).

        The percentiles of a recomputed statistic are moved back by its bootstrap bias: rows that a draw holds twice
        make clusters look purer, so that the plain percentiles of a V-measure can lie wholly above the score.

        Raises:
            InputError: an unknown method, or a level outside (0, 1).
        """
        check_choice("method", method, METHODS)
        if method == "percentile":
            low, high = percentile_interval(self.resampled, level)
            bias = 0.0 if self.statistic is None else float(self.resampled.mean()) - self.observed
            return low - bias, high - bias
        return bca_interval(self.resampled, self._jackknife(), self.observed, level)

    def standard_error(self) -> float:
        """Standard deviation of the resampled statistic."""
        return float(np.std(self.resampled, ddof=1)) if len(self.resampled) > 1 else 0.0

    def deviation(self) -> float:
        """Standard deviation of what one example, or one group, adds; of the draws where the statistic is no mean."""
        if self.values is None or self.units < 2:
            return self.standard_error() * math.sqrt(self.units)
        units = np.arange(self.n) if self.groups is None else self.groups
        counts = np.bincount(units)
        apart = (np.bincount(units, self.values) - self.observed * counts) / counts.mean()
        return float(np.std(apart, ddof=1))

    def _jackknife(self) -> np.ndarray:
        units = np.arange(self.n) if self.groups is None else self.groups
        if self.values is not None:
            left = np.maximum(1, self.n - np.bincount(units))
            return (self.values.sum() - np.bincount(units, self.values)) / left
        assert self.statistic is not None, "a bootstrap holds values or a statistic"
        return np.array([self.statistic(np.flatnonzero(units != unit)) for unit in range(self.units)])


def bootstrap_score(measured: System, *, resamples: int = 2000, seed: int = 0, key: tuple[str, ...] = ()) -> Bootstrap:
    """Resample the examples of one system; means for per-example metrics, recomputed for set metrics.

    Examples of one group are drawn together, as often as the group is.

    Args:
        measured: one measurement, or one a training seed, whose scores are averaged.
        resamples: how many.
        seed: of the draws.
        key: words that name what is drawn, so that the order of calls changes nothing.
    """
    seeds = systems(measured)
    generator = numpy_generator(seed, "bootstrap", *key)
    if seeds[0].is_mean:
        return _of_mean(pooled(seeds).columns["value"], resamples, generator, seeds[0].group_codes())

    def statistic(rows: np.ndarray) -> float:
        return float(np.mean([score_on(one, rows) for one in seeds]))

    return _of_statistic(statistic, len(seeds[0]), resamples, generator, seeds[0].group_codes())


def bootstrap_effect(pair: Pair, *, resamples: int = 2000, seed: int = 0, key: tuple[str, ...] = ()) -> Bootstrap:
    """Resample the examples of two systems together, so that easy and hard draws cancel.

    Args:
        pair: the two systems.
        resamples: how many.
        seed: of the draws.
        key: words that name what is drawn.
    """
    generator = numpy_generator(seed, "bootstrap", *key)
    if pair.is_mean:
        return _of_mean(pair.differences(), resamples, generator, pair.group_codes())
    return _of_statistic(pair.effect_on, len(pair), resamples, generator, pair.group_codes())


def interval(
    measured: System,
    *,
    level: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
    key: tuple[str, ...] = (),
    method: str = "percentile",
) -> tuple[float, float]:
    """Interval of one score over other draws of the examples.

    Also known as: bootstrap confidence interval.

    Reference: Efron & Tibshirani (1993), An Introduction to the Bootstrap, chapters 13 and 14.

    Args:
        measured: one measurement, or one a training seed (the interval is about their mean).
        level: in (0, 1).
        resamples: draws.
        seed: of the draws.
        key: words that name what is drawn.
        method: "percentile" or "bca".

    Returns:
        Lower and upper end.

    >>> from accord.evaluation.measured import of_values
    >>> interval(of_values("accuracy", ["a", "b"], np.ones(2), primary=True))
    (1.0, 1.0)
    """
    return bootstrap_score(measured, resamples=resamples, seed=seed, key=key).interval(level, method=method)


def _of_mean(
    values: np.ndarray, resamples: int, generator: np.random.Generator, groups: np.ndarray | None
) -> Bootstrap:
    drawn = bootstrap_means(values, resamples, generator, groups=groups)
    return Bootstrap(len(values), float(values.mean()), drawn, values=values, groups=groups)


def _of_statistic(
    statistic: Callable[[np.ndarray], float],
    n: int,
    resamples: int,
    generator: np.random.Generator,
    groups: np.ndarray | None,
) -> Bootstrap:
    drawn = bootstrap_statistics(statistic, n, resamples, generator, groups=groups)
    return Bootstrap(n, statistic(np.arange(n)), drawn, statistic=statistic, groups=groups)
