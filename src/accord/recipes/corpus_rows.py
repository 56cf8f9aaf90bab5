"""Rows of a corpus as a store takes them: `id`, `text`, a title if there is one, and further columns as metadata."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, time
from typing import Any

import pyarrow as pa

from accord.core.checks import did_you_mean
from accord.core.errors import InputError
from accord.data.arrow import compute as pc

__all__ = ["check_unique", "corpus_rows", "records_of", "text_of"]


def corpus_rows(table: pa.Table, source: object, column: str) -> tuple[pa.Table, int]:
    """Rows with the names that a store has for them.

    Args:
        table: with a column `id` or `_id`.
        source: its file, for errors.
        column: of the texts. A title stands for a text that is missing.

    Returns:
        Rows that have a text or a title, and how many have neither.

    Raises:
        InputError: no such column, texts or titles that are none, or a row without an id.

    >>> rows, left_out = corpus_rows(pa.table({"_id": [7, 8], "body": ["Paris", " "]}), "faq.jsonl", "body")
    >>> rows.to_pylist(), left_out
    ([{'id': '7', 'text': 'Paris'}], 1)
    """
    if column not in table.column_names:
        raise InputError(
            f"{source} has no column `{column}`.{did_you_mean(column, table.column_names)} "
            f"It has: {', '.join(table.column_names)}. Choose one by --column."
        )
    name = "id" if "id" in table.column_names else "_id"
    names = {column: "text", name: "id"}
    clash = {"text", "id"} & (set(table.column_names) - set(names))
    table = table.drop_columns(sorted(clash)).rename_columns(
        [names.get(c, c) for c in table.column_names if c not in clash]
    )
    for role in {"id", "text", "title"} & set(table.column_names):
        if role == "id" or pa.types.is_null(table[role].type):
            table = table.set_column(table.column_names.index(role), role, table[role].cast(pa.string()))
    _check_roles(table, source, column)
    if "title" in table.column_names:
        titled = pc.and_(pc.invert(_filled(table["text"])), _filled(table["title"]))
        table = table.set_column(
            table.column_names.index("text"), "text", pc.if_else(titled, table["title"], table["text"])
        )
    kept = table.filter(_filled(table["text"]))
    return kept, table.num_rows - kept.num_rows


def check_unique(ids: pa.ChunkedArray, source: object) -> None:
    """Refuse an id that names two rows.

    Raises:
        InputError: names it.
    """
    counts = pc.value_counts(ids)
    for entry in counts.filter(pc.greater(counts.field("counts"), 1)).slice(0, 1).to_pylist():
        raise InputError(f"{source} has the id {entry['values']!r} {entry['counts']} times. Ids must be unique.")


def records_of(table: pa.Table) -> list[dict[str, Any]]:
    """Rows as records of a store: what is missing is left out, and dates are written as ISO 8601."""
    return [{key: _plain(value) for key, value in row.items() if value is not None} for row in table.to_pylist()]


def text_of(record: Mapping[str, Any]) -> str:
    """What is encoded of a record; a title that stands for a missing text is said once.

    >>> text_of({"title": "Paris", "text": "A city."}), text_of({"title": "Paris", "text": "Paris"})
    ('Paris A city.', 'Paris')
    """
    title, text = record.get("title", ""), record["text"]
    return text if title == text else f"{title} {text}".strip()


def _check_roles(table: pa.Table, source: object, column: str) -> None:
    for role in ("text", "title"):
        if role in table.column_names and not _is_text(table[role].type):
            raise InputError(f"{source}: `{column if role == 'text' else role}` must be text. Got {table[role].type}.")
    if table["id"].null_count:
        raise InputError(f"{source} has {table['id'].null_count} row(s) without an id. Give each one, or none.")


def _is_text(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind)


def _filled(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    trimmed = pc.utf8_trim_whitespace(texts)
    return pc.fill_null(pc.greater(pc.utf8_length(trimmed), 0), False)


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, (date, time)) else value
