"""The heads of safetensors files: what tensors there are and where, before any weight is read."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from accord.core.errors import ModelError
from accord.encoders.integrity import read_object

__all__ = ["BYTES", "FLOATS", "Stored", "read_weights"]

FLOATS: Mapping[str, str] = {"F32": "float32", "F16": "float16", "BF16": "bfloat16", "F64": "float64"}
"""Types of numbers that are merged, as safetensors and torch call them."""

BYTES: Mapping[str, int] = {
    "F64": 8,
    "I64": 8,
    "U64": 8,
    "F32": 4,
    "I32": 4,
    "U32": 4,
    "F16": 2,
    "BF16": 2,
    "I16": 2,
    "U16": 2,
    "I8": 1,
    "U8": 1,
    "BOOL": 1,
    "F8_E4M3": 1,
    "F8_E5M2": 1,
}
"""Bytes a number of each type."""

CURE = "Copy or fetch the file again."


@dataclass(frozen=True)
class Stored:
    """A tensor in a file.

    Args:
        path: of the file.
        dtype: as safetensors calls it.
        shape: of the tensor.
        start: of its bytes in the file.
    """

    path: Path
    dtype: str
    shape: tuple[int, ...]
    start: int

    @property
    def elements(self) -> int:
        """How many numbers it holds."""
        return math.prod(self.shape)

    @property
    def bytes(self) -> int:
        """How many bytes it takes."""
        return self.elements * BYTES[self.dtype]

    @property
    def is_float(self) -> bool:
        """Whether it is merged; other tensors hold positions, numbers of rows and the like."""
        return self.dtype in FLOATS


def read_weights(folder: Path, *, file: str = "model.safetensors") -> dict[str, Stored]:
    """The tensors of a folder, in one file or in shards, by name.

    Args:
        folder: of the weights.
        file: their name; shards are listed in an index beside it.

    Raises:
        ModelError: a missing, pickled, half-written or damaged file, by name; a name that stands twice; an index that
            promises what the shards do not hold.
    """
    index = folder / f"{file}.index.json"
    if not index.is_file():
        return _read_head(folder / file)
    promised = read_object(index).get("weight_map")
    if not isinstance(promised, dict) or not promised:
        raise ModelError(f"{index} has no `weight_map`. {CURE}")
    found: dict[str, Stored] = {}
    for shard in sorted(set(promised.values())):
        for name, stored in _read_head(folder / shard).items():
            if name in found:
                raise ModelError(
                    f"The tensor `{name}` stands in two shards of {folder}: {found[name].path.name} and {shard}. "
                    "Save or fetch the model again."
                )
            found[name] = stored
    lost = sorted(name for name, shard in promised.items() if name not in found or found[name].path.name != shard)
    if lost:
        raise ModelError(f"{folder / promised[lost[0]]} lacks `{lost[0]}`, which {index.name} promises. {CURE}")
    return found


def _read_head(path: Path) -> dict[str, Stored]:
    if not path.is_file():
        pickled = path.parent / "pytorch_model.bin"
        if pickled.is_file():
            raise ModelError(
                f"{pickled} is a pickle, which can run code when read. Convert it to `model.safetensors` first: load "
                "it where you trust it and save it again with `save_pretrained`."
            )
        raise ModelError(f"{path} is missing. Restore the file, or save or fetch the model again.")
    size = path.stat().st_size
    with path.open("rb") as handle:
        first = handle.read(8)
        length = struct.unpack("<Q", first)[0] if len(first) == 8 else 0
        if not 2 <= length <= size - 8:
            raise ModelError(
                f"{path} is damaged or only half written: its head does not fit its {size:,} bytes. {CURE}"
            )
        text = handle.read(length)
    try:
        head = json.loads(text, object_pairs_hook=_once)
    except _Twice as error:
        raise ModelError(f"The tensor `{error}` stands twice in {path}. Save or fetch the model again.") from error
    except ValueError as error:
        raise ModelError(f"{path} is damaged: its head is no JSON ({error}). {CURE}") from error
    rows = {name: row for name, row in head.items() if name != "__metadata__"} if isinstance(head, dict) else {}
    if not rows:
        raise ModelError(f"{path} holds no tensors. {CURE}")
    return _placed(path, rows, begin=8 + length, size=size)


def _placed(path: Path, rows: Mapping[str, Any], *, begin: int, size: int) -> dict[str, Stored]:
    """Tensors with their places, which must fill the file without gaps."""
    found: dict[str, Stored] = {}
    spans: list[tuple[int, int, str]] = []
    for name, row in rows.items():
        try:
            dtype, shape = str(row["dtype"]), tuple(int(n) for n in row["shape"])
            start, stop = (int(n) for n in row["data_offsets"])
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f"{path} is damaged: its head does not describe `{name}` ({error!r}). {CURE}") from error
        if dtype not in BYTES:
            raise ModelError(f"{path}: `{name}` has numbers of the type {dtype}, which is not supported.")
        found[name] = Stored(path, dtype, shape, begin + start)
        if stop - start != found[name].bytes:
            raise ModelError(f"{path} is damaged: `{name}` has {stop - start} bytes for the shape {shape}. {CURE}")
        spans.append((start, stop, name))
    reached = 0
    for start, stop, name in sorted(spans):
        if start != reached:
            raise ModelError(f"{path} is damaged: `{name}` does not begin where the tensor before it ends. {CURE}")
        reached = stop
    if begin + reached != size:
        raise ModelError(
            f"{path} is damaged or only half written: its head promises {begin + reached:,} bytes, and it has "
            f"{size:,}. {CURE}"
        )
    return found


class _Twice(Exception):
    """A key that stands twice."""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise _Twice(name)
        found[name] = value
    return found
