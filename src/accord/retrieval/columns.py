"""Columns: what a store keeps of each document beside its text, and which of it is compared with every query.

A store without a codec has one column of float32 vectors. One with a codec has two: codes, which are scanned, and the
vectors, which only order what the codes found. Every column has a row for every slot and a segment for every span of
slots, so positions mean the same in all of them.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from accord.core.errors import InputError, StorageError
from accord.core.storage import hash_folder

if TYPE_CHECKING:
    from accord.compression.codecs.base import FittedCodec

__all__ = [
    "CODECS",
    "CODES",
    "RESCORE",
    "VECTORS",
    "Column",
    "check_codec",
    "codec_changes",
    "column_codec",
    "columns_of",
    "columns_text",
    "float_columns",
    "read_columns",
]

CODECS = "codecs"
VECTORS = "vector"
CODES = "vector.code"
RESCORE = {"float16": "<f2", "float32": "<f4", "none": None}
"""What may be kept for rescoring -> its type in the files."""


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column of a store.

    Args:
        field: its name; that of codes begins with the name of the column that they stand for.
        layout: "dense" (one row a slot).
        dtype: of its numbers, as NumPy spells it.
        dim: numbers in a row.
        use: "scan" (compared with every query) or "rescore" (read for the best of the scan only).
        codec: of codes: `kind`, `settings`, `made_for`, `identity`, and the SHA-256 of the codec's `files` by name.
    """

    field: str
    layout: str = "dense"
    dtype: str
    dim: int
    use: str
    codec: Mapping[str, Any] | None = None

    @property
    def known(self) -> bool:
        """Whether this version of accord can read and fill it."""
        if self.layout != "dense" or self.use not in {"scan", "rescore"}:
            return False
        return self.dtype == "|u1" if self.codec else self.dtype in {"<f4", "<f2"}

    @property
    def codec_folder(self) -> str:
        """The folder of its codec, relative to the store."""
        return f"{CODECS}/{self.field}"


def float_columns(dim: int) -> tuple[Column, ...]:
    """The columns of a store without a codec."""
    return (Column(field=VECTORS, dtype="<f4", dim=dim, use="scan"),)


def columns_of(dim: int, codec: FittedCodec, files: Mapping[str, str], rescore: str) -> tuple[Column, ...]:
    """The columns of a store with a codec.

    Args:
        dim: numbers in a vector.
        codec: makes the codes.
        files: SHA-256 of the codec's files, by name.
        rescore: type of the vectors that order what the codes found, a key of `RESCORE`.
    """
    from accord.compression.codecs.folder import identity

    said = {
        "kind": codec.kind,
        "settings": dict(codec.settings),
        "made_for": codec.made_for,
        "identity": identity(codec),
        "files": dict(files),
    }
    codes = Column(field=CODES, dtype="|u1", dim=codec.code_bytes, use="scan", codec=said)
    dtype = RESCORE[rescore]
    return (codes,) if dtype is None else (codes, Column(field=VECTORS, dtype=dtype, dim=dim, use="rescore"))


def columns_text(columns: tuple[Column, ...]) -> str:
    """Columns as the database holds them."""
    return json.dumps([dataclasses.asdict(column) for column in columns], ensure_ascii=False)


def read_columns(text: str) -> tuple[Column, ...]:
    """The columns that :func:`columns_text` wrote; keys that a later version added are left out."""
    names = [field.name for field in dataclasses.fields(Column)]
    return tuple(Column(**{name: entry[name] for name in names if name in entry}) for entry in json.loads(text))


def check_codec(codec: FittedCodec, record: Mapping[str, Any]) -> None:
    """Refuse a codec that does not fit the vectors of a model.

    Args:
        codec: may have been fitted for another model.
        record: of the model.

    Raises:
        InputError: another dimension, similarity or model.
    """
    from accord.compression.codecs.folder import check_made_for

    for what, found, wanted in (
        ("dimension", codec.dim, record["dim"]),
        ("similarity", codec.similarity, record["similarity"]),
    ):
        if found != wanted:
            raise InputError(
                f"`codec` is for vectors of the {what} {found}, and the model makes those of {wanted}. "
                "Fit a codec on vectors of this model: `accord codec fit`."
            )
    check_made_for(codec, record.get("fingerprint") or "", model="the model of the store")


def codec_changes(folder: Path, column: Column) -> list[tuple[str, str]]:
    """Files of a column's codec that are not as they were written, with "missing", "changed" or "extra" of each."""
    wanted = dict((column.codec or {}).get("files", {}))
    found = hash_folder(folder / column.codec_folder)
    states = {name: "missing" if name not in found else "changed" for name in wanted if found.get(name) != wanted[name]}
    states |= {name: "extra" for name in found if name not in wanted}
    return sorted(states.items())


def column_codec(folder: Path, column: Column) -> FittedCodec:
    """The codec of a column of codes, after a look at the hashes of its files.

    Args:
        folder: the store.
        column: of codes.

    Raises:
        StorageError: a file of the codec is gone or was changed.
    """
    from accord.compression.codecs.folder import load

    said = column.codec or {}
    if changes := [change for change in codec_changes(folder, column) if change[1] != "extra"]:
        name, state = changes[0]
        what = f"{folder / column.codec_folder / name} {'is missing' if state == 'missing' else 'was changed'}"
        raise StorageError(
            f"{what}: without it the codes mean nothing. Put back the file with SHA-256 {said['files'][name][:12]}, "
            f"or index the documents again. `accord store verify {folder}` names all that is changed."
        )
    return load(folder / column.codec_folder)
