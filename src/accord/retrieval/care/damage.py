"""Which slots of a store lost what a column holds of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from accord.retrieval.files.columns import COUNTS
from accord.retrieval.files.manifest import Manifest
from accord.retrieval.files.schema import SEGMENTS
from accord.retrieval.files.segments import HEADER_BYTES, Segment, SegmentFile, changed_blocks, map_segment

__all__ = ["lost_slots", "without"]


def lost_slots(path: Path, manifest: Manifest) -> dict[str, np.ndarray]:
    """Slots whose rows lie in changed blocks, by the name of their segment; only damaged segments are named.

    Args:
        path: the store.
        manifest: of the commit.
    """
    lost: dict[str, np.ndarray] = {}
    for run in manifest.spans():
        beside = {segment.field: segment for segment in run}
        for segment in run:
            rows = _lost_rows(path, segment)
            if rows is not None:
                counts = beside.get(segment.field + COUNTS)
                lost[segment.name] = segment.start + _slots_of(path, segment, counts, rows)
    return lost


def _lost_rows(path: Path, segment: Segment) -> np.ndarray | None:
    """Rows in changed blocks; None where nothing changed."""
    every = np.arange(segment.rows)
    try:
        changed = changed_blocks(path / SEGMENTS, segment)
    except FileNotFoundError:
        return every
    if changed is None:
        return None
    if not changed or not segment.rows:
        return every
    width = (segment.bytes - HEADER_BYTES) // segment.rows
    hit = np.zeros(segment.rows, dtype=bool)
    for block in changed:
        first, last = block * segment.block_bytes - HEADER_BYTES, (block + 1) * segment.block_bytes - HEADER_BYTES
        hit[max(0, first // width) : max(0, -(-last // width))] = True
    return every[hit]


def _slots_of(path: Path, segment: Segment, counts: Segment | None, rows: np.ndarray) -> np.ndarray:
    """Places of the slots that own some rows of a segment."""
    every = np.arange(segment.slots)
    if segment.field.endswith(COUNTS):  # where one number is wrong, all that follow are counted wrong
        return every[int(rows.min(initial=segment.slots)) :]
    if counts is None:
        return rows
    try:
        if changed_blocks(path / SEGMENTS, counts) is not None:
            return every
    except FileNotFoundError:
        return every
    lengths = map_segment(path / SEGMENTS, counts)[:, 0].astype(np.int64)
    return np.unique(np.repeat(every, lengths)[rows])


def without(path: Path, manifest: Manifest, segment: Segment, lost: np.ndarray) -> Segment:
    """A new file for a segment in which nobody needs the lost rows any more: they are zeros.

    Args:
        path: the store.
        manifest: of the commit.
        segment: damaged.
        lost: its slots that are.
    """
    column = next(c for c in manifest.columns if c.field == segment.field)
    file = SegmentFile(
        path / SEGMENTS, segment.start, segment.dim, field=segment.field, dtype=segment.dtype, layout=segment.layout
    )
    try:
        rows = np.zeros((segment.rows, segment.dim), dtype=segment.dtype)
        if column.layout == "dense":
            data = np.zeros(segment.bytes - HEADER_BYTES, dtype=np.uint8)
            if (path / SEGMENTS / segment.name).is_file():
                read = np.fromfile(path / SEGMENTS / segment.name, dtype=np.uint8, offset=HEADER_BYTES)[: len(data)]
                data[: len(read)] = read
            rows = data.view(segment.dtype).reshape(rows.shape).copy()
            rows[lost - segment.start] = 0
        file.append(rows)
        return file.finish(segment.slots)
    except BaseException:
        file.abandon()
        raise
