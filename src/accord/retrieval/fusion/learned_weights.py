"""Weights of fusion that do best on queries whose answers are known."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import permutations

import numpy as np

from accord.core.checks import check_at_least

__all__ = ["learn_weights"]

_EXACT = 2


def learn_weights(value: Callable[[list[float]], float], systems: int, *, steps: int = 20) -> list[float]:
    r"""The weights with the best value, among those that sum to 1 in steps of 1 / `steps`.

    All of them are tried for two systems. For more, the search starts from equal weights and moves steps from one
    system to another as long as that helps; that finds a summit, not always the highest.

    Also known as: convex combination with a tuned alpha; coordinate ascent on a ranking metric.

    Reference: Bruch, Gai & Ingber (2023), arXiv:2210.11934, section 4.2 (one weight tuned on few queries); Metzler &
    Croft (2007), Information Retrieval 10 (ascent on the metric itself).

    Differs from the paper: of equal values the one nearest to equal weights, so that a plateau is not left by chance.

    Args:
        value: of some weights, larger is better: such as the mean nDCG@10 of the dev queries.
        systems: how many weights, at least 1.
        steps: how fine, at least 1.

    Returns:
        One weight a system, not negative, with the sum 1.

    Raises:
        InputError: a number below 1.

    >>> learn_weights(lambda weights: -abs(weights[0] - 0.7), 2)
    [0.7, 0.3]
    """
    check_at_least("systems", systems, 1)
    check_at_least("steps", steps, 1)
    known: dict[tuple[int, ...], tuple[float, float]] = {}

    def judged(parts: tuple[int, ...]) -> tuple[float, float]:
        if parts not in known:
            weights = np.array(parts) / steps
            known[parts] = value(weights.tolist()), -round(float(np.square(weights - 1 / systems).sum()), 12)
        return known[parts]

    if systems <= _EXACT:
        every = [(n, steps - n)[:systems] for n in range(steps + 1)] if systems == _EXACT else [(steps,)]
        best = max(every, key=judged)
    else:
        even, extra = divmod(steps, systems)
        best = tuple(even + (n < extra) for n in range(systems))
        while (better := max(_moved(best), key=judged)) and judged(better) > judged(best):
            best = better
    return [part / steps for part in best]


def _moved(parts: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """Neighbours: some steps taken from one system and given to another."""
    for giver, taker in permutations(range(len(parts)), 2):
        size = 1
        while size <= parts[giver]:
            changed = list(parts)
            changed[giver] -= size
            changed[taker] += size
            yield tuple(changed)
            size *= 2
