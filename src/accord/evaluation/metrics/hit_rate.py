"""Hit rate: whether anything relevant was shown."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from accord.evaluation.judged import Judged, check_cut

__all__ = ["HitRate", "hit_rate"]


def hit_rate(judged: Judged, k: int) -> np.ndarray:
    """Per query 1 where a relevant document stands within the first k, else 0.

    Also known as: success_k (trec_eval), top-k accuracy.

    Reference: Craswell & Hawking (2004), Overview of the TREC 2004 Web Track.

    Args:
        judged: (queries, depth) rankings with grades.
        k: the cut.

    Returns:
        (queries,) 0 or 1.

    >>> hit_rate(Judged(np.array([[0.0, 1.0]]), np.array([[1.0, 0.0]]), np.array([1])), 1).tolist()
    [0.0]
    """
    return judged.hits[:, :k].max(axis=1).astype(np.float64)


@dataclass(frozen=True, repr=False)
class HitRate:
    """:func:`hit_rate` as an object; reads `HitRate@10`."""

    k: int

    def __post_init__(self) -> None:
        check_cut(self.k)

    def __call__(self, judged: Judged) -> np.ndarray:
        """One value a query."""
        return hit_rate(judged, self.k)

    def __repr__(self) -> str:
        return f"HitRate@{self.k}"
