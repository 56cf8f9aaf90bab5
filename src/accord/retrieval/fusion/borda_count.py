"""Fusion by points for places."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from accord.core.spec import Described
from accord.maths.score_scaling import check_systems, per_system

__all__ = ["BordaCount", "borda_count"]


def borda_count(
    scores: Float[np.ndarray, "systems queries docs"], weights: Sequence[float] | None = None
) -> Float[np.ndarray, "queries docs"]:
    r"""The sum :math:`\sum_m w_m (c + 1 - \mathrm{rank}_m(q, d))` over the systems, for c candidates of a query.

    What a system did not find shares the points that it did not give out.

    Also known as: Borda-fuse, Borda voting, rank voting, positional voting.

    Reference: Aslam & Montague (2001), SIGIR, Models for metasearch, section 3.3.

    Differs from the paper: documents with equal scores share the mean of their places.

    Args:
        scores: NaN where a system did not find a document.
        weights: w, one a system, not negative; 1 each when not given.

    Returns:
        In [1, c] times the sum of weights; minus infinity for what no system found.

    Raises:
        InputError: scores of another shape, weights that do not fit.

    >>> borda_count(np.array([[[9.0, 8.0, np.nan, np.nan]], [[0.1, 0.4, 0.3, np.nan]]])).tolist()
    [[4.0, 5.0, 3.0, -inf]]
    """
    from scipy.stats import rankdata

    given = check_systems(scores)
    missing = np.isnan(given)
    nowhere = missing.all(axis=0)
    candidates = (~nowhere).sum(axis=-1)[None, :, None]
    found = (~missing).sum(axis=-1, keepdims=True)
    points = candidates + 1 - rankdata(np.where(missing, np.inf, -given), axis=-1)
    shares = per_system("weights", weights, len(given))[:, None, None]
    fused = (shares * np.where(missing, (candidates - found + 1) / 2, points)).sum(axis=0)
    return np.where(nowhere, -np.inf, fused)


class BordaCount(Described):
    """:func:`borda_count` with its settings.

    Reference: Aslam & Montague (2001), SIGIR.

    Args:
        weights: one a system, not negative; 1 each when not given.

    Raises:
        InputError: weights that are not finite, negative, or all zero.
    """

    def __init__(self, weights: Sequence[float] | None = None) -> None:
        if weights is not None:
            per_system("weights", weights, len(weights))
        self.weights = weights

    def fuse(self, scores: Float[np.ndarray, "systems queries docs"]) -> Float[np.ndarray, "queries docs"]:
        """One score for each query and document."""
        return borda_count(scores, self.weights)
