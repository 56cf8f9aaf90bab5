"""Temperature sampling: between proportional and equal shares."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from accord.core.checks import check_fraction
from accord.core.random import numpy_generator
from accord.core.spec import Described
from accord.maths.apportion import apportion, task_shares

__all__ = ["Temperature"]


class Temperature(Described):
    r"""Task i gets the share :math:`w_i n_i^\alpha / \sum_j w_j n_j^\alpha` of the steps, in shuffled order.

    Small tasks are seen more often than their rows ask for, without the many repeats of equal shares. The counts are
    exact (largest remainder), not drawn.

    Also known as: temperature-scaled mixing with :math:`T = 1 / \alpha`, exponential smoothing of the shares.

    Reference: Devlin et al. (2019), multilingual BERT (exponent 0.7); Raffel et al. (2020), arXiv:1910.10683,
    section 3.5.2.

    Differs from the paper: counts are rounded, not sampled.

    Args:
        alpha: 1 is proportional, 0 is equal.

    >>> np.bincount(Temperature(alpha=0.5).schedule([900, 100], [1, 1], 8, seed=0)).tolist()
    [6, 2]
    """

    def __init__(self, alpha: float = 0.5) -> None:
        check_fraction("alpha", alpha)
        self.alpha = alpha

    def schedule(self, sizes: Sequence[int], weights: Sequence[float], steps: int, *, seed: int) -> np.ndarray:
        """Task indices, one a step.

        Args:
            sizes: rows of each task, at least 1.
            weights: factors on each task's share, not negative.
            steps: optimiser steps, at least 1.
            seed: of the run.

        Returns:
            int64 of length `steps`.

        Raises:
            InputError: sizes or weights that make no shares.
        """
        quotas = apportion(task_shares(sizes, weights, power=self.alpha), steps)
        order = np.repeat(np.arange(len(quotas)), quotas)
        return numpy_generator(seed, "schedule", "Temperature").permutation(order)
