"""Compaction: rows of deleted documents leave the files, small segments become large ones, the database shrinks.

It is one commit like any other. New files are written beside the old ones and named in the transaction that gives the
documents their new slots, so a killed compaction leaves the store as it was, and readers of an older commit keep the
files that they have mapped.
"""

from __future__ import annotations

import logging
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from accord.core.progress import Progress, silent
from accord.retrieval.documents import Row
from accord.retrieval.files.manifest import LEXICAL_SETTINGS, Manifest
from accord.retrieval.files.schema import DATABASE, DERIVED, SEGMENTS, connect, damaged, disk_errors, row_hash
from accord.retrieval.files.segments import Segment, changed_blocks, map_segment
from accord.retrieval.files.spans import Span
from accord.retrieval.files.transaction import commit, transaction
from accord.retrieval.lexical.table import optimize, rebuild

__all__ = ["CompactReport", "compact"]

logger = logging.getLogger(__name__)

SEGMENT_BYTES = 1 << 30
"""Segments of one run of slots grow no larger than this together."""
_BATCH = 1000


@dataclass(frozen=True)
class CompactReport:
    """What :func:`compact` did.

    Args:
        path: of the store.
        documents: that it holds.
        dropped: rows of deleted or replaced documents that were still in the files.
        segments_before: files of vectors and codes.
        segments_after: the same, now.
        bytes_before: of the whole folder.
        bytes_after: the same, now.
    """

    path: str
    documents: int
    dropped: int
    segments_before: int
    segments_after: int
    bytes_before: int
    bytes_after: int


def compact(path: Path | str, *, progress: Progress = silent) -> CompactReport:
    """Drop dead rows, merge segments and shrink the database; answers stay the same.

    Sidecars of a store that had dead rows are dropped, because they name rows by their place; build them again. It
    needs room on the disk for a second copy of the store.

    Args:
        path: the folder of the store.
        progress: shows rows.

    Raises:
        InputError: no store.
        StoreLocked: somebody writes.
        StorageError: the disk refuses, or the store is damaged; it stays at its last commit.
    """
    path = Path(path)
    before = _size(path)
    with transaction(path) as (connection, manifest), disk_errors(path):
        alive = _alive(connection, manifest)
        dead = int(sum((~some).sum() for some in alive))
        spans: list[Span] = []
        finished: list[Segment] = []
        if dead or len(alive) > 1:
            _check_whole(path, manifest)
            try:
                with progress("compact", total=sum(map(len, alive)), unit="rows") as advance:
                    for run, some in zip(manifest.spans(), alive):
                        _copy(path, manifest, spans, run, some)
                        advance(len(some))
                    finished = [segment for span in spans for segment in span.finish()]
                slots = np.concatenate([np.arange(run[0].start, run[0].end) for run in manifest.spans()])
                _renumber(connection, path, manifest, slots[np.concatenate(alive)])
                commit(connection, path, manifest, finished=finished, replaced=manifest.segments)
            except BaseException:
                for span in spans:
                    span.abandon()
                raise
        else:
            connection.rollback()
        documents = int(sum(map(np.sum, alive)))
        _shrink(path)
    if dead:
        _drop_derived(path)
    after = len(finished) if spans else len(manifest.segments)
    return CompactReport(str(path), documents, dead, len(manifest.segments), after, before, _size(path))


def _size(path: Path) -> int:
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())


def _alive(connection: sqlite3.Connection, manifest: Manifest) -> list[np.ndarray]:
    """Which slots of each run have a document."""
    dead = np.array(
        [slot for (slot,) in connection.execute("SELECT slot FROM tombstones ORDER BY slot")], dtype=np.int64
    )
    parts = []
    for run in manifest.spans():
        low, high = np.searchsorted(dead, [run[0].start, run[0].end])
        alive = np.ones(run[0].slots, dtype=bool)
        alive[dead[low:high] - run[0].start] = False
        parts.append(alive)
    return parts


def _check_whole(path: Path, manifest: Manifest) -> None:
    for segment in manifest.segments:
        if changed_blocks(path / SEGMENTS, segment) is not None:
            raise damaged(path, f"segment {segment.name} was changed on the disk")


def _copy(path: Path, manifest: Manifest, spans: list[Span], run: tuple[Segment, ...], alive: np.ndarray) -> None:
    """Bring what is alive of a run to the end of the last new one, or into another."""
    arrays = [map_segment(path / SEGMENTS, segment) for segment in run]
    if not spans or spans[-1].bytes + sum(segment.bytes for segment in run) > SEGMENT_BYTES:
        if spans and not spans[-1].slots:
            return spans[-1].copy(arrays, alive)
        start = spans[-1].start + spans[-1].slots if spans else 0
        spans.append(Span(path, start, manifest.columns))
    return spans[-1].copy(arrays, alive)


def _renumber(connection: sqlite3.Connection, path: Path, manifest: Manifest, slots: np.ndarray) -> None:
    """Give the documents of some slots, rising, the slots from 0 on; none of these is taken when its turn comes."""
    tokenize = (manifest.lexical or LEXICAL_SETTINGS)["tokenize"]
    moved = np.flatnonzero(slots != np.arange(len(slots)))
    for first in range(0, len(moved), _BATCH):
        part = moved[first : first + _BATCH]
        old = slots[part].tolist()
        rows = connection.execute(
            "SELECT slot, id, title, text, metadata, hash FROM documents WHERE slot BETWEEN ? AND ? ORDER BY slot",
            (old[0], old[-1]),
        ).fetchall()
        if [row[0] for row in rows] != old:
            raise damaged(path, "a vector has no document")
        for new, (*cells, stored) in zip(part.tolist(), rows):
            if row_hash(*cells) != stored:
                raise damaged(path, f"document {cells[1]!r} was changed on the disk")
            hashed = Row(*cells[1:]).values(new)[-1]
            connection.execute("UPDATE documents SET slot = ?, hash = ? WHERE slot = ?", (new, hashed, cells[0]))
    connection.execute("DELETE FROM tombstones")
    if len(moved):
        rebuild(connection, tokenize)
        connection.execute("DELETE FROM sidecars")
    else:
        optimize(connection)


def _drop_derived(path: Path) -> None:
    """Files of sidecars that no row names any more."""
    with disk_errors(path), closing(connect(path, read_only=True)) as connection:
        named = {name for (name,) in connection.execute("SELECT name FROM sidecars")}
    for file in (path / DERIVED).iterdir() if (path / DERIVED).is_dir() else ():
        if file.is_file() and file.name not in named:
            file.unlink(missing_ok=True)


def _shrink(path: Path) -> None:
    """Give the database's free pages back; it holds the same rows before and after."""
    with closing(connect(path)) as connection:
        try:
            connection.execute("VACUUM")
            connection.execute("PRAGMA busy_timeout = 200")  # who reads an older commit may do so for days
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        except sqlite3.OperationalError as error:
            logger.warning("%s is compacted, %s could not be shrunk: %s", path, DATABASE, error)
