"""Segments: immutable files of vectors, `.npy` outside, hashed as a whole and a block at a time.

A file has a name of its own, is written under a hidden name, forced to the disk, renamed, and only then named by the
database. Its header follows from the database's row, so a reader compares it and parses nothing.
"""

from __future__ import annotations

import dataclasses
import hashlib
import mmap
import os
import re
import sqlite3
import uuid
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from accord.core.errors import StorageError
from accord.core.storage import fsync_path, partial_name
from accord.retrieval.files.schema import row_hash

__all__ = [
    "BLOCK_BYTES",
    "HEADER_BYTES",
    "Segment",
    "SegmentFile",
    "changed_blocks",
    "header",
    "insert_segment",
    "map_segment",
    "read_segments",
    "row_chunks",
    "write_segment",
]

HEADER_BYTES = 128
BLOCK_BYTES = 1 << 20
DTYPE = "<f4"
_NAME = re.compile(r"[0-9A-Za-z_-][0-9A-Za-z._-]{0,127}")


@dataclass(frozen=True, kw_only=True)
class Segment:
    """One file of the manifest.

    Args:
        start: the first slot; slot `start + i` is row i.
        slots: how many slots it holds.
        field: the column that it is a part of.
        layout: "dense" (one row a slot) or "ragged" (any number).
        largest_norm: an upper bound on the length of its rows.
        sha256: of the whole file.
        checks: CRC-32 of each block of `block_bytes`, four bytes each, little end first.
    """

    name: str
    start: int
    slots: int
    field: str = "vector"
    layout: str = "dense"
    dtype: str = DTYPE
    rows: int
    dim: int
    largest_norm: float
    bytes: int
    sha256: bytes
    block_bytes: int = BLOCK_BYTES
    checks: bytes

    @property
    def end(self) -> int:
        """The slot after the last."""
        return self.start + self.slots


_COLUMNS = tuple(field.name for field in dataclasses.fields(Segment))


def header(dtype: str, rows: int, dim: int) -> bytes:
    r"""The first 128 bytes of a file: a `.npy` header of version 1.0, so that any tool can read it.

    >>> len(header("<f4", 3, 384)), header("<f4", 3, 384)[:6]
    (128, b'\x93NUMPY')
    """
    text = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': ({rows}, {dim}), }}".encode()
    return b"\x93NUMPY\x01\x00" + (HEADER_BYTES - 10).to_bytes(2, "little") + text.ljust(HEADER_BYTES - 11) + b"\n"


class SegmentFile:
    """A segment in the making: rows are appended under a hidden name until `finish` gives it its own.

    Args:
        folder: the folder of the segments.
        start: its first slot.
        dim: numbers in a row.
        field: the column that it is a part of.
        dtype: of its numbers, as NumPy spells it.
        layout: "dense" or "ragged".
    """

    def __init__(
        self,
        folder: Path,
        start: int,
        dim: int,
        *,
        field: str = "vector",
        dtype: str = DTYPE,
        layout: str = "dense",
    ) -> None:
        self.folder = folder
        self.start = start
        self.dim = dim
        self.field = field
        self.dtype = dtype
        self.layout = layout
        self.rows = 0
        self.largest_norm = 0.0
        self.name = f"{start:012d}-{uuid.uuid4().hex[:12]}.npy"
        self._partial = partial_name(folder / self.name)
        self._handle = self._partial.open("w+b")
        self._handle.write(bytes(HEADER_BYTES))

    def append(self, vectors: np.ndarray) -> None:
        """Add rows, (n, dim)."""
        if not len(vectors):
            return
        vectors = np.ascontiguousarray(vectors, dtype=self.dtype)
        self._handle.write(vectors.view(np.uint8).data.cast("B"))
        self.rows += len(vectors)
        if vectors.dtype.kind == "f":  # codes have no length
            norms = np.sqrt(np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64))
            self.largest_norm = max(self.largest_norm, float(norms.max(initial=0.0)))

    def row_array(self) -> np.ndarray:
        """The rows so far, (rows, dim)."""
        self._handle.flush()
        return _map(self._partial, self.rows, self.dim, self.dtype)

    @property
    def bytes(self) -> int:
        """Of the file as it will be."""
        return HEADER_BYTES + self.rows * self.dim * np.dtype(self.dtype).itemsize

    def finish(self, slots: int | None = None) -> Segment:
        """Force it to the disk under its own name; nothing refers to it yet.

        Args:
            slots: how many it holds, where that is not its rows.
        """
        self._handle.seek(0)
        self._handle.write(header(self.dtype, self.rows, self.dim))
        self._handle.flush()
        os.fsync(self._handle.fileno())
        self._handle.close()
        sha256, checks = _digest(self._partial)
        self._partial.rename(self.folder / self.name)
        fsync_path(self.folder)
        return Segment(
            name=self.name,
            start=self.start,
            slots=self.rows if slots is None else slots,
            field=self.field,
            layout=self.layout,
            dtype=self.dtype,
            rows=self.rows,
            dim=self.dim,
            largest_norm=self.largest_norm,
            bytes=self.bytes,
            sha256=sha256,
            checks=checks,
        )

    def abandon(self) -> None:
        """Drop it."""
        with suppress(OSError):  # a full disk refuses the last buffer once more
            self._handle.close()
        self._partial.unlink(missing_ok=True)


