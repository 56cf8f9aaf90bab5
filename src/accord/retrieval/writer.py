"""The one writer: everything of a block appears at its end, forced to the disk, or nothing does."""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from accord.core.errors import InputError, StorageError
from accord.retrieval.documents import RESERVED, Row, document_text, metadata_json, read_record, read_records
from accord.retrieval.files.cells import Cell, Cells
from accord.retrieval.files.manifest import Manifest
from accord.retrieval.files.schema import disk_errors
from accord.retrieval.files.spans import Span, fold
from accord.retrieval.files.transaction import commit, transaction
from accord.retrieval.filters.indexing import drop_index, index_field
from accord.retrieval.filters.matching import as_filter, passing_slots
from accord.retrieval.filters.tree import Filter
from accord.retrieval.lexical.table import delete_rows, insert_rows
from accord.retrieval.questions import Questions

__all__ = ["Writer", "writing"]

logger = logging.getLogger(__name__)

_INSERT = "INSERT INTO documents (slot, id, title, text, metadata, hash) VALUES (?, ?, ?, ?, ?, ?)"


@contextmanager
def writing(folder: Path, questions: Questions | None = None) -> Iterator[Writer]:
    """Open the writer of a store for one block.

    Args:
        folder: the store.
        questions: encode texts that come without vectors.

    Raises:
        StoreLocked: there already is one.
        StorageError: the disk refuses, or the store is damaged; the store stays at its last commit.
    """
    with transaction(folder) as (connection, manifest):
        writer = Writer(folder, connection, manifest, questions)
        try:
            yield writer
            writer.commit()
        except BaseException:
            writer.abandon()
            raise


