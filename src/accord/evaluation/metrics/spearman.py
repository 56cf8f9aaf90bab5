"""Spearman: whether similarities rise with the gold scores, whatever their scale."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from accord.maths.correlation import spearman
from accord.maths.ranks import average_ranks

__all__ = ["Spearman"]


@dataclass(frozen=True, repr=False)
class Spearman:
    """:func:`accord.maths.correlation.spearman` as an object; reads `spearman`.

    Reference: Spearman (1904).
    """

    def __call__(self, gold: np.ndarray, similarity: np.ndarray) -> float:
        """One value for the whole set, in [-1, 1].

        >>> Spearman()(np.array([1.0, 2.0, 3.0]), np.array([-0.9, -0.5, 0.1]))
        1.0
        """
        return spearman(gold, similarity)

    def __repr__(self) -> str:
        return "spearman"

    def tradable(self, gold: np.ndarray, similarity: np.ndarray) -> Mapping[str, np.ndarray]:
        """Columns whose rows two systems may trade: ranks, since encoders differ in scale."""
        return {"gold": gold, "similarity": average_ranks(similarity)}
