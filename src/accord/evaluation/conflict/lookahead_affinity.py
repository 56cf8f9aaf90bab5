"""Lookahead affinity: what a step on one task does to the loss of another."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

__all__ = ["lookahead_affinity"]


def lookahead_affinity(
    before: Float[np.ndarray, "*shape"], after: Float[np.ndarray, "*shape"]
) -> Float[np.ndarray, "*shape"]:
    r"""How much a step on task i lowers the loss of task j, as a share of that loss.

    .. math:: Z_{i \to j} = 1 - \frac{L_j(\theta - \eta \nabla L_i)}{L_j(\theta)}

    Also known as: TAG affinity, inter-task affinity.

    Reference: Fifty et al. (2021), arXiv:2109.04617, eq. 1.

    Differs from the paper: at one point and not averaged over a run; the loss is taken on a batch that the step has not
    seen, so that :math:`Z_{i \to i}` is the yardstick of the others.

    Args:
        before: losses of task j, one a step.
        after: losses on the same batches after each step on task i.

    Returns:
        Positive where the step helps; 0 where the loss was 0.

    >>> lookahead_affinity(np.array([2.0, 1.0]), np.array([1.0, 1.5])).tolist()
    [0.5, -0.5]
    """
    before, after = np.asarray(before, dtype=np.float64), np.asarray(after, dtype=np.float64)
    return np.where(before == 0, 0.0, 1 - after / np.where(before == 0, 1.0, before))
