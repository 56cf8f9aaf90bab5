"""What an approximate index misses, watched while it works: some of the queries are asked again, exactly."""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass

import numpy as np

from accord.core.checks import check_fraction
from accord.core.errors import InputError

__all__ = ["RecallEstimate", "RecallMonitor", "wilson"]

_Z = 1.959963984540054
_NONE = np.empty(0, dtype=np.int64)


@dataclass(frozen=True)
class RecallEstimate:
    """How many of the nearest documents approximate searches have found.

    Args:
        queries: that were asked again exactly.
        recall: mean share of the k nearest that were found.
        low: of a 95 % interval.
        high: of a 95 % interval.
    """

    queries: int
    recall: float
    low: float
    high: float


def wilson(mean: float, count: int) -> tuple[float, float]:
    r"""A 95 % interval for a mean of values between 0 and 1.

    .. math:: \frac{p + z^2 / 2n \pm z \sqrt{p (1 - p) / n + z^2 / 4n^2}}{1 + z^2 / n}

    Also known as: score interval.

    Reference: Wilson (1927), Probable Inference, the Law of Succession, and Statistical Inference, JASA 22 (158).

    Differs from the paper: values are shares, not successes and failures. Their variance is at most p (1 - p), so the
    interval is at least as wide as it has to be.

    >>> [round(edge, 3) for edge in wilson(1.0, 100)]
    [0.963, 1.0]
    """
    spread = _Z * math.sqrt(mean * (1 - mean) / count + _Z**2 / (4 * count**2))
    middle, scale = mean + _Z**2 / (2 * count), 1 + _Z**2 / count
    return max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale)


class RecallMonitor:
    """Chooses every so many-th query to be asked again, and keeps the mean.

    Args:
        share: of approximate queries, from 0 (never) to 1 (always).

    Raises:
        InputError: outside of that.

    >>> monitor = RecallMonitor(0.25)
    >>> [monitor.chosen(3).tolist() for _ in range(3)]
    [[], [0], [1]]
    """

    def __init__(self, share: float = 0.01) -> None:
        self._lock = threading.Lock()
        self.share = share
        self._asked, self._checked, self._sum = 0, 0, 0.0

    @property
    def share(self) -> float:
        """Of approximate queries, how many are asked again."""
        return self._share

    @share.setter
    def share(self, share: float) -> None:
        check_fraction("share", share)
        self._share = share

    def chosen(self, queries: int) -> np.ndarray:
        """Which of the next queries are to be asked again."""
        with self._lock:
            first = self._asked
            self._asked += queries
        if self._share * first % 1 + self._share * queries < 1 - 1e-6:  # the usual case of a single query
            return _NONE
        numbers = first + np.arange(queries + 1)
        return np.flatnonzero(np.diff(np.floor(self._share * numbers + 1e-9)))

    def note(self, found: np.ndarray, exact: np.ndarray) -> None:
        """Take in the scores, best first, of approximate and of exact answers to the same queries, (queries, k)."""
        if found.shape != exact.shape:
            raise InputError(f"`found` and `exact` must be of one shape. Got {found.shape} and {exact.shape}.")
        if not exact.size:
            return
        shares = (found >= exact[:, -1:]).mean(axis=1)
        with self._lock:
            self._checked += len(shares)
            self._sum += float(shares.sum())

    def estimate(self) -> RecallEstimate | None:
        """What is known so far; None before the first check."""
        with self._lock:
            count, total = self._checked, self._sum
        if not count:
            return None
        return RecallEstimate(count, total / count, *wilson(total / count, count))
