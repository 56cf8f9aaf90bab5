"""The one writer: everything of a block appears at its end, forced to the disk, or nothing does."""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from accord.core.errors import InputError, StorageError
from accord.retrieval.columns import column_codec
from accord.retrieval.documents import RESERVED, Row, metadata_json, read_record, read_records
from accord.retrieval.lexical.table import delete_rows, insert_rows
from accord.retrieval.lock import writer_lock
from accord.retrieval.manifest import Manifest, note_version, read_manifest, set_meta
from accord.retrieval.migrations import upgrade
from accord.retrieval.schema import SEGMENTS, connect, disk_errors
from accord.retrieval.segments import (
    Segment,
    SegmentFile,
    changed_blocks,
    insert_segment,
    map_segment,
    write_segment,
)
from accord.retrieval.vectors import check_half, check_vectors, stored_rows

if TYPE_CHECKING:
    from accord.compression.codecs.base import FittedCodec

__all__ = ["Writer", "writing"]

logger = logging.getLogger(__name__)

_FOLD_BYTES = 64 << 20
_INSERT = "INSERT INTO documents (slot, id, title, text, metadata, hash) VALUES (?, ?, ?, ?, ?, ?)"


@contextmanager
def writing(folder: Path) -> Iterator[Writer]:
    """Open the writer of a store for one block.

    Raises:
        StoreLocked: there already is one.
        StorageError: the disk refuses, or the store is damaged; the store stays at its last commit.
    """
    with writer_lock(folder), closing(_begin(folder)) as connection:
        manifest = read_manifest(connection, folder)
        _check_columns(folder, manifest)
        with disk_errors(folder):
            upgrade(connection, manifest)
        _clear_orphans(folder / SEGMENTS, manifest)
        writer = Writer(folder, connection, manifest)
        try:
            yield writer
            writer.commit()
        except BaseException:
            writer.abandon()
            raise


def _begin(folder: Path) -> sqlite3.Connection:
    with disk_errors(folder):
        connection = connect(folder)
        try:
            connection.execute("BEGIN IMMEDIATE")
        except BaseException:
            connection.close()
            raise
        return connection


def _check_columns(folder: Path, manifest: Manifest) -> None:
    for column in manifest.columns:
        if not column.known:
            raise InputError(
                f"{folder} has the column {column.field!r} ({column.layout}, {column.dtype}), which this accord cannot "
                "write. A newer accord made it: pip install --upgrade accord."
            )


def _clear_orphans(folder: Path, manifest: Manifest) -> None:
    """Remove what killed writers left; readers of older commits keep what they have mapped."""
    named = {segment.name for segment in manifest.segments}
    with disk_errors(folder):
        for file in [file for file in folder.iterdir() if file.name not in named]:
            logger.info("removing %s, left by a killed writer", file)
            file.unlink(missing_ok=True)


