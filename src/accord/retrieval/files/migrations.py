"""Older stores become new ones inside the transaction of the first writer that meets them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping

from accord.retrieval.files.columns import columns_text
from accord.retrieval.files.manifest import LEXICAL_SETTINGS, Manifest, set_meta
from accord.retrieval.files.schema import SCHEMA_VERSION, SIDECARS
from accord.retrieval.lexical.table import rebuild

__all__ = ["MIGRATIONS", "upgrade"]


def _name_columns(connection: sqlite3.Connection, manifest: Manifest) -> None:
    """Version 1 had float32 vectors and did not say so."""
    set_meta(connection, "columns", columns_text(manifest.columns))


def _index_words(connection: sqlite3.Connection, manifest: Manifest) -> None:
    """Version 2 had neither a lexical table nor sidecars."""
    del manifest
    connection.execute(SIDECARS)
    set_meta(connection, "lexical", json.dumps(LEXICAL_SETTINGS))
    rebuild(connection)


MIGRATIONS: Mapping[int, Callable[[sqlite3.Connection, Manifest], None]] = {1: _name_columns, 2: _index_words}
"""From schema version n to n + 1."""


def upgrade(connection: sqlite3.Connection, manifest: Manifest) -> None:
    """Bring a store to the present schema, one version after the other; takes effect with the writer's commit."""
    (found,) = connection.execute("PRAGMA user_version").fetchone()
    for version in range(found, SCHEMA_VERSION):
        MIGRATIONS[version](connection, manifest)
        connection.execute(f"PRAGMA user_version = {version + 1}")
