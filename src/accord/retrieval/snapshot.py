"""A store as it was at one commit: a pinned read transaction and the segments that it names."""

from __future__ import annotations

import json
import sqlite3
import threading
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from accord.core.errors import InputError, StorageError
from accord.core.types import Ragged
from accord.retrieval.dense.approximate import approximate_search, worth_asking
from accord.retrieval.dense.base import Candidates
from accord.retrieval.dense.codes import code_search
from accord.retrieval.dense.exact import exact_search
from accord.retrieval.dense.rows import float_rows
from accord.retrieval.dense.within import range_search
from accord.retrieval.documents import Document, Row
from accord.retrieval.files.columns import Column
from accord.retrieval.files.derived import read_sidecars
from accord.retrieval.files.kept_columns import KeptColumns
from accord.retrieval.files.manifest import read_manifest
from accord.retrieval.files.schema import SEGMENTS, connect, damaged, disk_errors, row_hash
from accord.retrieval.files.segments import map_segment
from accord.retrieval.filters.indexing import trust_fields
from accord.retrieval.filters.matching import Matching, as_filter
from accord.retrieval.filters.tree import Filter
from accord.retrieval.lexical.postings import Postings
from accord.retrieval.rescoring import rescored_search

if TYPE_CHECKING:
    from accord.compression.codecs.base import FittedCodec

__all__ = ["Snapshot", "open_snapshot"]

Contents = tuple[str, str, str, dict[str, Any]]
"""Id, text, title and metadata of a document."""
_TRIES = 8
_MANY = 20_000
_MARKS = 64


def open_snapshot(folder: Path) -> Snapshot:
    """Pin the newest commit.

    A writer may remove a segment that it has just replaced between our look at the manifest and our look at the file;
    then there is a newer commit to pin.

    Raises:
        InputError: not a store, or of a newer format.
        StorageError: damaged; a segment is missing.
    """
    for last in [False] * (_TRIES - 1) + [True]:
        try:
            return Snapshot(folder)
        except FileNotFoundError as error:
            if last:
                raise StorageError(
                    f"{error.filename} is missing. `accord store verify {folder}` names what is lost."
                ) from error
    raise AssertionError


