"""A table larger than memory: one Arrow file of small record batches, written once and read a block at a time."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import ipc

from accord.core.errors import DataError
from accord.data.hashing import hash_table

__all__ = ["BLOCK_ROWS", "BlockWriter", "Blocks", "block_values"]

BLOCK_ROWS = 256


class BlockWriter:
    """Writes tables of like columns as blocks of equal length; only the last one may be shorter.

    Where a later table has a further column, or a column of a wider type, what stands in the file already is rewritten
    to hold it, without another look at the source.

    Args:
        path: the file to write.
        rows: rows a block.
    """

    def __init__(self, path: Path, rows: int = BLOCK_ROWS) -> None:
        self.path = path
        self.rows = rows
        self.count = 0
        self._schema: pa.Schema | None = None
        self._writer: ipc.RecordBatchFileWriter | None = None
        self._waiting: list[pa.Table] = []
        self._digest = hashlib.sha256()

    def append(self, table: pa.Table) -> None:
        """Add rows.

        Raises:
            DataError: a column that holds another kind of values than above.
        """
        table = _without_dictionaries(table.replace_schema_metadata(None))
        if self._schema is None or table.schema != self._schema:
            self._widen(table.schema)
        assert self._schema is not None
        self._waiting.append(as_schema(table, self._schema))
        self.count += table.num_rows
        self._flush(whole=True)

    def close(self) -> str:
        """Write what is left; gives a SHA-256 of all blocks."""
        self._flush(whole=False)
        if self._writer is not None:
            self._writer.close()
        return self._digest.hexdigest()

    def _flush(self, *, whole: bool) -> None:
        waiting = sum(len(table) for table in self._waiting)
        take = waiting - waiting % self.rows if whole else waiting
        if not take:
            return
        rows = pa.concat_tables(self._waiting)
        for start in range(0, take, self.rows):
            self._write(rows.slice(start, min(self.rows, take - start)))
        self._waiting = [rows.slice(take)] if take < len(rows) else []

    def _write(self, block: pa.Table) -> None:
        if self._writer is None:
            self._writer = ipc.new_file(str(self.path), block.schema)
        self._writer.write_batch(block.combine_chunks().to_batches()[0])
        self._digest.update(hash_table(block).encode())

    def _widen(self, schema: pa.Schema) -> None:
        before = self._schema
        if before is None:
            self._schema = schema
            return
        try:
            self._schema = pa.unify_schemas([before, schema], promote_options="permissive")
        except pa.ArrowException as error:
            raise DataError(f"a further column changes its kind: {error}. Write every row alike.") from error
        if self._schema == before:
            return
        waiting, self._waiting = self._waiting, []
        if self._writer is not None:
            self._writer.close()
            older = self.path.with_suffix(".older")
            self.path.rename(older)
            self._writer, self._digest = None, hashlib.sha256()
            with pa.OSFile(str(older)) as source:
                reader = ipc.open_file(source)
                for number in range(reader.num_record_batches):
                    self._write(as_schema(pa.Table.from_batches([reader.get_batch(number)]), self._schema))
            older.unlink()
        self._waiting = [as_schema(table, self._schema) for table in waiting]


class Blocks:
    """Reads blocks with plain reads of the file and keeps the latest ones.

    The file is not mapped into memory, so that what was read does not stay resident.

    Args:
        path: as written by :class:`BlockWriter`.
        keep: blocks that stay in memory.
    """

    def __init__(self, path: Path, keep: int) -> None:
        self.path = path
        self.keep = keep
        self._reader = ipc.open_file(pa.OSFile(str(path)))
        self._kept: OrderedDict[int, pa.Table] = OrderedDict()

    def __len__(self) -> int:
        return self._reader.num_record_batches

    def __getitem__(self, number: int) -> pa.Table:
        if number in self._kept:
            self._kept.move_to_end(number)
            return self._kept[number]
        block = pa.Table.from_batches([self._reader.get_batch(number)])
        self._kept[number] = block
        while len(self._kept) > self.keep:
            self._kept.popitem(last=False)
        return block


def block_values(path: Path, column: str, rows: np.ndarray, block_rows: int) -> Iterator[str]:
    """Values of a column of a file of blocks, in rising rows."""
    with pa.OSFile(str(path)) as source:
        reader = ipc.open_file(source)
        latest, values = -1, None
        for row in rows.tolist():
            if values is None or row // block_rows != latest:
                latest = row // block_rows
                values = reader.get_batch(latest).column(column)
            yield values[row % block_rows].as_py()


def as_schema(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """The table with these columns, missing ones as nulls."""
    columns = [
        table.column(field.name).cast(field.type)
        if field.name in table.column_names
        else pa.nulls(table.num_rows, field.type)
        for field in schema
    ]
    return pa.table(columns, schema=schema)


def _without_dictionaries(table: pa.Table) -> pa.Table:
    for number, field in enumerate(table.schema):
        if pa.types.is_dictionary(field.type):
            table = table.set_column(number, field.name, table.column(number).cast(field.type.value_type))
    return table
