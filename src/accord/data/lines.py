"""From a row of a table back to the line of the file it came from."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import IO

import pyarrow as pa

__all__ = ["Where", "first_of", "open_text", "origin_of", "record_lines", "suffix_of", "with_origin"]

ORIGIN = b"accord.origin"
FIRST = b"accord.first"


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


def with_origin(table: pa.Table, path: Path | str, first: int | None = None) -> pa.Table:
    """Note in a table which file it was read from and, for a part of a file, which record its first row is."""
    notes = {**(table.schema.metadata or {}), ORIGIN: str(path).encode()}
    return table.replace_schema_metadata(notes | ({FIRST: str(first).encode()} if first is not None else {}))


def origin_of(table: pa.Table) -> str | None:
    """The file that a table was read from, if it says so."""
    found = (table.schema.metadata or {}).get(ORIGIN)
    return None if found is None else found.decode()


def first_of(table: pa.Table) -> int | None:
    """The record of the file that is the table's first row, where the table is a part of a file."""
    found = (table.schema.metadata or {}).get(FIRST)
    return None if found is None else int(found)


class Where:
    """Says where a row is: its file and line where both are known, else its number.

    Args:
        origin: the file, if there is one.
        rows: rows of the table; a file with another number of records is not taken as the origin of each row.
        first: for a part of a file, the record that is its first row, from 0; then records and rows are one to one.

    >>> Where(None, 3)(0)
    'row 1'
    """

    def __init__(self, origin: str | None, rows: int, first: int | None = None) -> None:
        self.origin = origin
        self.rows = rows
        self.first = first

    @property
    def what(self) -> str:
        """The file, or "The table"."""
        return self.origin or "The table"

    def __call__(self, row: int) -> str:
        """Name one row, counted from 0."""
        row += self.first or 0
        if self.origin is None:
            return f"row {row + 1}"
        line = self._line(row)
        return f"{self.origin}, row {row + 1}" if line is None else f"{self.origin}, line {line}"

    def _line(self, row: int) -> int | None:
        path = Path(self.origin or "")
        if not (path.is_file() and suffix_of(path) in {".jsonl", ".csv", ".tsv"}):
            return None
        try:
            if self.first is not None:
                return next(islice(record_lines(path), row, None), None)
            lines = list(record_lines(path))
        except (OSError, EOFError, csv.Error):
            return None
        return lines[row] if len(lines) == self.rows else None
