"""nDCG: gain of the found documents, discounted by rank, over the best gain possible."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from accord.evaluation.judged import Judged, check_cut

__all__ = ["nDCG", "ndcg"]


def ndcg(judged: Judged, k: int) -> np.ndarray:
    r"""Per query :math:`\sum_{i \le k} g_i / \log_2(i + 1)` over the same sum of the ideal ranking.

    Also known as: ndcg_cut (trec_eval), normalised discounted cumulative gain with linear gain.

    Reference: Järvelin & Kekäläinen (2002), Cumulated gain-based evaluation, section 2.3.

    Differs from the paper: the discount of Burges et al. (2005), as trec_eval has it; negative grades gain nothing.

    Args:
        judged: (queries, depth) rankings with grades.
        k: the cut.

    Returns:
        (queries,) in [0, 1]; 0 where nothing is relevant.

    >>> ndcg(Judged(np.array([[0.0, 1.0]]), np.array([[1.0, 0.0]]), np.array([1])), 10).round(4).tolist()
    [0.6309]
    """
    discount = 1 / np.log2(np.arange(2, min(k, judged.depth) + 2))
    found, best = judged.gains[:, :k] @ discount, judged.ideal[:, :k] @ discount
    return np.divide(found, best, out=np.zeros(len(judged)), where=best > 0)


@dataclass(frozen=True, repr=False)
class nDCG:
    """:func:`ndcg` as an object; reads `nDCG@10`."""

    k: int

    def __post_init__(self) -> None:
        check_cut(self.k)

    def __call__(self, judged: Judged) -> np.ndarray:
        """One value a query."""
        return ndcg(judged, self.k)

    def __repr__(self) -> str:
        return f"nDCG@{self.k}"
