"""F1: the balance of precision and recall of each class, averaged over classes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from accord.maths.contingency import class_f1

__all__ = ["MacroF1", "WeightedF1", "macro_f1", "weighted_f1"]


def macro_f1(truth: np.ndarray, predicted: np.ndarray) -> float:
    """Mean F1 of the classes that occur in either column, each counting the same.

    Reference: Yang & Liu (1999), A re-examination of text categorization methods.

    Args:
        truth: (n,) class codes.
        predicted: (n,) class codes.

    Returns:
        In [0, 1].

    >>> macro_f1(np.array([0, 0, 1]), np.array([0, 1, 1])).__round__(4)
    0.6667
    """
    return float(class_f1(truth, predicted)[0].mean())


def weighted_f1(truth: np.ndarray, predicted: np.ndarray) -> float:
    """Mean F1 of the classes, each counting as often as it is true.

    Reference: Yang & Liu (1999), A re-examination of text categorization methods.

    Args:
        truth: (n,) class codes.
        predicted: (n,) class codes.

    Returns:
        In [0, 1].

    >>> weighted_f1(np.array([0, 0, 0, 1]), np.array([0, 0, 0, 0])).__round__(4)
    0.6429
    """
    scores, support = class_f1(truth, predicted)
    return float(scores @ support / support.sum())


@dataclass(frozen=True, repr=False)
class MacroF1:
    """:func:`macro_f1` as an object; reads `macro_f1`."""

    def __call__(self, truth: np.ndarray, predicted: np.ndarray) -> float:
        """One value for the whole set."""
        return macro_f1(truth, predicted)

    def __repr__(self) -> str:
        return "macro_f1"

    def tradable(self, truth: np.ndarray, predicted: np.ndarray) -> Mapping[str, np.ndarray]:
        """Columns whose rows two systems may trade: predictions are, as they stand."""
        return {"truth": truth, "predicted": predicted}


@dataclass(frozen=True, repr=False)
class WeightedF1:
    """:func:`weighted_f1` as an object; reads `weighted_f1`."""

    def __call__(self, truth: np.ndarray, predicted: np.ndarray) -> float:
        """One value for the whole set."""
        return weighted_f1(truth, predicted)

    def __repr__(self) -> str:
        return "weighted_f1"

    def tradable(self, truth: np.ndarray, predicted: np.ndarray) -> Mapping[str, np.ndarray]:
        """Columns whose rows two systems may trade: predictions are, as they stand."""
        return {"truth": truth, "predicted": predicted}
