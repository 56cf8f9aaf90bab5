"""What a store takes: bytes that every search reads, and bytes on the disk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from accord.retrieval.files.derived import Sidecar
from accord.retrieval.files.manifest import Manifest
from accord.retrieval.recall import RecallEstimate

__all__ = ["ColumnStats", "IndexStats", "StoreStats", "store_stats"]


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
class IndexStats:
    """One index for approximate search.

    Args:
        kind: "HNSW" or "IVF".
        rows: that it holds.
        newer: rows that came later, and are compared one by one.
        bytes: of its file.
        version: of the commit that it was made from.
    """

    kind: str
    rows: int
    newer: int
    bytes: int
    version: int


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
        indexes: for approximate search, one by one.
        recall: what approximate searches have found, by those that were asked again since the store was opened.
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
    indexes: tuple[IndexStats, ...] = ()
    recall: RecallEstimate | None = None


def store_stats(
    folder: Path,
    manifest: Manifest,
    documents: int,
    *,
    sidecars: Sequence[Sidecar] = (),
    recall: RecallEstimate | None = None,
) -> StoreStats:
    """The numbers of a store at one commit.

    Args:
        folder: the store.
        manifest: of the commit.
        documents: how many there are.
        sidecars: that the commit names.
        recall: watched while searching.
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
        indexes=tuple(_index(sidecar, rows) for sidecar in sidecars if "runs" in sidecar.settings),
        recall=recall,
    )


def _index(sidecar: Sidecar, rows: int) -> IndexStats:
    held = sum(slots for _, slots in sidecar.settings["runs"])
    return IndexStats(sidecar.kind, held, max(0, rows - held), sidecar.bytes, sidecar.version)
