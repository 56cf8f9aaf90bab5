"""From a table to a file that appears whole or not at all."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import IO

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from accord.core.checks import check_choice
from accord.core.errors import DataError
from accord.core.progress import Advance, Progress, silent
from accord.core.storage import atomic_file
from accord.data.arrow import compute as pc
from accord.data.faults import is_text, plain
from accord.data.lines import open_text, suffix_of

__all__ = ["WRITTEN", "check_writable", "copy_lines", "write_table"]

WRITTEN = (".jsonl", ".csv", ".tsv", ".parquet")
ROWS = 8192


def check_writable(path: Path | str) -> Path:
    """The path, if its ending is one that :func:`write_table` writes.

    Raises:
        InputError: another ending.

    >>> check_writable("mined.jsonl.gz").name
    'mined.jsonl.gz'
    """
    check_choice("ending of the output", suffix_of(Path(path)), WRITTEN)
    return Path(path)


def write_table(table: pa.Table, path: Path | str, *, progress: Progress = silent) -> None:
    """Write rows as JSONL, CSV or TSV, also with `.gz`, or as Parquet, by the ending; an older file is replaced.

    Args:
        table: what to write.
        path: the file; its folder is made when missing.
        progress: told of the rows.

    Raises:
        InputError: another ending.
        DataError: a list or an object in a CSV or TSV file, or a tab or a new line in a TSV file.
        StorageError: the disk is full or refuses.
    """
    path = check_writable(path)
    ending = suffix_of(path)
    table = table.replace_schema_metadata(None)
    if ending in {".csv", ".tsv"}:
        _check_flat(table, path, ending)
    write = {".jsonl": _write_lines, ".csv": _write_csv, ".tsv": _write_tsv}.get(ending)
    with progress(f"write {path.name}", total=table.num_rows, unit="rows") as advance:
        if write is not None:
            _write_text(path, lambda text: write(table, text, advance))
            return
        with atomic_file(path) as handle:
            parquet.write_table(table, handle)
        advance(table.num_rows)


def copy_lines(path: Path, out: Path, rows: np.ndarray) -> None:
    """Copy some records of a JSONL file as they stand, blank lines left out.

    Args:
        path: the file.
        out: where to.
        rows: numbers of records, rising.
    """
    wanted = set(rows.tolist())

    def copy(text: IO[str]) -> None:
        with open_text(path) as lines:
            for number, line in enumerate(line for line in lines if line.strip()):
                if number in wanted:
                    text.write(line.rstrip("\r\n") + "\n")

    _write_text(out, copy)


def _write_text(path: Path, write: Callable[[IO[str]], None]) -> None:
    with atomic_file(path) as handle:
        packed = gzip.GzipFile("", "wb", fileobj=handle, mtime=0) if path.name.lower().endswith(".gz") else None
        text = io.TextIOWrapper(packed or handle, encoding="utf-8", newline="", write_through=True)
        write(text)
        text.detach()
        if packed is not None:
            packed.close()


def _write_lines(table: pa.Table, text: IO[str], advance: Advance) -> None:
    for batch in table.to_batches(max_chunksize=ROWS):
        text.writelines(json.dumps(row, ensure_ascii=False, default=str) + "\n" for row in batch.to_pylist())
        advance(batch.num_rows)


def _write_csv(table: pa.Table, text: IO[str], advance: Advance) -> None:
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table.column_names)
    for batch in table.to_batches(max_chunksize=ROWS):
        writer.writerows(zip(*(_filled(column) for column in batch.columns)))
        advance(batch.num_rows)


def _write_tsv(table: pa.Table, text: IO[str], advance: Advance) -> None:
    text.write("\t".join(table.column_names) + "\n")
    for batch in table.to_batches(max_chunksize=ROWS):
        rows = zip(*(_filled(column) for column in batch.columns))
        text.writelines("\t".join(map(str, row)) + "\n" for row in rows)
        advance(batch.num_rows)


def _filled(column: pa.Array) -> list[object]:
    return ["" if value is None else value for value in column.to_pylist()]


def _check_flat(table: pa.Table, path: Path, ending: str) -> None:
    for name in table.column_names:
        column = plain(table.column(name))
        if pa.types.is_nested(column.type):
            raise DataError(f"{path}: `{name}` holds lists or objects, which {ending} cannot hold. Write .jsonl.")
        if ending == ".tsv" and is_text(column.type):
            row = pc.index(pc.match_substring_regex(column, "[\t\r\n]"), True).as_py()
            if row >= 0:
                raise DataError(
                    f"{path}: `{name}` holds a tab or a new line in row {row + 1}, which a TSV file cannot hold. "
                    "Write .csv or .jsonl."
                )
