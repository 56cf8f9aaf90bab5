"""A measure with its interval: over other batches, other parts of the weights, or other examples."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from accord.core.random import numpy_generator
from accord.maths.batch_pairs import BatchPair
from accord.maths.resampling import counts, standard_error_interval

__all__ = ["LEAST_BATCHES", "Estimate", "over_batches", "over_units"]

LEAST_BATCHES = 4
"""Below it a bootstrap of batches says nothing, and intervals are not numbers."""


@dataclass(frozen=True)
class Estimate:
    """A number and where it would lie with other data.

    Args:
        value: the measure.
        low: lower end.
        high: upper end.
        n: units that were resampled.
    """

    value: float
    low: float
    high: float
    n: int

    @property
    def known(self) -> bool:
        """Whether value and interval are numbers."""
        return all(math.isfinite(x) for x in (self.value, self.low, self.high))


def over_batches(
    measure: Callable[..., np.ndarray],
    pair: BatchPair,
    *,
    level: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
    key: Sequence[str] = (),
    bounds: tuple[float, float] = (-1.0, 1.0),
) -> Estimate:
    """A measure of two tasks' gradients with an interval over other batches.

    The batches of each task are drawn with replacement, independently. Where the measure is undefined in more draws
    than the interval leaves out, the interval is everything: `bounds`.

    Args:
        measure: takes a pair and weights of its batches.
        pair: inner products.
        level: of the interval.
        resamples: draws.
        seed: of the draws.
        key: words that name the two tasks.
        bounds: least and greatest value that the measure can take.
    """
    value = float(measure(pair))
    sizes = len(pair.aa), len(pair.bb)
    if min(sizes) < LEAST_BATCHES:
        return Estimate(value, math.nan, math.nan, min(sizes))
    left = counts(sizes[0], resamples, numpy_generator(seed, "batches", *key, 0))
    right = left if pair.same else counts(sizes[1], resamples, numpy_generator(seed, "batches", *key, 1))
    drawn = np.asarray(measure(pair, left, right), dtype=np.float64)
    defined = drawn[np.isfinite(drawn)]
    if not math.isfinite(value) or len(defined) < level * len(drawn):
        return Estimate(value, *bounds, min(sizes))
    low, high = standard_error_interval(value, defined, min(sizes), level)
    return Estimate(value, max(bounds[0], low), min(bounds[1], high), min(sizes))


def over_units(
    statistic: Callable[[np.ndarray], np.ndarray],
    n: int,
    *,
    level: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
    key: Sequence[str] = (),
    bounds: tuple[float, float] = (-math.inf, math.inf),
) -> Estimate:
    """A statistic of n units with an interval over other units.

    Args:
        statistic: takes weights (draws, n) and gives (draws,).
        n: units.
        level: of the interval.
        resamples: draws.
        seed: of the draws.
        key: words that name the statistic.
        bounds: least and greatest value that it can take.
    """
    value = float(statistic(np.ones((1, n)))[0])
    if n < LEAST_BATCHES:
        return Estimate(value, math.nan, math.nan, n)
    drawn = statistic(counts(n, resamples, numpy_generator(seed, "units", *key)))
    low, high = standard_error_interval(value, drawn[np.isfinite(drawn)], n, level)
    return Estimate(value, max(bounds[0], low), min(bounds[1], high), n)
