"""Sidecars: files in `derived/` that follow from the store and make search faster; without them answers are the same.

A sidecar is named by a row of the database with its size and its SHA-256, and no byte of it is parsed before they were
compared. One that is missing, changed, or made from rows that are no more is left alone, and searches stay exact.
"""

from __future__ import annotations

import hashlib
import json
import logging
import mmap
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import yaml

from accord.core.errors import InputError, MissingExtra, StorageError
from accord.core.progress import Progress, silent
from accord.core.spec import build as made_from
from accord.core.spec import to_spec
from accord.core.storage import PARTIAL, fsync_path, hash_file, partial_name
from accord.retrieval import dense
from accord.retrieval.dense.approximate import build_index
from accord.retrieval.dense.base import Candidates, faiss_library, read_index, write_index
from accord.retrieval.dense.hnsw import HNSW
from accord.retrieval.dense.ivf import IVF
from accord.retrieval.dense.rows import rows_at
from accord.retrieval.files.derived import Sidecar, insert_sidecar, read_sidecars
from accord.retrieval.files.lock import StoreLocked, writer_lock
from accord.retrieval.files.manifest import read_manifest
from accord.retrieval.files.migrations import upgrade
from accord.retrieval.files.schema import DERIVED, connect, disk_errors
from accord.retrieval.snapshot import Snapshot, open_snapshot

__all__ = [
    "AUTO_ROWS",
    "Index",
    "Sidecars",
    "build_sidecar",
    "check_rows",
    "is_current",
    "load_sidecar",
    "read_settings",
]

logger = logging.getLogger(__name__)

AUTO_ROWS = 20_000
"""With fewer documents `index="auto"` compares all of them: that takes a few milliseconds at most."""
Index = str | HNSW | IVF
_KINDS = ("HNSW", "IVF")
_PROBED = 64
_WAIT, _NAP = 30.0, 0.2
_STALE_HOURS = 6


def read_settings(settings: HNSW | IVF | str) -> HNSW | IVF:
    """Settings as they are, or from a text such as ``"HNSW"`` or ``"HNSW: {ef_search: 200}"``.

    Raises:
        InputError: a text that means neither.

    >>> read_settings("IVF: {probes: 64}")
    IVF(probes=64)
    """
    if isinstance(settings, (HNSW, IVF)):
        return settings
    try:
        spec = yaml.safe_load(settings)
    except (yaml.YAMLError, AttributeError):
        spec = None
    name = next(iter(spec), None) if isinstance(spec, dict) else spec
    if name in _KINDS:  # and nothing else: a database may say anything
        return made_from(spec, dense, "ann")
    raise InputError(f"`ann` must be HNSW or IVF, or `HNSW: {{argument: value}}`. Got {settings!r} instead.")


def is_current(snapshot: Snapshot, settings: HNSW | IVF) -> bool:
    """Whether the store already has this index over all its rows."""
    wanted, runs = to_spec(settings), snapshot.runs()
    return any(one.settings.get("index") == wanted and one.settings.get("runs") == runs for one in snapshot.sidecars)


def build_sidecar(folder: Path, settings: HNSW | IVF, *, progress: Progress = silent) -> Sidecar:
    """Make an index over the rows of the newest commit, and name it in the store.

    Readers and the writer go on meanwhile; the writer's place is taken only at the end, for a moment.

    Args:
        folder: the store.
        settings: which kind; it takes the place of an older one of that kind.
        progress: opens one bar, in rows.

    Raises:
        InputError: no documents, or a store of codes alone.
        MissingExtra: FAISS is not installed.
        StoreLocked: somebody was writing all the time.
        StorageError: the disk refuses.
    """
    if not isinstance(settings, (HNSW, IVF)):
        raise InputError(f"`index` must be an HNSW(...) or an IVF(...). Got {settings!r} instead.")
    faiss_library()
    with closing(open_snapshot(folder)) as snapshot, disk_errors(folder):
        rows = snapshot.rows
        if not len(snapshot):
            raise InputError(f"The store {folder} holds no documents. Add some first.")
        unit = snapshot.manifest.similarity == "cosine"
        index = build_index(settings, rows, widen=None if unit else snapshot.longest, progress=progress)
        (folder / DERIVED).mkdir(exist_ok=True)
        kind, version = type(settings).__name__, snapshot.manifest.version
        path = folder / DERIVED / f"{kind.lower()}-{version:012d}-{uuid.uuid4().hex[:12]}.faiss"
        partial = partial_name(path)
        try:
            _write(index, partial)
            sidecar = Sidecar(
                name=path.name,
                kind=kind,
                settings={"index": to_spec(settings), "runs": snapshot.runs(), "probe": _probe(snapshot)},
                version=version,
                bytes=partial.stat().st_size,
                sha256=bytes.fromhex(hash_file(partial)),
            )
            _name(folder, sidecar, partial)
        finally:
            partial.unlink(missing_ok=True)
    return sidecar


def _write(index: object, partial: Path) -> None:
    try:
        write_index(index, str(partial))
    except RuntimeError as error:
        raise StorageError(f"{partial.parent}: FAISS could not write the index ({error}). Nothing was kept.") from error
    fsync_path(partial)


