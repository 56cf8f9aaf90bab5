"""Column checks, written once: each casts a column to its canonical type or names the first row that does not fit."""

from __future__ import annotations

import pyarrow as pa

from accord.core.errors import DataError
from accord.data.arrow import compute as pc
from accord.data.lines import Where

__all__ = ["check_ids", "check_labels", "check_lists", "check_notes", "check_numbers", "check_scores", "check_texts"]

TEXT = pa.large_string()


def check_texts(column: pa.ChunkedArray, name: str, where: Where) -> pa.ChunkedArray:
    """Texts: strings, none missing, none empty.

    Raises:
        DataError: with the file and line.
    """
    _refuse_nulls(column, name, where, cure="Give it a text, or remove the row.")
    plain = column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column
    if not is_text(plain.type):
        raise DataError(
            f"{where(0)}: `{name}` must hold texts. It holds {plain.type} (the first is {_short(plain[0].as_py())}). "
            "Name another column, or write the values as strings."
        )
    texts = plain.cast(TEXT)
    row = _first(pc.equal(pc.binary_length(pc.utf8_trim_whitespace(texts)), 0))
    if row is not None:
        raise DataError(f"{where(row)}: `{name}` is an empty text. Give it a text, or remove the row.")
    return texts


def check_notes(column: pa.ChunkedArray, name: str, where: Where) -> pa.ChunkedArray:
    """Texts that may be missing or empty; what is missing becomes "".

    Raises:
        DataError: the column holds something else.
    """
    if not (is_text(column.type) or pa.types.is_null(column.type)):
        raise DataError(f"{where(0)}: `{name}` must hold texts. It holds {column.type}. Name another column.")
    return pc.fill_null(column.cast(TEXT), "")


def check_scores(column: pa.ChunkedArray, name: str, where: Where) -> pa.ChunkedArray:
    """Numbers as float64, none missing, none infinite; digits in a text file count as numbers.

    Raises:
        DataError: with the file and line.
    """
    _refuse_nulls(column, name, where, cure="Give it a number, or remove the row.")
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if is_text(kind):
        numbers = _parse_numbers(column.cast(TEXT), name, where)
    elif pa.types.is_boolean(kind):
        numbers = column.cast(pa.int8()).cast(pa.float64())
    elif pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_decimal(kind):
        numbers = column.cast(pa.float64(), safe=False)
    else:
        raise DataError(f"{where(0)}: `{name}` must hold numbers. It holds {kind}. Name another column.")
    row = _first(pc.invert(pc.is_finite(numbers)))
    if row is not None:
        raise DataError(
            f"{where(row)}: `{name}` must be a finite number. Got {numbers[row].as_py()}. "
            "Give it a number, or remove the row."
        )
    return numbers


def check_labels(column: pa.ChunkedArray, name: str, where: Where) -> pa.ChunkedArray:
    """Class names as strings; whole numbers and true/false are written out.

    Raises:
        DataError: with the file and line.
    """
    _refuse_nulls(column, name, where, cure="Give it a label, or remove the row.")
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if pa.types.is_floating(kind):
        row = _first(pc.invert(pc.equal(pc.round(column), column)))
        if row is not None:
            raise DataError(
                f"{where(row)}: `{name}` must be the name or number of a class. Got {column[row].as_py()}. "
                "Numbers with a fraction are scores: use the signal Scored, or name another column."
            )
        return column.cast(pa.int64()).cast(TEXT)
    if is_text(kind):
        return check_texts(column, name, where)
    if pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        return column.cast(kind).cast(TEXT)
    raise DataError(f"{where(0)}: `{name}` must hold class names. It holds {kind}. Name another column.")


def check_lists(column: pa.ChunkedArray, name: str, where: Where, *, least: int) -> pa.ChunkedArray:
    """Lists of texts, at least `least` in each row.

    Raises:
        DataError: with the file and line.
    """
    _refuse_nulls(column, name, where, cure="Write a list of texts; [] where there is none.")
    if not is_list(column.type) or not (is_text(column.type.value_type) or pa.types.is_null(column.type.value_type)):
        hint = " One text a row is the signal Pairs." if is_text(column.type) else " Write a list of strings."
        raise DataError(f"{where(0)}: `{name}` must hold lists of texts. It holds {column.type}.{hint}")
    lists = column.cast(pa.large_list(TEXT))
    row = _first(pc.less(pc.list_value_length(lists), least))
    if row is not None:
        raise DataError(f"{where(row)}: `{name}` must hold at least {least} text(s). Add one, or remove the row.")
    _check_elements(lists, name, where)
    return lists


