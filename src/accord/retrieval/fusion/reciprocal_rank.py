"""Fusion by ranks alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from accord.core.checks import check_at_least
from accord.core.spec import Described
from accord.maths.score_scaling import check_systems, per_system

__all__ = ["ReciprocalRank", "reciprocal_rank"]


def reciprocal_rank(
    scores: Float[np.ndarray, "systems queries docs"], weights: Sequence[float] | None = None, *, offset: float = 60.0
) -> Float[np.ndarray, "queries docs"]:
    r"""The sum :math:`\sum_m w_m / (k + \mathrm{rank}_m(q, d))` over the systems that found the document.

    Also known as: reciprocal rank fusion, RRF.

    Reference: Cormack, Clarke & Büttcher (2009), SIGIR, Reciprocal rank fusion outperforms Condorcet, section 2.

    Differs from the paper: weights; documents with equal scores share the mean of their places.

    Args:
        scores: NaN where a system did not find a document.
        weights: w, one a system, not negative; 1 each when not given.
        offset: k; the larger, the less the first places stand out. At least 0.

    Returns:
        In (0, sum of weights / (k + 1)]; minus infinity for what no system found.

    Raises:
        InputError: scores of another shape, weights that do not fit, an offset below 0.

    >>> fused = reciprocal_rank(np.array([[[9.0, 8.0, np.nan]], [[0.1, 0.3, 0.2]]]), offset=1)
    >>> fused.round(3).tolist()
    [[0.75, 0.833, 0.333]]
    """
    from scipy.stats import rankdata

    check_at_least("offset", offset, 0)
    given = check_systems(scores)
    missing = np.isnan(given)
    places = rankdata(np.where(missing, np.inf, -given), axis=-1)
    shares = per_system("weights", weights, len(given))[:, None, None]
    fused = np.where(missing, 0.0, shares / (offset + places)).sum(axis=0)
    return np.where(missing.all(axis=0), -np.inf, fused)


class ReciprocalRank(Described):
    """:func:`reciprocal_rank` with its settings.

    Reference: Cormack, Clarke & Büttcher (2009), SIGIR.

    Args:
        weights: one a system, not negative; 1 each when not given.
        offset: k, at least 0.

    Raises:
        InputError: an offset below 0.
    """

    def __init__(self, weights: Sequence[float] | None = None, *, offset: float = 60.0) -> None:
        check_at_least("offset", offset, 0)
        if weights is not None:
            per_system("weights", weights, len(weights))
        self.weights = weights
        self.offset = offset

    def fuse(self, scores: Float[np.ndarray, "systems queries docs"]) -> Float[np.ndarray, "queries docs"]:
        """One score for each query and document."""
        return reciprocal_rank(scores, self.weights, offset=self.offset)
