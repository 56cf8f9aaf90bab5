"""What an approximate index promises: made from rows, kept in one file, read without a copy, asked for candidates."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np

from accord.core.errors import StorageError, require

__all__ = [
    "STORAGE",
    "Approximate",
    "Candidates",
    "Selection",
    "faiss_library",
    "read_index",
    "scalar_type",
    "write_index",
]

STORAGE = ("float32", "float16", "int8")
"""How an index may keep its own copy of the rows; answers are scored from the store's."""
_PURPOSE = "An approximate index"


class Approximate(Protocol):
    """The settings of an index, and how it is made and asked with them."""

    def train_rows(self, count: int) -> int:
        """How many rows it learns from, of so many."""
        ...

    def build(self, sample: np.ndarray, rows: Iterable[np.ndarray], count: int) -> Any:
        """A FAISS index over all rows, by inner product.

        Args:
            sample: (n, dim) float32 of them, to learn from.
            rows: all of them, some at a time, in the order of their positions.
            count: how many.
        """
        ...

    def parameters(self, index: Any, count: int, selector: Any, share: float) -> Any:
        """What FAISS is asked with.

        Args:
            index: that :meth:`build` made.
            count: candidates wanted.
            selector: which rows may be found, or None.
            share: how large a part of the rows that is, in (0, 1].
        """
        ...


def faiss_library() -> Any:
    """FAISS.

    Raises:
        MissingExtra: it is not installed.
    """
    return require("faiss", extra="search", purpose=_PURPOSE)


def scalar_type(storage: str) -> int:
    """FAISS's number for a kind of storage that takes less than float32."""
    kinds = faiss_library().ScalarQuantizer
    return {"float16": kinds.QT_fp16, "int8": kinds.QT_8bit}[storage]


def write_index(index: Any, path: str) -> None:
    """Write an index to a file."""
    faiss_library().write_index(index, path)


@dataclass(frozen=True)
class Selection:
    """Which rows of an index may be found.

    Args:
        selector: as FAISS takes it.
        share: how large a part of the rows that is.
    """

    selector: Any
    share: float


@dataclass(frozen=True)
class Candidates:
    """An index that was read; the buffer lives as long as it does.

    Args:
        settings: that it was made with, or others of the same kind for asking.
        index: of FAISS.
        rows: how many it holds: the first positions of the store.
        widened: whether its rows have one more number, which brings all of them to one length.
        buffer: the bytes that it reads from.
        kept: what was worked out before.
    """

    settings: Approximate
    index: Any
    rows: int
    widened: bool
    buffer: Any = None
    kept: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    def only(self, allowed: np.ndarray) -> Selection:
        """A selection of rows by truth values, (rows)."""
        bits = np.packbits(allowed, bitorder="little")
        return Selection(faiss_library().IDSelectorBitmap(bits), max(float(allowed.mean()), 1e-9))

    def living(self, skip: np.ndarray) -> Selection | None:
        """All rows but some deleted ones, made once for an array of positions; None where that leaves nothing out."""
        known = self.kept.get("living")
        if known is None or known[0] is not skip:
            dead = skip[: np.searchsorted(skip, self.rows)]
            allowed = np.ones(self.rows, dtype=bool)
            allowed[dead] = False
            known = (skip, self.only(allowed) if len(dead) else None)
            self.kept["living"] = known  # in one step, for other threads
        return known[1]

    def search(self, queries: np.ndarray, count: int, selection: Selection | None) -> np.ndarray:
        """Positions that are likely the nearest, in no reliable order.

        Args:
            queries: (queries, dim) float32.
            count: how many for each.
            selection: which rows may be found; all when missing.

        Returns:
            (queries, count) int64, with -1 where nothing was found.
        """
        count = min(count, self.rows)
        if self.widened:
            queries = np.hstack([queries, np.zeros((len(queries), 1), dtype=np.float32)])
        parameters = self._parameters(count, selection)
        _, found = self.index.search(np.ascontiguousarray(queries), count, params=parameters)
        return found

    def asked(self, settings: Approximate) -> Candidates:
        """The same index, asked as other settings of its kind say; made once for equal settings in a row."""
        known, wanted = self.kept.get("asked"), vars(settings)
        if known is None or known[0] != wanted:
            known = (dict(wanted), replace(self, settings=settings, kept={}))
            self.kept["asked"] = known
        return known[1]

    def _parameters(self, count: int, selection: Selection | None) -> Any:
        """What FAISS is asked with; without a selection made once for the same count in a row, as that takes time."""
        if selection is not None:
            return self.settings.parameters(self.index, count, selection.selector, selection.share)
        known = self.kept.get("parameters")
        if known is None or known[0] != count:
            known = (count, self.settings.parameters(self.index, count, None, 1.0))
            self.kept["parameters"] = known
        return known[1]


def read_index(buffer: Any, path: str) -> Any:
    """A FAISS index that reads from a buffer, such as a mapped file, without copying it.

    Args:
        buffer: the bytes, compared with their hash before; it has to outlive the index.
        path: for messages.

    Raises:
        StorageError: FAISS does not take them.
    """
    faiss = faiss_library()
    data = np.frombuffer(buffer, dtype=np.uint8)
    try:
        reader = faiss.ZeroCopyIOReader(faiss.swig_ptr(data), len(data))
        return faiss.read_index(reader, faiss.IO_FLAG_READ_ONLY)
    except RuntimeError as error:
        raise StorageError(f"{path}: FAISS cannot read it ({error}).") from error
