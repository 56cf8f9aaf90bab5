"""Noise margin: the opposition that is lost among the batches that a run happens to draw."""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float

from accord.core.checks import check_at_least, check_fraction

__all__ = ["noise_margin"]


def noise_margin(cosines: Float[np.ndarray, "A A"], *, steps: int, others: int, level: float = 0.95) -> float:
    r"""The opposition of another task that a task loses among its own batches.

    .. math:: \delta = z \, \frac{\sqrt{S} \; \mathrm{sd}_k(p_k)}{S'}

    A step of length 1 along batch k takes the task forward by :math:`p_k`, the cosine of its gradient with those of the
    task's other batches. Over S steps chance gives or takes :math:`z \sqrt{S} \, \mathrm{sd}(p)`; the steps of the
    other task, S' of them, take away :math:`S' |c|`, where c is the cosine of batches of the two. Where c lies above
    :math:`-\delta` they cost less than the draw of batches does anyway.

    Args:
        cosines: of a task's batches.
        steps: S, that the run gives to the task, at least 1.
        others: S', that it gives to the other task, at least 1.
        level: of the two-sided normal quantile z.

    Returns:
        A cosine of batches, at least 0.

    >>> noise_margin(np.full((4, 4), 0.5), steps=10, others=10)
    0.0
    """
    from scipy.special import ndtri

    check_at_least("steps", steps, 1)
    check_at_least("others", others, 1)
    check_fraction("level", level, closed=False)
    size = len(cosines)
    check_at_least("batches", size, 3)
    apart = cosines[~np.eye(size, dtype=bool)].reshape(size, size - 1)
    progress = apart.mean(axis=1)
    noise = apart.var(axis=1, ddof=1).mean() / (size - 1)  # of that mean, which is no spread between batches
    spread = math.sqrt(max(0.0, float(progress.var(ddof=1)) - float(noise)))
    return float(ndtri((1 + level) / 2)) * spread * math.sqrt(steps) / others
