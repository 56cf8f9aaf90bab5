"""Reading a file to its end whatever is wrong with it: what cannot be read is listed, the rest is a table."""

from __future__ import annotations

import csv
import gzip
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from accord.core.errors import DataError
from accord.data.formats import (
    UNREADABLE,
    check_file,
    heading_of,
    kind_of,
    make_array,
    parse_object,
    read_table,
    records_of,
    wrong_fields,
)
from accord.data.lines import open_text, record_lines, with_origin

__all__ = ["Problem", "Readable", "read_tolerantly"]


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong.

    Args:
        line: line of the file, or row of one without lines, from 1; None where it is the file or a column as a whole.
        message: what is wrong, and the cure.
    """

    line: int | None
    message: str


@dataclass(frozen=True)
class Readable:
    """What could be read of a file.

    Args:
        table: the rows that could be read.
        lines: the line (of Parquet, the row) of each of them, from 1.
        problems: what could not be read, in order.
        records: rows of the file, those that could not be read too.
    """

    table: pa.Table
    lines: np.ndarray
    problems: list[Problem]
    records: int


def read_tolerantly(path: Path | str) -> Readable:
    """Every row of a file that can be read, and a problem for each that cannot.

    Raises:
        DataError: no such file, an unknown ending, an empty file, or a file that holds no table at all.
    """
    path = Path(path)
    ending = check_file(path)
    try:
        table = read_table(path)
    except DataError:
        if ending == ".parquet":
            raise
        read = _read_jsonl(path) if ending == ".jsonl" else _read_delimited(path)
        return Readable(with_origin(read.table, path), read.lines, read.problems, read.records)
    if ending == ".parquet":
        lines = np.arange(1, table.num_rows + 1)
    else:
        lines = np.fromiter(record_lines(path), dtype=np.int64)
    return Readable(table, lines, [], table.num_rows)


def _read_jsonl(path: Path) -> Readable:
    rows: list[dict[str, Any]] = []
    lines: list[int] = []
    problems: list[Problem] = []
    for number, line in _raw_lines(path, problems):
        try:
            text = line.decode("utf-8")
            rows.append(parse_object(text, ""))
            lines.append(number)
        except UnicodeDecodeError as error:
            byte = f"byte 0x{line[error.start]:02x} at position {error.start + 1}"
            problems.append(Problem(number, f"not UTF-8 ({byte}). Convert the file, for example with iconv."))
        except DataError as error:
            problems.append(Problem(number, str(error).removeprefix(": ")))
    records = len(rows) + len(problems)
    usable = _of_one_kind(rows, lines, problems)
    kept = [rows[place] for place in usable]
    names = dict.fromkeys(name for row in kept for name in row)
    table = pa.table({name: make_array([row.get(name) for row in kept]) for name in names})
    problems.sort(key=lambda problem: problem.line or 0)
    return Readable(table, np.array([lines[place] for place in usable], dtype=np.int64), problems, records)


def _of_one_kind(rows: list[dict[str, Any]], lines: list[int], problems: list[Problem]) -> list[int]:
    """Rows whose values are of the kind that most rows have in each column; the others become problems."""
    counts: dict[str, Counter[str]] = {}
    for row in rows:
        for name, value in row.items():
            if kind := kind_of(value):
                counts.setdefault(name, Counter())[kind] += 1
    usual = {name: counter.most_common(1)[0][0] for name, counter in counts.items()}
    usable = []
    for place, row in enumerate(rows):
        odd = next((n for n, v in row.items() if (kind := kind_of(v)) and kind != usual[n]), None)
        if odd is None:
            usable.append(place)
        else:
            kind = kind_of(row[odd])
            problems.append(
                Problem(lines[place], f"`{odd}` is {kind}; it is {usual[odd]} in most lines. Write every row alike.")
            )
    return usable


def _raw_lines(path: Path, problems: list[Problem]) -> Iterator[tuple[int, bytes]]:
    """The lines that are not blank, with their numbers; where the file breaks off, a problem."""
    number = 0
    try:
        with gzip.open(path) if path.name.lower().endswith(".gz") else path.open("rb") as handle:
            for number, line in enumerate(handle, start=1):
                text = line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
                if text.strip():
                    yield number, text
    except UNREADABLE as error:
        problems.append(Problem(number + 1, f"the file is damaged from here on: {error}."))


def _read_delimited(path: Path) -> Readable:
    heading = heading_of(path, errors="replace")
    rows: list[list[str]] = []
    lines: list[int] = []
    problems: list[Problem] = []
    line = 1
    try:
        with open_text(path, errors="replace") as handle:
            records = records_of(handle, path)
            next(records)
            for line, fields in records:
                if len(fields) != len(heading):
                    problems.append(Problem(line, wrong_fields(fields, heading)))
                elif any("\ufffd" in field for field in fields):
                    problems.append(Problem(line, "not UTF-8. Convert the file, for example with iconv."))
                else:
                    rows.append(fields)
                    lines.append(line)
    except (*UNREADABLE, DataError, csv.Error) as error:
        problems.append(Problem(line + 1, f"nothing can be read from here on: {error}"))
    columns = list(zip(*rows)) or [() for _ in heading]
    table = pa.table({name: pa.array(list(column), pa.string()) for name, column in zip(heading, columns)})
    return Readable(table, np.array(lines, dtype=np.int64), problems, len(rows) + len(problems))
