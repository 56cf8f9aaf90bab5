"""The list of sidecars: which derived file was made from which commit, with its size and its hashes."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from accord.retrieval.files.schema import FULL_TEXT, row_hash

__all__ = ["Sidecar", "insert_sidecar", "read_sidecars"]

_NAME = re.compile(r"[0-9A-Za-z_-][0-9A-Za-z._-]{0,127}")


@dataclass(frozen=True, kw_only=True)
class Sidecar:
    """One file in the folder `derived`.

    Args:
        name: of the file.
        kind: what made it, such as "HNSW".
        settings: of that, and what it covers.
        version: of the commit that it was made from.
        bytes: of the file.
        sha256: of the file.
    """

    name: str
    kind: str
    settings: Mapping[str, Any]
    version: int
    bytes: int
    sha256: bytes


def read_sidecars(connection: sqlite3.Connection) -> tuple[list[Sidecar], list[str]]:
    """The list, oldest first, and what is wrong with it, a sentence a row; a store of an older version has none."""
    (schema,) = connection.execute("PRAGMA user_version").fetchone()
    if schema < FULL_TEXT:
        return [], []
    sidecars, problems = [], []
    cells = "name, kind, settings, version, bytes, sha256"
    for *values, stored in connection.execute(f"SELECT {cells}, hash FROM sidecars ORDER BY version, name"):
        if row_hash(*values) != stored or not _NAME.fullmatch(str(values[0])):
            problems.append(f"the row of sidecar {values[0]!r} was changed")
            continue
        name, kind, settings, version, size, sha256 = values
        sidecars.append(
            Sidecar(name=name, kind=kind, settings=json.loads(settings), version=version, bytes=size, sha256=sha256)
        )
    return sidecars, problems


def insert_sidecar(connection: sqlite3.Connection, sidecar: Sidecar) -> None:
    """Name a finished file in the list, in place of all others of its kind."""
    settings = json.dumps(sidecar.settings, ensure_ascii=False)
    values = (sidecar.name, sidecar.kind, settings, sidecar.version, sidecar.bytes, sidecar.sha256)
    connection.execute("DELETE FROM sidecars WHERE kind = ?", (sidecar.kind,))
    connection.execute("INSERT INTO sidecars VALUES (?, ?, ?, ?, ?, ?, ?)", (*values, row_hash(*values)))
