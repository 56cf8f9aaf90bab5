"""From a row of a table back to the line of the file it came from."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pyarrow as pa

__all__ = ["ORIGIN", "Where", "open_text", "record_lines", "suffix_of", "with_origin"]

ORIGIN = b"accord.origin"


def suffix_of(path: Path) -> str:
    """The format by the name, without `.gz`.

    >>> suffix_of(Path("faq.JSONL.gz"))
    '.jsonl'
    """
    name = path.name.lower().removesuffix(".gz")
    return Path(name).suffix


def open_text(path: Path, *, errors: str = "strict") -> IO[str]:
    """Open a text file, compressed or not, as UTF-8 with line ends untouched."""
    if path.name.lower().endswith(".gz"):
        return gzip.open(path, "rt", encoding="utf-8-sig", errors=errors, newline="")
    return path.open(encoding="utf-8-sig", errors=errors, newline="")


def record_lines(path: Path) -> Iterator[int]:
    """The line on which each record of a text file begins, counted from 1; blank lines hold no record."""
    with open_text(path, errors="replace") as handle:
        if suffix_of(path) == ".csv":
            reader, begin = csv.reader(handle), 1
            for number, fields in enumerate(reader):
                if number and fields:
                    yield begin
                begin = reader.line_num + 1
        else:
            heading = suffix_of(path) == ".tsv"
            for number, line in enumerate(handle, start=1):
                if line.strip("\r\n" if heading else None) and not (heading and number == 1):
                    yield number


def with_origin(table: pa.Table, path: Path) -> pa.Table:
    """Note in a table which file it was read from."""
    return table.replace_schema_metadata({**(table.schema.metadata or {}), ORIGIN: str(path).encode()})


class Where:
    """Says where a row is: its file and line where both are known, else its number.

    Args:
        origin: the file, if there is one.
        rows: rows of the table; a file with another number of records is not taken as the origin of each row.

    >>> Where(None, 3)(0)
    'row 1'
    """

    def __init__(self, origin: str | None, rows: int) -> None:
        self.origin = origin
        self.rows = rows

    @property
    def what(self) -> str:
        """The file, or "The table"."""
        return self.origin or "The table"

    def __call__(self, row: int) -> str:
        """Name one row, counted from 0."""
        if self.origin is None:
            return f"row {row + 1}"
        path = Path(self.origin)
        if path.is_file() and suffix_of(path) in {".jsonl", ".csv", ".tsv"}:
            try:
                lines = list(record_lines(path))
            except (OSError, EOFError, csv.Error):
                lines = []
            if len(lines) == self.rows:
                return f"{self.origin}, line {lines[row]}"
        return f"{self.origin}, row {row + 1}"
