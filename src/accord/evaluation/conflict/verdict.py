"""What gradients say of a pair of tasks: conflict, no conflict, or not enough to tell."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from accord.evaluation.conflict.estimate import LEAST_BATCHES, Estimate
from accord.evaluation.conflict.noise_margin import noise_margin
from accord.maths.batch_pairs import BatchPair, apart

__all__ = [
    "CONFLICT",
    "NO_CONFLICT",
    "UNDECIDED",
    "GradientConflict",
    "PairConflict",
    "gradient_verdict",
    "passing_margin",
]

TOLERANCE = 0.2
"""Share of its progress that a task may lose to another: about what balanced steps take longer than joint ones."""

CONFLICT, NO_CONFLICT, UNDECIDED = "conflict", "no conflict", "undecided"


def gradient_verdict(cosine: Estimate, margin: float) -> str:
    r"""Compare the cosine of two tasks' batches with zero and with the noise of a run.

    * "no conflict" where the whole interval lies above :math:`-\delta`: what opposition there may be costs a task less
      than the draw of batches does, or less than its cure;
    * "conflict" where the whole interval lies below zero, and not above :math:`-\delta`;
    * "undecided" otherwise, and where there are too few batches for an interval.

    The plain cosine has the sign of the corrected one and a surer interval, since it is divided by nothing uncertain.

    Args:
        cosine: :func:`~accord.evaluation.conflict.gradient_cosine.gradient_cosine`, its interval at a level that is
            corrected for the number of pairs.
        margin: :math:`\delta`, by :func:`passing_margin`.

    >>> [gradient_verdict(Estimate(c, c - 0.1, c + 0.1, 8), 0.05) for c in (0.3, -0.3, 0.0)]
    ['no conflict', 'conflict', 'undecided']
    """
    if not cosine.known or not math.isfinite(margin):
        return UNDECIDED
    if cosine.low > -margin:
        return NO_CONFLICT
    return CONFLICT if cosine.high < 0 else UNDECIDED


def passing_margin(
    pair: BatchPair, *, steps: tuple[int, int], tolerance: float = TOLERANCE, level: float = 0.95
) -> float:
    r"""The opposition that neither of two tasks would notice, as a cosine of batches.

    Of each task the larger of two: :func:`~accord.evaluation.conflict.noise_margin.noise_margin`, what the draw of its
    batches gives or takes anyway; and `tolerance` times its own ceiling. A step of the other task at a cosine c undoes
    the share :math:`|c| / c_{jj}` of what a step of its own brings; balanced steps take about a fifth longer than joint
    ones, so that a smaller share is cheaper to train away than to balance away.

    Args:
        pair: inner products of the two tasks' batches.
        steps: that the run gives to each.
        tolerance: share of its progress that a task may lose, at least 0.
        level: of the noise margin.

    Returns:
        The smaller one of the two tasks; 0 where one of them has too few batches.
    """
    margins = []
    for products, (own, others) in ((pair.aa, steps), (pair.bb, steps[::-1])):
        if len(products) < LEAST_BATCHES:
            return 0.0
        lengths = np.sqrt(np.diag(products))
        scale = np.outer(lengths, lengths)
        cosines = products / np.where(scale > 0, scale, 1.0)
        ceiling = float(apart(cosines, np.ones(len(cosines))))
        noise = noise_margin(cosines, steps=own, others=others, level=level)
        margins.append(max(noise, tolerance * ceiling * own / others))
    return min(margins)


@dataclass(frozen=True, kw_only=True)
class PairConflict:
    """The gradients of two tasks.

    Args:
        a: a task.
        b: another.
        batch_cosine: of two batches, as training sees them; its interval is at `level` and decides.
        cosine: corrected for noise.
        ceiling: what `batch_cosine` could be at most, by the noise of both tasks.
        margin: opposition that is let pass, as a cosine of batches.
        level: of the interval of `batch_cosine`: corrected for the number of pairs.
    """

    a: str
    b: str
    batch_cosine: Estimate
    cosine: Estimate
    ceiling: float
    margin: float
    level: float

    @property
    def verdict(self) -> str:
        """By :func:`gradient_verdict`."""
        return gradient_verdict(self.batch_cosine, self.margin)


@dataclass(frozen=True, kw_only=True)
class GradientConflict:
    """The gradients of all pairs of tasks at one point.

    Args:
        tasks: names.
        pairs: every pair once.
        rows: every measure of every pair and group of layers, `{measure, a, b, layers, value, low, high, n, over}`.
        notes: what the reader should know.
        seconds: that the measurement took.
    """

    tasks: Sequence[str]
    pairs: Sequence[PairConflict]
    rows: Sequence[Mapping[str, object]] = field(default=(), repr=False)
    notes: Sequence[str] = ()
    seconds: float = 0.0

    @property
    def verdict(self) -> str:
        """Conflict where some pair conflicts, no conflict where none can, else undecided."""
        found = {pair.verdict for pair in self.pairs}
        if CONFLICT in found:
            return CONFLICT
        return UNDECIDED if UNDECIDED in found or not found else NO_CONFLICT
