"""What a store takes: bytes that every search reads, and bytes on the disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from accord.retrieval.manifest import Manifest

__all__ = ["ColumnStats", "StoreStats", "store_stats"]


@dataclass(frozen=True)
class ColumnStats:
    """One column of a store.

    Args:
        field: its name.
        dtype: of its numbers, as NumPy spells it.
        use: "scan" (compared with every query) or "rescore".
        bytes_per_row: of one document.
        bytes: of its files.
    """

    field: str
    dtype: str
    use: str
    bytes_per_row: int
    bytes: int


@dataclass(frozen=True)
class StoreStats:
    """What a store takes.

    Args:
        documents: that it holds.
        deleted: rows of documents that were deleted or changed; hidden, and still in the files.
        codec: kind of its codec, or None.
        rescore: type of the vectors that order what the codes found, "none" where there are none, or "exact" for a
            store without a codec, whose scan needs no second look.
        scanned_bytes_per_vector: of what every search reads, so what should fit into memory.
        float32_ratio: how many times fewer bytes that is than float32 vectors would be.
        scanned_bytes: the same for all rows.
        disk_bytes: of the whole folder.
        columns: one by one.
    """

    documents: int
    deleted: int
    codec: str | None
    rescore: str
    scanned_bytes_per_vector: int
    float32_ratio: float
    scanned_bytes: int
    disk_bytes: int
    columns: tuple[ColumnStats, ...]


def store_stats(folder: Path, manifest: Manifest, documents: int) -> StoreStats:
    """The numbers of a store at one commit.

    Args:
        folder: the store.
        manifest: of the commit.
        documents: how many there are.
    """
    columns = tuple(
        ColumnStats(
            column.field,
            column.dtype,
            column.use,
            column.dim * np.dtype(column.dtype).itemsize,
            sum(segment.bytes for segment in manifest.of(column)),
        )
        for column in manifest.columns
    )
    scanned = manifest.scanned
    width = scanned.dim * np.dtype(scanned.dtype).itemsize
    rows = sum(segment.slots for segment in manifest.of(scanned))
    kept = manifest.rescored
    return StoreStats(
        documents=documents,
        deleted=rows - documents,
        codec=scanned.codec["kind"] if scanned.codec else None,
        rescore="exact" if not scanned.codec else np.dtype(kept.dtype).name if kept else "none",
        scanned_bytes_per_vector=width,
        float32_ratio=4 * manifest.dim / width,
        scanned_bytes=rows * width,
        disk_bytes=sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()),
        columns=columns,
    )
