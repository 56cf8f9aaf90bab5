"""What a store says about itself: format, model, version; and the list of its segments."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from accord.core.checks import check_choice
from accord.core.errors import InputError
from accord.retrieval.files.columns import COUNTS, Column, columns_text, float_columns, read_columns
from accord.retrieval.files.schema import FORMAT, VERSION_FILE, check_schema_version, damaged, row_hash
from accord.retrieval.files.segments import Segment, read_segments
from accord.retrieval.files.vectors import SIMILARITIES
from accord.retrieval.lexical.table import TOKENIZE

__all__ = [
    "LEXICAL_SETTINGS",
    "META_KEYS",
    "Manifest",
    "check_model",
    "column_problems",
    "first_meta",
    "note_version",
    "read_manifest",
    "read_meta",
    "set_meta",
]

META_KEYS = ("columns", "created", "format", "lexical", "model", "version")
"""What a store says about itself; `columns` from schema version 2 on, `lexical` from 3 on."""
LEXICAL_SETTINGS: Mapping[str, Any] = {"tokenize": TOKENIZE}
"""How a store cuts its texts into words unless it says otherwise."""

_SINCE = {"columns": 2, "lexical": 3}


@dataclass(frozen=True)
class Manifest:
    """A store at one version.

    Args:
        version: counts commits.
        model: the record of the encoder that made the vectors.
        columns: what is kept of each document.
        segments: in order of columns and slots.
        lexical: settings of the lexical table; None in a store that has none yet.
    """

    version: int
    created: str
    model: Mapping[str, Any]
    columns: tuple[Column, ...]
    segments: tuple[Segment, ...]
    lexical: Mapping[str, Any] | None = None

    @property
    def dim(self) -> int:
        """Numbers in a vector."""
        return self.model["dim"]

    @property
    def similarity(self) -> str:
        """Either cosine or dot."""
        return self.model["similarity"]

    @property
    def end(self) -> int:
        """The next free slot."""
        return max((segment.end for segment in self.segments), default=0)

    @property
    def scanned(self) -> Column:
        """The column that is compared with every query."""
        return next(column for column in self.columns if column.known and column.use == "scan")

    @property
    def rescored(self) -> Column | None:
        """The column of vectors that order what codes found."""
        return next((column for column in self.columns if column.known and column.use == "rescore"), None)

    def of(self, column: Column) -> list[Segment]:
        """The segments of a column, in order of slots."""
        return [segment for segment in self.segments if segment.field == column.field]

    def spans(self) -> list[tuple[Segment, ...]]:
        """The segments of each run of slots, one a column, in the order of the columns."""
        return list(zip(*(self.of(column) for column in self.columns), strict=True))


def check_model(model: Mapping[str, Any], dim: int | None = None) -> dict[str, Any]:
    """A model record with everything a store needs.

    Args:
        model: `dim` is needed unless given beside it; `path` or `name` says what answers text queries; `fingerprint` is
            compared with that model's; `similarity` is cosine or dot; other JSON values are kept.
        dim: numbers in a vector.

    Raises:
        InputError: no dim, two different ones, an unknown similarity, or what JSON cannot hold.
    """
    if not isinstance(model, Mapping):
        raise InputError(f"`model` must be a mapping with `dim`. Got {type(model).__name__} instead.")
    record = {"similarity": "cosine", **model}
    if dim is not None and record.setdefault("dim", dim) != dim:
        raise InputError(f"`dim` is {dim}, but the model record says {record['dim']!r}.")
    found = record.get("dim")
    if isinstance(found, bool) or not isinstance(found, int) or not 1 <= found <= 1 << 20:
        raise InputError(f"`model` must say its `dim`, a whole number from 1. Got {found!r} instead.")
    check_choice("similarity", record["similarity"], SIMILARITIES)
    for key in ("path", "name", "fingerprint"):
        if not isinstance(record.get(key, ""), (str, type(None))):
            raise InputError(f"`model`: `{key}` must be a string. Got {record[key]!r} instead.")
    try:
        return json.loads(json.dumps(record, allow_nan=False))
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(f"`model` must hold JSON values only ({error}).") from error


def first_meta(
    connection: sqlite3.Connection,
    model: Mapping[str, Any],
    columns: tuple[Column, ...],
    lexical: Mapping[str, Any] = LEXICAL_SETTINGS,
) -> None:
    """Write what a new store says about itself."""
    created = datetime.now(UTC).isoformat(timespec="seconds")
    record = json.dumps(model, ensure_ascii=False)
    values = {
        "columns": columns_text(columns),
        "created": created,
        "format": FORMAT,
        "lexical": json.dumps(dict(lexical)),
        "model": record,
        "version": "0",
    }
    for key, value in values.items():
        set_meta(connection, key, value)


def set_meta(connection: sqlite3.Connection, key: str, value: str) -> None:
    """Write one entry with its hash."""
    connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?, ?)", (key, value, row_hash(key, value)))


def note_version(folder: Path, version: int) -> None:
    """Note the last commit beside the database, so that `verify` can tell when the database has gone back in time.

    Overwritten in place and left to the kernel to write: a note that is too old raises no alarm.
    """
    descriptor = os.open(folder / VERSION_FILE, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        os.pwrite(descriptor, f'{{"version": {version}}}'.ljust(63).encode() + b"\n", 0)
    finally:
        os.close(descriptor)


def read_meta(connection: sqlite3.Connection) -> tuple[dict[str, str], list[str]]:
    """The entries that are as they were written, and what is wrong with the others.

    A store of schema version 1 knows no columns; it gets the ones that all such stores have. Entries that its version
    does not know yet are not missing.
    """
    entries, problems, seen = {}, [], set()
    for key, value, stored in connection.execute("SELECT key, value, hash FROM meta"):
        seen.add(key)
        if row_hash(key, value) == stored:
            entries[key] = value
        else:
            problems.append(f"the entry {key!r} about the store was changed")
    (schema,) = connection.execute("PRAGMA user_version").fetchone()
    if schema == 1 and "model" in entries and "columns" not in seen:
        entries["columns"] = columns_text(float_columns(json.loads(entries["model"])["dim"]))
    wanted = [key for key in META_KEYS if key in seen or schema >= _SINCE.get(key, 0)]
    problems += [f"the entry {key!r} about the store is missing" for key in wanted if key not in entries]
    return entries, problems


def read_manifest(connection: sqlite3.Connection, folder: Path) -> Manifest:
    """Read and check everything but the documents and the content of the segments.

    Raises:
        InputError: not a store, or one of a newer format.
        StorageError: an entry was changed.
    """
    check_schema_version(connection, folder)
    entries, problems = read_meta(connection)
    segments, more = read_segments(connection)
    if problems or more:
        raise damaged(folder, (problems + more)[0])
    if entries["format"] != FORMAT:
        raise InputError(f"{folder} has the format {entries['format']}; this accord reads {FORMAT}. Upgrade accord.")
    columns = read_columns(entries["columns"])
    if more := column_problems(columns, segments):
        raise damaged(folder, more[0])
    if not any(column.known and column.use == "scan" for column in columns):
        raise InputError(f"{folder} has no column that this accord can search. Upgrade accord.")
    lexical = json.loads(entries["lexical"]) if "lexical" in entries else None
    model = json.loads(entries["model"])
    return Manifest(int(entries["version"]), entries["created"], model, columns, tuple(segments), lexical)


def column_problems(columns: Sequence[Column], segments: Sequence[Segment]) -> list[str]:
    """Where the columns and the segments contradict each other, a sentence each."""
    named = {column.field: column for column in columns}
    problems = [
        f"segment {s.name} is of the column {s.field!r}, which there is not" for s in segments if s.field not in named
    ]
    spans: dict[str, list[tuple[int, int]]] = {name: [] for name in named}
    for segment in segments:
        column = named.get(segment.field)
        if column is None:
            continue
        spans[segment.field].append((segment.start, segment.slots))
        if (segment.layout, segment.dtype, segment.dim) != (column.layout, column.dtype, column.dim):
            problems.append(f"segment {segment.name} is not of the kind that its column {segment.field!r} says")
        elif column.layout == "dense" and segment.rows != segment.slots:
            problems.append(f"segment {segment.name} has {segment.rows} rows for {segment.slots} slots")
    problems += [
        f"the ragged column {column.field!r} has no column of counts"
        for column in columns
        if (column.layout, column.use) == ("ragged", "keep") and column.field + COUNTS not in named
    ]
    first = next(iter(spans), "")
    problems += [
        f"the columns {first!r} and {name!r} have segments of different slots"
        for name, found in spans.items()
        if found != spans[first]
    ]
    return problems