def _name(folder: Path, sidecar: Sidecar, partial: Path) -> None:
    """Give the file its name and the database its row; then drop what that replaced and what killed builders left."""
    place = folder / DERIVED
    until = time.monotonic() + _WAIT
    while True:
        try:
            with writer_lock(folder), closing(connect(folder)) as connection:
                connection.execute("BEGIN IMMEDIATE")
                upgrade(connection, read_manifest(connection, folder))
                partial.rename(place / sidecar.name)
                fsync_path(place)
                fsync_path(folder)
                insert_sidecar(connection, sidecar)
                named = {one.name for one in read_sidecars(connection)[0]}
                connection.execute("COMMIT")
                _clear(place, named)
                return
        except StoreLocked:
            if time.monotonic() > until:
                raise
            time.sleep(_NAP)


def _clear(place: Path, named: set[str]) -> None:
    for file in [file for file in place.iterdir() if file.name not in named]:
        age = time.time() - file.stat().st_mtime
        if not file.name.startswith(PARTIAL) or age > 3600 * _STALE_HOURS:
            file.unlink(missing_ok=True)


def _probe(snapshot: Snapshot, rows: int | None = None) -> str:
    """A hash over some of the first rows, so that an index of other rows is found out."""
    count = snapshot.end if rows is None else rows
    places = np.unique(np.linspace(0, count - 1, _PROBED).astype(np.int64))
    return hashlib.sha256(np.ascontiguousarray(rows_at(snapshot.segments, places)).tobytes()).hexdigest()


def load_sidecar(folder: Path, sidecar: Sidecar, snapshot: Snapshot) -> Candidates:
    """Read an index, after its hash was compared, for the rows of a commit.

    Args:
        folder: the store.
        sidecar: named by it.
        snapshot: whose first rows the index has to hold.

    Raises:
        MissingExtra: FAISS is not installed.
        StorageError: the file is missing or changed, or holds other rows.
    """
    path = folder / DERIVED / sidecar.name
    faiss_library()
    rows = check_rows(sidecar, snapshot)
    try:
        with path.open("rb") as handle:
            buffer = mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError) as error:
        raise StorageError(f"{path} cannot be read ({error})") from error
    if len(buffer) != sidecar.bytes or hashlib.sha256(buffer).digest() != sidecar.sha256:
        raise StorageError(f"{path} does not match its SHA-256")
    settings, index = read_settings(json.dumps(sidecar.settings["index"])), read_index(buffer, str(path))
    widened = snapshot.manifest.similarity != "cosine"
    if (index.ntotal, index.d) != (rows, snapshot.manifest.dim + widened):
        raise StorageError(f"{path} holds {index.ntotal} rows of {index.d} numbers, not {rows}")
    return Candidates(settings, index, rows, widened, buffer)


def check_rows(sidecar: Sidecar, snapshot: Snapshot) -> int:
    """How many of the first rows of a commit a sidecar covers.

    Raises:
        StorageError: it was made from other rows, for example before the store was compacted.
    """
    runs = [tuple(run) for run in sidecar.settings["runs"]]
    rows = sum(slots for _, slots in runs)
    if rows > snapshot.end or snapshot.runs(rows) != [list(run) for run in runs]:
        raise StorageError(f"{sidecar.name} was made from rows that are no more")
    if _probe(snapshot, rows) != sidecar.settings["probe"]:
        raise StorageError(f"{sidecar.name} was made from other rows")
    return rows


class Sidecars:
    """The indexes of one open store: found by their settings, read when first asked for, kept over its commits.

    Args:
        folder: the store.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()
        self._read: dict[str, Candidates | None] = {}
        self._fits: dict[str, int] = {}

    def find(self, snapshot: Snapshot, index: Index) -> Candidates | None:
        """What a search is to ask; None for every row.

        Args:
            snapshot: of the store.
            index: "auto", "exact", or settings: an index of that kind is asked as they say.

        Raises:
            InputError: an unknown word, or a kind of which the store has none.
        """
        if isinstance(index, (HNSW, IVF)):
            kind = type(index).__name__
            named = [sidecar for sidecar in snapshot.sidecars if sidecar.kind == kind]
            if not named:
                raise InputError(
                    f"The store {self.folder} has no index of the kind {kind}. Make one with "
                    f"`store.build_index({index!r})`, or search with index='auto'."
                )
            found = self._usable(snapshot, named[-1])
            return None if found is None else found.asked(index)
        if index not in {"auto", "exact"}:
            raise InputError(f"`index` must be 'auto', 'exact', an HNSW(...) or an IVF(...). Got {index!r} instead.")
        if index == "exact" or len(snapshot) < AUTO_ROWS:
            return None
        ranked = sorted(snapshot.sidecars, key=lambda sidecar: _KINDS.index(sidecar.kind))
        return next((found for one in ranked if (found := self._usable(snapshot, one)) is not None), None)

    def _usable(self, snapshot: Snapshot, sidecar: Sidecar) -> Candidates | None:
        name, version = sidecar.name, snapshot.manifest.version
        with self._lock:
            if name not in self._read:
                named = {one.name for one in snapshot.sidecars}
                self._read = {kept: one for kept, one in self._read.items() if kept in named}
                self._read[name] = self._tried(lambda: load_sidecar(self.folder, sidecar, snapshot))
            elif self._read[name] is not None and self._fits.get(name) != version:  # the store may have been compacted
                read = self._read[name]
                self._read[name] = self._tried(lambda: read if check_rows(sidecar, snapshot) else None)
            self._fits[name] = version
            return self._read[name]

    def _tried(self, load: Callable[[], Candidates | None]) -> Candidates | None:
        try:
            return load()
        except (StorageError, InputError, MissingExtra, KeyError, TypeError) as error:
            logger.warning(
                "%s: an index is left alone and searches compare every row: %s. "
                "`store.build_index(...)` or `accord index --ann` makes it anew.",
                self.folder,
                str(error).rstrip("."),
            )
            return None
