"""What a store says about itself: format, model, version; and the list of its segments."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from accord.core.checks import check_choice
from accord.core.errors import InputError
from accord.retrieval.schema import FORMAT, VERSION_FILE, check_schema_version, damaged, row_hash
from accord.retrieval.segments import Segment, read_segments
from accord.retrieval.vectors import SIMILARITIES

__all__ = [
    "META_KEYS",
    "Manifest",
    "check_model",
    "first_meta",
    "note_version",
    "read_manifest",
    "read_meta",
    "set_meta",
]

META_KEYS = ("created", "format", "model", "version")


@dataclass(frozen=True)
class Manifest:
    """A store at one version.

    Args:
        version: counts commits.
        model: the record of the encoder that made the vectors.
        segments: in order of slots.
    """

    version: int
    created: str
    model: Mapping[str, Any]
    segments: tuple[Segment, ...]

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
        return self.segments[-1].end if self.segments else 0


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


def first_meta(connection: sqlite3.Connection, model: Mapping[str, Any]) -> None:
    """Write what a new store says about itself."""
    created = datetime.now(UTC).isoformat(timespec="seconds")
    values = {"created": created, "format": FORMAT, "model": json.dumps(model, ensure_ascii=False), "version": "0"}
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
    """The entries that are as they were written, and what is wrong with the others."""
    entries, problems = {}, []
    for key, value, stored in connection.execute("SELECT key, value, hash FROM meta"):
        if row_hash(key, value) == stored:
            entries[key] = value
        else:
            problems.append(f"the entry {key!r} about the store was changed")
    problems += [f"the entry {key!r} about the store is missing" for key in META_KEYS if key not in entries]
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
    return Manifest(int(entries["version"]), entries["created"], json.loads(entries["model"]), tuple(segments))
