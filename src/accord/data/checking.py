"""Column checks: each casts a column to its canonical type, or names the first row that breaks a rule."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa

from accord.core.errors import DataError
from accord.data.arrow import compute as pc
from accord.data.faults import (
    Fault,
    id_faults,
    is_list,
    is_text,
    label_faults,
    list_faults,
    note_faults,
    number_faults,
    parse_numbers,
    plain,
    score_faults,
    text_faults,
)
from accord.data.lines import Where

__all__ = [
    "check_ids",
    "check_labels",
    "check_lists",
    "check_notes",
    "check_numbers",
    "check_scores",
    "check_texts",
    "is_list",
    "is_text",
]

TEXT = pa.large_string()
TEXTS = pa.large_list(TEXT)
NUMBERS = pa.large_list(pa.float64())


def check_texts(column: pa.ChunkedArray, name: str, where: Where) -> pa.ChunkedArray:
    """Texts: strings, none missing, none empty.

    Raises:
        DataError: with the file and line.
    """
    _refuse(text_faults(column, name), where)
    return plain(column).cast(TEXT)


def check_notes(column: pa.ChunkedArray, name: str, where: Where) -> pa.ChunkedArray:
    """Texts that may be missing or empty; what is missing becomes "".

    Raises:
        DataError: the column holds something else.
    """
    _refuse(note_faults(column, name), where)
    return pc.fill_null(plain(column).cast(TEXT), "")


def check_scores(column: pa.ChunkedArray, name: str, where: Where) -> pa.ChunkedArray:
    """Numbers as float64, none missing, none infinite; digits in a text file count as numbers.

    Raises:
        DataError: with the file and line.
    """
    _refuse(score_faults(column, name), where)
    values = plain(column)
    if is_text(values.type):
        return parse_numbers(values)[0]
    if pa.types.is_boolean(values.type):
        values = values.cast(pa.int8())
    return values.cast(pa.float64(), safe=False)


def check_labels(column: pa.ChunkedArray, name: str, where: Where) -> pa.ChunkedArray:
    """Class names as strings; whole numbers and true/false are written out.

    Raises:
        DataError: with the file and line.
    """
    _refuse(label_faults(column, name), where)
    values = plain(column)
    return (values.cast(pa.int64()) if pa.types.is_floating(values.type) else values).cast(TEXT)


def check_lists(column: pa.ChunkedArray, name: str, where: Where, *, least: int) -> pa.ChunkedArray:
    """Lists of texts, at least `least` in each row; where none is needed, a missing list becomes an empty one.

    Raises:
        DataError: with the file and line.
    """
    _refuse(list_faults(column, name, least=least), where)
    return _filled(column, TEXTS)


def check_numbers(column: pa.ChunkedArray, like: pa.ChunkedArray, name: str, where: Where) -> pa.ChunkedArray:
    """Lists of finite numbers, as many in each row as there are texts in `like`.

    Raises:
        DataError: with the file and line.
    """
    _refuse(number_faults(column, like, name), where)
    return _filled(column, NUMBERS)


def check_ids(column: pa.ChunkedArray, name: str, where: Where) -> pa.ChunkedArray:
    """Ids as strings, none missing, none twice.

    Raises:
        DataError: with the file and line of the second one.
    """
    _refuse(id_faults(column, name, before=where.first or 0), where)
    return plain(column).cast(TEXT)


def _refuse(faults: Iterable[Fault], where: Where) -> None:
    for fault in faults:
        if len(fault.rows):
            row = int(fault.rows[0])
            raise DataError(f"{where(row)}: {fault.say(row)}")


def _filled(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    lists = column.cast(kind)
    return pc.coalesce(lists, pa.scalar([], kind)) if lists.null_count else lists
