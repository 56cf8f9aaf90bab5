"""One change of a store: the only writer's place, one transaction, and what comes before and after it."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from accord.core.errors import InputError
from accord.retrieval.files.lock import writer_lock
from accord.retrieval.files.manifest import Manifest, note_version, read_manifest, set_meta
from accord.retrieval.files.migrations import upgrade
from accord.retrieval.files.schema import SEGMENTS, connect, disk_errors
from accord.retrieval.files.segments import Segment, insert_segment

__all__ = ["begin", "clear_orphans", "commit", "transaction"]

logger = logging.getLogger(__name__)


@contextmanager
def transaction(folder: Path) -> Iterator[tuple[sqlite3.Connection, Manifest]]:
    """Take the writer's place and begin; what is not committed inside is dropped.

    An older store is brought up to date, and what killed writers left is removed.

    Raises:
        StoreLocked: somebody else writes.
        StorageError: the disk refuses, or the store is damaged; it stays at its last commit.
    """
    with writer_lock(folder), closing(begin(folder)) as connection:
        manifest = read_manifest(connection, folder)
        _check_columns(folder, manifest)
        with disk_errors(folder):
            upgrade(connection, manifest)
        clear_orphans(folder, {segment.name for segment in manifest.segments})
        yield connection, manifest


def begin(folder: Path) -> sqlite3.Connection:
    """A connection with the transaction of a writer."""
    with disk_errors(folder):
        connection = connect(folder)
        try:
            connection.execute("BEGIN IMMEDIATE")
        except BaseException:
            connection.close()
            raise
        return connection


def commit(
    connection: sqlite3.Connection,
    folder: Path,
    manifest: Manifest,
    *,
    finished: Sequence[Segment] = (),
    replaced: Iterable[Segment] = (),
) -> None:
    """Name what was written in the next version, force it to the disk, and drop the files that it replaces.

    Args:
        connection: with the transaction.
        folder: the store.
        manifest: of the commit before.
        finished: new segments.
        replaced: segments that are no longer a part of the store.
    """
    version, old = manifest.version + 1, list(replaced)
    with disk_errors(folder):
        connection.executemany("DELETE FROM segments WHERE name = ?", ((segment.name,) for segment in old))
        for segment in finished:
            insert_segment(connection, segment)
        set_meta(connection, "version", str(version))
        connection.execute("COMMIT")
    try:
        note_version(folder, version)
        for segment in old:
            (folder / SEGMENTS / segment.name).unlink(missing_ok=True)
    except OSError as error:
        logger.warning("%s: commit %d stands, tidying up did not: %s", folder, version, error)


def _check_columns(folder: Path, manifest: Manifest) -> None:
    for column in manifest.columns:
        if not column.known:
            raise InputError(
                f"{folder} has the column {column.field!r} ({column.layout}, {column.dtype}), which this accord cannot "
                "write. A newer accord made it: pip install --upgrade accord."
            )


def clear_orphans(folder: Path, named: set[str]) -> int:
    """Remove the segments that no commit names; readers of older commits keep what they have mapped.

    Returns:
        How many.
    """
    with disk_errors(folder):
        left = [file for file in (folder / SEGMENTS).iterdir() if file.name not in named]
        for file in left:
            logger.info("removing %s, left by a killed writer", file)
            file.unlink(missing_ok=True)
    return len(left)
