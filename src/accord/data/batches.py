"""Batches of rows as a function of their number: to resume is to ask for the next number."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from accord.core.checks import check_at_least
from accord.core.errors import InputError
from accord.core.random import numpy_generator

__all__ = ["BatchStream"]


class BatchStream:
    """An endless stream of batches; the k-th depends on the arguments and k alone.

    Without labels every epoch is a permutation keyed by (seed, name, epoch), epochs follow each other without a gap,
    and each batch has exactly `batch` rows, none twice: where a batch spans two epochs, rows that it already holds step
    back behind it in the new one. Data smaller than a batch are one batch an epoch.

    With labels each epoch deals the rows of a label into groups of about `per_label`, spreads the groups of each label
    evenly over the epoch and cuts batches between groups: every row once an epoch, several rows of each label that a
    batch holds, and at most `batch` rows in it (fewer by up to two groups). A label with a single row is alone. Where
    one label is so frequent that a batch would hold nothing else, rows of another, drawn anew, take some of its places.

    Args:
        length: rows to draw from, at least 2.
        batch: rows a batch, at least 2.
        seed: of the run.
        name: of the task; streams of different names are independent.
        labels: one a row, for objectives that need several rows of a label together.
        per_label: rows of one label that stay together, at least 2; about a third of a batch at most, so that labels
            meet.

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
        check_at_least("per_label", per_label, 2)
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
        if self.batch < 4:
            raise InputError(f"`batch` must be at least 4 with labels: two rows of two labels. Got {self.batch}.")
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
            return self._groups.batches
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
            epoch, within = divmod(k, self._groups.batches)
            return self._labelled(epoch)[within]
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
        while first and first * self.length % self.batch and not (first < epoch and self.length >= 2 * self.batch):
            first -= 1
        order = self._permutation(first)
        for number in range(first + 1, epoch + 1):
            held = number * self.length % self.batch
            order = _step_back(self._permutation(number), order[self.length - held :], self.batch - held)
        self._latest = (epoch, order)
        return order

    @cached_property
    def _groups(self) -> _Groups:
        assert self._codes is not None
        return _Groups(self._codes, self.batch, self.per_label)

    def _labelled(self, epoch: int) -> list[np.ndarray]:
        if self._dealt is None or self._dealt[0] != epoch:
            generator = numpy_generator(self.seed, "batches", self.name, epoch)
            self._dealt = (epoch, self._groups.deal(generator))
        return self._dealt[1]


class _Groups:
    """How the rows of each label fall into groups, and how many batches they make; the same in every epoch."""

    def __init__(self, codes: np.ndarray, batch: int, per_label: int) -> None:
        counts = np.bincount(codes)
        # Groups of at most a third of a batch, so that cutting between groups leaves no batch empty.
        size = min(per_label, max((batch + 1) // 3, 3 if batch >= 6 else 2))
        # Rounded so that no group has a single row where the label has two; pairs of an odd label become a triple.
        many = counts // 2 if size == 2 and batch >= 6 else -(-counts // size)
        self.codes = codes
        self.batch = batch
        self.of_label = np.maximum(many, counts > 0)
        sizes = [
            np.full(groups, count // groups) + (np.arange(groups) < count % groups)
            for count, groups in zip(counts, self.of_label)
        ]
        self.sizes = np.concatenate(sizes)
        room = batch - int(self.sizes.max()) + 1
        self.batches = 1 if len(codes) <= batch else -(-len(codes) // room)

    def deal(self, generator: np.random.Generator) -> list[np.ndarray]:
        """One epoch: rows dealt to groups, groups of a label spread evenly, batches cut between groups."""
        rows = generator.permutation(len(self.codes))
        rows = rows[np.argsort(self.codes[rows], kind="stable")]
        starts = np.cumsum(self.sizes) - self.sizes
        turns = np.concatenate([np.arange(groups) for groups in self.of_label])
        places = (turns + generator.random(len(turns))) / np.repeat(self.of_label, self.of_label)
        order = np.argsort(places, kind="stable")
        dealt = np.concatenate([rows[starts[g] : starts[g] + self.sizes[g]] for g in order])
        ends = np.cumsum(self.sizes[order])
        marks = np.arange(1, self.batches) * len(rows) / self.batches
        cuts = ends[np.searchsorted(ends, marks, side="right") - 1]
        return [self._mixed(batch, generator) for batch in np.split(dealt, cuts)]

    def _mixed(self, rows: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        """A batch of one label with some of its rows traded for rows of another: a batch without negatives is none."""
        label = self.codes[rows[0]]
        if (self.codes[rows] != label).any():
            return rows
        others = np.flatnonzero(self.codes != label)
        chosen = self.codes[generator.choice(others)]
        group = generator.permutation(np.flatnonzero(self.codes == chosen))[: int(self.sizes.max())]
        room = max(2, self.batch - len(group))
        return np.concatenate([rows[:room], group[: self.batch - min(room, len(rows))]])


def _step_back(order: np.ndarray, held: np.ndarray, room: int) -> np.ndarray:
    """Move the rows in `held` out of the first `room` places of `order`, to just behind them."""
    if not len(held):
        return order
    late = np.isin(order[: room + len(held)], held)
    head = order[: room + len(held)]
    free = np.flatnonzero(~late)[:room]
    reach = free[-1] + 1
    return np.concatenate([head[free], head[:reach][late[:reach]], order[reach:]])
