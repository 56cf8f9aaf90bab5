"""Pearson: whether similarities are a linear function of the gold scores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from accord.maths.correlation import pearson

__all__ = ["Pearson"]


@dataclass(frozen=True, repr=False)
class Pearson:
    """:func:`accord.maths.correlation.pearson` as an object; reads `pearson`.

    Reference: Pearson (1895).
    """

    def __call__(self, gold: np.ndarray, similarity: np.ndarray) -> float:
        """One value for the whole set, in [-1, 1].

        >>> Pearson()(np.array([1.0, 2.0, 3.0]), np.array([0.1, 0.2, 0.3])).__round__(6)
        1.0
        """
        return pearson(gold, similarity)

    def __repr__(self) -> str:
        return "pearson"

    def tradable(self, gold: np.ndarray, similarity: np.ndarray) -> Mapping[str, np.ndarray]:
        """Columns whose rows two systems may trade: standardised, since encoders differ in scale."""
        spread = float(np.std(similarity))
        centred = np.asarray(similarity, dtype=np.float64) - np.mean(similarity)
        return {"gold": gold, "similarity": centred / spread if spread > 0 else centred}
