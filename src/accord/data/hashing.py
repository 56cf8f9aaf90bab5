"""A hash of what a table says, whatever its chunks, buffers and row groups look like."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pyarrow as pa

from accord.data.arrow import compute as pc
from accord.data.checking import is_list, is_text

__all__ = ["hash_table"]


def hash_table(table: pa.Table) -> str:
    """SHA-256 of a table's columns (by name) and their values, in hexadecimal.

    >>> whole = pa.table({"a": ["x", "y", "z"]})
    >>> parts = pa.concat_tables([whole.slice(0, 1), whole.slice(1)])
    >>> hash_table(whole) == hash_table(parts), hash_table(whole) == hash_table(whole.slice(1))
    (True, False)
    """
    digest = hashlib.sha256()
    for name in sorted(table.column_names):
        digest.update(f"\x1e{name}\x1f{table.num_rows}\x1f".encode())
        _update(digest, table.column(name).combine_chunks())
    return digest.hexdigest()


def _update(digest: hashlib._Hash, array: pa.Array | pa.ChunkedArray) -> None:
    if isinstance(array, pa.ChunkedArray):
        array = pa.concat_arrays(array.chunks) if array.num_chunks else pa.array([], array.type)
    kind = array.type
    if pa.types.is_dictionary(kind):
        _update(digest, array.cast(kind.value_type))
    elif is_text(kind):
        digest.update(b"text")
        _text(digest, array.cast(pa.large_string()))
    elif is_list(kind):
        digest.update(b"list" + _validity(array))
        digest.update(pc.fill_null(pc.list_value_length(array), 0).cast(pa.int64()).to_numpy().tobytes())
        _update(digest, pc.list_flatten(array))
    elif pa.types.is_integer(kind) or pa.types.is_floating(kind):
        digest.update(b"number" + _validity(array))
        values = pc.fill_null(array, pa.scalar(0, kind)).to_numpy(zero_copy_only=False)
        digest.update(values.astype(np.float64 if values.dtype.kind == "f" else np.int64).tobytes())
    else:
        digest.update(b"other")
        digest.update(json.dumps(array.to_pylist(), sort_keys=True, ensure_ascii=True, default=str).encode())


def _text(digest: hashlib._Hash, array: pa.Array) -> None:
    digest.update(_validity(array))
    filled = pc.fill_null(array, "")
    digest.update(pc.binary_length(filled).cast(pa.int64()).to_numpy().tobytes())
    offsets, values = filled.buffers()[1], filled.buffers()[2]
    if len(filled) and values is not None:
        ends = np.frombuffer(offsets, dtype=np.int64)[filled.offset : filled.offset + len(filled) + 1]
        digest.update(memoryview(values)[ends[0] : ends[-1]])


def _validity(array: pa.Array) -> bytes:
    return np.packbits(pc.is_valid(array).to_numpy(zero_copy_only=False)).tobytes() if array.null_count else b""
