"""What can be wrong with a column: each rule once, with the rows that break it and the words that say so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from accord.data.arrow import compute as pc

__all__ = [
    "Fault",
    "id_faults",
    "is_list",
    "is_text",
    "label_faults",
    "list_faults",
    "note_faults",
    "number_faults",
    "parse_numbers",
    "plain",
    "score_faults",
    "text_faults",
]

TEXT = pa.large_string()


@dataclass(frozen=True)
class Fault:
    """One broken rule.

    Args:
        rows: rows that break it, rising; may be empty.
        say: what is wrong with one of them, and the cure; without its place.
        whole: the column is of the wrong kind as a whole, so that all its rows break the rule alike.
    """

    rows: np.ndarray
    say: Callable[[int], str]
    whole: bool = False


Faults = Iterator[Fault]


def text_faults(column: pa.ChunkedArray, name: str) -> Faults:
    """Texts: strings, none missing, none empty."""
    yield _missing(column, name, cure="Give it a text, or remove the row.")
    texts = plain(column)
    if pa.types.is_null(texts.type):
        return
    if not is_text(texts.type):
        first = texts[0].as_py() if len(texts) else None
        yield _whole(
            texts,
            f"`{name}` must hold texts. It holds {texts.type} (the first is {short(first)}). "
            "Name another column, or write the values as strings.",
        )
        return
    empty = pc.equal(pc.binary_length(pc.utf8_trim_whitespace(texts.cast(TEXT))), 0)
    yield Fault(_rows(empty), lambda _: f"`{name}` is an empty text. Give it a text, or remove the row.")


def note_faults(column: pa.ChunkedArray, name: str) -> Faults:
    """Texts that may be missing or empty."""
    if not (is_text(plain(column).type) or pa.types.is_null(column.type)):
        yield _whole(column, f"`{name}` must hold texts. It holds {column.type}. Name another column.")


def score_faults(column: pa.ChunkedArray, name: str) -> Faults:
    """Numbers, none missing, none infinite; digits in a text file count as numbers."""
    yield _missing(column, name, cure="Give it a number, or remove the row.")
    values = plain(column)
    kind = values.type
    if pa.types.is_null(kind) or pa.types.is_boolean(kind):
        return
    if is_text(kind):
        numbers, unreadable = parse_numbers(values)
        yield Fault(
            unreadable,
            lambda row: f"`{name}` must be a number. Got {short(values[row].as_py())}. Correct it, or remove the row.",
        )
    elif pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_decimal(kind):
        numbers, unreadable = values.cast(pa.float64(), safe=False), np.array([], np.int64)
        numbers = pc.if_else(pc.is_nan(numbers), None, numbers)
    else:
        yield _whole(values, f"`{name}` must hold numbers. It holds {kind}. Name another column.")
        return
    infinite = np.setdiff1d(_rows(pc.invert(pc.is_finite(numbers))), unreadable)
    yield Fault(
        infinite,
        lambda row: (
            f"`{name}` must be a finite number. Got {numbers[row].as_py()}. Give it a number, or remove the row."
        ),
    )


def label_faults(column: pa.ChunkedArray, name: str) -> Faults:
    """Names or whole numbers of classes, none missing."""
    values = plain(column)
    kind = values.type
    if is_text(kind):
        yield _missing(column, name, cure="Give it a label, or remove the row.")
        yield from list(text_faults(values, name))[1:]
        return
    yield _missing(column, name, cure="Give it a label, or remove the row.")
    if pa.types.is_floating(kind):
        fractions = pc.not_equal(pc.round(values), values)
        nan = pc.is_nan(values)
        yield Fault(
            _rows(pc.and_(fractions, pc.invert(nan))),
            lambda row: (
                f"`{name}` must be the name or number of a class. Got {values[row].as_py()}. "
                "Numbers with a fraction are scores: use the signal Scored, or name another column."
            ),
        )
    elif not (pa.types.is_integer(kind) or pa.types.is_boolean(kind) or pa.types.is_null(kind)):
        yield _whole(values, f"`{name}` must hold class names. It holds {kind}. Name another column.")


def list_faults(column: pa.ChunkedArray, name: str, *, least: int) -> Faults:
    """Lists of texts, at least `least` in each row; where none is needed, a missing list is an empty one."""
    if least:
        yield _missing(column, name, cure="Write a list of texts.")
    if pa.types.is_null(column.type):
        return
    if not is_list(column.type) or not (is_text(column.type.value_type) or pa.types.is_null(column.type.value_type)):
        hint = " One text a row is the signal Pairs." if is_text(column.type) else " Write a list of strings."
        yield _whole(column, f"`{name}` must hold lists of texts. It holds {column.type}.{hint}")
        return
    lists = column.cast(pa.large_list(TEXT))
    yield Fault(
        _rows(pc.less(pc.list_value_length(lists), least)),
        lambda _: f"`{name}` must hold at least {least} text(s). Add one, or remove the row.",
    )
    flat, parents = pc.list_flatten(lists), pc.list_parent_indices(lists)
    for what, mask in (
        ("a missing text", pc.is_null(flat)),
        ("an empty text", pc.equal(pc.binary_length(pc.utf8_trim_whitespace(flat)), 0)),
    ):
        rows = np.unique(parents.to_numpy()[_rows(mask)])
        yield Fault(rows, lambda _, what=what: f"`{name}` holds {what}. Remove it from the list.")


def number_faults(column: pa.ChunkedArray, like: pa.ChunkedArray, name: str) -> Faults:
    """Lists of finite numbers, as many in each row as there are texts in `like`."""
    counts = pc.fill_null(pc.list_value_length(like), 0) if is_list(like.type) else pa.array(np.zeros(len(like), int))
    missing = pc.and_(pc.is_null(column), pc.greater(counts, 0))
    yield Fault(
        _rows(missing),
        lambda _: (
            f"`{name}` is missing (null). Give one number a text, or leave these numbers aside: "
            f"columns={{{name!r}: None}}."
        ),
    )
    kind = column.type.value_type if is_list(column.type) else None
    if pa.types.is_null(column.type):
        return
    if kind is None or not (pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_null(kind)):
        yield _whole(column, f"`{name}` must hold lists of numbers. It holds {column.type}.")
        return
    lists = column.cast(pa.large_list(pa.float64()))
    lengths = pc.list_value_length(lists)
    yield Fault(
        _rows(pc.not_equal(lengths, counts)),
        lambda row: f"`{name}` must hold one number a text. Got {lengths[row]} for {counts[row]} texts.",
    )
    flat, parents = pc.list_flatten(lists), pc.list_parent_indices(lists).to_numpy()
    bad = _rows(pc.invert(pc.fill_null(pc.is_finite(flat), False)))
    first = dict(zip(parents[bad][::-1].tolist(), bad[::-1].tolist()))
    yield Fault(
        np.unique(parents[bad]),
        lambda row: f"`{name}` must hold finite numbers. Got {flat[first[row]].as_py()}.",
    )


def id_faults(column: pa.ChunkedArray, name: str, *, before: int = 0) -> Faults:
    """Ids: strings or whole numbers, none missing, none twice; `before` rows of the file come before the column."""
    yield _missing(column, name, cure="Give it an id, or let the rows be numbered: columns={'id': None}.")
    values = plain(column)
    kind = values.type
    if pa.types.is_null(kind):
        return
    if not (is_text(kind) or pa.types.is_integer(kind)):
        yield _whole(
            values,
            f"`{name}` must hold ids (strings or whole numbers). It holds {kind}. Name another column "
            "with columns={'id': ...}, or let the rows be numbered: columns={'id': None}.",
        )
        return
    ids = values.cast(TEXT)
    first: dict[str, int] = {}
    again: list[int] = []
    if pc.count_distinct(ids).as_py() < len(ids) - ids.null_count:
        for row, value in enumerate(ids.to_pylist()):
            if value is not None and first.setdefault(value, row) != row:
                again.append(row)
    yield Fault(np.array(again, dtype=np.int64), lambda row: _repeated(name, ids[row].as_py(), first, before))


def repeated_id(name: str, value: str, before: int) -> str:
    """What to say of an id that an earlier row has, counted from 0."""
    return (
        f"the `{name}` {value!r} was used before, in row {before + 1}. Ids must be unique: name another column with "
        "columns={'id': ...}, or let the rows be numbered: columns={'id': None}."
    )


def plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column without its dictionary."""
    return column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column


