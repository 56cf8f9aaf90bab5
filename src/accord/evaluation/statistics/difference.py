"""Difference: effect, interval, p and the examples needed, for two systems on one task."""

from __future__ import annotations

import math
from dataclasses import dataclass

from accord.evaluation.statistics.bootstrap import bootstrap_effect
from accord.evaluation.statistics.pairing import System, matched_pair
from accord.evaluation.statistics.permutation import permutation_p
from accord.evaluation.statistics.power import examples_needed

__all__ = ["Difference", "paired"]


@dataclass(frozen=True, kw_only=True)
class Difference:
    """What two systems differ by.

    Args:
        effect: score of a minus score of b, in the unit of the metric.
        ci: lower and upper end.
        p: two-sided, of no difference.
        n: examples.
        n_needed: examples that would show a difference of this size four times in five, in groups of the size seen
            where there are groups; None where it is zero.
    """

    effect: float
    ci: tuple[float, float]
    p: float
    n: int
    n_needed: int | None


def paired(
    a: System,
    b: System,
    *,
    level: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
    key: tuple[str, ...] = (),
    method: str = "percentile",
) -> Difference:
    """Compare two systems on the same examples.

    Trading a for b turns the signs of effect and interval and changes nothing else.

    Args:
        a: one measurement, or one a training seed.
        b: likewise; the examples may stand in another order.
        level: of the interval, and the one that `n_needed` aims at.
        resamples: of bootstrap and permutation.
        seed: of both.
        key: words that name the comparison, whichever way round.
        method: of the interval, "percentile" or "bca".

    Returns:
        The difference, before any correction for several comparisons.

    Raises:
        InputError: other metrics or other examples.

    >>> from accord.evaluation.measured import of_values
    >>> ids = [str(i) for i in range(8)]
    >>> better, worse = (of_values("accuracy", ids, np.full(8, v), primary=True) for v in (1.0, 0.0))
    >>> paired(better, worse)
    Difference(effect=1.0, ci=(1.0, 1.0), p=0.0078125, n=8, n_needed=6)
    """
    pair = matched_pair(a, b)
    drawn = bootstrap_effect(pair, resamples=resamples, seed=seed, key=key)
    effect = pair.effect
    needed = examples_needed(effect, drawn.deviation(), level=level)
    return Difference(
        effect=effect,
        ci=drawn.interval(level, method=method),
        p=permutation_p(pair, resamples=resamples, seed=seed, key=key),
        n=len(pair),
        n_needed=needed if needed is None else math.ceil(needed * drawn.n / drawn.units),
    )
