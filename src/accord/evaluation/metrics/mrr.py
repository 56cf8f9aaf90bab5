"""MRR: how early the first relevant document comes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from accord.evaluation.judged import Judged, check_cut

__all__ = ["MRR", "reciprocal_rank"]


def reciprocal_rank(judged: Judged, k: int) -> np.ndarray:
    """Per query 1 / rank of the first relevant document within the first k, else 0.

    Also known as: RR, recip_rank (trec_eval, there without a cut).

    Reference: Voorhees (1999), The TREC-8 Question Answering Track Report.

    Args:
        judged: (queries, depth) rankings with grades.
        k: the cut.

    Returns:
        (queries,) in [0, 1].

    >>> reciprocal_rank(Judged(np.array([[0.0, 1.0]]), np.array([[1.0, 0.0]]), np.array([1])), 10).tolist()
    [0.5]
    """
    hits = judged.hits[:, :k]
    return np.where(hits.any(axis=1), 1 / (hits.argmax(axis=1) + 1), 0.0)


@dataclass(frozen=True, repr=False)
class MRR:
    """:func:`reciprocal_rank` as an object; reads `MRR@10`."""

    k: int

    def __post_init__(self) -> None:
        check_cut(self.k)

    def __call__(self, judged: Judged) -> np.ndarray:
        """One value a query."""
        return reciprocal_rank(judged, self.k)

    def __repr__(self) -> str:
        return f"MRR@{self.k}"
