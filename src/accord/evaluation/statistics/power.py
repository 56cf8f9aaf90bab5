"""Power: how many examples a difference of this size would need."""

from __future__ import annotations

import math

from accord.core.checks import check_fraction

__all__ = ["examples_needed"]


def examples_needed(effect: float, deviation: float, *, level: float = 0.95, power: float = 0.8) -> int | None:
    r"""Examples with which a paired difference is distinguishable in a share `power` of the cases.

    .. math:: n = \left( (z_{(1 + level)/2} + z_{power})\, \sigma / |\delta| \right)^2

    Reference: Cohen (1988), Statistical Power Analysis, chapter 2; Urbano et al. (2019) for retrieval.

    Differs from the paper: never fewer than a test by sign flips needs to reach the level at all (6 at 95 %).

    Args:
        effect: mean difference that is expected.
        deviation: standard deviation of the differences of single examples; for a set metric, the standard error of
            the difference times the square root of the examples that it was seen on.
        level: two-sided, 1 minus the accepted rate of false alarms.
        power: share of such comparisons that should be recognised.

    Returns:
        Examples; None where the effect is zero.

    >>> examples_needed(0.02, 0.2), examples_needed(0.0, 0.2)
    (785, None)
    """
    from scipy.special import ndtri

    check_fraction("level", level, closed=False)
    check_fraction("power", power, closed=False)
    if effect == 0:
        return None
    least = math.ceil(math.log2(2 / (1 - level)) - 1e-9)
    quantiles = float(ndtri((1 + level) / 2) + ndtri(power))
    needed = (quantiles * deviation / effect) ** 2
    return max(least, math.ceil(min(needed, 1e18)))
