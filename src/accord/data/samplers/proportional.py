"""Proportional sampling: steps in proportion to rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from accord.core.random import numpy_generator
from accord.core.spec import Described
from accord.maths.apportion import apportion, task_shares

__all__ = ["Proportional"]


class Proportional(Described):
    r"""Task i gets the share :math:`w_i n_i / \sum_j w_j n_j` of the steps, in shuffled order.

    Every row is seen about equally often when all weights are equal. The counts are exact (largest remainder), not
    drawn.

    Also known as: examples-proportional mixing, temperature 1.

    Reference: Raffel et al. (2020), arXiv:1910.10683, section 3.5.2.

    Differs from the paper: no limit on the size of a task; counts are rounded, not sampled.

    >>> np.bincount(Proportional().schedule([300, 100], [1, 1], 8, seed=0)).tolist()
    [6, 2]
    """

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
        quotas = apportion(task_shares(sizes, weights, power=1.0), steps)
        order = np.repeat(np.arange(len(quotas)), quotas)
        return numpy_generator(seed, "schedule", "Proportional").permutation(order)
