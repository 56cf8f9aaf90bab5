"""Fusion by votes for the first places."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from accord.core.checks import check_at_least
from accord.core.spec import Described
from accord.maths.score_scaling import check_systems

__all__ = ["MajorityVote", "majority_vote"]


def majority_vote(
    scores: Float[np.ndarray, "systems queries docs"], *, depth: int = 5
) -> Float[np.ndarray, "queries docs"]:
    r"""Votes of the systems that have a document among their first places, and the mean of 1 / rank where votes tie.

    .. math:: \sum_m [\mathrm{rank}_m(q, d) \le k] + \frac{1}{M} \sum_m \frac{1}{\mathrm{rank}_m(q, d)}

    The second part is below 1 unless all systems agree on the first place, so that it only settles ties.

    Also known as: voting ensemble, plurality voting (depth 1), approval voting.

    Reference: Shareghi, Han & Burgess (2024), arXiv:2412.06272 (voting ensembles of retrieval and a tuned model).

    Differs from the paper: any number of systems, and ties are settled by places.

    Args:
        scores: NaN where a system did not find a document.
        depth: k, how many documents each system votes for.

    Returns:
        In (0, systems + 1]; minus infinity for what no system found.

    Raises:
        InputError: scores of another shape, a depth below 1.

    >>> majority_vote(np.array([[[9.0, 8.0, 7.0]], [[0.1, 0.3, 0.2]]]), depth=2).round(3).tolist()
    [[1.667, 2.75, 1.417]]
    """
    from scipy.stats import rankdata

    check_at_least("depth", depth, 1)
    given = check_systems(scores)
    missing = np.isnan(given)
    places = rankdata(np.where(missing, np.inf, -given), method="min", axis=-1)
    votes = (~missing & (places <= depth)).sum(axis=0)
    fused = votes + np.where(missing, 0.0, 1 / places).mean(axis=0)
    return np.where(missing.all(axis=0), -np.inf, fused)


class MajorityVote(Described):
    """:func:`majority_vote` with its settings.

    Reference: Shareghi, Han & Burgess (2024), arXiv:2412.06272.

    Args:
        depth: how many documents each system votes for, at least 1.

    Raises:
        InputError: a depth below 1.
    """

    def __init__(self, *, depth: int = 5) -> None:
        check_at_least("depth", depth, 1)
        self.depth = depth

    def fuse(self, scores: Float[np.ndarray, "systems queries docs"]) -> Float[np.ndarray, "queries docs"]:
        """One score for each query and document."""
        return majority_vote(scores, depth=self.depth)