class Writer:
    """Adds, deletes and updates documents; made by :meth:`Store.write`.

    Each call checks all of its input before it changes anything.
    """

    def __init__(self, folder: Path, connection: sqlite3.Connection, manifest: Manifest) -> None:
        self.folder = folder
        self.manifest = manifest
        self._connection = connection
        self._codec: FittedCodec | None = None
        self._files: list[SegmentFile] = []
        self._changed = False
        self._state = "open"

    def add(self, records: Iterable[Mapping[str, Any]], vectors: Any) -> list[str]:
        """Add new documents with their vectors.

        Args:
            records: mappings with `text` and, if wanted, `id`, `title` and any JSON values as metadata. A record
                without `id` gets one from its content.
            vectors: (records, dim), finite; under cosine brought to length 1 where they are not.

        Returns:
            Their ids.

        Raises:
            InputError: a record or a row that cannot be used, or an id that the store already holds.
            StorageError: the disk refuses.
        """
        self._check_open()
        rows = read_records(records)
        if not rows and not np.size(vectors):
            return []
        cells = self._cells(vectors, len(rows))
        if known := self._slots(row.id for row in rows):
            first = next(row.id for row in rows if row.id in known)
            raise InputError(
                f"The store already holds the id {first!r} ({len(known)} such in all). "
                "Use `update`, or delete it first."
            )
        with self._mutation():
            first = self._append(cells)
            self._insert(range(first, first + len(rows)), rows)
        return [row.id for row in rows]

    def delete(self, ids: Iterable[str]) -> int:
        """Delete documents.

        Returns:
            How many.

        Raises:
            InputError: an id that the store does not hold.
            StorageError: the disk refuses.
        """
        self._check_open()
        slots = self._known(ids)
        if not slots:
            return 0
        with self._mutation():
            self._bury(slots.values())
            self._remove(slots.values())
        return len(slots)

    def update(self, records: Iterable[Mapping[str, Any]], vectors: Any = None) -> None:
        """Change documents: the keys of each record replace those of the document with its `id`, others stay.

        Args:
            records: mappings with `id`.
            vectors: (records, dim); needed when a text changes.

        Raises:
            InputError: an unknown or repeated id, an unusable record, or a changed text without vectors.
            StorageError: the disk refuses.
        """
        self._check_open()
        changes: list[Mapping[str, Any]] = list(records)
        for n, change in enumerate(changes):
            if not isinstance(change, Mapping) or not isinstance(change.get("id"), str):
                raise InputError(f"records[{n}] must be a mapping with the `id` of a document, a string.")
        slots = self._known(change["id"] for change in changes)
        if len(slots) != len(changes):
            raise InputError("`records` names an id twice. Ids must be unique within one update.")
        rows = [
            self._merged(slots[change["id"]], change, f"records[{n}]", vectors is not None)
            for n, change in enumerate(changes)
        ]
        if not rows:
            return
        cells = None if vectors is None else self._cells(vectors, len(rows))
        with self._mutation():
            targets = list(slots.values())
            if cells is not None:
                self._bury(targets)
                first = self._append(cells)
                targets = list(range(first, first + len(rows)))
            self._remove(slots.values())
            self._insert(targets, rows)

    def commit(self) -> None:
        """Force everything to the disk, then name it in one transaction; called at the end of the block."""
        self._check_open()
        self._state = "closed"
        if not self._changed:
            self._connection.rollback()
            return
        version = self.manifest.version + 1
        with disk_errors(self.folder):
            replaced: list[Segment] = []
            if self._files:
                finished, replaced = self._finish()
                names = ((old.name,) for old in replaced)
                self._connection.executemany("DELETE FROM segments WHERE name = ?", names)
                for segment in finished:
                    insert_segment(self._connection, segment)
            set_meta(self._connection, "version", str(version))
            self._connection.execute("COMMIT")
        self._tidy(version, replaced)

    def abandon(self) -> None:
        """Leave the store as it was; called when the block fails."""
        self._state = "closed"
        for file in self._files:
            file.abandon()
        try:
            if self._connection.in_transaction:
                self._connection.rollback()
        except sqlite3.Error as error:  # closing the connection drops the transaction all the same
            logger.warning("rolling back %s: %s", self.folder, error)

    def _finish(self) -> tuple[list[Segment], list[Segment]]:
        """The new segments, and the small neighbours that they take in, so that small commits leave few files."""
        folder, rows, start = self.folder / SEGMENTS, self._files[0].rows, self._files[0].start
        width = sum(np.dtype(file.dtype).itemsize * file.dim for file in self._files)
        taken: list[tuple[Segment, ...]] = []
        for span in reversed(self.manifest.spans()):
            fits = span[0].slots <= rows and (span[0].slots + rows) * width <= _FOLD_BYTES
            if not (fits and span[0].end == start) or any(changed_blocks(folder, s) is not None for s in span):
                break
            taken.insert(0, span)
            rows, start = rows + span[0].slots, span[0].start
        if not taken:
            return [file.finish() for file in self._files], []
        whole = []
        for file, older in zip(self._files, zip(*taken)):
            parts = [*(map_segment(folder, segment) for segment in older), file.row_array()]
            whole.append(write_segment(folder, start, parts, field=file.field))
            file.abandon()
        return whole, [segment for span in taken for segment in span]

    def _tidy(self, version: int, replaced: list[Segment]) -> None:
        """After the commit stands: note it beside the database, and drop what it replaced."""
        try:
            note_version(self.folder, version)
            for segment in replaced:
                (self.folder / SEGMENTS / segment.name).unlink(missing_ok=True)
        except OSError as error:
            logger.warning("%s: commit %d stands, tidying up did not: %s", self.folder, version, error)

    def _check_open(self) -> None:
        if self._state == "broken":
            raise StorageError(f"{self.folder}: an earlier change of this block failed; nothing of it can be kept.")
        if self._state == "closed":
            raise InputError("This writer is closed: its block has ended. Open another with `store.write()`.")

    @contextmanager
    def _mutation(self) -> Iterator[None]:
        self._state, self._changed = "broken", True
        with disk_errors(self.folder):
            yield
        self._state = "open"

    def _cells(self, vectors: Any, rows: int) -> list[Iterable[np.ndarray]]:
        """What goes into each column, some rows at a time, from vectors that were checked."""
        manifest = self.manifest
        matrix = check_vectors("vectors", vectors, (rows, manifest.dim), manifest.similarity)
        cells: list[Iterable[np.ndarray]] = []
        for column in manifest.columns:
            if column.dtype == "<f2" and manifest.similarity != "cosine":
                check_half("vectors", matrix)
            if column.codec is None:
                cells.append(stored_rows(matrix, manifest.similarity))
                continue
            codec = self._codec = self._codec or column_codec(self.folder, column)
            cells.append([codec.encode(some) for some in stored_rows(matrix, manifest.similarity)])
        return cells

    def _append(self, cells: Iterable[Iterable[np.ndarray]]) -> int:
        """Write rows into every column; returns the first one's slot."""
        if not self._files:
            folder, start = self.folder / SEGMENTS, self.manifest.end
            for column in self.manifest.columns:
                self._files.append(SegmentFile(folder, start, column.dim, field=column.field, dtype=column.dtype))
        first = self._files[0].start + self._files[0].rows
        for file, parts in zip(self._files, cells):
            for rows in parts:
                file.append(rows)
        return first

    def _insert(self, slots: Sequence[int], rows: Sequence[Row]) -> None:
        self._connection.executemany(_INSERT, (row.values(slot) for slot, row in zip(slots, rows)))
        insert_rows(self._connection, ((slot, row.title, row.text) for slot, row in zip(slots, rows)))

    def _remove(self, slots: Collection[int]) -> None:
        delete_rows(self._connection, slots)
        self._connection.executemany("DELETE FROM documents WHERE slot = ?", ((slot,) for slot in slots))

    def _bury(self, slots: Iterable[int]) -> None:
        self._connection.executemany("INSERT INTO tombstones VALUES (?)", ((slot,) for slot in slots))

    def _slots(self, ids: Iterable[str]) -> dict[str, int]:
        """Slots of those ids that the store holds."""
        with disk_errors(self.folder):
            return dict(
                self._connection.execute(
                    "SELECT id, slot FROM documents WHERE id IN (SELECT value FROM json_each(?))",
                    (json.dumps(list(ids)),),
                ).fetchall()
            )

    def _known(self, ids: Iterable[str]) -> dict[str, int]:
        """Slots of ids in their order, all of which the store must hold."""
        names = [ids] if isinstance(ids, str) else list(dict.fromkeys(ids))
        for name in names:
            if not isinstance(name, str):
                raise InputError(f"`ids` must hold strings. Got {name!r} instead.")
        slots = self._slots(names)
        for name in names:
            if name not in slots:
                raise InputError(f"The store holds no document with the id {name!r}.")
        return {name: slots[name] for name in names}

    def _merged(self, slot: int, change: Mapping[str, Any], where: str, with_vector: bool) -> Row:
        with disk_errors(self.folder):
            cells = self._connection.execute(
                "SELECT id, title, text, metadata FROM documents WHERE slot = ?", (slot,)
            ).fetchone()
        old = Row(*cells)
        new = read_record({"title": old.title, "text": old.text, **change}, where)
        if new.text != old.text and not with_vector:
            raise InputError(f"{where} changes the text of {old.id!r}, so it needs a new vector: pass `vectors`.")
        metadata = json.loads(old.metadata) | {k: v for k, v in change.items() if k not in RESERVED}
        return Row(old.id, new.title, new.text, metadata_json(metadata, where))
