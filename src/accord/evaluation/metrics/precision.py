"""Precision: the share of the shown documents that is relevant."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from accord.evaluation.judged import Judged, check_cut

__all__ = ["Precision", "precision"]


def precision(judged: Judged, k: int) -> np.ndarray:
    """Per query, relevant documents within the first k over k, even where fewer were returned.

    Also known as: P@k, P_k (trec_eval).

    Reference: Cleverdon (1967), The Cranfield tests on index language devices.

    Args:
        judged: (queries, depth) rankings with grades.
        k: the cut.

    Returns:
        (queries,) in [0, 1].

    >>> precision(Judged(np.array([[0.0, 1.0]]), np.array([[1.0, 1.0]]), np.array([4])), 10).tolist()
    [0.1]
    """
    return judged.hits[:, :k].sum(axis=1) / k


@dataclass(frozen=True, repr=False)
class Precision:
    """:func:`precision` as an object; reads `Precision@10`."""

    k: int

    def __post_init__(self) -> None:
        check_cut(self.k)

    def __call__(self, judged: Judged) -> np.ndarray:
        """One value a query."""
        return precision(judged, self.k)

    def __repr__(self) -> str:
        return f"Precision@{self.k}"
