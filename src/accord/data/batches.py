"""Batches of rows as a function of their number: to resume is to ask for the next number."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from accord.core.checks import check_at_least, check_choice
from accord.core.errors import InputError
from accord.core.random import numpy_generator
from accord.data.label_groups import LabelGroups

__all__ = ["CLASSES", "BatchStream", "step_back"]

CLASSES = ("proportional", "equal")


class BatchStream:
    """An endless stream of batches; the k-th depends on the arguments and k alone.

    Without labels every epoch is a permutation keyed by (seed, name, epoch), epochs follow each other without a gap,
    and each batch has exactly `batch` rows, none twice: where a batch spans two epochs, rows that it already holds step
    back behind it in the new one. Data smaller than a batch are one batch an epoch.

    With labels each epoch deals the rows of a label into groups of about `per_label`, spreads the groups of each label
    evenly over the epoch and cuts batches between groups: every row once an epoch, several rows of each label that a
    batch holds, and at most `batch` rows in it (fewer by up to two groups). A label with a single row is alone. Where
    one label is so frequent that a batch would hold nothing else, rows of another, drawn anew, take some of its places.

    With labels and equal classes every class comes equally often, rare or not: a batch holds about `per_label` rows of
    each of its classes (more where there are few classes, fewer of a class that has no more rows), classes take turns,
    and so do the rows within each class. Rows of rare classes are then seen more often than others.

    Args:
        length: rows to draw from, at least 2.
        batch: rows a batch, at least 2.
        seed: of the run.
        name: of the task; streams of different names are independent.
        labels: one a row, for objectives that need several rows of a label together.
        per_label: rows of one label that stay together, at least 2; about a third of a batch at most, so that labels
            meet.
        classes: "proportional", every row once an epoch, or "equal", every class equally often.

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
        classes: str = "proportional",
    ) -> None:
        check_at_least("per_label", per_label, 2)
        check_choice("classes", classes, CLASSES)
        if classes == "equal" and labels is None:
            raise InputError("`classes`: equal needs rows with labels.")
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
        self.classes = classes
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
        """Batches after which so many rows were seen as there are; a whole number with labels or small data."""
        if self._equal is not None:
            return max(self.length / self._equal.mean_rows, 1.0)
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
        if self._equal is not None:
            return self._equal.rows(k)
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
            order = step_back(self._permutation(number), order[self.length - held :], self.batch - held)
        self._latest = (epoch, order)
        return order

    @cached_property
    def _equal(self) -> _EqualClasses | None:
        if self._codes is None or self.classes != "equal":
            return None
        return _EqualClasses(self._codes, self.batch, self.per_label, seed=self.seed, name=self.name)

    @cached_property
    def _groups(self) -> LabelGroups:
        assert self._codes is not None
        return LabelGroups(self._codes, self.batch, self.per_label)

    def _labelled(self, epoch: int) -> list[np.ndarray]:
        if self._dealt is None or self._dealt[0] != epoch:
            generator = numpy_generator(self.seed, "batches", self.name, epoch)
            self._dealt = (epoch, self._groups.deal(generator))
        return self._dealt[1]


class _EqualClasses:
    """Batches in which every class comes equally often: streams of classes, and a stream of rows for each class.

    Both are :class:`BatchStream`, so that classes and the rows of a class are each seen once before any is seen again.
    """

    def __init__(self, codes: np.ndarray, batch: int, per_label: int, *, seed: int, name: str) -> None:
        self.members = [np.flatnonzero(codes == code) for code in range(int(codes.max()) + 1)]
        many = len(self.members)
        group = max(min(per_label, batch // 2), batch // many)
        self.classes = min(many, batch // group)
        self.stream = BatchStream(many, self.classes, seed=seed, name=f"{name}/classes")
        self.sizes = np.array([min(group, len(rows)) for rows in self.members])
        self.rows_of = [
            BatchStream(len(rows), int(size), seed=seed, name=f"{name}/class {code}") if size > 1 else None
            for code, (rows, size) in enumerate(zip(self.members, self.sizes))
        ]

    @property
    def mean_rows(self) -> float:
        """Rows of a batch, on average."""
        return float(self.sizes.mean() * self.classes)

    def rows(self, k: int) -> np.ndarray:
        """Rows of the k-th batch, class by class."""
        found = []
        for place, code in enumerate(self.stream.rows(k).tolist()):
            turn = (k * self.classes + place) // len(self.members)  # each class has one turn in each round of classes
            within = self.rows_of[code]
            found.append(self.members[code] if within is None else self.members[code][within.rows(turn)])
        return np.concatenate(found)


def step_back(order: np.ndarray, held: np.ndarray, room: int) -> np.ndarray:
    """Move the rows in `held` out of the first `room` places of `order`, to just behind them."""
    if not len(held):
        return order
    late = np.isin(order[: room + len(held)], held)
    head = order[: room + len(held)]
    free = np.flatnonzero(~late)[:room]
    reach = free[-1] + 1
    return np.concatenate([head[free], head[:reach][late[:reach]], order[reach:]])
