"""Best accuracy: what the most favourable threshold would reach, looked up on the very rows that it is measured on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from accord.maths.ranks import average_ranks
from accord.maths.thresholds import best_inner

__all__ = ["BestAccuracy"]


@dataclass(frozen=True, repr=False)
class BestAccuracy:
    """:func:`accord.maths.thresholds.best_inner` for "accuracy" as an object; reads `best_accuracy`.

    It flatters: nobody knows that threshold before the labels are known.

    Reference: Muennighoff et al. (2023), MTEB, arXiv:2210.07316, section 3.2 (pair classification).
    """

    def __call__(self, label: np.ndarray, similarity: np.ndarray) -> float:
        """One value for the whole set, in [0, 1].

        >>> BestAccuracy()(np.array([1, 0]), np.array([0.2, 0.1]))
        1.0
        """
        return best_inner(label, similarity, "accuracy")

    def __repr__(self) -> str:
        return "best_accuracy"

    def tradable(self, label: np.ndarray, similarity: np.ndarray) -> Mapping[str, np.ndarray]:
        """Columns whose rows two systems may trade: ranks, since encoders differ in scale."""
        return {"label": label, "similarity": average_ranks(similarity)}
