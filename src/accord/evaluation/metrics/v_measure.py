"""V-measure: whether clusters hold one label each, and labels one cluster each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from accord.maths.contingency import matched, v_measure

__all__ = ["VMeasure"]


@dataclass(frozen=True, repr=False)
class VMeasure:
    """:func:`accord.maths.contingency.v_measure` as an object; reads `v_measure`.

    Also known as: normalised mutual information with the arithmetic mean.

    Reference: Rosenberg & Hirschberg (2007), V-Measure.
    """

    def __call__(self, truth: np.ndarray, cluster: np.ndarray) -> float:
        """One value for the whole set, in [0, 1].

        >>> VMeasure()(np.array([0, 0, 1]), np.array([1, 1, 0]))
        1.0
        """
        return v_measure(truth, cluster)

    def __repr__(self) -> str:
        return "v_measure"

    def tradable(self, truth: np.ndarray, cluster: np.ndarray) -> Mapping[str, np.ndarray]:
        """Columns whose rows two systems may trade: cluster numbers mean nothing until named after labels."""
        return {"truth": truth, "cluster": matched(truth, cluster)}
