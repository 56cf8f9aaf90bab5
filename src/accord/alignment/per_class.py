"""One calibrated classifier a class, also of classes with few texts."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

__all__ = ["PerClass", "fit_quietly", "fold_numbers"]

log = logging.getLogger(__name__)


class PerClass:
    """A linear support vector machine for each class against the rest, calibrated by cross-validation.

    A class with fewer than two texts, or all but one, gets its share of the texts as a constant.

    Reference: Platt (1999), Probabilistic outputs for support vector machines; by scikit-learn.

    Args:
        strength: inverse weight of the L2 penalty.
        folds: of the calibration, fewer where a class has fewer texts.
    """

    def __init__(self, *, strength: float, folds: int) -> None:
        self.strength = strength
        self.folds = folds
        self.models: list[Any] = []

    def fit(self, rows: Any, targets: Bool[np.ndarray, "n classes"]) -> PerClass:
        """Learn from rows, dense or sparse."""
        from sklearn.calibration import CalibratedClassifierCV
        from sklearn.svm import LinearSVC

        self.models = []
        for wanted in targets.T:
            positive = int(wanted.sum())
            folds = min(self.folds, positive, len(wanted) - positive)
            if folds < 2:
                self.models.append(positive / max(1, len(wanted)))
                continue
            machine = LinearSVC(C=self.strength, random_state=0)
            calibrated: Any = CalibratedClassifierCV  # its stubs know words for `ensemble` only
            model = calibrated(machine, method="sigmoid", cv=folds, ensemble=False)
            self.models.append(fit_quietly(model, rows, wanted))
        return self

    def probabilities(self, rows: Any) -> Float[np.ndarray, "n classes"]:
        """Of each class, in [0, 1]; rows need not sum to 1."""
        columns = [
            np.full(rows.shape[0], model) if isinstance(model, float) else model.predict_proba(rows)[:, 1]
            for model in self.models
        ]
        return np.column_stack(columns).astype(np.float64)


def fit_quietly(model: Any, rows: Any, wanted: np.ndarray) -> Any:
    """Fit; what did not converge goes to the log."""
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        try:
            return model.fit(rows, wanted)
        except ConvergenceWarning as problem:
            log.warning("A classifier stopped before it had settled: %s", problem)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(rows, wanted)


def fold_numbers(keys: Sequence[object], folds: int, generator: np.random.Generator) -> np.ndarray:
    """A fold for each row, so that rows of one key are spread evenly.

    >>> numbers = fold_numbers(["a", "a", "b", "b"], 2, np.random.default_rng(0))
    >>> sorted(numbers[:2].tolist()), sorted(numbers[2:].tolist())
    ([0, 1], [0, 1])
    """
    names = [str(key) for key in keys]
    order = sorted(generator.permutation(len(names)).tolist(), key=lambda row: names[row])
    numbers = np.empty(len(names), dtype=np.int64)
    numbers[order] = np.arange(len(names)) % folds
    return numbers
