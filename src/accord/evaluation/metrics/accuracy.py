"""Accuracy: the share of examples that were told right."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["Accuracy", "accuracy"]


def accuracy(truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Per example 1 where the prediction is the truth, else 0.

    Reference: Fawcett (2006), An introduction to ROC analysis, section 2.

    Args:
        truth: (n,) codes.
        predicted: (n,) codes.

    Returns:
        (n,) 0 or 1.

    >>> accuracy(np.array([0, 1, 1]), np.array([0, 1, 2])).tolist()
    [1.0, 1.0, 0.0]
    """
    return (np.asarray(truth) == np.asarray(predicted)).astype(np.float64)


@dataclass(frozen=True, repr=False)
class Accuracy:
    """:func:`accuracy` as an object; reads `accuracy`."""

    def __call__(self, truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
        """One value an example."""
        return accuracy(truth, predicted)

    def __repr__(self) -> str:
        return "accuracy"
