"""Best F1: what the most favourable threshold would reach, looked up on the very rows that it is measured on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from accord.maths.ranks import average_ranks
from accord.maths.thresholds import best_inner

__all__ = ["BestF1"]


@dataclass(frozen=True, repr=False)
class BestF1:
    """:func:`accord.maths.thresholds.best_inner` for "f1" as an object; reads `best_f1`.

    It flatters: nobody knows that threshold before the labels are known.

    Reference: Muennighoff et al. (2023), MTEB, arXiv:2210.07316, section 3.2 (pair classification).
    """

    def __call__(self, label: np.ndarray, similarity: np.ndarray) -> float:
        """One value for the whole set, in [0, 1].

        >>> BestF1()(np.array([1, 0]), np.array([0.2, 0.1]))
        1.0
        """
        return best_inner(label, similarity, "f1")

    def __repr__(self) -> str:
        return "best_f1"

    def tradable(self, label: np.ndarray, similarity: np.ndarray) -> Mapping[str, np.ndarray]:
        """Columns whose rows two systems may trade: ranks, since encoders differ in scale."""
        return {"label": label, "similarity": average_ranks(similarity)}
