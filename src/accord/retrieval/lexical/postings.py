"""Which documents hold a term, and how long each is: read from the full-text table of a store, and kept."""

from __future__ import annotations

import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

import numpy as np

from accord.core.errors import StorageError

__all__ = ["Postings", "decode_sizes"]

_KEPT = 64 << 20
_TERMS = "CREATE VIRTUAL TABLE IF NOT EXISTS temp.lexical_terms USING fts5vocab(main, lexical, instance)"
_PLACES = "SELECT group_concat(doc * 2 + (col = 'text')) FROM temp.lexical_terms WHERE term = ?"


class Postings:
    """The full-text index of one commit, by positions of the vectors.

    Lists of terms are read when a query first asks for them, and the last ones stay in memory, up to 64 MB; lengths are
    read once. A term is a bound parameter, never part of a statement.

    Args:
        reading: opens the connection of the commit, for as long as its block lasts.
        positions: from slots, rising, to positions.
        rows: positions in all.
    """

    def __init__(
        self,
        reading: Callable[[], AbstractContextManager[sqlite3.Connection]],
        positions: Callable[[np.ndarray], np.ndarray],
        rows: int,
    ) -> None:
        self.rows = rows
        self._reading = reading
        self._positions = positions
        self._lock = threading.Lock()
        self._lengths: np.ndarray | None = None
        self._documents = 0
        self._kept: OrderedDict[str, tuple[np.ndarray, np.ndarray]] = OrderedDict()
        self._bytes = 0
        self._ready = False

    @property
    def documents(self) -> int:
        """How many documents are indexed."""
        self.lengths()
        return self._documents

    def lengths(self) -> np.ndarray:
        """Terms of each document, (positions, [title, text]); zeros where there is no document."""
        with self._lock:
            if self._lengths is None:
                with self._reading() as connection:
                    found = connection.execute("SELECT id, sz FROM lexical_docsize ORDER BY id").fetchall()
                sizes = np.zeros((self.rows, 2), dtype=np.int32)
                with _sound():
                    slots = np.fromiter((slot for slot, _ in found), dtype=np.int64, count=len(found))
                    if found:
                        sizes[self._positions(slots)] = decode_sizes([size for _, size in found])
                self._lengths, self._documents = sizes, len(found)
        return self._lengths

    def of(self, term: str) -> tuple[np.ndarray, np.ndarray]:
        """Positions of the documents with a term, rising, and how often it stands in their [title, text]."""
        with self._lock:
            if (kept := self._kept.get(term)) is not None:
                self._kept.move_to_end(term)
                return kept
            found = self._read(term)
            self._kept[term] = found
            self._bytes += found[0].nbytes + found[1].nbytes
            while self._bytes > _KEPT and len(self._kept) > 1:
                _, old = self._kept.popitem(last=False)
                self._bytes -= old[0].nbytes + old[1].nbytes
            return found

    def _read(self, term: str) -> tuple[np.ndarray, np.ndarray]:
        with self._reading() as connection:
            if not self._ready:
                _open_terms(connection)
                self._ready = True
            (places,) = connection.execute(_PLACES, (term,)).fetchone()
        if places is None:
            return np.empty(0, dtype=np.int32), np.empty((0, 2), dtype=np.int32)
        with _sound():
            codes, often = np.unique(np.fromstring(places, dtype=np.int64, sep=","), return_counts=True)
            slots, first = np.unique(codes >> 1, return_inverse=True)
            counts = np.zeros((len(slots), 2), dtype=np.int32)
            counts[first, codes & 1] = often
            return self._positions(slots).astype(np.int32), counts


@contextmanager
def _sound() -> Iterator[None]:
    """A damaged index may hold anything; what cannot be read is one error."""
    try:
        yield
    except (TypeError, ValueError, IndexError, OverflowError, DeprecationWarning) as error:
        raise StorageError(
            f"The store's index of words is damaged ({error}). `accord store repair` makes it again."
        ) from error


def _open_terms(connection: sqlite3.Connection) -> None:
    """A view of the index by terms, in the connection's own memory; nothing is written to the store."""
    (guarded,) = connection.execute("PRAGMA query_only").fetchone()
    connection.execute("PRAGMA query_only = OFF")
    try:
        connection.execute(_TERMS)
    finally:
        connection.execute(f"PRAGMA query_only = {'ON' if guarded else 'OFF'}")


def decode_sizes(blobs: Sequence[bytes]) -> np.ndarray:
    """Numbers of terms, as FTS5 keeps them beside its index: two variable-length integers a document.

    Reference: sqlite.org/fts5.html, appendix on the docsize table; sqlite.org/fileformat2.html, varint.

    Returns:
        (documents, 2) int32.

    >>> decode_sizes([bytes([3, 0x81, 0x00]), bytes([0, 7])]).tolist()
    [[3, 128], [0, 7]]
    """
    data = np.frombuffer(b"".join(blobs), dtype=np.uint8)
    ends = np.flatnonzero(data < 128)
    widths = np.diff(ends, prepend=-1)
    values = data[ends].astype(np.int64)
    for step in range(1, int(widths.max(initial=1))):
        longer = widths > step
        values[longer] += (data[ends[longer] - step].astype(np.int64) & 127) << (7 * step)
    return values.reshape(-1, 2).astype(np.int32)
