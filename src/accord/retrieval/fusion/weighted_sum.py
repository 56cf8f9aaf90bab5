"""Fusion by a weighted sum of scores on one scale."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from accord.core.checks import check_choice
from accord.core.spec import Described
from accord.maths.score_scaling import SCALES, check_systems, per_system, scaled

__all__ = ["WeightedSum", "weighted_sum"]


def weighted_sum(
    scores: Float[np.ndarray, "systems queries docs"],
    weights: Sequence[float] | None = None,
    *,
    scale: str = "min-max",
) -> Float[np.ndarray, "queries docs"]:
    r"""The sum :math:`\sum_m w_m \hat s_m(q, d)` of scores that were scaled query by query.

    A document that a system did not find gets the lowest score that the system gave for the query.

    Also known as: CombSUM, with equal weights; linear or convex combination; score interpolation; hybrid search.

    Reference: Fox & Shaw (1994), TREC-2 (CombSUM); Bruch et al. (2023), arXiv:2210.11934, eq. 2 (convex combination).

    Differs from the paper: any number of systems.

    Args:
        scores: NaN where a system did not find a document.
        weights: w, one a system, not negative; 1 each when not given.
        scale: "min-max" (0 to 1), "z" (mean 0, deviation 1) or "none".

    Returns:
        Larger is better; minus infinity for what no system found.

    Raises:
        InputError: scores of another shape, weights that do not fit, an unknown scale.

    >>> weighted_sum(np.array([[[0.0, 1.0, 0.5]], [[20.0, np.nan, 10.0]]]), [2, 1]).tolist()
    [[1.0, 2.0, 1.0]]
    """
    given = check_systems(scores)
    shares = per_system("weights", weights, len(given))
    on_scale = scaled(given, scale)
    missing = np.isnan(on_scale)
    lowest = np.where(missing, np.inf, on_scale).min(axis=-1, keepdims=True, initial=np.inf)
    lowest[np.isinf(lowest)] = 0.0  # a system that found nothing for this query
    fused = np.einsum("m,mqd->qd", shares, np.where(missing, lowest, on_scale))
    return np.where(missing.all(axis=0), -np.inf, fused)


class WeightedSum(Described):
    """:func:`weighted_sum` with its settings.

    Reference: Fox & Shaw (1994), TREC-2; Bruch et al. (2023), arXiv:2210.11934.

    Args:
        weights: one a system, not negative; 1 each when not given.
        scale: "min-max", "z" or "none".

    Raises:
        InputError: an unknown scale.
    """

    def __init__(self, weights: Sequence[float] | None = None, *, scale: str = "min-max") -> None:
        check_choice("scale", scale, SCALES)
        if weights is not None:
            per_system("weights", weights, len(weights))
        self.weights = weights
        self.scale = scale

    def fuse(self, scores: Float[np.ndarray, "systems queries docs"]) -> Float[np.ndarray, "queries docs"]:
        """One score for each query and document."""
        return weighted_sum(scores, self.weights, scale=self.scale)
