"""Thresholds on scores of two classes: every way to cut, average precision over all of them, and the best one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from accord.core.checks import check_choice

__all__ = ["MEASURES", "Cuts", "average_precision", "best_inner", "best_threshold", "cuts"]

MEASURES = ("f1", "accuracy")


@dataclass(frozen=True)
class Cuts:
    """Every way to call the pairs with the highest scores positive; equal scores are never parted.

    Args:
        threshold: (cuts,) falling: infinity (none is called), the middle between two neighbouring scores, and minus
            infinity (all are called) last.
        true: (cuts,) positives among the called.
        called: (cuts,) how many are called positive.
        positives: in all.
        n: in all.
    """

    threshold: np.ndarray
    true: np.ndarray
    called: np.ndarray
    positives: int
    n: int

    def value(self, measure: str) -> np.ndarray:
        """(cuts,) "f1" of the positives, or "accuracy"."""
        check_choice("measure", measure, MEASURES)
        if measure == "accuracy":
            return (self.n - self.positives - self.called + 2 * self.true) / self.n
        total = self.called + self.positives
        return np.divide(2 * self.true, total, out=np.zeros(len(total)), where=total > 0)


def cuts(label: np.ndarray, score: np.ndarray) -> Cuts:
    """All cuts through some scored rows.

    Args:
        label: (n,) 1 for positives, 0 for the others.
        score: (n,) higher for the likelier.

    Returns:
        The cuts, from none called to all called.

    >>> found = cuts(np.array([1, 0, 1]), np.array([0.9, 0.5, 0.5]))
    >>> found.threshold.tolist(), found.called.tolist(), found.true.tolist()
    ([inf, 0.7, -inf], [0, 1, 3], [0, 1, 2])
    """
    label, score = np.asarray(label, dtype=np.int64), np.asarray(score, dtype=np.float64)
    order = np.argsort(-score, kind="stable")
    ordered = score[order]
    ends = np.flatnonzero(np.r_[ordered[1:] != ordered[:-1], len(ordered) > 0])
    middle = (ordered[ends[:-1]] + ordered[ends[:-1] + 1]) / 2
    true = np.r_[0, np.cumsum(label[order])[ends]]
    return Cuts(np.r_[np.inf, middle, -np.inf], true, np.r_[0, ends + 1], int(label.sum()), len(label))


def average_precision(label: np.ndarray, score: np.ndarray) -> float:
    r"""Area under the precision-recall steps, :math:`\sum_t (R_t - R_{t-1}) P_t` over falling thresholds t.

    Also known as: AP, the area under the precision-recall curve without interpolation.

    Reference: Manning, Raghavan & Schuetze (2008), Introduction to Information Retrieval, section 8.4.

    Args:
        label: (n,) 1 for positives, 0 for the others.
        score: (n,) higher for the likelier; rows of equal score are called together.

    Returns:
        In [0, 1]; 0 without positives.

    >>> round(average_precision(np.array([1, 0, 1]), np.array([0.9, 0.8, 0.1])), 4)
    0.8333
    """
    found = cuts(label, score)
    if not found.positives:
        return 0.0
    precision = found.true[1:] / found.called[1:]
    return float((np.diff(found.true) * precision).sum() / found.positives)


def best_threshold(label: np.ndarray, score: np.ndarray, measure: str) -> float:
    """The threshold of the best cut; the highest of several equally good ones.

    Args:
        label: (n,) 1 for positives, 0 for the others.
        score: (n,) higher for the likelier.
        measure: "f1" or "accuracy".

    Returns:
        Rows with a score above it are called positive; may be infinite.

    >>> best_threshold(np.array([1, 1, 0]), np.array([0.9, 0.7, 0.2]), "accuracy").__round__(4)
    0.45
    """
    found = cuts(label, score)
    return float(found.threshold[found.value(measure).argmax()])


def best_inner(label: np.ndarray, score: np.ndarray, measure: str) -> float:
    """Value of the best cut that calls some rows and leaves some; 0 where all scores are equal.

    Args:
        label: (n,) 1 for positives, 0 for the others.
        score: (n,) higher for the likelier.
        measure: "f1" or "accuracy".

    Returns:
        In [0, 1].

    >>> best_inner(np.array([1, 1, 0]), np.array([0.9, 0.7, 0.2]), "f1")
    1.0
    """
    return float(cuts(label, score).value(measure)[1:-1].max(initial=0.0))
