"""Round robin: the tasks take turns."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from accord.core.spec import Described
from accord.maths.apportion import apportion, task_shares

__all__ = ["RoundRobin"]


class RoundRobin(Described):
    """Tasks take turns in their order, whatever their sizes.

    With unequal weights task i gets the share w_i / sum of w of the steps (largest remainder), and its turns are spread
    evenly over the run: its j-th turn of q stands at (j + 1/2) / q, and equal places go to the earlier task.

    Also known as: equal mixing, cyclic task order.

    Reference: Raffel et al. (2020), arXiv:1910.10683, section 3.5.2 (equal mixing).

    Differs from the paper: a fixed order in place of draws; the seed changes nothing.

    >>> RoundRobin().schedule([10, 1000, 5], [1, 1, 1], 7, seed=0).tolist()
    [0, 1, 2, 0, 1, 2, 0]
    >>> RoundRobin().schedule([10, 10], [2, 1], 6, seed=0).tolist()
    [0, 1, 0, 0, 1, 0]
    """

    def schedule(self, sizes: Sequence[int], weights: Sequence[float], steps: int, *, seed: int) -> np.ndarray:
        """Task indices, one a step.

        Args:
            sizes: rows of each task, at least 1; only checked.
            weights: factors on each task's share, not negative.
            steps: optimiser steps, at least 1.
            seed: not used.

        Returns:
            int64 of length `steps`.

        Raises:
            InputError: sizes or weights that make no shares.
        """
        del seed
        shares = task_shares(sizes, weights, power=0.0)
        if len(set(shares.tolist())) == 1:
            return np.arange(steps, dtype=np.int64) % len(shares)
        quotas = apportion(shares, steps)
        places = np.concatenate([(np.arange(quota) + 0.5) / max(quota, 1) for quota in quotas])
        tasks = np.repeat(np.arange(len(quotas), dtype=np.int64), quotas)
        return tasks[np.argsort(places, kind="stable")]
