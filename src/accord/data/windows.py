"""The order in which a stream's rows are seen: blocks shuffled over the file, rows shuffled within a window of them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

import numpy as np

from accord.core.checks import check_at_least
from accord.core.errors import InputError
from accord.core.random import numpy_generator
from accord.data.batches import BatchStream, step_back
from accord.data.label_groups import LabelGroups, largest_group

__all__ = ["WindowedStream", "window_blocks"]


def window_blocks(batch: int, block_rows: int, window: int) -> int:
    """Blocks a window, so that it holds several batches."""
    return max(window, -(-8 * batch // block_rows))


class WindowedStream:
    """Batches of rows of a stream; the k-th depends on the arguments, the length and k alone.

    Each epoch takes the whole blocks in an order of its own, keyed by (seed, name, epoch), the last and shorter one at
    the end, and divides them into windows of about equal length. The rows of a window are shuffled together. To ask for
    any batch costs one permutation of the blocks and one window.

    Without labels, epochs follow each other without a gap and each batch has exactly `batch` rows, none twice. With
    labels, each window is dealt as in :class:`accord.data.batches.BatchStream`: several rows of each label together, at
    most `batch` rows a batch, no batch across two windows; a window of one label gives batches of one label.

    Args:
        length: rows, at least 2.
        batch: rows a batch, at least 2.
        block_rows: rows a block.
        window: blocks a window; more where a batch is large.
        seed: of the run.
        name: of the task; streams of different names are independent.
        labels: gives the labels of rows, for objectives that need several rows of a label together.
        per_label: rows of one label that stay together.

    Raises:
        InputError: fewer than two rows, or a batch of fewer than two (with labels, four).

    >>> stream = WindowedStream(1000, 8, block_rows=10, window=4, seed=0, name="faq")
    >>> len(np.unique(np.concatenate([stream.rows(k) for k in range(125)])))
    1000
    """

    def __init__(
        self,
        length: int,
        batch: int,
        *,
        block_rows: int,
        window: int,
        seed: int,
        name: str,
        labels: Callable[[np.ndarray], np.ndarray] | None = None,
        per_label: int = 4,
    ) -> None:
        check_at_least("per_label", per_label, 2)
        check_at_least("batch", batch, 2 if labels is None else 4)
        if length < 2:
            raise InputError(f"The task `{name}` has {length} row(s) to train on: a batch without negatives. Add rows.")
        self.length = length
        self.batch = batch
        self.block_rows = block_rows
        self.window = window
        self.seed = seed
        self.name = name
        self.labels = labels
        self.per_label = per_label
        blocks = -(-length // block_rows)
        self._whole = length // block_rows
        self._cuts = np.linspace(0, blocks, -(-blocks // window_blocks(batch, block_rows, window)) + 1).astype(np.int64)
        self._starts = np.minimum(self._cuts * block_rows, length)
        self._small = BatchStream(length, batch, seed=seed, name=name) if len(self._cuts) == 2 else None
        self._blocks: OrderedDict[int, np.ndarray] = OrderedDict()
        self._rows: OrderedDict[tuple[int, int], np.ndarray] = OrderedDict()
        self._dealt: OrderedDict[tuple[int, int], list[np.ndarray]] = OrderedDict()
        room = batch - largest_group(batch, per_label) + 1
        sizes = np.diff(self._starts)
        self._firsts = np.concatenate([[0], np.cumsum(np.where(sizes <= batch, 1, -(-sizes // room)))])

    @property
    def batches_per_epoch(self) -> float:
        """Batches after which every row was seen once on average."""
        return int(self._firsts[-1]) if self.labels is not None else max(self.length / self.batch, 1.0)

    def steps(self, epochs: float) -> int:
        """The fewest batches that cover `epochs` epochs."""
        return max(int(np.ceil(epochs * self.batches_per_epoch - 1e-9)), 1)

    def rows(self, k: int) -> np.ndarray:
        """Rows of the k-th batch, counted from 0, as int64.

        Raises:
            InputError: k below 0.
        """
        check_at_least("k", k, 0)
        if self.labels is not None:
            epoch, within = divmod(k, int(self._firsts[-1]))
            number = int(np.searchsorted(self._firsts, within, side="right")) - 1
            return self._dealt_window(epoch, number)[within - int(self._firsts[number])]
        if self._small is not None:
            return self._small.rows(k)
        epoch, start = divmod(k * self.batch, self.length)
        rows = self._range(epoch, start, min(start + self.batch, self.length))
        left = start + self.batch - self.length
        return np.concatenate([rows, self._range(epoch + 1, 0, left)]) if left > 0 else rows

    def _range(self, epoch: int, start: int, stop: int) -> np.ndarray:
        """Rows at some places of an epoch."""
        first = int(np.searchsorted(self._starts, start, side="right")) - 1
        last = int(np.searchsorted(self._starts, stop, side="left"))
        parts = [self._ordered(epoch, number) for number in range(first, last)]
        return np.concatenate(parts)[start - self._starts[first] : stop - self._starts[first]]

    def _ordered(self, epoch: int, number: int) -> np.ndarray:
        """The rows of a window in order; in the first one, rows that the batch from the last epoch has step back.

        A window holds several batches, so this touches no place that a later batch across an end would look at.
        """
        rows = self._shuffled(epoch, number)
        held = epoch * self.length % self.batch
        if number or not held:
            return rows
        before = self._range(epoch - 1, self.length - held, self.length)
        return step_back(rows, before, self.batch - held)

    def _shuffled(self, epoch: int, number: int) -> np.ndarray:
        if (epoch, number) not in self._rows:
            blocks = self._order(epoch)[self._cuts[number] : self._cuts[number + 1]]
            rows = (blocks[:, None] * self.block_rows + np.arange(self.block_rows)).ravel()
            generator = numpy_generator(self.seed, "rows", self.name, epoch, number)
            _keep(self._rows, (epoch, number), generator.permutation(rows[rows < self.length]), 3)
        return self._rows[epoch, number]

    def _order(self, epoch: int) -> np.ndarray:
        if epoch not in self._blocks:
            order = numpy_generator(self.seed, "blocks", self.name, epoch).permutation(self._whole)
            rest = [self._whole] if self.length % self.block_rows else []
            _keep(self._blocks, epoch, np.concatenate([order, rest]).astype(np.int64), 2)
        return self._blocks[epoch]

    def _dealt_window(self, epoch: int, number: int) -> list[np.ndarray]:
        if (epoch, number) not in self._dealt:
            assert self.labels is not None
            rows = self._shuffled(epoch, number)
            _, codes = np.unique(self.labels(rows), return_inverse=True)
            generator = numpy_generator(self.seed, "groups", self.name, epoch, number)
            count = int(self._firsts[number + 1] - self._firsts[number])
            dealt = LabelGroups(codes, self.batch, self.per_label, batches=count).deal(generator)
            _keep(self._dealt, (epoch, number), [rows[places] for places in dealt], 2)
        return self._dealt[epoch, number]


def _keep(store: OrderedDict, key: object, value: object, most: int) -> None:
    store[key] = value
    while len(store) > most:
        store.popitem(last=False)
