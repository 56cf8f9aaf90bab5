"""Batches of rows as a function of their number: to resume is to ask for the next number."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from accord.core.checks import check_at_least
from accord.core.errors import InputError
from accord.core.random import numpy_generator

__all__ = ["BatchStream"]


class BatchStream:
    """An endless stream of batches; the k-th depends on the arguments and k alone.

    Without labels every epoch is a permutation keyed by (seed, name, epoch), epochs follow each other without a gap, and
    each batch has exactly `batch` rows, none twice: where a batch spans two epochs, rows that it already holds step back
    behind it in the new one. Data smaller than a batch are one batch an epoch.

    With labels each epoch deals the rows of a label into groups of about `per_label`, spreads the groups of each label
    evenly over the epoch and cuts batches between groups: every row once an epoch, several rows of each label that a
    batch holds, and at most `batch` rows in it (fewer by up to a group). A label with a single row is alone in its
    group.

    Args:
        length: rows to draw from, at least 2.
        batch: rows a batch, at least 2.
        seed: of the run.
        name: of the task; streams of different names are independent.
        labels: one a row, for objectives that need several rows of a label together.
        per_label: rows of one label that stay together; at most half a batch is used, so that labels meet.

    Raises:
        InputError: fewer than two rows or, with labels, fewer than two labels: a batch without negatives.

    >>> stream = BatchStream(10, 4, seed=0, name="faq")
    >>> sorted(np.concatenate([stream.rows(k) for k in range(5)]).tolist()) == sorted([*range(10), *range(10)])
    True
    """

    def __init__(
        self,
        length: int,
        batch: int,
        *,
        seed: int,
        name: str,
        labels: Sequence[object] | np.ndarray | None = None,
        per_label: int = 4,
    ) -> None:
        check_at_least("per_label", per_label, 1)
        if batch < 2:
            raise InputError(f"`batch` must be at least 2: a batch of one row has no negatives. Got {batch}.")
        if length < 2:
            raise InputError(
                f"The task `{name}` has {length} row(s) to train on: a batch without negatives. Add rows, or see what "
                "the split and the leakage report left out."
            )
        self.length = length
        self.batch = batch
        self.seed = seed
        self.name = name
        self.labels = labels
        self.per_label = per_label
        self._codes = None if labels is None else self._encode(labels)
        self._latest: tuple[int, np.ndarray] | None = None
        self._dealt: tuple[int, list[np.ndarray]] | None = None

    def _encode(self, labels: Sequence[object] | np.ndarray) -> np.ndarray:
        if len(labels) != self.length:
            raise InputError(f"`labels` must have one entry a row. Got {len(labels)} for {self.length} rows.")
        numbers: dict[object, int] = {}
        values = labels.tolist() if isinstance(labels, np.ndarray) else labels
        codes = np.array([numbers.setdefault(label, len(numbers)) for label in values], dtype=np.int64)
        if len(numbers) < 2:
            raise InputError(
                f"The task `{self.name}` has one label, {next(iter(numbers))!r}: a batch without negatives. "
                "Add rows of another label."
            )
        return codes

    @property
    def batches_per_epoch(self) -> float:
        """Batches after which every row was seen once on average; a whole number with labels or small data."""
        if self._codes is not None:
            return len(self._cuts())
        return max(self.length / self.batch, 1.0)

    def steps(self, epochs: float) -> int:
        """The fewest batches that cover `epochs` epochs."""
        return max(int(np.ceil(epochs * self.batches_per_epoch - 1e-9)), 1)

    def rows(self, k: int) -> np.ndarray:
        """Rows of the k-th batch, counted from 0, as int64.

        Raises:
            InputError: k below 0.
        """
        check_at_least("k", k, 0)
        if self._codes is not None:
            cuts = self._cuts()
            return self._labelled(k // len(cuts))[k % len(cuts)]
        if self.length <= self.batch:
            return self._permutation(k)
        start, stop = k * self.batch, (k + 1) * self.batch
        epoch, within = divmod(start, self.length)
        order = self._order(epoch)
        rows = order[within : within + self.batch]
        left = stop - (epoch + 1) * self.length
        return np.concatenate([rows, self._order(epoch + 1)[:left]]) if left > 0 else rows.copy()

    def _permutation(self, epoch: int) -> np.ndarray:
        return numpy_generator(self.seed, "batches", self.name, epoch).permutation(self.length)

    def _order(self, epoch: int) -> np.ndarray:
        """The rows of an epoch in order, after rows of the batch that spans its beginning have stepped back.

        Only the first `batch` places change, so with two batches an epoch the tail of the one before is its raw tail;
        smaller data go back to the last epoch that began with a batch.
        """
        if self._latest is not None and self._latest[0] == epoch:
            return self._latest[1]
        first = epoch
        while first and first * self.length % self.batch and not (
            first < epoch and self.length >= 2 * self.batch
        ):
            first -= 1
        order = self._permutation(first)
        for number in range(first + 1, epoch + 1):
            held = number * self.length % self.batch
            order = _step_back(self._permutation(number), order[self.length - held :], self.batch - held)
        self._latest = (epoch, order)
        return order

    def _cuts(self) -> list[slice]:
        raise NotImplementedError

    def _labelled(self, epoch: int) -> list[np.ndarray]:
        raise NotImplementedError


def _step_back(order: np.ndarray, held: np.ndarray, room: int) -> np.ndarray:
    """Move the rows in `held` out of the first `room` places of `order`, to just behind them."""
    if not len(held):
        return order
    late = np.isin(order[: room + len(held)], held)
    head = order[: room + len(held)]
    free = np.flatnonzero(~late)[:room]
    reach = free[-1] + 1
    return np.concatenate([head[free], head[:reach][late[:reach]], order[reach:]])
