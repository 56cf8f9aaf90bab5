"""Columns that a store keeps and gives back, one row a document or several, as of one commit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from accord.core.checks import did_you_mean
from accord.core.errors import InputError
from accord.core.types import Ragged
from accord.retrieval.files.columns import Column, counts_of
from accord.retrieval.files.manifest import Manifest
from accord.retrieval.files.schema import SEGMENTS, damaged
from accord.retrieval.files.segments import map_segment

__all__ = ["KeptColumns"]


@dataclass(frozen=True)
class _Run:
    """The rows of a column for some slots; `ends` says where those of each slot end, of a ragged column."""

    start: int
    rows: np.ndarray
    ends: np.ndarray | None = None


class KeptColumns:
    """The further columns of a store, mapped.

    Args:
        folder: the store.
        manifest: of the commit.

    Raises:
        FileNotFoundError: a file is gone.
        StorageError: one is not what the manifest says.
    """

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self.folder = folder
        self._columns = {c.field: c for c in manifest.columns if c.use == "keep" and c.known}
        self._runs = {name: _runs(folder, manifest, column) for name, column in self._columns.items()}

    def at(self, name: str, slots: np.ndarray) -> np.ndarray | Ragged:
        """What a column holds at some slots: (slots, dim), or where it is ragged the rows of each slot.

        Args:
            name: of the column.
            slots: in any order, all of documents.

        Raises:
            InputError: no such column.
        """
        if name not in self._columns:
            there = f"It has: {', '.join(self._columns)}." if self._columns else "It has none."
            raise InputError(
                f"{self.folder} keeps no column {name!r}.{did_you_mean(name, self._columns)} {there} Columns are named "
                "when a store is made: Store.create(..., columns=[kept_column(name, dim)])."
            )
        column, runs = self._columns[name], self._runs[name]
        owners = np.searchsorted(np.array([run.start for run in runs]), slots, side="right") - 1
        if column.layout == "ragged":
            return _ragged(column, runs, owners, slots)
        found = np.empty((len(slots), column.dim), dtype=column.dtype)
        for number in np.unique(owners):
            here = np.flatnonzero(owners == number)
            found[here] = runs[number].rows[slots[here] - runs[number].start]
        return found


def _runs(folder: Path, manifest: Manifest, column: Column) -> list[_Run]:
    places = manifest.of(column)
    rows = [map_segment(folder / SEGMENTS, segment, scanned=False) for segment in places]
    if column.layout == "dense":
        return [_Run(place.start, some) for place, some in zip(places, rows)]
    beside = [map_segment(folder / SEGMENTS, s) for s in manifest.of(counts_of(manifest.columns, column))]
    ends = [np.cumsum(counts[:, 0], dtype=np.int64) for counts in beside]
    for place, last in zip(places, ends):
        if (last[-1] if len(last) else 0) != place.rows:
            raise damaged(folder, f"the counts of {place.name} do not add up to its rows")
    return [_Run(place.start, some, last) for place, some, last in zip(places, rows, ends, strict=True)]


def _ragged(column: Column, runs: Sequence[_Run], owners: np.ndarray, slots: np.ndarray) -> Ragged:
    parts = [np.empty((0, column.dim), dtype=column.dtype)]
    lengths = np.zeros(len(slots), dtype=np.int64)
    for n, (owner, slot) in enumerate(zip(owners.tolist(), slots.tolist())):
        run = runs[owner]
        assert run.ends is not None
        row = slot - run.start
        first, last = run.ends[row - 1] if row else 0, run.ends[row]
        lengths[n] = last - first
        parts.append(run.rows[first:last])
    return Ragged(np.concatenate(parts), np.concatenate([[0], np.cumsum(lengths)]))
