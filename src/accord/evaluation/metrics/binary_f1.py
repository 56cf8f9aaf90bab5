"""Binary F1: the balance of precision and recall of what was called a pair."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

__all__ = ["BinaryF1", "binary_f1"]


def binary_f1(truth: np.ndarray, predicted: np.ndarray) -> float:
    """F1 of class 1, :math:`2 TP / (2 TP + FP + FN)`.

    Reference: van Rijsbergen (1979), Information Retrieval, chapter 7.

    Args:
        truth: (n,) 0 or 1.
        predicted: (n,) 0 or 1.

    Returns:
        In [0, 1]; 0 where class 1 occurs in neither column.

    >>> round(binary_f1(np.array([1, 1, 0]), np.array([1, 0, 0])), 4)
    0.6667
    """
    both, total = np.sum((truth == 1) & (predicted == 1)), np.sum(truth == 1) + np.sum(predicted == 1)
    return float(2 * both / total) if total else 0.0


@dataclass(frozen=True, repr=False)
class BinaryF1:
    """:func:`binary_f1` as an object; reads `binary_f1`."""

    def __call__(self, truth: np.ndarray, predicted: np.ndarray) -> float:
        """One value for the whole set."""
        return binary_f1(truth, predicted)

    def __repr__(self) -> str:
        return "binary_f1"

    def tradable(self, truth: np.ndarray, predicted: np.ndarray) -> Mapping[str, np.ndarray]:
        """Columns whose rows two systems may trade: predictions are, as they stand."""
        return {"truth": truth, "predicted": predicted}
