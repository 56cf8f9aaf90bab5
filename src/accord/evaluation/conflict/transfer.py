"""Transfer: what training on one task does to another's metric."""

from __future__ import annotations

from accord.evaluation.conflict.estimate import Estimate
from accord.evaluation.statistics.difference import paired
from accord.evaluation.statistics.pairing import System

__all__ = ["transfer"]


def transfer(trained: System, base: System, *, level: float = 0.95, resamples: int = 2000, seed: int = 0) -> Estimate:
    r"""What a little training on one task changes in the metric of a task, paired example by example.

    .. math:: M_j(\theta_i) - M_j(\theta_0)

    Also known as: transfer matrix, affinity matrix.

    Reference: Standley et al. (2020), arXiv:1905.07553, section 4; Zamir et al. (2018), arXiv:1804.08328, section 3.2.

    Differs from the paper: one short training a task beside the model that it started from, on held-out examples.

    Args:
        trained: the metric of models trained on task i, one a training.
        base: that of the model that they started from.
        level: of the interval.
        resamples: draws of examples.
        seed: of the draws.

    Returns:
        In the unit of the metric.
    """
    found = paired(trained, base, level=level, resamples=resamples, seed=seed)
    return Estimate(found.effect, *found.ci, found.n)
