"""Repair: what follows from the rest is made again, what does not is named, and nothing else is touched."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from accord.core.progress import Progress, silent
from accord.core.storage import atomic_file
from accord.core.types import Encodes
from accord.retrieval.care.damage import lost_slots, without
from accord.retrieval.care.derived_checks import LEXICAL, sidecar_findings
from accord.retrieval.care.salvage import LOST, salvage
from accord.retrieval.care.verification import Problem, verify
from accord.retrieval.files.derived import read_sidecars
from accord.retrieval.files.lock import writer_lock
from accord.retrieval.files.manifest import LEXICAL_SETTINGS, Manifest, note_version
from accord.retrieval.files.schema import DERIVED, VERSION_FILE, disk_errors, row_hash
from accord.retrieval.files.transaction import commit, transaction
from accord.retrieval.lexical.table import rebuild
from accord.retrieval.questions import Questions
from accord.retrieval.writer import writing

__all__ = ["RepairReport", "repair"]

_ROW = "SELECT slot, id, title, text, metadata, hash FROM documents"


@dataclass(frozen=True)
class RepairReport:
    """What :func:`repair` did.

    Args:
        path: of the store.
        rebuilt: what was made again, a sentence each.
        lost: what could not be, a sentence each.
        problems: what :func:`verify` still finds.
    """

    path: str
    rebuilt: tuple[str, ...]
    lost: tuple[str, ...]
    problems: tuple[Problem, ...]

    @property
    def ok(self) -> bool:
        """Every answer is what it was when it was written, but for what is lost."""
        return all(problem.harmless for problem in self.problems)


@dataclass
class _Work:
    path: Path
    forget: bool
    tokenize: str = LEXICAL_SETTINGS["tokenize"]
    rebuilt: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)


def repair(
    path: Path | str,
    *,
    model: Encodes | str | Path | None = None,
    forget: bool = False,
    progress: Progress = silent,
) -> RepairReport:
    """Make again what can be made again, and name what is lost.

    The index of words, the list of deleted rows and the note of the last commit follow from the documents; sidecars
    that do not match their hashes are dropped, and searches do without. Vectors in damaged blocks are encoded again
    from their texts, when the store's model can be had. A database that SQLite cannot read any more is written anew
    with every document that still matches its hash; the broken one is kept in the folder `lost`.

    Args:
        path: the folder of the store.
        model: see :func:`accord.retrieval.open`; the recorded one when not given.
        forget: also take documents out that are damaged for good, so that the rest can be used: what is left of them is
            written to `lost/*.jsonl`. Otherwise they stay as they are, and `verify` goes on to name them.
        progress: shows bytes of the segments while they are compared.

    Raises:
        InputError: no store.
        StoreLocked: somebody writes.
        StorageError: the disk refuses, or what the store says about itself is damaged: nothing was changed.
    """
    path = Path(path)
    before = verify(path, progress=progress)
    if not before.problems:
        return RepairReport(str(path), (), (), ())
    work, places = _Work(path, forget), {problem.where for problem in before.problems}
    if any(problem.kind == "database" for problem in before.problems):
        with writer_lock(path):
            work.lost += salvage(path)
        work.rebuilt.append(f"the database was written anew; the broken one is kept in {LOST}/")
    _mend_database(work, words=LEXICAL in places)
    _mend_vectors(work, model)
    with transaction(path) as (connection, manifest):
        connection.rollback()
        note_version(path, manifest.version)
    if VERSION_FILE in places:
        work.rebuilt.append("the note of the last commit was written again")
    after = verify(path, progress=progress)
    return RepairReport(str(path), tuple(work.rebuilt), tuple(dict.fromkeys(work.lost)), after.problems)


def _mend_database(work: _Work, *, words: bool) -> None:
    """Tombstones, the lexical table, sidecars, and documents that do not match their hashes."""
    with transaction(work.path) as (connection, manifest), disk_errors(work.path):
        work.tokenize = (manifest.lexical or LEXICAL_SETTINGS)["tokenize"]
        before = len(work.rebuilt)
        connection.text_factory = lambda data: data.decode("utf-8", "surrogateescape")
        odd = [row for row in connection.execute(_ROW).fetchall() if row_hash(*row[:-1]) != row[-1]]
        work.lost += [f"document {row[1]!r}: the row does not match its hash" for row in odd]
        if work.forget:
            _forget(work, connection, odd)
        if words:
            rebuild(connection, work.tokenize)
            work.rebuilt.append("the index of words was made again")
        if _mend_tombstones(connection, manifest):
            work.rebuilt.append("the list of deleted rows was made again")
        _mend_sidecars(work, connection)
        if len(work.rebuilt) > before:
            commit(connection, work.path, manifest)


def _forget(work: _Work, connection: sqlite3.Connection, rows: Sequence[Sequence[Any]]) -> None:
    """Write what is left of documents to a file, and take them out."""
    if not rows:
        return
    folder = work.path / LOST
    folder.mkdir(exist_ok=True)
    file = folder / f"{sum(1 for _ in folder.glob('*.jsonl'))}.jsonl"
    with atomic_file(file) as handle:
        for _, name, title, text, metadata, _ in rows:
            said = {"id": name, "title": title, "text": text, "metadata": metadata}
            handle.write(json.dumps(said).encode() + b"\n")
    connection.executemany("DELETE FROM documents WHERE slot = ?", ((row[0],) for row in rows))
    connection.executemany("INSERT OR IGNORE INTO tombstones VALUES (?)", ((row[0],) for row in rows))
    rebuild(connection, work.tokenize)  # it cannot be told what to forget, because the words may have changed
    work.rebuilt.append(f"{len(rows)} damaged document(s) left the store; what is left of them is in {file}")


def _mend_tombstones(connection: sqlite3.Connection, manifest: Manifest) -> bool:
    """A slot without a document is dead; returns whether the list said otherwise."""
    runs = [np.arange(run[0].start, run[0].end) for run in manifest.spans()]
    slots = np.concatenate([np.empty(0, dtype=np.int64), *runs])
    held = np.array([slot for (slot,) in connection.execute("SELECT slot FROM documents")], dtype=np.int64)
    said = np.array([slot for (slot,) in connection.execute("SELECT slot FROM tombstones")], dtype=np.int64)
    dead = np.setdiff1d(slots, held)
    if np.array_equal(dead, np.sort(said)):
        return False
    connection.execute("DELETE FROM tombstones")
    connection.executemany("INSERT INTO tombstones VALUES (?)", ((slot,) for slot in dead.tolist()))
    return True


def _mend_sidecars(work: _Work, connection: sqlite3.Connection) -> None:
    """Drop what does not match; searches do without it until it is built again."""
    findings = list(sidecar_findings(connection, work.path))
    sound = {sidecar.name for sidecar in read_sidecars(connection)[0]}
    sound -= {where.removeprefix(f"{DERIVED}/") for _, where, _ in findings}
    for (name,) in connection.execute("SELECT name FROM sidecars").fetchall():
        if name not in sound:
            connection.execute("DELETE FROM sidecars WHERE name = ?", (name,))
            work.rebuilt.append(f"the index {name} was dropped, because it was changed: build it again")
    for kind, where, _ in findings:
        if kind in {"orphan", "changed"} and where.startswith(f"{DERIVED}/"):
            (work.path / where).unlink(missing_ok=True)


def _mend_vectors(work: _Work, model: Encodes | str | Path | None) -> None:
    """Encode documents in damaged blocks again, or forget them; blocks that nobody needs then are cleared."""
    with transaction(work.path) as (connection, manifest), disk_errors(work.path):
        lost = lost_slots(work.path, manifest)
        rows = _documents(connection, lost)
        if not lost:
            return
    fields = {segment.field for segment in manifest.segments if segment.name in lost}
    questions = Questions(work.path, manifest.model, model)
    plain = questions.named and not any(column.use == "keep" for column in manifest.columns)
    again = [row for row in rows if plain and row[3]]
    if again:
        _encode(work, questions, again)
    left = [row for row in rows if not (plain and row[3])]
    with transaction(work.path) as (connection, manifest), disk_errors(work.path):
        work.lost += [f"document {row[1]!r}: its {' and '.join(sorted(fields))} on the disk" for row in left]
        if work.forget:
            _forget(work, connection, left)
        needed = {row[0] for row in _documents(connection, lost)}
        cleared = [s for s in manifest.segments if s.name in lost and not needed & set(lost[s.name].tolist())]
        if cleared:
            finished = [without(work.path, manifest, segment, lost[segment.name]) for segment in cleared]
            commit(connection, work.path, manifest, finished=finished, replaced=cleared)
            work.rebuilt.append(f"{len(cleared)} damaged segment(s) were written anew without what nobody needs")


def _documents(connection: sqlite3.Connection, lost: Mapping[str, np.ndarray]) -> list[Sequence[Any]]:
    """Rows of the documents in lost slots."""
    slots = sorted({slot for some in lost.values() for slot in some.tolist()})
    wanted = f"{_ROW} WHERE slot IN (SELECT value FROM json_each(?)) ORDER BY slot"
    return connection.execute(wanted, (json.dumps(slots),)).fetchall()


def _encode(work: _Work, questions: Questions, rows: Sequence[Sequence[Any]]) -> None:
    """Give documents vectors anew, from their texts."""
    records = [
        {**json.loads(metadata), "id": name, "title": title, "text": text} for _, name, title, text, metadata, _ in rows
    ]
    with writing(work.path, questions) as writer:
        writer.upsert(records)
    work.rebuilt.append(f"the vectors of {len(rows)} document(s) were encoded again from their texts")
