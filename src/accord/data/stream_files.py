"""The one pass over a file that a stream makes: every row checked, then written as blocks into a cache folder."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from accord.core.errors import DataError
from accord.core.progress import Progress
from accord.core.storage import atomic_folder, hash_json, read_json, write_json
from accord.data.arrow import compute as pc
from accord.data.blocks import BlockWriter, block_values
from accord.data.chunks import Chunks
from accord.data.columns import match
from accord.data.detect import detect
from accord.data.faults import repeated_id
from accord.data.lines import Where, first_of
from accord.data.seen_ids import SeenIds
from accord.data.signals import Signal, label_counts

__all__ = ["ABOUT", "ROWS", "cache_folder", "checked_blocks"]

FORMAT = "accord-stream/1"
ROWS = "rows.arrow"
ABOUT = "about.json"
HEAD = 1 << 20


def cache_folder() -> Path:
    """Where blocks are kept when nothing is said: ``$XDG_CACHE_HOME/accord/streams``, or below ``~/.cache``."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "accord" / "streams"


def checked_blocks(
    path: Path,
    *,
    signal: type[Signal] | None,
    columns: Mapping[str, str | None],
    cache: Path,
    progress: Progress,
) -> Path:
    """The folder with the blocks of a file: one from before, or a new one after a pass over the whole file.

    Args:
        path: the file.
        signal: None: the columns of its first rows decide.
        columns: as of a signal.
        cache: folder of such folders.
        progress: opens a bar for the pass.

    Raises:
        DataError: what a signal finds wrong with a row, with its line.
    """
    chunks = Chunks(path)
    described = _describe(path, signal, columns)
    place = hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:12]
    folder = cache / f"{path.name.partition('.')[0][:40]}-{place}-{hash_json(described)[:12]}"
    if (folder / ABOUT).is_file():
        return folder
    with atomic_folder(folder) as partial:
        late: list[pa.Field] = []
        while True:
            pass_over = _Pass(BlockWriter(partial / ROWS), signal, columns, late)
            try:
                _run(pass_over, chunks, path, progress)
                break
            except _LateColumn as found:
                late += found.fields
        about = pass_over.finish(path)
        write_json(partial / ABOUT, {"format": FORMAT, "source": described, **about})
    _clear_older(cache, place, described, keep=folder)
    return folder


def _run(pass_over: _Pass, chunks: Chunks, path: Path, progress: Progress) -> None:
    with progress(f"check {path.name}", total=chunks.total, unit=chunks.unit) as advance:
        done = 0
        for chunk in chunks:
            pass_over.add(chunk)
            advance(chunks.done - done)
            done = chunks.done
        advance(chunks.total - done)


class _LateColumn(Exception):
    """A column that the signal reads appears only now: the rows above must be read again with it."""

    def __init__(self, fields: Sequence[pa.Field]) -> None:
        super().__init__()
        self.fields = fields


def _describe(path: Path, signal: type[Signal] | None, columns: Mapping[str, str | None]) -> dict[str, Any]:
    """What the blocks depend on."""
    state = path.stat()
    with path.open("rb") as handle:
        head = hashlib.sha256(handle.read(HEAD)).hexdigest()
    return {
        "format": FORMAT,
        "path": str(path.resolve()),
        "bytes": state.st_size,
        "changed": state.st_mtime_ns,
        "head": head,
        "signal": signal and signal.__name__,
        "columns": dict(columns),
    }


def _clear_older(cache: Path, place: str, described: Mapping[str, Any], *, keep: Path) -> None:
    """Remove the blocks of what the file held before it was changed."""
    for folder in cache.glob(f"*-{place}-*"):
        if folder == keep or not (folder / ABOUT).is_file():
            continue
        source = read_json(folder / ABOUT)["source"]
        if any(source[key] != described[key] for key in ("bytes", "changed", "head")):
            shutil.rmtree(folder, ignore_errors=True)


