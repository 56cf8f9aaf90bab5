"""Learning-rate schedules as recipe objects: a factor in [0, 1] for each step, a pure function of the step."""

from __future__ import annotations

import math

from accord.core.checks import check_fraction
from accord.core.spec import Described

__all__ = ["Constant", "Cosine", "Linear"]


def warmed(step: int, steps: int, warmup: float) -> tuple[float | None, float]:
    """The factor while warming up (None afterwards), and the share of the rest that is done.

    Step k of w warm-up steps gets k / w, so the first step already moves.
    """
    rising = round(warmup * steps)
    if step <= rising:
        return step / rising, 0.0
    return None, (step - rising - 1) / max(1, steps - rising)


class Constant(Described):
    """The full rate after a linear warm-up.

    Args:
        warmup: share of the steps that warm up, in [0, 1].
    """

    def __init__(self, *, warmup: float = 0.0) -> None:
        check_fraction("warmup", warmup)
        self.warmup = warmup

    def factor(self, step: int, steps: int) -> float:
        """Factor for `step`, counted from 1, of `steps`."""
        rising, _ = warmed(step, steps, self.warmup)
        return 1.0 if rising is None else rising


class Linear(Described):
    """A straight line down to zero after a linear warm-up.

    Args:
        warmup: share of the steps that warm up, in [0, 1].
    """

    def __init__(self, *, warmup: float = 0.1) -> None:
        check_fraction("warmup", warmup)
        self.warmup = warmup

    def factor(self, step: int, steps: int) -> float:
        """Factor for `step`, counted from 1, of `steps`."""
        rising, done = warmed(step, steps, self.warmup)
        return 1.0 - done if rising is None else rising


class Cosine(Described):
    """Half a cosine down to zero after a linear warm-up.

    Reference: Loshchilov & Hutter (2017), arXiv:1608.03983, eq. 5, without restarts.

    Args:
        warmup: share of the steps that warm up, in [0, 1].

    >>> [round(Cosine(warmup=0.5).factor(step, 4), 3) for step in (1, 2, 3, 4)]
    [0.5, 1.0, 1.0, 0.5]
    """

    def __init__(self, *, warmup: float = 0.1) -> None:
        check_fraction("warmup", warmup)
        self.warmup = warmup

    def factor(self, step: int, steps: int) -> float:
        """Factor for `step`, counted from 1, of `steps`."""
        rising, done = warmed(step, steps, self.warmup)
        return (1.0 + math.cos(math.pi * done)) / 2 if rising is None else rising
