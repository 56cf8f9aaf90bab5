"""Rows drawn in proportion to their weights, as a function of the number of the batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from accord.core.checks import check_at_least
from accord.core.errors import InputError
from accord.core.random import numpy_generator

__all__ = ["WeightedStream", "inclusion", "row_weights"]

SURE = 1 - 1e-9


class WeightedStream:
    r"""An endless stream of batches in which row i comes with probability :math:`\pi_i \propto w_i`; without epochs.

    A batch has exactly `batch` rows, none twice. Batches come in rounds of as many as would see every row once if all
    weights were equal: within a round each row comes :math:`\pi_i` times the batches of the round, rounded down or up
    (with equal weights a round is an epoch). The k-th batch depends on the arguments and k alone.

    A row can come only once a batch. One so heavy that its share would be more is in every batch, and what is left is
    shared out among the others. Rows of weight 0 never come.

    Also known as: importance sampling, weighted random sampling, sampling with probability proportional to size.

    Reference: Madow (1949), On the theory of systematic sampling II: points at equal distances on a line on which each
    row has the length of its probability.

    Differs from the paper: the order of the rows on the line is drawn anew for each round, and the starts of a round's
    batches are spread evenly.

    Args:
        weights: one a row; finite, not negative, at least two above zero.
        batch: rows a batch, at least 2; fewer where fewer rows have a weight.
        seed: of the run.
        name: of the task; streams of different names are independent.

    Raises:
        InputError: weights that are negative, not finite, or all but one zero; or a batch below 2.

    >>> stream = WeightedStream([1, 1, 2, 0], 2, seed=0, name="faq")
    >>> np.bincount(np.concatenate([stream.rows(k) for k in range(100)]), minlength=4).tolist()
    [50, 50, 100, 0]
    """

    def __init__(self, weights: Sequence[float] | np.ndarray, batch: int, *, seed: int, name: str) -> None:
        check_at_least("batch", batch, 2)
        self.weights = weights
        self.batch = batch
        self.seed = seed
        self.name = name
        shares = inclusion(np.asarray(weights, dtype=np.float64), batch)
        self._always = np.flatnonzero(shares >= SURE)
        self._others = np.flatnonzero((shares > 0) & (shares < SURE))
        self._shares = shares[self._others]
        self._draws = min(batch, len(self._always) + len(self._others)) - len(self._always)
        self._latest: tuple[int, np.ndarray, np.ndarray, np.ndarray] | None = None

    @property
    def batches_per_epoch(self) -> float:
        """Batches after which so many rows were drawn as have a weight."""
        return max((len(self._always) + len(self._others)) / self.batch, 1.0)

    def steps(self, epochs: float) -> int:
        """The fewest batches that draw `epochs` times as many rows as have a weight."""
        return max(int(np.ceil(epochs * self.batches_per_epoch - 1e-9)), 1)

    def rows(self, k: int) -> np.ndarray:
        """Rows of the k-th batch, counted from 0, as int64.

        Raises:
            InputError: k below 0.
        """
        check_at_least("k", k, 0)
        if not self._draws:
            return numpy_generator(self.seed, "weighted", self.name, k).permutation(self._always)
        number, within = divmod(k, self._round)
        order, ends, starts = self._line(number)
        points = (np.arange(self._draws) + starts[within]) * (ends[-1] / self._draws)
        drawn = self._others[order[np.minimum(np.searchsorted(ends, points, side="right"), len(order) - 1)]]
        mixer = numpy_generator(self.seed, "weighted", self.name, "batch", k)
        return mixer.permutation(np.concatenate([self._always, drawn]))

    @property
    def _round(self) -> int:
        return max(1, -(-len(self._others) // max(1, self._draws)))

    def _line(self, number: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The rows of a round in order, where each ends on the line, and where each batch starts."""
        if self._latest is None or self._latest[0] != number:
            generator = numpy_generator(self.seed, "weighted", self.name, "round", number)
            order = generator.permutation(len(self._others))
            starts = (generator.permutation(self._round) + generator.random()) / self._round
            self._latest = (number, order, np.cumsum(self._shares[order]), starts)
        return self._latest[1:]


def inclusion(weights: np.ndarray, batch: int) -> np.ndarray:
    r"""The probability :math:`\pi_i = \min(1, c w_i)` of each row to be in a batch, with c so that they sum to `batch`.

    Args:
        weights: (rows) finite and not negative.
        batch: rows a batch.

    Returns:
        (rows) in [0, 1]; all rows with a weight have 1 where there are no more than `batch` of them.

    Raises:
        InputError: weights that are negative or not finite, or fewer than two above zero.

    >>> inclusion(np.array([6.0, 1.0, 1.0]), 2).tolist()
    [1.0, 0.5, 0.5]
    """
    bad = np.flatnonzero(~np.isfinite(weights) | (weights < 0))
    if len(bad):
        raise InputError(f"`weights` must be finite and not negative. Got {weights[bad[0]]} in row {bad[0] + 1}.")
    if np.count_nonzero(weights) < 2:
        raise InputError(
            f"`weights` must be above zero for two rows at least, or a batch has no negatives. "
            f"Got {np.count_nonzero(weights)} of {len(weights)}."
        )
    shares = (weights > 0).astype(np.float64)
    sure = np.zeros(len(weights), dtype=bool)
    if shares.sum() <= batch:
        return shares
    while True:
        free = ~sure & (weights > 0)
        shares[free] = weights[free] * ((batch - sure.sum()) / weights[free].sum())
        over = free & (shares >= SURE)
        if not over.any():
            return shares
        sure |= over
        shares[over] = 1.0


def row_weights(values: Sequence[object], name: str, where: Callable[[int], str]) -> np.ndarray:
    """The numbers of a column of weights.

    Args:
        values: of the column.
        name: of the column, for messages.
        where: names a row, for messages.

    Raises:
        InputError: a value that is missing, negative or no finite number, with its row.
    """
    weights = np.empty(len(values))
    for row, value in enumerate(values):
        try:
            weights[row] = float(value)  # type: ignore[arg-type]
        except (TypeError, ValueError):
            weights[row] = np.nan
        if not 0 <= weights[row] < np.inf:
            raise InputError(f"{where(row)}: the weight `{name}` must be a finite number, 0 or more. Got {value!r}.")
    return weights
