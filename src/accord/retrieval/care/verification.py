"""Verify: every byte that an answer rests on, compared with what was written."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from accord.core.errors import InputError
from accord.core.progress import Progress, silent
from accord.core.storage import read_json
from accord.retrieval.care.derived_checks import LEXICAL, lexical_findings, sidecar_findings
from accord.retrieval.files.columns import Column, codec_changes, read_columns
from accord.retrieval.files.manifest import column_problems, read_meta
from accord.retrieval.files.schema import (
    DATABASE,
    DERIVED,
    FULL_TEXT,
    SCHEMA,
    SEGMENTS,
    SIDECARS,
    VERSION_FILE,
    check_schema_version,
    connect,
    row_hash,
)
from accord.retrieval.files.segments import HEADER_BYTES, Segment, changed_blocks, read_segments
from accord.retrieval.filters.indexing import index_field, indexed_fields
from accord.retrieval.lexical.table import create

__all__ = ["Problem", "VerifyReport", "verify"]

_SHOWN = 20


@dataclass(frozen=True)
class Problem:
    """One thing that is not as it was written.

    Args:
        kind: "changed", "missing", "database" (SQLite itself complains), or "orphan" (a file that a killed writer
            left, or that one at work has not named yet; harmless, the next writer removes it).
        where: the file, or the document.
        detail: what about it.
    """

    kind: str
    where: str
    detail: str

    @property
    def harmless(self) -> bool:
        """No answer can differ because of it."""
        return self.kind == "orphan"


@dataclass(frozen=True)
class VerifyReport:
    """What :func:`verify` looked at and found."""

    path: str
    documents: int
    segments: int
    bytes: int
    problems: tuple[Problem, ...]

    @property
    def ok(self) -> bool:
        """Every answer is what it was when it was written."""
        return all(problem.harmless for problem in self.problems)


@dataclass
class _Findings:
    documents: int = 0
    bytes: int = 0
    version: int = 0
    segments: list[Segment] = field(default_factory=list)
    columns: tuple[Column, ...] = ()
    lexical: str | None = None
    problems: list[Problem] = field(default_factory=list)

    def add(self, kind: str, where: str, detail: str) -> None:
        self.problems.append(Problem(kind, where, detail))

    @contextmanager
    def guarded(self, kind: str, where: str) -> Iterator[None]:
        """A damaged store may make anything fail; every failure is a finding."""
        try:
            yield
        except Exception as error:
            self.add(kind, where, f"{type(error).__name__}: {error}")


def verify(path: Path | str, *, progress: Progress = silent) -> VerifyReport:
    """Compare a store with its hashes: database, documents, segments, codec, and what is derived from them.

    It changes nothing, and neither waits for a writer nor holds one up. The index of words is compared with the
    documents in a temporary copy, which needs room for it in the folder for temporary files.

    Whatever the damage, it ends with a report. A segment's changes are located by block, a document's by id.

    Args:
        path: the folder of the store.
        progress: shows bytes of the segments.

    Raises:
        InputError: there is no such folder.
    """
    path = Path(path)
    if not path.is_dir():
        raise InputError(f"{path} is not a folder, so it holds no store.")
    found = _Findings()
    noted = _noted_version(path, found)  # before the database is looked at: a writer may be at work
    if not (path / DATABASE).is_file():
        found.add("missing", DATABASE, "the database is gone")
    else:
        with found.guarded("database", DATABASE), closing(connect(path, read_only=True)) as connection:
            connection.text_factory = lambda data: data.decode("utf-8", "surrogateescape")
            connection.execute("BEGIN")
            _check_database(connection, path, found)
            _check_files(path, found, progress)
            _check_codecs(path, found)
            _check_derived(connection, path, found)
    if noted is None and found.version:
        found.add("missing", VERSION_FILE, "the note of the last commit is gone")
    elif found.version < (noted or 0):
        found.add("missing", DATABASE, f"acknowledged commits {found.version + 1} to {noted} are lost")
    problems = tuple(dict.fromkeys(found.problems))
    return VerifyReport(str(path), found.documents, len(found.segments), found.bytes, problems)


def _check_database(connection: sqlite3.Connection, path: Path, found: _Findings) -> None:
    checks: tuple[Callable[[], None], ...] = (
        lambda: _check_integrity(connection, found),
        lambda: _check_schema(connection, path, found),
        lambda: _check_manifest(connection, found),
        lambda: _check_documents(connection, found),
        lambda: _check_slots(connection, found),
    )
    for check in checks:
        with found.guarded("database", DATABASE):
            check()


def _check_integrity(connection: sqlite3.Connection, found: _Findings) -> None:
    for (line,) in connection.execute(f"PRAGMA integrity_check({_SHOWN})"):
        if line != "ok":
            found.add("database", DATABASE, line)


def _check_schema(connection: sqlite3.Connection, path: Path, found: _Findings) -> None:
    version = check_schema_version(connection, path)
    tables = "SELECT type, name, tbl_name, sql FROM sqlite_master"
    entries, _ = read_meta(connection)
    with closing(sqlite3.connect(":memory:")) as fresh:
        fresh.executescript(SCHEMA)
        if version >= FULL_TEXT:
            fresh.executescript(SIDECARS)
            create(fresh, json.loads(entries["lexical"])["tokenize"])
        for name in indexed_fields(connection):
            index_field(fresh, name)
        wanted = set(fresh.execute(tables).fetchall())
    if set(connection.execute(tables).fetchall()) != wanted:
        found.add("changed", DATABASE, "the tables are not the ones that accord makes")


def _check_manifest(connection: sqlite3.Connection, found: _Findings) -> None:
    found.segments, problems = read_segments(connection)
    entries, more = read_meta(connection)
    found.version = int(entries.get("version", 0))
    for sentence in problems + more:
        found.add("changed", DATABASE, sentence)
    if "lexical" in entries:
        found.lexical = json.loads(entries["lexical"])["tokenize"]
    if "columns" in entries:
        found.columns = read_columns(entries["columns"])
        for sentence in column_problems(found.columns, found.segments):
            found.add("changed", DATABASE, sentence)


def _check_documents(connection: sqlite3.Connection, found: _Findings) -> None:
    rows = connection.execute("SELECT slot, id, title, text, metadata, hash FROM documents NOT INDEXED")
    for *cells, stored in rows:
        found.documents += 1
        if row_hash(*cells) != stored:
            found.add("changed", f"document {cells[1]!r}", f"slot {cells[0]}: the row does not match its hash")


def _check_slots(connection: sqlite3.Connection, found: _Findings) -> None:
    """Each slot of each segment has either a document or a tombstone."""
    columns = ("documents", "tombstones")
    owners = [
        np.array([s for (s,) in connection.execute(f"SELECT slot FROM {table} NOT INDEXED")], dtype=np.int64)
        for table in columns
    ]
    first = found.columns[0].field if found.columns else None
    slots = [np.arange(s.start, s.end) for s in found.segments if s.field == first]
    known = np.concatenate([np.empty(0, dtype=np.int64), *slots])
    for what, odd in (
        ("have neither a document nor a tombstone", np.setdiff1d(known, np.concatenate(owners))),
        ("have both a document and a tombstone", np.intersect1d(owners[0], owners[1])),
        ("have a document but no vector", np.setdiff1d(owners[0], known)),
        ("have a tombstone but no vector", np.setdiff1d(owners[1], known)),
    ):
        if len(odd):
            found.add("missing", DATABASE, f"{len(odd)} slots {what}, the first being {odd[0]}")


def _check_files(path: Path, found: _Findings, progress: Progress) -> None:
    folder = path / SEGMENTS
    with progress("verify", total=sum(s.bytes for s in found.segments), unit="bytes") as advance:
        for segment in found.segments:
            where = f"{SEGMENTS}/{segment.name}"
            with found.guarded("missing", where):
                try:
                    changed = changed_blocks(folder, segment)
                except FileNotFoundError:
                    if segment.name in _named_now(path):
                        slots = f"slots {segment.start} to {segment.end - 1}"
                        found.add("missing", where, f"the column {segment.field!r} of {slots}")
                else:
                    found.bytes += segment.bytes
                    if changed is not None:
                        found.add("changed", where, _located(segment, changed))
            advance(segment.bytes)
    named = {segment.name for segment in found.segments}
    with found.guarded("missing", SEGMENTS):
        extra = sorted(file.name for file in folder.iterdir() if file.name not in named)
        newer = _named_now(path) if extra else set()
        for name in extra:
            if name not in newer:
                found.add("orphan", f"{SEGMENTS}/{name}", "no commit names it")


def _check_derived(connection: sqlite3.Connection, path: Path, found: _Findings) -> None:
    """The lexical table and the sidecars, which can be made again."""
    if found.lexical is None:
        return
    with found.guarded("changed", LEXICAL):
        for finding in lexical_findings(connection, found.lexical):
            found.add(*finding)
    with found.guarded("changed", DERIVED):
        for finding in sidecar_findings(connection, path):
            found.add(*finding)


def _check_codecs(path: Path, found: _Findings) -> None:
    """The codec of each column of codes, byte by byte."""
    for column in found.columns:
        with found.guarded("missing", column.codec_folder):
            for name, state in codec_changes(path, column) if column.codec else []:
                kind = {"missing": "missing", "changed": "changed", "extra": "orphan"}[state]
                detail = {
                    "missing": "the codes mean nothing without it",
                    "changed": "the file does not match its SHA-256",
                    "extra": "no part of the codec",
                }[state]
                found.add(kind, f"{column.codec_folder}/{name}", detail)


def _named_now(path: Path) -> set[str]:
    """Names in the newest manifest: a writer may have committed while we were reading."""
    with closing(connect(path, read_only=True)) as connection:
        return {name for (name,) in connection.execute("SELECT name FROM segments")}


def _located(segment: Segment, changed: list[int]) -> str:
    if not changed:
        return "the file does not match its SHA-256"
    places = []
    for block in changed[:_SHOWN]:
        first = block * segment.block_bytes
        last = min(first + segment.block_bytes, segment.bytes) - 1
        width = segment.dim * np.dtype(segment.dtype).itemsize
        slots = [segment.start + max(0, edge - HEADER_BYTES) // width for edge in (first, last)]
        places.append(f"block {block} (bytes {first}-{last}, slots {slots[0]}-{slots[1]})")
    return f"{len(changed)} changed: {'; '.join(places)}"


def _noted_version(path: Path, found: _Findings) -> int | None:
    """The last commit that was acknowledged, noted beside the database: a lost log cannot hide."""
    file = path / VERSION_FILE
    if not file.is_file():
        return None
    with found.guarded("changed", VERSION_FILE):
        return int(read_json(file)["version"])
    return 0
