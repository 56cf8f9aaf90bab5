"""What every worker has to know, and the corpus cut into shards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from accord.core.errors import InputError
from accord.core.progress import Progress, silent
from accord.core.storage import fsync_path, hash_file, hash_json, partial_name, read_json, storage_errors, write_json
from accord.data.blocks import Blocks, BlockWriter, block_values
from accord.data.chunks import Chunks
from accord.data.lines import first_of
from accord.data.seen_ids import SeenIds
from accord.encoders import StaticEncoder, TextEncoder
from accord.recipes.chunk_texts import Chunking, chunked, read_chunking
from accord.recipes.corpus_rows import corpus_rows
from accord.retrieval.files.lock import LOCK_FILE

__all__ = ["FORMAT", "ShardPlan", "cut_corpus", "is_done", "read_plan"]

FORMAT = "accord-shards/1"
PLAN = "plan.json"
CORPUS = "corpus.arrow"
ASKED = ("model", "source", "column", "chunk", "precision", "rows_a_shard")
SAID = {"rows_a_shard": "number of rows"}


@dataclass(frozen=True)
class ShardPlan:
    """What is embedded, with what, and in which parts.

    Args:
        path: the folder.
        model: record of the model, as a store keeps it: where it lies, its hash, dimension and prompt.
        source: the file: its name, bytes and SHA-256.
        column: of the texts.
        chunk: how texts were cut, or None.
        precision: that the model computes in.
        rows_a_shard: rows of every shard but the last.
        rows: of all shards.
        texts: rows of the file that have a text or a title; they are fewer than `rows` where they were cut.
        left_out: rows of the file without a text or a title.
        corpus: SHA-256 of what is embedded.
    """

    path: Path
    model: Mapping[str, Any]
    source: Mapping[str, Any]
    column: str
    chunk: str | None
    precision: str
    rows_a_shard: int
    rows: int
    texts: int
    left_out: int
    corpus: str

    @property
    def shards(self) -> int:
        """How many there are."""
        return -(-self.rows // self.rows_a_shard)

    def rows_of(self, shard: int) -> int:
        """Rows of one shard."""
        return min(self.rows_a_shard, self.rows - shard * self.rows_a_shard)

    def texts_of(self, shard: int) -> pa.Table:
        """What one shard has to embed: `id`, `text` and all that the store keeps beside them."""
        return Blocks(self.path / CORPUS, keep=1)[shard]

    def vectors_file(self, shard: int) -> Path:
        """The Parquet file of one shard."""
        return self.path / "vectors" / f"{shard:06d}.parquet"

    def line_file(self, shard: int) -> Path:
        """What says that the Parquet file of a shard is whole."""
        return self.path / "done" / f"{shard:06d}.json"

    @cached_property
    def key(self) -> str:
        """Hash of all that decides what the vectors are."""
        return hash_json(self.described())

    def described(self) -> dict[str, Any]:
        """The plan as JSON."""
        return {"format": FORMAT, **{key: value for key, value in asdict(self).items() if key != "path"}}

    def forget_corpus(self) -> None:
        """Remove the texts that were cut for the workers; the Parquet files hold them too."""
        (self.path / CORPUS).unlink(missing_ok=True)


def read_plan(path: Path | str) -> ShardPlan:
    """The plan of a folder.

    Raises:
        InputError: there is none, or a newer accord made it.
    """
    path = Path(path)
    if not (path / PLAN).is_file():
        raise InputError(
            f"{path} has no {PLAN}, so it holds no shards. Make them: accord embed MODEL CORPUS --out {path}"
        )
    known = read_json(path / PLAN)
    if known.pop("format", None) != FORMAT:
        raise InputError(f"{path / PLAN} is not of the form {FORMAT}. A newer accord may have made it.")
    return ShardPlan(path=path, **known)


def cut_corpus(
    out: Path,
    source: Path,
    encoder: TextEncoder | StaticEncoder,
    model: Mapping[str, Any],
    *,
    rows_a_shard: int,
    column: str,
    chunk: str | None,
    precision: str,
    progress: Progress = silent,
) -> ShardPlan:
    """Cut a corpus into shards, or find that this was done.

    Memory holds a few megabytes of the file, one shard, and eight bytes for each id.

    Args:
        out: the folder, which is there.
        source: JSONL(.gz), CSV, TSV or Parquet.
        encoder: whose tokens `chunk` counts.
        model: its record.
        rows_a_shard: as in :class:`ShardPlan`, and so are the others.
        column: of the texts.
        chunk: "sentences:5" or "tokens:256".
        precision: that the model computes in.
        progress: opens a bar.

    Raises:
        InputError: a folder with shards of something else, or with other files; an id that is there twice.
        DataError: a line that cannot be read.
    """
    chunks = Chunks(source)
    described = {"name": source.name, "bytes": source.stat().st_size, "sha256": hash_file(source)}
    chunking = read_chunking(chunk)
    asked = {
        "model": {key: value for key, value in model.items() if key not in {"path", "name"}},
        "source": described,
        "column": column,
        "chunk": None if chunking is None else str(chunking),
        "precision": precision,
        "rows_a_shard": rows_a_shard,
    }
    cut = _Cut(partial_name(out / CORPUS), rows_a_shard, source, column)
    if (out / PLAN).is_file():
        plan = read_plan(out)
        _check_same(plan, asked)
        if not (out / CORPUS).is_file() and not all(is_done(plan, shard) for shard in range(plan.shards)):
            _check_cut_alike(plan, cut.run(chunks, chunking, encoder, out / CORPUS, progress))
        return plan
    if any(not entry.name.startswith(".") for entry in out.iterdir() if entry.name not in {CORPUS, LOCK_FILE}):
        raise InputError(f"{out} holds other files. Choose an empty or a new folder for `out`.")
    digest = cut.run(chunks, chunking, encoder, out / CORPUS, progress)
    plan = ShardPlan(
        path=out,
        **{**asked, "model": dict(model)},
        rows=cut.count,
        texts=cut.texts,
        left_out=cut.left_out,
        corpus=digest,
    )
    write_json(out / PLAN, plan.described())
    return plan


def is_done(plan: ShardPlan, shard: int) -> bool:
    """Whether the file of a shard is whole and belongs to the plan."""
    line = plan.line_file(shard)
    return line.is_file() and plan.vectors_file(shard).is_file() and read_json(line)["plan"] == plan.key


def _check_cut_alike(plan: ShardPlan, digest: str) -> None:
    if digest != plan.corpus:
        plan.forget_corpus()
        raise InputError(
            f"{plan.path} was cut by another version of accord, whose rows differ. Choose another folder for `out`."
        )


def _check_same(plan: ShardPlan, asked: Mapping[str, Any]) -> None:
    for name in ASKED:
        held: Any = getattr(plan, name)
        if name == "model":
            held = {key: value for key, value in held.items() if key not in {"path", "name"}}
        if held != asked[name]:
            raise InputError(
                f"{plan.path} holds shards of another {SAID.get(name, name)}: {held!r}, not {asked[name]!r}. Choose "
                "another folder for `out`, or remove this one."
            )


class _Cut:
    """Parts of a file as blocks of rows that a store takes."""

    def __init__(self, path: Path, rows: int, source: Path, column: str) -> None:
        self.path = path
        self.source = source
        self.column = column
        self.texts = 0
        self.left_out = 0
        self._writer = BlockWriter(path, rows)
        self._ids = SeenIds()
        self._columns: list[str] = []

    @property
    def count(self) -> int:
        return self._writer.count

    def run(
        self,
        chunks: Chunks,
        chunking: Chunking | None,
        encoder: TextEncoder | StaticEncoder,
        out: Path,
        progress: Progress,
    ) -> str:
        """Write all rows; gives their hash."""
        try:
            with storage_errors(out), progress("cut into shards", total=chunks.total, unit=chunks.unit) as advance:
                done = 0
                for part in chunks:
                    rows = self._rows_of(part)
                    if rows.num_rows:
                        self._append(rows if chunking is None else chunked(rows, chunking, encoder)[0])
                    advance(chunks.done - done)
                    done = chunks.done
                digest = self._close()
                fsync_path(self.path)
                self.path.replace(out)
        finally:
            for leftover in out.parent.glob(f"{self.path.name}*"):
                leftover.unlink()
        return digest

    def _rows_of(self, part: pa.Table) -> pa.Table:
        """The rows that have texts; where no row of the file has an id, its number is it."""
        if not self._columns:
            self._columns = part.column_names
        if not {"id", "_id"} & set(self._columns):
            if {"id", "_id"} & set(part.column_names):
                raise InputError(f"{self.source}: the first rows have no id, later ones do. Give each one, or none.")
            first = first_of(part) or 0
            numbers = pa.array(np.arange(first, first + part.num_rows)).cast(pa.string())
            part = part.add_column(0, "id", numbers)
        missing = [name for name in self._columns if name not in part.column_names]
        for name in missing:
            part = part.append_column(name, pa.nulls(part.num_rows))
        rows, left_out = corpus_rows(part, self.source, self.column)
        self.texts += rows.num_rows
        self.left_out += left_out
        return rows

    def _append(self, rows: pa.Table) -> None:
        self._ids.add(rows["id"].to_pylist())
        self._writer.append(rows)

    def _close(self) -> str:
        """Gives the hash of all rows.

        Raises:
            InputError: no row with a text, or an id that is there twice.
        """
        digest = self._writer.close()
        if not self.count:
            raise InputError(f"{self.source} has no row with a text in `{self.column}`.")
        path, rows = self._writer.path, self._writer.rows
        found = self._ids.repeated(lambda wanted: block_values(path, "id", wanted, rows))
        if found is not None:
            raise InputError(f"{self.source} has the id {found[1]!r} twice. Ids must be unique.")
        return digest
