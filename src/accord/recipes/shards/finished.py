"""Shards that are done: their rows and vectors, checked when they are read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from accord.core.errors import InputError, StorageError
from accord.core.storage import hash_file, read_json
from accord.recipes.shards.plan import ShardPlan, is_done, read_plan

__all__ = ["Shards", "open_shards"]


@dataclass(frozen=True)
class Shards:
    """A folder in which every shard is done.

    Args:
        plan: what was embedded.
    """

    plan: ShardPlan

    def __len__(self) -> int:
        return self.plan.shards

    def read(self, shard: int) -> tuple[pa.Table, np.ndarray]:
        """Rows of one shard, and their vectors (rows, dim).

        Raises:
            StorageError: its file is not as it was written.
        """
        return _read(self.plan.vectors_file(shard), read_json(self.plan.line_file(shard))["sha256"])

    def __iter__(self) -> Iterator[tuple[pa.Table, np.ndarray]]:
        return (self.read(shard) for shard in range(len(self)))

    def take(self, rows: Sequence[int] | np.ndarray) -> tuple[pa.Table, np.ndarray]:
        """Some rows, in rising order, and their vectors; every shard that has one of them is read once."""
        rows = np.unique(np.asarray(rows))
        shards, places = np.divmod(rows, self.plan.rows_a_shard)
        found = []
        for shard in np.unique(shards).tolist():
            table, vectors = self.read(shard)
            wanted = places[shards == shard]
            found.append((table.take(pa.array(wanted)), vectors[wanted]))
        tables, parts = zip(*found)
        return pa.concat_tables(tables), np.concatenate(parts)


def open_shards(folder: Path | str) -> Shards:
    """Open a folder of shards.

    Raises:
        InputError: no plan, or shards that have still to be embedded.
    """
    plan = read_plan(folder)
    open_ones = [shard for shard in range(plan.shards) if not is_done(plan, shard)]
    if open_ones:
        raise InputError(
            f"{folder}: {len(open_ones):,} of {plan.shards:,} shards have still to be embedded (the first is "
            f"{open_ones[0]}). Run the same `accord embed` again."
        )
    return Shards(plan)


def _read(file: Path, sha256: str) -> tuple[pa.Table, np.ndarray]:
    if hash_file(file) != sha256:
        raise StorageError(
            f"{file} is not as it was written (its SHA-256 differs). Remove it and run the same `accord embed` again."
        )
    table = pq.read_table(file)
    cells = table["vector"].combine_chunks()
    vectors = cells.flatten().to_numpy(zero_copy_only=False).reshape(table.num_rows, -1)
    return table.drop_columns(["vector"]).replace_schema_metadata(None), vectors
