"""A run of slots in the making: one file a column, all of the same slots."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from accord.retrieval.files.cells import Cell
from accord.retrieval.files.columns import COUNTS, Column
from accord.retrieval.files.manifest import Manifest
from accord.retrieval.files.schema import SEGMENTS
from accord.retrieval.files.segments import Segment, SegmentFile, changed_blocks, map_segment

__all__ = ["FOLD_BYTES", "Span", "fold"]

FOLD_BYTES = 64 << 20
"""Small runs are folded into larger ones up to this size."""
_SLOTS = {False: 8192, True: 512}


class Span:
    """Files for slots from `start` on, under hidden names until :meth:`finish`.

    Args:
        folder: the store.
        start: the first slot.
        columns: of the store.
    """

    def __init__(self, folder: Path, start: int, columns: Sequence[Column]) -> None:
        self.folder = folder / SEGMENTS
        self.start = start
        self.columns = columns
        self.files: list[SegmentFile] = []
        try:
            for c in columns:
                self.files.append(SegmentFile(self.folder, start, c.dim, field=c.field, dtype=c.dtype, layout=c.layout))
        except BaseException:
            self.abandon()
            raise

    @property
    def slots(self) -> int:
        """How many slots it has."""
        return next(file.rows for file in self.files if file.layout == "dense")

    @property
    def bytes(self) -> int:
        """Of all its files."""
        return sum(file.bytes for file in self.files)

    def append(self, cells: Iterable[Cell]) -> int:
        """Write rows into every column; returns the first one's slot."""
        first = self.start + self.slots
        for file, cell in zip(self.files, cells):
            for rows in cell:
                file.append(rows)
        return first

    def copy(self, arrays: Sequence[np.ndarray], alive: np.ndarray | None = None) -> None:
        """Take in the rows of another run.

        Args:
            arrays: one a column, as they lie in its files.
            alive: which slots to take; all when not given.
        """
        owned = {column.field: rows for column, rows in zip(self.columns, arrays)}
        slots = next(len(rows) for column, rows in zip(self.columns, arrays) if column.layout == "dense")
        taken = dict.fromkeys(owned, 0)
        step = _SLOTS[any(column.layout == "ragged" for column in self.columns)]
        for first in range(0, slots, step):
            last = min(first + step, slots)
            keep = np.ones(last - first, dtype=bool) if alive is None else alive[first:last]
            for column, file in zip(self.columns, self.files):
                rows, begin, each = owned[column.field], first, keep
                if column.layout == "ragged":
                    counts = owned[column.field + COUNTS][first:last, 0].astype(np.int64)
                    begin, each = taken[column.field], np.repeat(keep, counts)
                    taken[column.field] += len(each)
                file.append(rows[begin : begin + len(each)][each])

    def arrays(self) -> list[np.ndarray]:
        """The rows so far, one array a column."""
        return [file.row_array() for file in self.files]

    def finish(self) -> list[Segment]:
        """Force the files to the disk under their own names; nothing refers to them yet."""
        slots = self.slots
        return [file.finish(slots) for file in self.files]

    def abandon(self) -> None:
        """Drop them."""
        for file in self.files:
            file.abandon()


def fold(folder: Path, manifest: Manifest, span: Span) -> tuple[list[Segment], list[Segment]]:
    """Finish a run together with the small neighbours before it, so that small commits leave few files.

    Args:
        folder: the store.
        manifest: of the commit before.
        span: new rows.

    Returns:
        The new segments, and those that they replace.
    """
    slots, size, start = span.slots, span.bytes, span.start
    taken: list[tuple[Segment, ...]] = []
    for older in reversed(manifest.spans()):
        fits = older[0].slots <= slots and size + sum(s.bytes for s in older) <= FOLD_BYTES
        if not (fits and older[0].end == start) or any(changed_blocks(span.folder, s) is not None for s in older):
            break
        taken.insert(0, older)
        slots, size, start = slots + older[0].slots, size + sum(s.bytes for s in older), older[0].start
    if not taken:
        return span.finish(), []
    whole = Span(folder, start, span.columns)
    try:
        for older in taken:
            whole.copy([map_segment(span.folder, segment) for segment in older])
        whole.copy(span.arrays())
        finished = whole.finish()
    except BaseException:
        whole.abandon()
        raise
    span.abandon()
    return finished, [segment for older in taken for segment in older]