class _Pass:
    """What is known after so many chunks."""

    def __init__(
        self,
        writer: BlockWriter,
        signal: type[Signal] | None,
        columns: Mapping[str, str | None],
        late: Sequence[pa.Field],
    ) -> None:
        self.writer = writer
        self.kind = signal
        self.columns = dict(columns)
        self.late = late
        self.names: dict[str, str] | None = None
        self.schema: pa.Schema | None = None
        self.ids = SeenIds()
        self.texts: Counter[str] = Counter()
        self.characters: Counter[str] = Counter()
        self.labels: Counter[str] = Counter()

    def add(self, chunk: pa.Table) -> None:
        """Check the rows of a chunk and write them."""
        chunk = self._like_the_first(chunk)
        if self.kind is None:
            self.kind = detect(chunk, self.columns)
        self._refuse_late_columns(chunk)
        signal = self.kind(chunk, columns=self.columns)
        where = Where(signal.origin, len(signal), first_of(chunk))
        self.names = dict(signal.names)
        if "id" in self.names:
            self.ids.add(signal.table.column("id").to_pylist())
            table = signal.table
        else:
            first = first_of(chunk) or 0
            numbers = pa.array(np.arange(first, first + len(signal))).cast(pa.large_string())
            table = signal.table.set_column(signal.table.schema.get_field_index("id"), "id", numbers)
        self._count(signal)
        try:
            self.writer.append(table)
        except DataError as error:
            raise DataError(f"{where(0)} and below: {error}") from error

    def _like_the_first(self, chunk: pa.Table) -> pa.Table:
        """The chunk with the columns of the first one: what no row of it has is missing, and said so with its line."""
        notes = chunk.schema.metadata
        schema = self.schema
        if schema is None:
            schema = chunk.schema
            for field in self.late:
                if field.name not in schema.names:
                    schema = schema.append(field)
            self.schema = schema
        for field in schema:
            if field.name not in chunk.column_names:
                chunk = chunk.append_column(field, pa.nulls(chunk.num_rows, field.type))
            elif pa.types.is_null(chunk.schema.field(field.name).type):
                number = chunk.schema.get_field_index(field.name)
                chunk = chunk.set_column(number, field, pa.nulls(chunk.num_rows, field.type))
        return chunk.replace_schema_metadata(notes)

    def _refuse_late_columns(self, chunk: pa.Table) -> None:
        assert self.kind is not None and self.schema is not None
        new = [field for field in chunk.schema if field.name not in self.schema.names]
        if not new or self.names is None:
            return
        schema = self.kind.laid_out(chunk, self.columns).schema
        kind = self.kind
        names = match(
            kind.roles, schema, self.columns, signal=kind.__name__, what="It", numbered=kind.numbered_negatives
        )
        if set(names) - set(self.names) or ("id" not in self.names and {"id", "_id"} & {f.name for f in new}):
            raise _LateColumn(new)

    def _count(self, signal: Signal) -> None:
        for name in signal.text_columns:
            texts = signal.texts(name)
            self.texts[name] += len(texts)
            self.characters[name] += pc.sum(pc.utf8_length(texts)).as_py() or 0
        if any(role.kind == "label" for role in signal.roles):
            self.labels.update(label_counts(signal.table.column("label")))

    def finish(self, path: Path) -> dict[str, Any]:
        """Close the file and say what is in it."""
        digest = self.writer.close()
        assert self.kind is not None
        self._check_ids(path)
        means = {name: round(self.characters[name] / max(1, count), 1) for name, count in self.texts.items()}
        about = {
            "signal": self.kind.__name__,
            "rows": self.writer.count,
            "block_rows": self.writer.rows,
            "names": self.names,
            "mean_characters": means,
            "fingerprint": hashlib.sha256(f"{self.kind.__name__}\x1f{digest}".encode()).hexdigest(),
        }
        return about | ({"labels": dict(sorted(self.labels.items()))} if self.labels else {})

    def _check_ids(self, path: Path) -> None:
        """Ids must differ."""
        found = self.ids.repeated(lambda rows: block_values(self.writer.path, "id", rows, self.writer.rows))
        if found is not None:
            row, value, earlier = found
            name = (self.names or {}).get("id", "id")
            raise DataError(f"{Where(str(path), 0, row)(0)}: {repeated_id(name, value, earlier)}")
