"""Columns: what a store keeps of each document beside its text, and which of it is compared with every query.

A store without a codec has one column of float32 vectors. One with a codec has two: codes, which are scanned, and the
vectors, which only order what the codes found. Every column has a row for every slot and a segment for every span of
slots, so positions mean the same in all of them.

Further columns keep what a store is asked for: one vector a document, or several (a vector a token, say). The latter is
two columns: the values one after the other, and how many each document has.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from accord.core.checks import check_choice
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
    "counts_of",
    "float_columns",
    "kept_column",
    "read_columns",
    "with_counts",
]

CODECS = "codecs"
VECTORS = "vector"
CODES = "vector.code"
RESCORE = {"float16": "<f2", "float32": "<f4", "none": None}
"""What may be kept for rescoring -> its type in the files."""
KEPT = {"float16": "<f2", "float32": "<f4"}
COUNTS = ".count"
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_KNOWN = {
    ("dense", "scan"): {"<f4", "<f2"},
    ("dense", "rescore"): {"<f4", "<f2"},
    ("dense", "keep"): {"<f4", "<f2"},
    ("ragged", "keep"): {"<f4", "<f2"},
    ("dense", "count"): {"<u4"},
}
"""Layout and use -> types, of columns without a codec."""


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column of a store.

    Args:
        field: its name; that of codes begins with the name of the column that they stand for.
        layout: "dense" (one row a slot) or "ragged" (any number of rows a slot, as the column of counts says).
        dtype: of its numbers, as NumPy spells it.
        dim: numbers in a row.
        use: "scan" (compared with every query), "rescore" (read for the best of the scan only), "keep" (given back),
            or "count" (rows of each slot in the ragged column whose name it begins with).
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
        if self.codec:
            return (self.layout, self.dtype) == ("dense", "|u1") and self.use in {"scan", "rescore"}
        return self.dtype in _KNOWN.get((self.layout, self.use), ())

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


def kept_column(field: str, dim: int, *, ragged: bool = False, dtype: str = "float16") -> Column:
    """A column that a store keeps beside the vectors it searches, for :meth:`Store.create`.

    Args:
        field: its name: letters, digits and underscores.
        dim: numbers in a row.
        ragged: any number of rows a document, in place of one.
        dtype: "float16" or "float32".

    Raises:
        InputError: a name or a type that cannot be, or no dim.

    >>> kept_column("tokens", 128, ragged=True).layout
    'ragged'
    """
    check_choice("dtype", dtype, KEPT)
    if not isinstance(field, str) or not _NAME.fullmatch(field) or field == VECTORS:
        raise InputError(f"A column's name must be of a-z, 0-9 and _, and not {VECTORS!r}. Got {field!r} instead.")
    if isinstance(dim, bool) or not isinstance(dim, int) or not 1 <= dim <= 1 << 20:
        raise InputError(f"`dim` must be a whole number from 1. Got {dim!r} instead.")
    return Column(field=field, layout="ragged" if ragged else "dense", dtype=KEPT[dtype], dim=dim, use="keep")


def with_counts(columns: Iterable[Column]) -> tuple[Column, ...]:
    """Further columns of a store, each ragged one followed by its counts.

    Raises:
        InputError: something else than :func:`kept_column` makes, or a name that is there twice.
    """
    made: list[Column] = []
    for column in columns:
        if not isinstance(column, Column) or column.use != "keep" or not column.known:
            raise InputError(f"`columns` must be made by kept_column(name, dim). Got {column!r} instead.")
        if column.field in {other.field for other in made}:
            raise InputError(f"`columns` names {column.field!r} twice.")
        made.append(column)
        if column.layout == "ragged":
            made.append(Column(field=column.field + COUNTS, dtype="<u4", dim=1, use="count"))
    return tuple(made)


def counts_of(columns: Iterable[Column], column: Column) -> Column:
    """The column that says how many rows each slot of a ragged one has."""
    return next(other for other in columns if other.field == column.field + COUNTS)


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
