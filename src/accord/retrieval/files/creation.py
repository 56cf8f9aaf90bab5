"""A new store: its folder appears whole, with its tables and its copy of the codec, or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from accord.core.checks import check_choice
from accord.core.errors import InputError, StorageError
from accord.core.storage import fsync_path, hash_folder, partial_name
from accord.retrieval.files.columns import (
    CODECS,
    CODES,
    RESCORE,
    Column,
    check_codec,
    columns_of,
    columns_text,
    float_columns,
)
from accord.retrieval.files.manifest import Manifest, first_meta, note_version, read_manifest
from accord.retrieval.files.schema import DATABASE, SEGMENTS, VERSION_FILE, connect, create_tables, disk_errors
from accord.retrieval.lexical.analysers import Analyser

if TYPE_CHECKING:
    from accord.compression.codecs.base import FittedCodec

__all__ = ["check_same", "lay_out", "read_codec"]


def read_codec(codec: FittedCodec | Path | str | None, record: Mapping[str, Any], rescore: str) -> FittedCodec | None:
    """The codec of a new store, checked against its model.

    Raises:
        InputError: no codec folder, a codec of another model, or an unknown `rescore`.
    """
    check_choice("rescore", rescore, RESCORE)
    if isinstance(codec, (str, Path)):
        from accord.compression.codecs.folder import load

        codec = load(codec)
    if codec is not None:
        check_codec(codec, record)
    return codec


def check_same(
    path: Path,
    record: Mapping[str, Any],
    codec: FittedCodec | None,
    rescore: str,
    analyser: Analyser | None,
    columns: Sequence[Column] | None = None,
) -> None:
    """Refuse to go on with a store of another model, codec, kind of vectors, or columns or analyser where asked for.

    Raises:
        InputError: names what differs.
    """
    with disk_errors(path), closing(connect(path, read_only=True)) as connection:
        manifest = read_manifest(connection, path)
    for key in ("dim", "similarity", "fingerprint"):
        if record.get(key) != (held := manifest.model.get(key)):
            raise InputError(
                f"{path} holds a store of another model: its {key} is {held!r}, not {record.get(key)!r}. "
                "Choose another folder."
            )
    wanted = float_columns(record["dim"]) if codec is None else columns_of(record["dim"], codec, {}, rescore)
    for what, found, asked in (
        ("codec", _identity(manifest.columns), _identity(wanted)),
        ("rescoring", _vectors(manifest.columns), _vectors(wanted)),
        ("list of columns", _kept(manifest.columns), _kept(manifest.columns if columns is None else columns)),
        ("analyser", repr(_analyser(manifest)), repr(analyser or _analyser(manifest))),
    ):
        if found != asked:
            raise InputError(f"{path} holds a store with another {what}: {found}, not {asked}. Choose another folder.")


def _identity(columns: tuple[Column, ...]) -> str:
    codecs = [column.codec for column in columns if column.codec]
    return f"{codecs[0]['kind']} {codecs[0]['identity'][:12]}" if codecs else "none"


def _kept(columns: Sequence[Column]) -> str:
    return columns_text(tuple(column for column in columns if column.use == "keep"))


def _analyser(manifest: Manifest) -> Analyser:
    return Analyser.of(manifest.lexical or Analyser().settings)


def _vectors(columns: tuple[Column, ...]) -> str:
    names = {dtype: name for name, dtype in RESCORE.items()}
    return next((names[column.dtype] for column in columns if not column.codec and column.known), "none")


def lay_out(
    path: Path,
    record: Mapping[str, Any],
    codec: FittedCodec | None,
    rescore: str,
    *,
    analyser: Analyser,
    columns: Sequence[Column] = (),
    source: Path | None = None,
) -> None:
    """Make the folder of an empty store.

    Args:
        path: of the store.
        record: of its model.
        codec: of its codes.
        rescore: what is kept of the vectors beside codes.
        analyser: of its texts.
        columns: what is kept beside the vectors.
        source: the codec's folder, where it came from one: it is copied as it is.

    Raises:
        StorageError: the disk refuses, or somebody else made it meanwhile.
    """
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = partial_name(path)
        partial.mkdir()
        try:
            every = (*_columns(partial, record, codec, rescore, source), *columns)
            (partial / SEGMENTS).mkdir()
            (partial / DATABASE).touch()
            with closing(connect(partial)) as connection:
                create_tables(connection, analyser.sql)
                connection.execute("BEGIN")
                first_meta(connection, record, every, analyser.settings)
                connection.execute("COMMIT")
            note_version(partial, 0)
            for made in (partial / DATABASE, partial / VERSION_FILE, partial / SEGMENTS, partial):
                fsync_path(made)
            try:
                os.rename(partial, path)  # refuses a folder that somebody filled meanwhile
            except OSError as error:
                raise StorageError(f"{path} was made by somebody else meanwhile ({error.strerror}).") from error
            fsync_path(path.parent)
        finally:
            shutil.rmtree(partial, ignore_errors=True)


def _columns(
    folder: Path, record: Mapping[str, Any], codec: FittedCodec | None, rescore: str, source: Path | None
) -> tuple[Column, ...]:
    """The columns of a new store, after its copy of the codec was written."""
    if codec is None:
        return float_columns(record["dim"])
    from accord.compression.codecs.folder import save

    place = folder / CODECS / CODES
    place.parent.mkdir()
    if source is None:
        save(codec, place)
    else:
        shutil.copytree(source, place)
        for made in (*place.rglob("*"), place):
            fsync_path(made)
    fsync_path(place.parent)
    return columns_of(record["dim"], codec, hash_folder(place), rescore)
