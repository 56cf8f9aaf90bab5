"""A set metric over several predictions of the same rows: computed for each, then averaged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["Repeated"]


@dataclass(frozen=True, repr=False)
class Repeated:
    """The mean of a metric over repeated experiments; reads `mean_macro_f1` for `macro_f1`.

    Args:
        metric: a set metric over `truth` and a second column, of which there may be several here.

    >>> from accord.evaluation.metrics import MacroF1
    >>> truth = np.array([0, 1])
    >>> Repeated(MacroF1())(truth, predicted_0=truth, predicted_1=1 - truth), Repeated(MacroF1())
    (0.5, mean_macro_f1)
    """

    metric: Any

    def __call__(self, truth: np.ndarray, **columns: np.ndarray) -> float:
        """One value for the whole set."""
        return float(np.mean([self.metric(truth, column) for column in columns.values()]))

    def __repr__(self) -> str:
        return f"mean_{self.metric}"

    def tradable(self, truth: np.ndarray, **columns: np.ndarray) -> Mapping[str, np.ndarray]:
        """Columns whose rows two systems may trade: each as the metric has it."""
        formed = {}
        for name, column in columns.items():
            *_, formed[name] = self.metric.tradable(truth, column).values()
        return {"truth": truth, **formed}
