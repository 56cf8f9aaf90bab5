"""The database of a store: its tables, its connections, its errors, and the hash that guards each of its rows."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import struct
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from accord.core.errors import InputError, StorageError
from accord.core.storage import storage_errors
from accord.retrieval.files.lock import StoreLocked
from accord.retrieval.filters.indexing import trust_fields
from accord.retrieval.lexical.table import TOKENIZE, create

__all__ = [
    "DATABASE",
    "DERIVED",
    "FORMAT",
    "FULL_TEXT",
    "SCHEMA",
    "SCHEMA_VERSION",
    "SEGMENTS",
    "SIDECARS",
    "VERSION_FILE",
    "check_schema_version",
    "connect",
    "create_tables",
    "damaged",
    "disk_errors",
    "empty_log",
    "row_hash",
]

FORMAT = "accord-store/1"
DATABASE = "store.sqlite"
SEGMENTS = "segments"
DERIVED = "derived"
"""Folder of the sidecars: files that follow from the store, make search faster, and may be thrown away."""
VERSION_FILE = "version.json"
APPLICATION_ID = 0x61636364  # "accd": tells a store from any other SQLite file
SCHEMA_VERSION = 3
"""Version 2 has the entry `columns` in `meta`, and segments of several columns; 3 a lexical table, and sidecars."""

SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL, hash BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE segments (
    name TEXT PRIMARY KEY NOT NULL, start INTEGER NOT NULL, slots INTEGER NOT NULL, field TEXT NOT NULL,
    layout TEXT NOT NULL, dtype TEXT NOT NULL, rows INTEGER NOT NULL, dim INTEGER NOT NULL,
    largest_norm REAL NOT NULL, bytes INTEGER NOT NULL, sha256 BLOB NOT NULL, block_bytes INTEGER NOT NULL,
    checks BLOB NOT NULL, hash BLOB NOT NULL
) WITHOUT ROWID;
CREATE TABLE documents (
    slot INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, title TEXT NOT NULL, text TEXT NOT NULL,
    metadata TEXT NOT NULL, hash BLOB NOT NULL
);
CREATE TABLE tombstones (slot INTEGER PRIMARY KEY);
"""
"""The tables that all versions have."""
SIDECARS = """
CREATE TABLE sidecars (
    name TEXT PRIMARY KEY NOT NULL, kind TEXT NOT NULL, settings TEXT NOT NULL, version INTEGER NOT NULL,
    bytes INTEGER NOT NULL, sha256 BLOB NOT NULL, hash BLOB NOT NULL
) WITHOUT ROWID;
"""
"""The table of version 3 that names the files in `derived/`: `version` is the commit that one was made from."""
FULL_TEXT = 3
"""The first schema version with a lexical table and sidecars."""

_LONG_LOG = 4 << 20
_READER_CACHE = 32 << 20  # taken as it is used
_WRITER_CACHE = 64 << 20  # new ids lie all over the index of ids: no page of a commit is written twice
_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_DISK = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN}


def row_hash(*values: str | bytes | float | None) -> bytes:
    """SHA-256 over typed values, each with its length, so that no two rows are confused.

    >>> row_hash("ab", "c") == row_hash("a", "bc"), row_hash(1) == row_hash("1")
    (False, False)
    """
    parts = []
    for value in values:
        if isinstance(value, str):
            data = value.encode("utf-8", "surrogateescape")
            parts.append(b"s%d:%b" % (len(data), data))
        elif isinstance(value, bytes):
            parts.append(b"b%d:%b" % (len(value), value))
        elif isinstance(value, float):
            data = struct.pack("<d", value)
            parts.append(b"f%d:%b" % (len(data), data))
        else:
            data = str(value).encode()
            parts.append(b"i%d:%b" % (len(data), data))
    return hashlib.sha256(b"".join(parts)).digest()


def connect(folder: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """Open the database of a store; a commit returns only after its log was forced to the disk.

    Args:
        folder: the store.
        read_only: refuse every change. On a medium that cannot be written the file is read as it lies.
    """
    path = (folder / DATABASE).resolve()
    options = "mode=rw"
    if read_only and not (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)):
        options = "mode=ro" if path.with_name(f"{DATABASE}-wal").exists() else "mode=ro&immutable=1"
    connection = sqlite3.connect(
        f"{path.as_uri()}?{options}", uri=True, isolation_level=None, check_same_thread=False, timeout=5.0
    )
    try:
        trust_fields(connection)
        if read_only:
            connection.execute("PRAGMA query_only = ON")
        else:
            connection.execute("PRAGMA synchronous = FULL")
        connection.execute(f"PRAGMA cache_size = -{(_READER_CACHE if read_only else _WRITER_CACHE) >> 10}")
    except BaseException:
        connection.close()
        raise
    return connection


def empty_log(folder: Path) -> bool:
    """Move a long log into the database, so that the next writer starts it afresh where no reader needs it.

    Returns:
        Whether there was something to move.
    """
    log = folder / f"{DATABASE}-wal"
    if not log.is_file() or log.stat().st_size < _LONG_LOG:
        return False
    with disk_errors(folder), closing(connect(folder)) as connection:
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
    return True


def create_tables(connection: sqlite3.Connection, tokenize: str = TOKENIZE) -> None:
    """Lay out an empty database; the log makes readers and the writer independent of each other.

    Args:
        connection: to an empty file.
        tokenize: how the lexical table cuts texts into words, as FTS5 spells it.
    """
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.executescript(f"BEGIN;{SCHEMA}{SIDECARS}PRAGMA application_id = {APPLICATION_ID};")
    create(connection, tokenize)
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    connection.execute("COMMIT")


def check_schema_version(connection: sqlite3.Connection, folder: Path) -> int:
    """The schema version of a store that this version of accord can read.

    Raises:
        InputError: the file is no store, or a newer accord made it.
    """
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    if application != APPLICATION_ID:
        raise InputError(f"{folder / DATABASE} is an SQLite file, but not a store of accord.")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if not 1 <= version <= SCHEMA_VERSION:
        raise InputError(
            f"{folder} has schema version {version}, and this accord reads up to {SCHEMA_VERSION}. "
            "A newer accord made it: pip install --upgrade accord."
        )
    return version


def damaged(folder: Path, what: object) -> StorageError:
    """The error about a store that is not as it was written."""
    return StorageError(f"{folder} is damaged: {what}. `accord store verify {folder}` names all that is changed.")


@contextmanager
def disk_errors(folder: Path) -> Iterator[None]:
    """Turn what SQLite and the disk say into one clear error about the store.

    Raises:
        StoreLocked: another process holds the database.
        StorageError: the disk is full or refuses, or the database is damaged.
    """
    try:
        with storage_errors(folder):
            yield
    except StorageError:
        raise
    except OSError as error:
        raise StorageError(error.errno, f"{folder}: the disk refused: {error.strerror}.") from error
    except sqlite3.DatabaseError as error:
        code = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
        if code in _BUSY:
            raise StoreLocked(f"{folder} is held by another process. Try again.") from error
        if code in _DISK:
            raise StorageError(
                f"{folder}: the disk is full or refuses ({error}). The last commit still stands."
            ) from error
        raise damaged(folder, error) from error
    except UnicodeDecodeError as error:  # what SQLite returns as text may be anything in a damaged file
        raise damaged(folder, error) from error
