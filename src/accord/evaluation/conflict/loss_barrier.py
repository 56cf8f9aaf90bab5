"""Loss barrier: whether there is a hill between two fine-tuned models."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from accord.core.errors import InputError

__all__ = ["loss_barrier"]


def loss_barrier(losses: Float[np.ndarray, "*draws points"]) -> Float[np.ndarray, "*draws"]:
    r"""The highest point of the loss above the straight line between its ends.

    .. math:: \max_{0 < t < 1} \; L((1 - t)\theta_a + t\theta_b) - (1 - t) L(\theta_a) - t L(\theta_b)

    Also known as: linear mode connectivity, error barrier.

    Reference: Frankle et al. (2020), arXiv:1912.05671, section 2; Entezari et al. (2022), arXiv:2110.06296, section 2,
    for the straight line.

    Args:
        losses: at points evenly spaced from one model to the other, both included; leading axes are draws.

    Returns:
        In the unit of the loss; at most 0 for a convex loss: the models can be averaged without a climb.

    Raises:
        InputError: fewer than three points.

    >>> float(loss_barrier(np.array([1.0, 3.0, 2.0])))
    1.5
    """
    losses = np.asarray(losses, dtype=np.float64)
    points = losses.shape[-1]
    if points < 3:
        raise InputError(f"`losses` needs at least 3 points, both ends and one between them. Got {points}.")
    along = np.linspace(0, 1, points)
    line = losses[..., :1] * (1 - along) + losses[..., -1:] * along
    return (losses - line)[..., 1:-1].max(axis=-1)
