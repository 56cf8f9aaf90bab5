"""Recall: the share of the relevant documents that was found."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from accord.evaluation.judged import Judged, check_cut

__all__ = ["Recall", "recall"]


def recall(judged: Judged, k: int) -> np.ndarray:
    """Per query, relevant documents within the first k over all relevant ones.

    Also known as: recall_k (trec_eval), R@k.

    Reference: Cleverdon (1967), The Cranfield tests on index language devices.

    Args:
        judged: (queries, depth) rankings with grades.
        k: the cut.

    Returns:
        (queries,) in [0, 1]; 0 where nothing is relevant.

    >>> recall(Judged(np.array([[0.0, 1.0]]), np.array([[1.0, 1.0]]), np.array([4])), 2).tolist()
    [0.25]
    """
    found = judged.hits[:, :k].sum(axis=1)
    return np.divide(found, judged.relevant, out=np.zeros(len(judged)), where=judged.relevant > 0)


@dataclass(frozen=True, repr=False)
class Recall:
    """:func:`recall` as an object; reads `Recall@10`."""

    k: int

    def __post_init__(self) -> None:
        check_cut(self.k)

    def __call__(self, judged: Judged) -> np.ndarray:
        """One value a query."""
        return recall(judged, self.k)

    def __repr__(self) -> str:
        return f"Recall@{self.k}"
