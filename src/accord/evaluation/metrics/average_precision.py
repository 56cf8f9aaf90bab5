"""Average precision: whether pairs that belong together score above those that do not, at every threshold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from accord.maths.ranks import average_ranks
from accord.maths.thresholds import average_precision

__all__ = ["AveragePrecision"]


@dataclass(frozen=True, repr=False)
class AveragePrecision:
    """:func:`accord.maths.thresholds.average_precision` as an object; reads `average_precision`.

    Reference: Manning, Raghavan & Schuetze (2008), Introduction to Information Retrieval, section 8.4.
    """

    def __call__(self, label: np.ndarray, similarity: np.ndarray) -> float:
        """One value for the whole set, in [0, 1].

        >>> AveragePrecision()(np.array([1, 0]), np.array([0.2, 0.1]))
        1.0
        """
        return average_precision(label, similarity)

    def __repr__(self) -> str:
        return "average_precision"

    def tradable(self, label: np.ndarray, similarity: np.ndarray) -> Mapping[str, np.ndarray]:
        """Columns whose rows two systems may trade: ranks, since encoders differ in scale."""
        return {"label": label, "similarity": average_ranks(similarity)}