def map_segment(folder: Path, segment: Segment, *, scanned: bool = True) -> np.ndarray:
    """The rows of a segment, (rows, dim), read-only, memory-mapped.

    Args:
        folder: the folder of the segments.
        segment: which.
        scanned: rows are read one after the other; otherwise here and there, and the kernel need not read ahead.

    Raises:
        FileNotFoundError: the file is gone.
        StorageError: its size or header is not what the manifest says.
    """
    path = folder / segment.name
    with path.open("rb") as handle:
        size, first = os.fstat(handle.fileno()).st_size, handle.read(HEADER_BYTES)
    expected = header(segment.dtype, segment.rows, segment.dim)
    if size != segment.bytes or first != expected:
        what = f"has {size} bytes, not {segment.bytes}" if size != segment.bytes else "has a changed header"
        raise StorageError(f"{path} {what}. `accord store verify {folder.parent}` names all that is changed.")
    return _map(path, segment.rows, segment.dim, segment.dtype, scanned=scanned)


def _map(path: Path, rows: int, dim: int, dtype: str, *, scanned: bool = True) -> np.ndarray:
    if not rows:
        return np.empty((0, dim), dtype=dtype)
    with path.open("rb") as handle:
        mapped = mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ)
    if not scanned and hasattr(mmap, "MADV_RANDOM"):
        mapped.madvise(mmap.MADV_RANDOM)
    return np.frombuffer(mapped, dtype=dtype, count=rows * dim, offset=HEADER_BYTES).reshape(rows, dim)


def _blocks(path: Path, size: int) -> Iterator[bytes]:
    with path.open("rb") as handle:
        while block := handle.read(size):
            yield block


def _digest(path: Path) -> tuple[bytes, bytes]:
    whole, checks = hashlib.sha256(), bytearray()
    for block in _blocks(path, BLOCK_BYTES):
        whole.update(block)
        checks += zlib.crc32(block).to_bytes(4, "little")
    return whole.digest(), bytes(checks)


def changed_blocks(folder: Path, segment: Segment) -> list[int] | None:
    """Numbers of the blocks that are not what was written; None when the whole file is as it was.

    Raises:
        FileNotFoundError: the file is gone.
    """
    whole, changed, count = hashlib.sha256(), [], 0
    for number, block in enumerate(_blocks(folder / segment.name, segment.block_bytes)):
        whole.update(block)
        if zlib.crc32(block).to_bytes(4, "little") != segment.checks[4 * number : 4 * number + 4]:
            changed.append(number)
        count = number + 1
    changed += range(count, len(segment.checks) // 4)
    return None if whole.digest() == segment.sha256 and not changed else changed


def insert_segment(connection: sqlite3.Connection, segment: Segment) -> None:
    """Name a finished file in the manifest."""
    values = dataclasses.astuple(segment)
    places = ", ".join("?" * (len(values) + 1))
    connection.execute(
        f"INSERT INTO segments ({', '.join(_COLUMNS)}, hash) VALUES ({places})", (*values, row_hash(*values))
    )


def read_segments(connection: sqlite3.Connection) -> tuple[list[Segment], list[str]]:
    """The manifest in order of slots, and what is wrong with it, a sentence a row."""
    segments, problems = [], []
    for *values, stored in connection.execute(f"SELECT {', '.join(_COLUMNS)}, hash FROM segments ORDER BY name"):
        if row_hash(*values) != stored or not _NAME.fullmatch(str(values[0])):
            problems.append(f"the manifest's row of segment {values[0]!r} was changed")
        else:
            segments.append(Segment(**dict(zip(_COLUMNS, values))))
    segments.sort(key=lambda segment: (segment.field, segment.start))
    problems += [
        f"segments {left.name} and {right.name} overlap"
        for left, right in pairwise(segments)
        if left.field == right.field and left.end > right.start
    ]
    return segments, problems


def write_segment(
    folder: Path,
    start: int,
    parts: Sequence[np.ndarray],
    *,
    field: str = "vector",
    layout: str = "dense",
    slots: int | None = None,
) -> Segment:
    """Write arrays one after the other as one finished segment."""
    file = SegmentFile(folder, start, parts[0].shape[1], field=field, dtype=parts[0].dtype.str, layout=layout)
    try:
        for rows in row_chunks(parts):
            file.append(rows)
        return file.finish(slots)
    except BaseException:
        file.abandon()
        raise


def row_chunks(parts: Iterable[np.ndarray], rows: int = 8192) -> Iterator[np.ndarray]:
    """Arrays a few rows at a time."""
    for part in parts:
        for first in range(0, len(part), rows):
            yield part[first : first + rows]
