"""A safetensors file written piece by piece, in any order: the sizes are known, so its head comes first."""

from __future__ import annotations

import json
import math
import os
import struct
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

import torch
from torch import Tensor

from accord.merging.weight_files import BYTES

__all__ = ["WeightsWriter"]

ALIGNMENT = 8

FORCED = 1 << 24
"""Bytes that are forced to the disk together, while further pieces are merged."""


class WeightsWriter:
    """A file of tensors, filled piece by piece; several threads may write at once.

    Args:
        path: of the file.
        tensors: (type as safetensors calls it, shape) by name.

    >>> import tempfile
    >>> from safetensors.torch import load_file
    >>> path = Path(tempfile.mkdtemp()) / "model.safetensors"
    >>> with WeightsWriter(path, {"w": ("F32", (2, 2))}) as writer:
    ...     writer.write("w", 2, torch.tensor([3.0, 4.0]))
    ...     writer.write("w", 0, torch.tensor([1.0, 2.0]))
    >>> load_file(path)["w"].tolist()
    [[1.0, 2.0], [3.0, 4.0]]
    """

    def __init__(self, path: Path, tensors: Mapping[str, tuple[str, Sequence[int]]]) -> None:
        self.path = path
        self._starts: dict[str, int] = {}
        self._dtypes = {name: dtype for name, (dtype, _) in tensors.items()}
        head: dict[str, object] = {"__metadata__": {"format": "pt"}}
        reached = 0
        for name, (dtype, shape) in sorted(tensors.items(), key=lambda row: (-BYTES[row[1][0]], row[0])):
            stop = reached + math.prod(shape) * BYTES[dtype]
            head[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [reached, stop]}
            self._starts[name] = reached
            reached = stop
        text = json.dumps(head, ensure_ascii=False, separators=(",", ":")).encode()
        text += b" " * (-len(text) % ALIGNMENT)
        self._begin = 8 + len(text)
        self._lock, self._pending = threading.Lock(), 0
        self._disk, self._forcing = ThreadPoolExecutor(1, "force"), Future[None]()
        self._forcing.set_result(None)
        self._descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
        self._write(memoryview(struct.pack("<Q", len(text)) + text), 0)
        os.ftruncate(self._descriptor, self._begin + reached)

    def write(self, name: str, first: int, numbers: Tensor) -> None:
        """Write some elements.

        Args:
            name: of the tensor.
            first: number of the first element, in row-major order.
            numbers: of the tensor's type, in any shape.
        """
        if not numbers.numel():
            return
        data = numbers.detach().contiguous().view(-1).view(torch.uint8).numpy().data
        self._write(data, self._begin + self._starts[name] + first * BYTES[self._dtypes[name]])

    def _write(self, data: memoryview, place: int) -> None:
        length = len(data)
        while len(data):
            done = os.pwrite(self._descriptor, data, place)
            data, place = data[done:], place + done
        with self._lock:
            self._pending += length
            if self._pending >= FORCED and self._forcing.done():
                self._pending = 0
                self._forcing.result()
                self._forcing = self._disk.submit(os.fsync, self._descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._disk.shutdown(wait=True)
            if error is None:
                self._forcing.result()
                os.fsync(self._descriptor)
        finally:
            os.close(self._descriptor)
