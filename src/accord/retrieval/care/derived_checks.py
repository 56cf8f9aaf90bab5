"""Checks of what a store derives from its documents and vectors: the lexical table and the sidecars."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

from accord.core.storage import hash_file
from accord.retrieval.files.derived import read_sidecars
from accord.retrieval.files.schema import DATABASE, DERIVED

__all__ = ["LEXICAL", "Finding", "lexical_findings", "sidecar_findings"]

Finding = tuple[str, str, str]
"""Kind, place and detail of a problem."""
LEXICAL = f"{DATABASE}: lexical"
"""The place of the lexical table."""
_PARTS = ("data", "idx", "docsize", "config")
_COPY = """
CREATE TEMP VIEW documents AS SELECT slot, title, text FROM main.documents;
CREATE VIRTUAL TABLE temp.again USING
    fts5(title, text, content='documents', content_rowid='slot', tokenize='{tokenize}');
CREATE VIRTUAL TABLE temp.fresh USING fts5(text)
"""
_ODD = """
SELECT EXISTS (SELECT 1 FROM main.lexical_docsize WHERE typeof(sz) != 'blob')
UNION ALL SELECT EXISTS (SELECT 1 FROM main.lexical_data WHERE typeof(block) != 'blob')
UNION ALL SELECT EXISTS (SELECT 1 FROM main.lexical_idx WHERE typeof(term) != 'blob' OR typeof(pgno) != 'integer')
"""


def lexical_findings(connection: sqlite3.Connection, tokenize: str) -> Iterator[Finding]:
    """Compare the lexical table with the documents, in a copy beside the store, so that no writer has to wait.

    Args:
        connection: reads the store; its temporary tables are used.
        tokenize: how the store cuts texts into words.
    """
    connection.execute("PRAGMA query_only = OFF")
    try:
        for statement in _COPY.format(tokenize=tokenize.replace("'", "''")).split(";"):
            connection.execute(statement)
        for part in _PARTS:
            connection.execute(f"DELETE FROM temp.again_{part}")
            connection.execute(f"INSERT INTO temp.again_{part} SELECT * FROM main.lexical_{part}")
        connection.execute("INSERT INTO temp.again (again, rank) VALUES ('integrity-check', 1)")
        connection.execute("SELECT rowid FROM main.lexical WHERE lexical MATCH 'a' LIMIT 1").fetchall()
        settings = connection.execute("SELECT k, v FROM main.lexical_config").fetchall()
        if settings != connection.execute("SELECT k, v FROM temp.fresh_config").fetchall():
            yield "changed", LEXICAL, "the settings of the index of words were changed"
        if any(odd for (odd,) in connection.execute(_ODD)):  # FTS5 itself does not mind, whoever reads it may
            yield "changed", LEXICAL, "the index of words holds a value of another type"
    except sqlite3.DatabaseError as error:
        if (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF in {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR}:
            raise
        yield "changed", LEXICAL, "the index of words does not follow from the documents"
    finally:
        connection.execute("PRAGMA query_only = ON")


def sidecar_findings(connection: sqlite3.Connection, path: Path) -> Iterator[Finding]:
    """Compare each sidecar with its SHA-256.

    Args:
        connection: reads the store.
        path: the store.
    """
    sidecars, problems = read_sidecars(connection)
    for sentence in problems:
        yield "changed", DATABASE, sentence
    for sidecar in sidecars:
        where, file = f"{DERIVED}/{sidecar.name}", path / DERIVED / sidecar.name
        if not file.is_file():
            yield "missing", where, "searches do without it"
        elif file.stat().st_size != sidecar.bytes or hash_file(file) != sidecar.sha256.hex():
            yield "changed", where, "the file does not match its SHA-256; searches do without it"
    named = {sidecar.name for sidecar in sidecars}
    if (path / DERIVED).is_dir():
        for file in sorted((path / DERIVED).iterdir()):
            if file.name not in named:
                yield "orphan", f"{DERIVED}/{file.name}", "no commit names it"
