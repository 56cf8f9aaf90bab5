"""MAP: precision at each relevant document, averaged over all relevant ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from accord.evaluation.judged import Judged, check_cut

__all__ = ["MAP", "average_precision"]


def average_precision(judged: Judged, k: int) -> np.ndarray:
    r"""Per query :math:`\frac{1}{R} \sum_{i \le k,\, i\ \mathrm{relevant}} P@i` with R = all relevant documents.

    Also known as: AP@k, map_cut (trec_eval).

    Reference: Buckley & Voorhees (2000), Evaluating evaluation measure stability.

    Differs from the paper: cut at k; R is not (some tools divide by the smaller of R and k).

    Args:
        judged: (queries, depth) rankings with grades.
        k: the cut.

    Returns:
        (queries,) in [0, 1]; 0 where nothing is relevant.

    >>> average_precision(Judged(np.array([[1.0, 0.0, 1.0]]), np.ones((1, 3)), np.array([4])), 3).round(4).tolist()
    [0.4167]
    """
    hits = judged.hits[:, :k]
    precisions = hits.cumsum(axis=1) / np.arange(1, hits.shape[1] + 1)
    total = (precisions * hits).sum(axis=1)
    return np.divide(total, judged.relevant, out=np.zeros(len(judged)), where=judged.relevant > 0)


@dataclass(frozen=True, repr=False)
class MAP:
    """:func:`average_precision` as an object; reads `MAP@100`."""

    k: int

    def __post_init__(self) -> None:
        check_cut(self.k)

    def __call__(self, judged: Judged) -> np.ndarray:
        """One value a query."""
        return average_precision(judged, self.k)

    def __repr__(self) -> str:
        return f"MAP@{self.k}"