def check_numbers(column: pa.ChunkedArray, like: pa.ChunkedArray, name: str, where: Where) -> pa.ChunkedArray:
    """Lists of finite numbers, as many in each row as there are texts in `like`.

    Raises:
        DataError: with the file and line.
    """
    _refuse_nulls(column, name, where, cure="Give one number a text.")
    kind = column.type.value_type if is_list(column.type) else None
    if kind is None or not (pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_null(kind)):
        raise DataError(f"{where(0)}: `{name}` must hold lists of numbers. It holds {column.type}.")
    lists = column.cast(pa.large_list(pa.float64()))
    row = _first(pc.not_equal(pc.list_value_length(lists), pc.list_value_length(like)))
    if row is not None:
        raise DataError(
            f"{where(row)}: `{name}` must hold one number a text. Got {len(lists[row])} for {len(like[row])} texts."
        )
    flat, parents = pc.list_flatten(lists), pc.list_parent_indices(lists)
    element = _first(pc.invert(pc.fill_null(pc.is_finite(flat), False)))
    if element is not None:
        raise DataError(
            f"{where(parents[element].as_py())}: `{name}` must hold finite numbers. Got {flat[element].as_py()}."
        )
    return lists


def check_ids(column: pa.ChunkedArray, name: str, where: Where) -> pa.ChunkedArray:
    """Ids as strings, none missing, none twice.

    Raises:
        DataError: with the file and line of the second one.
    """
    _refuse_nulls(column, name, where, cure="Give it an id, or let the rows be numbered: columns={'id': None}.")
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if not (is_text(kind) or pa.types.is_integer(kind)):
        raise DataError(
            f"{where(0)}: `{name}` must hold ids (strings or whole numbers). It holds {kind}. Name another column "
            "with columns={'id': ...}, or let the rows be numbered: columns={'id': None}."
        )
    ids = column.cast(kind).cast(TEXT)
    if pc.count_distinct(ids).as_py() < len(ids):
        seen: dict[str, int] = {}
        for row, value in enumerate(ids.to_pylist()):
            if value in seen:
                raise DataError(
                    f"{where(row)}: the `{name}` {value!r} was used before, in row {seen[value] + 1}. Ids must be "
                    "unique: name another column with columns={'id': ...}, or let the rows be numbered: "
                    "columns={'id': None}."
                )
            seen[value] = row
    return ids


def is_text(kind: pa.DataType) -> bool:
    """Whether a type is some kind of string."""
    return pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)


def is_list(kind: pa.DataType) -> bool:
    """Whether a type is some kind of list."""
    return pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)


def _check_elements(lists: pa.ChunkedArray, name: str, where: Where) -> None:
    flat, parents = pc.list_flatten(lists), pc.list_parent_indices(lists)
    bad = pc.or_kleene(pc.is_null(flat), pc.equal(pc.binary_length(pc.utf8_trim_whitespace(flat)), 0))
    element = _first(bad)
    if element is not None:
        row = parents[element].as_py()
        what = "a missing text" if flat[element].as_py() is None else "an empty text"
        raise DataError(f"{where(row)}: `{name}` holds {what}. Remove it from the list.")


def _parse_numbers(texts: pa.ChunkedArray, name: str, where: Where) -> pa.ChunkedArray:
    trimmed = pc.utf8_trim_whitespace(texts)
    try:
        return trimmed.cast(pa.float64())
    except pa.ArrowInvalid:
        for row, value in enumerate(trimmed.to_pylist()):
            try:
                float(value)
            except ValueError:
                raise DataError(
                    f"{where(row)}: `{name}` must be a number. Got {_short(value)}. Correct it, or remove the row."
                ) from None
        return pa.chunked_array([pa.array([float(v) for v in trimmed.to_pylist()], pa.float64())])


def _refuse_nulls(column: pa.ChunkedArray, name: str, where: Where, *, cure: str) -> None:
    nan = column.type if pa.types.is_floating(column.type) else None
    missing = pc.is_null(column, nan_is_null=True) if nan else pc.is_null(column)
    row = _first(missing)
    if row is not None:
        what = "NaN" if column[row].is_valid else "missing (null)"
        raise DataError(f"{where(row)}: `{name}` is {what}. {cure}")


def _first(mask: pa.ChunkedArray) -> int | None:
    index = pc.index(mask, True).as_py()
    return None if index < 0 else index


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