class Snapshot:
    """One commit, readable from several threads; later commits do not change it.

    Args:
        folder: the store.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()
        self._all_ids: list[str | None] | None = None
        self._preference: np.ndarray | None = None
        self._matching = Matching()
        with disk_errors(folder):
            connection = connect(folder, read_only=True)
        self._connection = connection
        self.close = weakref.finalize(self, connection.close)
        try:
            self._load(connection)
        except BaseException:
            self.close()
            raise

    def _load(self, connection: sqlite3.Connection) -> None:
        with disk_errors(self.folder):
            connection.execute("BEGIN")
            trust_fields(connection)  # a writer may have indexed one since the connection was opened
            self.manifest = read_manifest(connection, self.folder)
            self.sidecars, _ = read_sidecars(connection)  # a row that was changed is as good as none
            dead = connection.execute("SELECT count(*), min(slot), max(slot) FROM tombstones").fetchone()
        spans = self.manifest.of(self.manifest.scanned)
        self.codes = self._mapped(self.manifest.scanned) if self.manifest.scanned.codec else []
        kept = self.manifest.rescored if self.manifest.scanned.codec else self.manifest.scanned
        self.segments = [] if kept is None else self._mapped(kept)
        self.rows = float_rows(self.segments, self.manifest.similarity)
        self._starts = np.array([s.start for s in spans], dtype=np.int64)
        self._offsets = np.cumsum([0, *(s.slots for s in spans)])
        self._dead_count, *ends = dead
        if self._dead_count and (self._dead_count > self._offsets[-1] or not len(self._positions(np.array(ends)))):
            raise damaged(self.folder, "more rows are deleted than there are")
        self._kept = KeptColumns(self.folder, self.manifest)
        self._norm = max((s.largest_norm for s in spans), default=0.0)
        self._longest = max((s.largest_norm for s in self.manifest.of(kept)), default=0.0) if kept else 0.0
        here = weakref.proxy(self)  # no cycle: a snapshot that nobody needs is gone at once
        self.postings = Postings(lambda: here._reading(), lambda slots: here._positions(slots), int(self._offsets[-1]))

    def _mapped(self, column: Column) -> list[np.ndarray]:
        folder, scanned = self.folder / SEGMENTS, column.use == "scan"
        return [map_segment(folder, segment, scanned=scanned) for segment in self.manifest.of(column)]

    def __len__(self) -> int:
        return int(self._offsets[-1]) - self._dead_count

    @cached_property
    def _dead(self) -> np.ndarray:
        """Positions of deleted documents, rising; read at the first search, because a writer needs them not."""
        with self._reading() as connection:
            dead = connection.execute("SELECT slot FROM tombstones ORDER BY slot")
            slots = np.fromiter((slot for (slot,) in dead), dtype=np.int64)
        return self._positions(slots)

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._lock, disk_errors(self.folder):
            yield self._connection

    def _positions(self, slots: np.ndarray) -> np.ndarray:
        if not len(slots):
            return slots
        owner = np.searchsorted(self._starts, slots, side="right") - 1
        ends = self._starts + np.diff(self._offsets)
        outside = (owner < 0) | (slots >= ends[owner]) if len(ends) else np.ones(len(slots), dtype=bool)
        if outside.any():
            raise damaged(self.folder, f"slot {slots[outside][0]} lies in no segment")
        return self._offsets[owner] + slots - self._starts[owner]

    def _slots(self, positions: np.ndarray) -> np.ndarray:
        owner = np.searchsorted(self._offsets, positions, side="right") - 1
        return self._starts[owner] + positions - self._offsets[owner]

    def matching(self, where: Filter | str) -> np.ndarray:
        """Positions of the documents that pass a filter, rising; not to be written to.

        Raises:
            InputError: a text that cannot be read, or a field that no document has or that holds other kinds of values.
        """
        wanted = as_filter(where)
        with self._reading() as connection:
            return self._matching.positions(connection, wanted, self._positions)

    def nearest(
        self,
        queries: np.ndarray,
        k: int,
        *,
        codec: FittedCodec | None = None,
        count: int = 0,
        keep: np.ndarray | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Positions and scores of the best rows; ties by id, descending.

        Args:
            queries: (queries, dim) float32, of unit length under cosine.
            k: how many.
            codec: of the codes, in a store of codes.
            count: how many of the best codes are put in order by their vectors; 0 for none.
            keep: positions that alone may be found, rising; all when missing.
        """
        skip, prefer = self._dead, self.prefer
        if codec is None:
            norm = self._norm
            return exact_search(queries, self.segments, k, skip=skip, keep=keep, largest_norm=norm, prefer=prefer)
        if not count:
            return code_search(queries, self.codes, k, scores=codec.scores, skip=skip, keep=keep, prefer=prefer)
        return rescored_search(
            queries, self.codes, self.segments, k, codec=codec, count=count, skip=skip, prefer=prefer, keep=keep
        )

    def exact(self, queries: np.ndarray, k: int, *, keep: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Positions and scores of the best rows by their stored vectors, all of which are compared."""
        longest, skip = self.longest, self._dead
        return exact_search(queries, self.rows, k, skip=skip, keep=keep, largest_norm=longest, prefer=self.prefer)

    def approximate(
        self, queries: np.ndarray, k: int, *, index: Candidates, keep: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Positions and scores of most of the best rows, by an index over the first of them."""
        return approximate_search(
            queries, self.rows, k, index=index, skip=self._dead, keep=keep, largest_norm=self.longest,
            prefer=self.prefer,
        )  # fmt: skip

    def worth_asking(self, k: int, keep: np.ndarray | None) -> bool:
        """Whether an index is asked at all, and not every row that may be found compared."""
        return worth_asking(self.end, k, skip=self._dead, keep=keep)

    def within(
        self, query: np.ndarray, least_score: float, *, keep: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Positions and scores of all rows that are near enough, best first; ties by id, descending."""
        positions, scores = range_search(
            query, self.rows, least_score, skip=self._dead, keep=keep, largest_norm=self.longest
        )
        order = np.lexsort((self.prefer(positions), -scores)) if len(positions) else np.empty(0, dtype=np.int64)
        return positions[order], scores[order]

    @property
    def end(self) -> int:
        """How many rows there are, deleted ones among them."""
        return int(self._offsets[-1])

    @property
    def longest(self) -> float:
        """An upper bound on the lengths of the rows as they are compared."""
        halves = any(segment.dtype == np.float16 for segment in self.segments)
        return 1.0 + 1e-6 if halves and self.manifest.similarity == "cosine" else self._longest

    def runs(self, rows: int | None = None) -> list[list[int]]:
        """First slot and number of slots of each run of neighbours, among the first rows or all."""
        left, runs = self.end if rows is None else rows, []
        for start, slots in zip(self._starts.tolist(), np.diff(self._offsets).tolist()):
            slots = min(slots, left)
            if slots and runs and runs[-1][0] + runs[-1][1] == start:
                runs[-1][1] += slots
            elif slots:
                runs.append([start, slots])
            left -= slots
        return runs

    def prefer(self, positions: np.ndarray) -> np.ndarray:
        """Sort keys that put the larger id first."""
        if len(positions) > _MANY and self._preference is None:
            with self._reading() as connection:
                ordered = connection.execute("SELECT slot FROM documents ORDER BY id DESC")
                slots = np.fromiter((slot for (slot,) in ordered), dtype=np.int64)
            preference = np.full(self._offsets[-1], len(slots), dtype=np.int64)
            preference[self._positions(slots)] = np.arange(len(slots))
            self._preference = preference
        if self._preference is not None:
            return self._preference[positions]
        ids = self.ids_at(positions)
        keys = np.empty(len(positions), dtype=np.int64)
        keys[sorted(range(len(ids)), key=lambda n: ids[n], reverse=True)] = np.arange(len(ids))
        return keys

    def ids_at(self, positions: np.ndarray) -> list[str]:
        """The id behind each position.

        Raises:
            StorageError: a vector has no document, which only a damaged store can show.
        """
        if len(positions) > _MANY and self._all_ids is None:
            ids: list[str | None] = [None] * int(self._offsets[-1])
            with self._reading() as connection:
                rows = connection.execute("SELECT slot, id FROM documents ORDER BY slot").fetchall()
            for position, (_, name) in zip(self._positions(np.array([s for s, _ in rows])).tolist(), rows):
                ids[position] = name
            self._all_ids = ids
        if self._all_ids is not None:
            found = [self._all_ids[position] for position in positions.tolist()]
        else:
            slots = self._slots(positions).tolist()
            with self._reading() as connection:
                rows = connection.execute(
                    "SELECT slot, id FROM documents WHERE slot IN (SELECT value FROM json_each(?))",
                    (json.dumps(slots),),
                )
                names = dict(rows.fetchall())
            found = [names.get(slot) for slot in slots]
        return self._named(found)

    def vectors_of(self, names: Sequence[str] | None = None) -> np.ndarray:
        """The stored vectors of some ids, in their order, float32; of all of :meth:`ids` when none are given.

        Raises:
            InputError: an id that is not there, or a store of codes alone.
        """
        if self.manifest.scanned.codec and self.manifest.rescored is None:
            raise InputError(
                f"{self.folder} keeps codes only (it was made with rescore='none'), so it has no vectors to give."
            )
        positions = self._positions(self._slots_of(names))
        owner = np.searchsorted(self._offsets, positions, side="right") - 1
        found = np.empty((len(positions), self.manifest.dim), dtype=np.float32)
        for number in np.unique(owner):
            here = np.flatnonzero(owner == number)
            found[here] = self.segments[number][positions[here] - self._offsets[number]]
        return found

    def documents_of(self, names: Sequence[str]) -> list[Document]:
        """The documents with some ids, in their order.

        Raises:
            InputError: an id that is not there.
            StorageError: a document was changed on the disk.
        """
        return self.documents_at(self._positions(self._slots_of(names)))

    def column_of(self, name: str, ids: Sequence[str] | None = None) -> np.ndarray | Ragged:
        """What a further column holds of some ids, in their order; of all of :meth:`ids` when none are given.

        Raises:
            InputError: no such column, or an id that is not there.
            StorageError: an empty place where a document should be.
        """
        slots = self._slots_of(ids)
        self._positions(slots)  # a damaged database may name slots that no file has
        return self._kept.at(name, slots)

    def _slots_of(self, names: Sequence[str] | None) -> np.ndarray:
        wanted = self.ids() if names is None else list(names)
        with self._reading() as connection:
            rows = connection.execute(
                "SELECT id, slot FROM documents WHERE id IN (SELECT value FROM json_each(?))", (json.dumps(wanted),)
            )
            slots = dict(rows.fetchall())
        if missing := [name for name in wanted if name not in slots]:
            raise InputError(f"{self.folder} has no document with the id {missing[0]!r}.")
        return np.array([slots[name] for name in wanted], dtype=np.int64)

    def documents_at(self, positions: np.ndarray) -> list[Document]:
        """The document behind each position.

        Raises:
            StorageError: a document was changed on the disk.
        """
        return [Document(*contents) for contents in self.contents_at(positions)]

    def contents_at(self, positions: np.ndarray) -> list[Contents]:
        """Id, text, title and metadata behind each position.

        Raises:
            StorageError: a document was changed on the disk.
        """
        slots = self._slots(positions).tolist()
        few = len(slots) <= _MARKS
        among = ",".join("?" * len(slots)) if few else "SELECT value FROM json_each(?)"
        with self._reading() as connection:
            rows = connection.execute(
                f"SELECT slot, id, title, text, metadata, hash FROM documents WHERE slot IN ({among})",
                slots if few else (json.dumps(slots),),
            ).fetchall()
        contents = self._contents(rows)
        if len(contents) < len(slots) and (missing := set(slots) - set(contents)):
            raise damaged(self.folder, f"the vector in slot {min(missing)} has no document")
        return [contents[slot] for slot in slots]

    def get(self, name: str) -> Document | None:
        """The document of an id, or None.

        Raises:
            StorageError: it was changed on the disk.
        """
        with self._reading() as connection:
            row = connection.execute(
                "SELECT slot, id, title, text, metadata, hash FROM documents WHERE id = ?", (name,)
            ).fetchone()
        return None if row is None else Document(*self._contents([row])[row[0]])

    def holds(self, rows: Sequence[Row]) -> list[bool]:
        """Whether each document is there just as it is, by the hashes of its row."""
        with self._reading() as connection:
            known = connection.execute(
                "SELECT id, slot, hash FROM documents WHERE id IN (SELECT value FROM json_each(?))",
                (json.dumps([row.id for row in rows]),),
            ).fetchall()
        held = {name: (slot, stored) for name, slot, stored in known}
        return [row.id in held and row.values(held[row.id][0])[-1] == held[row.id][1] for row in rows]

    def ids(self) -> list[str]:
        """All ids, oldest first."""
        with self._reading() as connection:
            names = [name for (name,) in connection.execute("SELECT id FROM documents ORDER BY slot")]
        return self._named(names)

    def _named(self, names: list[str | None]) -> list[str]:
        found = [name for name in names if isinstance(name, str)]
        if len(found) != len(names):
            raise damaged(self.folder, "a vector has no document with an id")
        return found

    def _contents(self, rows: Sequence[tuple]) -> dict[int, Contents]:
        """What whole rows hold, by their slots."""
        for slot, name, title, text, metadata, stored in rows:
            if row_hash(slot, name, title, text, metadata) != stored:
                raise damaged(self.folder, f"document {name!r} was changed on the disk")
        decoded = json.loads(f"[{','.join([row[4] for row in rows])}]")  # at once, which is faster than one by one
        return {row[0]: (row[1], row[3], row[2], metadata) for row, metadata in zip(rows, decoded)}
