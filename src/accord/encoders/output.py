"""Where vectors go: a new array, a given one, or a `.npy` file that appears whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np

from accord.core.errors import InputError
from accord.core.storage import atomic_file, storage_errors

__all__ = ["Output", "open_output"]


class Output:
    """Takes blocks of rows, one after another.

    Args:
        rows: in all.
        array: filled in place; or
        handle: written to.
    """

    def __init__(self, rows: int, *, array: np.ndarray | None = None, handle: IO[bytes] | None = None) -> None:
        self.rows = rows
        self.array = array
        self.handle = handle
        self.written = 0

    def write(self, block: np.ndarray) -> None:
        """Append (n, dim) rows."""
        if self.array is not None:
            self.array[self.written : self.written + len(block)] = block
        if self.handle is not None:
            self.handle.write(np.ascontiguousarray(block, dtype="<f4").data)
        self.written += len(block)


@contextmanager
def open_output(out: Path | str | np.ndarray | None, rows: int, dim: int) -> Iterator[Output]:
    """Open a place for (rows, dim) float32; a file's memory is never mapped while it is written.

    Raises:
        InputError: an array of another shape or type, or a file that is not called `.npy`.
        StorageError: the disk is full or refuses.
    """
    if out is None:
        yield Output(rows, array=np.empty((rows, dim), dtype=np.float32))
    elif isinstance(out, np.ndarray):
        if out.shape != (rows, dim) or not np.issubdtype(out.dtype, np.floating):
            raise InputError(f"`out` must be floats of shape {(rows, dim)}. Got {out.dtype} of shape {out.shape}.")
        yield Output(rows, array=out)
        flush: Any = getattr(out, "flush", None)
        if flush is not None:
            with storage_errors(Path(getattr(out, "filename", None) or ".")):
                flush()
    else:
        path = Path(out)
        if path.suffix != ".npy":
            raise InputError(f"`out` must be an array or a file called `.npy`. Got {str(path)!r} instead.")
        with atomic_file(path) as handle:
            header = {"descr": "<f4", "fortran_order": False, "shape": (rows, dim)}
            np.lib.format.write_array_header_2_0(handle, header)
            yield Output(rows, handle=handle)
