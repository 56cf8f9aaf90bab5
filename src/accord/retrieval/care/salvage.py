"""Salvage: a new database from what can still be read of one that SQLite itself finds broken."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path

import numpy as np

from accord.core.storage import fsync_path, partial_name
from accord.retrieval.files.manifest import LEXICAL_SETTINGS, META_KEYS, read_meta, set_meta
from accord.retrieval.files.schema import DATABASE, connect, create_tables, damaged, disk_errors, row_hash
from accord.retrieval.files.segments import Segment, insert_segment, read_segments
from accord.retrieval.filters.indexing import index_field, indexed_fields
from accord.retrieval.lexical.table import rebuild

__all__ = ["LOST", "salvage"]

LOST = "lost"
"""The folder for what a repair could not put back."""
_ROW = "SELECT slot, id, title, text, metadata, hash FROM documents"


def salvage(path: Path) -> list[str]:
    """Write a new database with every document that still matches its hash; the old one goes into `lost/`.

    Args:
        path: the store, whose writer's place is held.

    Returns:
        What is lost, a sentence each.

    Raises:
        StorageError: what the store says about itself cannot be read, so nothing can be put back.
    """
    with disk_errors(path), closing(connect(path, read_only=True)) as old:
        old.text_factory = lambda data: data.decode("utf-8", "surrogateescape")
        entries, segments = _about(old, path)
        first = segments[0].field if segments else ""
        slots = np.concatenate(
            [np.empty(0, np.int64), *(np.arange(s.start, s.end) for s in segments if s.field == first)]
        )
        rows, lost = _documents(old, slots)
        fields = list(indexed_fields(old))
    partial = partial_name(path / DATABASE)
    with disk_errors(path):
        partial.parent.mkdir(exist_ok=True)
        _write(partial, entries, segments, rows, slots, fields)
        _swap(path, partial)
    return lost


def _about(old: sqlite3.Connection, path: Path) -> tuple[dict[str, str], list[Segment]]:
    try:
        entries, problems = read_meta(old)
        segments, more = read_segments(old)
    except (sqlite3.DatabaseError, ValueError) as error:
        raise damaged(path, f"what the store says about itself cannot be read ({error})") from error
    entries.setdefault("lexical", json.dumps(LEXICAL_SETTINGS))
    missing = [key for key in META_KEYS if key not in entries]
    if missing or more:
        raise damaged(path, (problems + more or [f"the entry {missing[0]!r} is gone"])[0])
    return entries, segments


def _documents(old: sqlite3.Connection, slots: np.ndarray) -> tuple[list[Sequence], list[str]]:
    """Rows that match their hashes, and a sentence for each that does not."""
    rows: dict[int, Sequence] = {}
    lost: list[str] = []
    odd: list[int] = []
    for row in _read(old, slots):
        try:
            sound = row_hash(*row[:-1]) == row[-1]
        except (TypeError, UnicodeError):
            sound = False
        if sound:
            rows[row[0]] = row
        else:
            odd.append(row[0])
            lost.append(f"document {row[1]!r} in slot {row[0]}: the row does not match its hash")
    dead: list[int] = []
    with suppress(sqlite3.DatabaseError):
        dead += [slot for (slot,) in old.execute("SELECT slot FROM tombstones")]
    gone = np.setdiff1d(slots, [*rows, *dead, *odd])
    if len(gone):
        lost.append(f"{len(gone)} slot(s) whose documents cannot be read, from {gone[0]} to {gone[-1]}")
    return list(rows.values()), lost


def _read(old: sqlite3.Connection, slots: np.ndarray) -> Iterator[Sequence]:
    """All rows in one go, and where that fails one by one."""
    seen = set()
    try:
        for row in old.execute(f"{_ROW} NOT INDEXED"):
            seen.add(row[0])
            yield row
    except sqlite3.DatabaseError:
        for slot in slots.tolist():
            if slot not in seen:
                with suppress(sqlite3.DatabaseError):
                    yield from old.execute(f"{_ROW} WHERE slot = ?", (slot,)).fetchall()


def _write(
    partial: Path,
    entries: dict[str, str],
    segments: list[Segment],
    rows: list[Sequence],
    slots: np.ndarray,
    fields: list[str],
) -> None:
    with closing(sqlite3.connect(partial, isolation_level=None)) as new:
        create_tables(new, json.loads(entries["lexical"])["tokenize"])
        new.execute("BEGIN")
        for key, value in entries.items():
            set_meta(new, key, value)
        for segment in segments:
            insert_segment(new, segment)
        new.executemany("INSERT OR IGNORE INTO documents VALUES (?, ?, ?, ?, ?, ?)", rows)
        held = np.array([slot for (slot,) in new.execute("SELECT slot FROM documents")], dtype=np.int64)
        new.executemany("INSERT INTO tombstones VALUES (?)", ((s,) for s in np.setdiff1d(slots, held).tolist()))
        rebuild(new, json.loads(entries["lexical"])["tokenize"])
        for name in fields:
            index_field(new, name)
        new.execute("COMMIT")
        new.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    fsync_path(partial)


def _swap(path: Path, partial: Path) -> None:
    """Put the new database in the old one's place, whose files are kept."""
    lost = path / LOST
    lost.mkdir(exist_ok=True)
    number = sum(1 for file in lost.iterdir() if file.suffix == ".sqlite")
    kept = lost / f"{number}.sqlite"
    os.link(path / DATABASE, kept)
    for end in ("-wal", "-shm"):
        with suppress(FileNotFoundError):
            (path / f"{DATABASE}{end}").rename(kept.with_name(kept.name + end))
    partial.rename(path / DATABASE)
    fsync_path(lost)
    fsync_path(path)
