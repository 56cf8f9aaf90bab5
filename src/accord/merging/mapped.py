"""Weights read from files as they are needed: mapped into memory, and given back piece by piece."""

from __future__ import annotations

import mmap
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

import torch
from torch import Tensor

from accord.merging.weight_files import BYTES, Stored

__all__ = ["TORCH", "MappedFiles"]

TORCH: dict[str, torch.dtype] = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "U64": torch.uint64,
    "U32": torch.uint32,
    "U16": torch.uint16,
    "BOOL": torch.bool,
    "F8_E4M3": torch.float8_e4m3fn,
    "F8_E5M2": torch.float8_e5m2,
}
"""Types of numbers, as safetensors calls them."""


HELD = 1 << 23
"""Bytes of a file that are read before its pages are given back."""


class MappedFiles:
    """Weight files that are open for reading; closes them on leaving the context."""

    def __init__(self) -> None:
        self._maps: dict[Path, mmap.mmap] = {}
        self._read: dict[Path, int] = {}
        self._lock = threading.Lock()

    def read(self, stored: Stored, first: int, count: int) -> Tensor:
        """Some elements of a tensor, flat, in the type in which they are stored; not to be written to.

        Args:
            stored: where the tensor is.
            first: number of the first element, in row-major order.
            count: how many.
        """
        if not count:
            return torch.empty(0, dtype=TORCH[stored.dtype])
        size = BYTES[stored.dtype]
        start = stored.start + first * size
        mapped = self._map(stored.path)
        if start % size:  # a file whose head was not padded
            return torch.frombuffer(bytearray(mapped[start : start + count * size]), dtype=TORCH[stored.dtype])
        return torch.frombuffer(mapped, dtype=TORCH[stored.dtype], count=count, offset=start)

    def release(self, stored: Stored, count: int) -> None:
        """Say that so many elements were read and are done with, so that they take no memory of the process.

        Pages are given back by the megabyte; those that are still being read come back by themselves.
        """
        with self._lock:
            done = self._read.get(stored.path, 0) + count * BYTES[stored.dtype]
            self._read[stored.path] = done if done < HELD else 0
        if done >= HELD and hasattr(mmap, "MADV_DONTNEED"):
            self._map(stored.path).madvise(mmap.MADV_DONTNEED)

    def _map(self, path: Path) -> mmap.mmap:
        with self._lock:
            if path not in self._maps:
                with path.open("rb") as handle:
                    self._maps[path] = mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_COPY)
            return self._maps[path]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for mapped in self._maps.values():
            try:
                mapped.close()
            except BufferError:  # a tensor of a failed merge is still alive; the map goes with it
                continue
        self._maps.clear()
