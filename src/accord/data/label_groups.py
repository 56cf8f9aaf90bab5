"""Rows of a label dealt in groups, so that a batch holds several rows of each label it has."""

from __future__ import annotations

import numpy as np

__all__ = ["LabelGroups", "largest_group"]


def largest_group(batch: int, per_label: int) -> int:
    """The most rows that a group can have, whatever the labels."""
    size = _group_size(batch, per_label)
    return 3 if size == 2 and batch >= 6 else size


def _group_size(batch: int, per_label: int) -> int:
    """At most a third of a batch, so that cutting between groups leaves no batch empty."""
    return min(per_label, max((batch + 1) // 3, 3 if batch >= 6 else 2))


class LabelGroups:
    """How the rows of each label fall into groups, and how many batches they make; the same in every epoch.

    Args:
        codes: the label of each row, from 0.
        batch: most rows a batch.
        per_label: rows of one label that stay together, about.
        batches: how many to make; None for as few as fit.
    """

    def __init__(self, codes: np.ndarray, batch: int, per_label: int, batches: int | None = None) -> None:
        counts = np.bincount(codes)
        size = _group_size(batch, per_label)
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
        self.batches = batches or (1 if len(codes) <= batch else -(-len(codes) // room))

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
        if not len(others):
            return rows
        chosen = self.codes[generator.choice(others)]
        group = generator.permutation(np.flatnonzero(self.codes == chosen))[: int(self.sizes.max())]
        room = max(2, self.batch - len(group))
        return np.concatenate([rows[:room], group[: self.batch - min(room, len(rows))]])