def parse_numbers(texts: pa.ChunkedArray) -> tuple[pa.ChunkedArray, np.ndarray]:
    """Texts as float64, and the rows that are no numbers (null in the first)."""
    trimmed = pc.utf8_trim_whitespace(texts.cast(TEXT))
    try:
        return trimmed.cast(pa.float64()), np.array([], dtype=np.int64)
    except pa.ArrowInvalid:
        values = [_number(value) for value in trimmed.to_pylist()]
    bad = [row for row, value in enumerate(values) if value is None and trimmed[row].is_valid]
    return pa.chunked_array([pa.array(values, pa.float64())]), np.array(bad, dtype=np.int64)


def is_text(kind: pa.DataType) -> bool:
    """Whether a type is some kind of string."""
    return pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)


def is_list(kind: pa.DataType) -> bool:
    """Whether a type is some kind of list."""
    return pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)


def short(value: object) -> str:
    """A value as a message shows it."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _number(value: str | None) -> float | None:
    try:
        return None if value is None else float(value)
    except ValueError:
        return None


def _repeated(name: str, value: str, first: dict[str, int], before: int) -> str:
    return repeated_id(name, value, before + first[value])


def _missing(column: pa.ChunkedArray, name: str, *, cure: str) -> Fault:
    missing = pc.is_null(column, nan_is_null=True) if pa.types.is_floating(column.type) else pc.is_null(column)

    def say(row: int) -> str:
        return f"`{name}` is {'NaN' if column[row].is_valid else 'missing (null)'}. {cure}"

    return Fault(_rows(missing), say)


def _whole(column: pa.ChunkedArray, message: str) -> Fault:
    return Fault(np.arange(len(column), dtype=np.int64), lambda _: message, whole=True)


def _rows(mask: pa.ChunkedArray) -> np.ndarray:
    """Rows that are true in a mask; null is not true."""
    return np.flatnonzero(pc.fill_null(mask, False).to_numpy(zero_copy_only=False)).astype(np.int64)