class Writer:
    """Adds, deletes and updates documents; made by :meth:`Store.write`.

    Each call checks all of its input before it changes anything.
    """

    def __init__(
        self, folder: Path, connection: sqlite3.Connection, manifest: Manifest, questions: Questions | None = None
    ) -> None:
        self.folder = folder
        self.manifest = manifest
        self._connection = connection
        self._questions = questions
        self._cells = Cells(folder, manifest)
        self._span: Span | None = None
        self._changed = False
        self._state = "open"

    def add(
        self, records: Iterable[Mapping[str, Any]], vectors: Any = None, *, columns: Mapping[str, Any] | None = None
    ) -> list[str]:
        """Add new documents.

        Args:
            records: mappings with `text` and, if wanted, `id`, `title` and any JSON values as metadata. A record
                without `id` gets one from its content.
            vectors: (records, dim), finite; under cosine brought to length 1 where they are not. When not given, the
                store's model encodes each title and text.
            columns: rows of each further column that the store was made with, by its name: (records, dim), or, where
                it is ragged, a matrix for each record.

        Returns:
            Their ids.

        Raises:
            InputError: a record or a row that cannot be used, an id that the store already holds, or no vectors and no
                model.
            StorageError: the disk refuses.
        """
        return self._add(read_records(records), vectors, columns)

    def add_vectors(
        self,
        ids: Iterable[str],
        vectors: Any,
        metadata: Iterable[Mapping[str, Any]] | None = None,
        *,
        columns: Mapping[str, Any] | None = None,
    ) -> list[str]:
        """Add vectors that have ids and no texts.

        Args:
            ids: one each.
            vectors: as for :meth:`add`.
            metadata: a mapping each, if wanted.
            columns: as for :meth:`add`.

        Returns:
            The ids.

        Raises:
            InputError: as for :meth:`add`.
            StorageError: the disk refuses.
        """
        names = list(ids)
        kept: list[Mapping[str, Any]] = [{}] * len(names) if metadata is None else list(metadata)
        if len(kept) != len(names):
            raise InputError(f"`metadata` must have an entry for each of {len(names)} ids. Got {len(kept)}.")
        records = [{**values, "id": name, "text": ""} for name, values in zip(names, kept)]
        return self._add(read_records(records, textless=True), vectors, columns)

    def upsert(
        self, records: Iterable[Mapping[str, Any]], vectors: Any = None, *, columns: Mapping[str, Any] | None = None
    ) -> list[str]:
        """Add documents, each in place of the one with its id where there is one.

        Args:
            records: as for :meth:`add`; nothing is kept of the document that one replaces.
            vectors: as for :meth:`add`.
            columns: as for :meth:`add`.

        Returns:
            Their ids.

        Raises:
            InputError: as for :meth:`add`, but for ids that are there.
            StorageError: the disk refuses.
        """
        return self._add(read_records(records), vectors, columns, replace=True)

    def delete(self, ids: Iterable[str] | None = None, *, where: Filter | str | None = None) -> int:
        """Delete documents.

        Args:
            ids: of documents that are there.
            where: in place of ids, what the documents pass; see :mod:`accord.retrieval.filters`.

        Returns:
            How many.

        Raises:
            InputError: an id that the store does not hold; a filter that cannot be read, or names a field that no
                document has.
            StorageError: the disk refuses.
        """
        self._check_open()
        if (ids is None) == (where is None):
            raise InputError("`delete` needs either ids or `where`.")
        slots = list(self._known(ids or ()).values()) if where is None else self._passing(where)
        if not slots:
            return 0
        with self._mutation():
            self._bury(slots)
            self._remove(slots)
        return len(slots)

    def index_field(self, name: str) -> bool:
        """Index a field of the metadata: filters by a value that few documents have then read only those.

        Args:
            name: such as `year` or `author.name`. Answers are the same with and without.

        Returns:
            Whether it is new.

        Raises:
            InputError: `id`, `title` or `text`, or a name that needs double quotes.
            StorageError: the disk refuses.
        """
        self._check_open()
        with disk_errors(self.folder):
            new = index_field(self._connection, name)
        self._changed |= new
        return new

    def drop_index(self, name: str) -> bool:
        """Take the index of a field away.

        Returns:
            Whether there was one.
        """
        self._check_open()
        with disk_errors(self.folder):
            there = drop_index(self._connection, name)
        self._changed |= there
        return there

    def update(
        self, records: Iterable[Mapping[str, Any]], vectors: Any = None, *, columns: Mapping[str, Any] | None = None
    ) -> None:
        """Change documents: the keys of each record replace those of the document with its `id`, others stay.

        Args:
            records: mappings with `id`.
            vectors: (records, dim). When not given, the store's model encodes the documents whose text changes, and no
                other vector is touched, not even where a title changes; `upsert` encodes all that it is given.
            columns: as for :meth:`add`; needed whenever there are new vectors.

        Raises:
            InputError: an unknown or repeated id, an unusable record, or a changed text with neither vectors nor model.
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
        merged = [self._merged(slots[c["id"]], c, f"records[{n}]", vectors is not None) for n, c in enumerate(changes)]
        rows, fresh = [row for row, _ in merged], [vectors is not None or again for _, again in merged]
        if not rows:
            return
        cells: list[Cell] = []
        if any(fresh):
            encoded = [row for row, new in zip(rows, fresh) if new]
            cells = self._cells.of(self._encoded(encoded) if vectors is None else vectors, columns, len(encoded))
        with self._mutation():
            targets = list(slots.values())
            if cells:
                self._bury(slot for slot, new in zip(targets, fresh) if new)
                following = iter(range(self._append(cells), self.manifest.end + self._slots_so_far()))
                targets = [next(following) if new else slot for slot, new in zip(targets, fresh)]
            self._remove(slots.values())
            self._insert(targets, rows)

    def commit(self) -> None:
        """Force everything to the disk, then name it in one transaction; called at the end of the block."""
        self._check_open()
        self._state = "closed"
        if not self._changed:
            self._connection.rollback()
            return
        with disk_errors(self.folder):
            finished, replaced = ([], []) if self._span is None else fold(self.folder, self.manifest, self._span)
        commit(self._connection, self.folder, self.manifest, finished=finished, replaced=replaced)

    def abandon(self) -> None:
        """Leave the store as it was; called when the block fails."""
        self._state = "closed"
        if self._span is not None:
            self._span.abandon()
        try:
            if self._connection.in_transaction:
                self._connection.rollback()
        except sqlite3.Error as error:  # closing the connection drops the transaction all the same
            logger.warning("rolling back %s: %s", self.folder, error)

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

    def _add(
        self, rows: list[Row], vectors: Any, columns: Mapping[str, Any] | None, *, replace: bool = False
    ) -> list[str]:
        self._check_open()
        if not rows and not np.size(vectors if vectors is not None else ()):
            return []
        known = self._slots(row.id for row in rows)
        if known and not replace:
            first = next(row.id for row in rows if row.id in known)
            raise InputError(
                f"The store already holds the id {first!r} ({len(known)} such in all). "
                "Use `upsert` to replace it, `update` to change parts of it, or delete it first."
            )
        cells = self._cells.of(self._encoded(rows) if vectors is None else vectors, columns, len(rows))
        with self._mutation():
            self._bury(known.values())
            self._remove(known.values())
            first = self._append(cells)
            self._insert(range(first, first + len(rows)), rows)
        return [row.id for row in rows]

    def _encoded(self, rows: Sequence[Row]) -> np.ndarray:
        """Vectors by the store's model."""
        if self._questions is None:
            raise InputError("This writer has no model to encode texts with. Pass `vectors`.")
        for row in rows:
            if not row.text:
                raise InputError(f"The document {row.id!r} has no text to encode. Pass `vectors`.")
        return self._questions.encode_documents([document_text(row.title, row.text) for row in rows])

    def _append(self, cells: Iterable[Cell]) -> int:
        """Write rows into every column; returns the first one's slot."""
        if self._span is None:
            self._span = Span(self.folder, self.manifest.end, self.manifest.columns)
        return self._span.append(cells)

    def _slots_so_far(self) -> int:
        return 0 if self._span is None else self._span.slots

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

    def _passing(self, where: Filter | str) -> list[int]:
        wanted = as_filter(where)
        with disk_errors(self.folder):
            return passing_slots(self._connection, wanted).tolist()

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

    def _merged(self, slot: int, change: Mapping[str, Any], where: str, with_vector: bool) -> tuple[Row, bool]:
        """The document with its changes, and whether the model has to encode it again."""
        with disk_errors(self.folder):
            cells = self._connection.execute(
                "SELECT id, title, text, metadata FROM documents WHERE slot = ?", (slot,)
            ).fetchone()
        old = Row(*cells)
        new = read_record({"title": old.title, "text": old.text, **change}, where, textless=not old.text)
        model = self._questions is not None and self._questions.named
        if new.text != old.text and not (with_vector or model):
            raise InputError(f"{where} changes the text of {old.id!r}, so it needs a new vector: pass `vectors`.")
        again = model and not with_vector and bool(new.text) and new.text != old.text
        metadata = json.loads(old.metadata) | {k: v for k, v in change.items() if k not in RESERVED}
        return Row(old.id, new.title, new.text, metadata_json(metadata, where)), again
