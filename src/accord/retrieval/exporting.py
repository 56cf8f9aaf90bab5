"""A store as files that any tool reads: documents as JSONL or Parquet, vectors as `.npy`, rows in the same order."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Self

import numpy as np

from accord.core.checks import check_choice
from accord.core.errors import InputError
from accord.core.progress import Progress, silent
from accord.core.storage import atomic_folder, hash_folder, write_json
from accord.core.types import Ragged
from accord.retrieval.documents import Document
from accord.retrieval.files.schema import DATABASE
from accord.retrieval.files.segments import HEADER_BYTES, header
from accord.retrieval.snapshot import Snapshot, open_snapshot

__all__ = ["DOCUMENTS", "ExportReport", "export_files"]

logger = logging.getLogger(__name__)

DOCUMENTS = ("jsonl", "parquet")
_BATCH = 4096


@dataclass(frozen=True)
class ExportReport:
    """What :func:`export_files` wrote.

    Args:
        path: the folder.
        documents: rows of each file.
        dim: numbers in a vector; None where no vectors were written.
        files: SHA-256 by name.
    """

    path: str
    documents: int
    dim: int | None
    files: dict[str, str]


def export_files(
    path: Path | str,
    out: Path | str,
    *,
    documents: str = "jsonl",
    vectors: bool = True,
    progress: Progress = silent,
) -> ExportReport:
    """Write a store's newest commit into a new folder, which appears whole or not at all.

    `documents.jsonl` has the records as they were added, so `accord index` reads it; `documents.parquet` has `id`,
    `title`, `text` and `metadata`, the latter as JSON. `vectors.npy` is (documents, dim) float32 in the same order. A
    further column is `NAME.npy`, or where documents have several rows `NAME.values.npy` and `NAME.offsets.npy`: those
    of document i are `values[offsets[i]:offsets[i + 1]]`. `store.json` says which model made the vectors.

    Args:
        path: the store.
        out: the folder.
        documents: "jsonl" or "parquet".
        vectors: write them, and the further columns.
        progress: told of the documents.

    Raises:
        InputError: no store there, a folder that is taken, or another kind of documents.
        StorageError: the disk refuses, or a document was changed on the disk.
    """
    path, out = Path(path), Path(out)
    check_choice("documents", documents, DOCUMENTS)
    if not (path / DATABASE).is_file():
        raise InputError(f"{path} is not a store (it has no {DATABASE}).")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"{out} exists. Choose another folder.")
    snapshot = open_snapshot(path)
    try:
        fields = _fields(snapshot) if vectors else []
        with atomic_folder(out) as folder:
            names = snapshot.ids()
            with ExitStack() as stack, progress("export", total=len(names), unit="documents") as advance:
                texts: Any = stack.enter_context(_Lines(folder) if documents == "jsonl" else _Parquet(folder))
                files = [stack.enter_context(_Field(folder, snapshot, field)) for field in fields]
                for some in _batches(names):
                    texts.write(snapshot.documents_of(some))
                    for file in files:
                        file.write(some)
                    advance(len(some))
            about = {
                "model": dict(snapshot.manifest.model),
                "documents": len(names),
                "version": snapshot.manifest.version,
            }
            write_json(folder / "store.json", {**about, "sha256": hash_folder(folder)})
        dim = snapshot.manifest.dim if "vectors" in fields else None
        return ExportReport(str(out), len(names), dim, hash_folder(out))
    finally:
        snapshot.close()


def _fields(snapshot: Snapshot) -> list[str]:
    manifest = snapshot.manifest
    fields = [column.field for column in manifest.columns if column.use == "keep"]
    if manifest.scanned.codec and manifest.rescored is None:
        logger.warning("%s keeps codes only, so there are no vectors to export", snapshot.folder)
        return fields
    return ["vectors", *fields]


def _batches(names: Sequence[str]) -> Iterator[Sequence[str]]:
    for first in range(0, len(names), _BATCH):
        yield names[first : first + _BATCH]


class _Lines:
    """Documents as records, a line each."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "documents.jsonl"

    def __enter__(self) -> Self:
        self._handle = self.path.open("w", encoding="utf-8", newline="\n")
        return self

    def __exit__(self, *error: object) -> None:
        self._handle.close()

    def write(self, documents: Sequence[Document]) -> None:
        """Write some."""
        for document in documents:
            title = {"title": document.title} if document.title else {}
            record = {"id": document.id, **title, "text": document.text, **document.metadata}
            self._handle.write(json.dumps(record, ensure_ascii=False) + "\n")


class _Parquet:
    """Documents as rows of four columns."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "documents.parquet"

    def __enter__(self) -> Self:
        import pyarrow as pa
        from pyarrow import parquet

        self._schema = pa.schema([(name, pa.string()) for name in ("id", "title", "text", "metadata")])
        self._writer = parquet.ParquetWriter(self.path, self._schema)
        return self

    def __exit__(self, *error: object) -> None:
        self._writer.close()

    def write(self, documents: Sequence[Document]) -> None:
        """Write some."""
        import pyarrow as pa

        rows = [(d.id, d.title, d.text, json.dumps(dict(d.metadata), ensure_ascii=False)) for d in documents]
        columns = [list(column) for column in zip(*rows)]
        self._writer.write_table(pa.table(columns, schema=self._schema))


class _Matrix:
    """A `.npy` file whose number of rows shows in the end."""

    def __init__(self, path: Path, dtype: str, dim: int) -> None:
        self.dtype, self.dim, self.rows = dtype, dim, 0
        self._handle: IO[bytes] = path.open("wb")
        self._handle.write(bytes(HEADER_BYTES))

    def write(self, rows: np.ndarray) -> None:
        """Add rows."""
        self._handle.write(np.ascontiguousarray(rows, dtype=self.dtype).tobytes())
        self.rows += len(rows)

    def close(self) -> None:
        """Say how many there are."""
        self._handle.seek(0)
        self._handle.write(header(self.dtype, self.rows, self.dim))
        self._handle.close()


class _Field:
    """The vectors, or a further column, as one file or as values and offsets."""

    def __init__(self, folder: Path, snapshot: Snapshot, field: str) -> None:
        self.snapshot, self.field = snapshot, field
        column = next((c for c in snapshot.manifest.columns if c.field == field), None)
        self._offsets = [0]
        self._ragged = column is not None and column.layout == "ragged"
        self._place = folder / f"{field}.offsets.npy"
        dtype, dim = ("<f4", snapshot.manifest.dim) if column is None else (column.dtype, column.dim)
        self._file = _Matrix(folder / (f"{field}.values.npy" if self._ragged else f"{field}.npy"), dtype, dim)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()
        if self._ragged:
            np.save(self._place, np.array(self._offsets, dtype=np.int64))

    def write(self, names: Sequence[str]) -> None:
        """Write the rows of some documents."""
        if self.field == "vectors":
            self._file.write(self.snapshot.vectors_of(names))
            return
        found = self.snapshot.column_of(self.field, names)
        if isinstance(found, Ragged):
            self._offsets += (found.offsets[1:] + self._offsets[-1]).tolist()
            found = found.values
        self._file.write(found)
