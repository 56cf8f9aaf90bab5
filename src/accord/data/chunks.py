"""A file in parts of a few megabytes, so that files larger than memory can be read; each part knows its place."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pyarrow as pa
from pyarrow import csv as arrow_csv
from pyarrow import parquet

from accord.core.errors import DataError
from accord.data.formats import (
    UNREADABLE,
    check_file,
    csv_options,
    exact_records,
    heading_of,
    parse_jsonl,
    unreadable,
)
from accord.data.lines import with_origin

__all__ = ["Chunks"]

MARK = b"\xef\xbb\xbf"
PARQUET_ROWS = 4096


class Chunks:
    """The rows of a file as tables, in order, read once for each iteration.

    Args:
        path: JSONL, CSV or TSV (each also with .gz) or Parquet, as :func:`accord.data.formats.read_table` reads them.
        size: bytes that a part of a text file has, about.

    Attributes:
        total: bytes (of Parquet, rows) of the file.
        unit: "bytes" or "rows".
        done: how many of them the parts given so far took.

    Raises:
        DataError: no such file, an unknown ending, or an empty file; while reading, a line that cannot be read.
    """

    def __init__(self, path: Path | str, size: int = 8 << 20) -> None:
        self.path = Path(path)
        self.size = size
        self.format = check_file(self.path)
        self.done = 0
        self.unit = "rows" if self.format == ".parquet" else "bytes"
        self.total = self._parquet().metadata.num_rows if self.unit == "rows" else self.path.stat().st_size

    def __iter__(self) -> Iterator[pa.Table]:
        parts = {".jsonl": self._lines, ".parquet": self._row_groups}.get(self.format, self._records)
        first = self.done = 0
        try:
            for table in parts():
                if table.num_rows:
                    yield with_origin(table, self.path, first)
                    first += table.num_rows
        except UNREADABLE as error:
            raise unreadable(self.path, error) from error
        if not first:
            raise DataError(f"{self.path} is empty: it holds no rows.")

    def _lines(self) -> Iterator[pa.Table]:
        line, rest = 1, b""
        with self.path.open("rb") as raw, self._opened(raw) as handle:
            while block := handle.read(self.size):
                block = rest + (block.removeprefix(MARK) if line == 1 and not rest else block)
                cut = block.rfind(b"\n") + 1
                whole, rest = block[:cut], block[cut:]
                self.done = raw.tell()
                if whole.strip():
                    yield parse_jsonl(whole, self.path, line)
                line += whole.count(b"\n")
            if rest.strip():
                yield parse_jsonl(rest, self.path, line)

    def _records(self) -> Iterator[pa.Table]:
        """By Arrow; by the exact pass from where Arrow refuses."""
        heading, taken = heading_of(self.path), 0
        try:
            with self.path.open("rb") as raw, self._opened(raw) as handle:
                reader = arrow_csv.open_csv(pa.PythonFile(handle), **csv_options(self.path, heading, self.size))
                if reader.schema.names == heading:
                    for batch in reader:
                        self.done = raw.tell()
                        yield pa.Table.from_batches([batch])
                        taken += batch.num_rows
                    return
        except (pa.ArrowException, UnicodeDecodeError, OSError):
            pass
        for table in exact_records(self.path, skip=taken, rows=PARQUET_ROWS):
            self.done = min(self.total, self.done + table.nbytes)
            yield table

    def _row_groups(self) -> Iterator[pa.Table]:
        for batch in self._parquet().iter_batches(batch_size=PARQUET_ROWS, use_threads=False):
            self.done += batch.num_rows
            yield pa.Table.from_batches([batch])

    def _parquet(self) -> parquet.ParquetFile:
        try:
            return parquet.ParquetFile(self.path)
        except (pa.ArrowException, OSError) as error:
            raise DataError(f"{self.path} cannot be read as Parquet: {error}") from error

    def _opened(self, raw: IO[bytes]) -> IO[bytes]:
        return gzip.GzipFile(fileobj=raw) if self.path.name.lower().endswith(".gz") else raw  # type: ignore[return-value]
