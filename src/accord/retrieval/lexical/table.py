"""The lexical table: which words stand in which document, kept by SQLite's FTS5 beside the documents.

It holds an index and no texts; those are read from `documents`, whose slots are its rows. So it follows from the
documents, and whatever happens to it, :func:`rebuild` makes it again. FTS5 must be told what to forget in the words
that it was given, so :func:`delete_rows` comes before the documents change, and :func:`insert_rows` after.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

__all__ = ["TOKENIZE", "create", "delete_rows", "drop", "insert_rows", "optimize", "rebuild", "table_sql"]

TOKENIZE = "unicode61 remove_diacritics 2"
"""How texts are cut into words unless the store says otherwise, as FTS5 spells it."""

_FORGET = (
    "INSERT INTO lexical (lexical, rowid, title, text) SELECT 'delete', slot, title, text FROM documents WHERE slot = ?"
)


def table_sql(tokenize: str = TOKENIZE) -> str:
    """The statement that makes the table.

    Args:
        tokenize: FTS5's name of a tokenizer with its arguments.
    """
    quoted = tokenize.replace("'", "''")
    return (
        "CREATE VIRTUAL TABLE lexical USING fts5(title, text, content='documents', content_rowid='slot', "
        f"tokenize='{quoted}')"
    )


def create(connection: sqlite3.Connection, tokenize: str = TOKENIZE) -> None:
    """Make the empty table."""
    connection.execute(table_sql(tokenize))


def drop(connection: sqlite3.Connection) -> None:
    """Remove the table, however damaged it is."""
    try:
        connection.execute("DROP TABLE IF EXISTS lexical")
    except sqlite3.DatabaseError:  # FTS5 cannot read its own settings, which are one number
        connection.execute("DELETE FROM lexical_config")
        connection.execute("INSERT INTO lexical_config VALUES ('version', 4)")
        connection.execute("DROP TABLE lexical")


def insert_rows(connection: sqlite3.Connection, rows: Iterable[tuple[int, str, str]]) -> None:
    """Take in documents.

    Args:
        connection: in the writer's transaction.
        rows: slot, title and text of each, just as `documents` holds them.
    """
    connection.executemany("INSERT INTO lexical (rowid, title, text) VALUES (?, ?, ?)", rows)


def delete_rows(connection: sqlite3.Connection, slots: Iterable[int]) -> None:
    """Forget documents, while `documents` still holds them as they were taken in."""
    connection.executemany(_FORGET, ((slot,) for slot in slots))


def rebuild(connection: sqlite3.Connection, tokenize: str = TOKENIZE) -> None:
    """Make the table anew from the documents.

    Args:
        connection: in the writer's transaction.
        tokenize: see :func:`table_sql`.
    """
    drop(connection)
    create(connection, tokenize)
    connection.execute("INSERT INTO lexical (lexical) VALUES ('rebuild')")


def optimize(connection: sqlite3.Connection) -> None:
    """Merge the parts that the table grew by."""
    connection.execute("INSERT INTO lexical (lexical) VALUES ('optimize')")
