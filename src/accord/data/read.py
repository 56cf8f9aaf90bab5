"""From a file, a folder or a source to a signal in one call."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar, overload

from accord.core.progress import Progress, silent
from accord.data.base import Source
from accord.data.detect import detect
from accord.data.signals import Pairs, Signal
from accord.data.sources.file import File
from accord.data.sources.hub import PREFIX, Hub
from accord.data.sources.retrieval_folder import RetrievalFolder

__all__ = ["read", "source_of"]

S = TypeVar("S", bound=Signal)


def source_of(path: str | Path | Source) -> Source:
    """The source that a path, ``FOLDER@SPLIT`` or a ``hub:`` name stands for; a source stands for itself."""
    if not isinstance(path, (str, Path)):
        return path
    if str(path).startswith(PREFIX):
        return Hub.parse(str(path))
    folder, _, split = str(path).rpartition("@")
    if folder and split and not Path(path).exists() and Path(folder).is_dir():
        return RetrievalFolder(folder, split=split)
    return RetrievalFolder(path) if Path(path).is_dir() else File(path)


@overload
def read(
    path: str | Path | Source,
    *,
    signal: type[S],
    columns: Mapping[str, str | None] | None = None,
    progress: Progress = silent,
) -> S: ...


@overload
def read(
    path: str | Path | Source,
    *,
    signal: None = None,
    columns: Mapping[str, str | None] | None = None,
    progress: Progress = silent,
) -> Signal: ...


def read(
    path: str | Path | Source,
    *,
    signal: type[Signal] | None = None,
    columns: Mapping[str, str | None] | None = None,
    progress: Progress = silent,
) -> Signal:
    r"""Read rows and say what they mean.

    Args:
        path: a JSONL, CSV, TSV or Parquet file; a retrieval folder with ``qrels.tsv``, or ``FOLDER@SPLIT`` for the
            judgements of a split; a data set of the Hugging Face hub as ``hub:owner/name[/config][@split]``; or any
            source object.
        signal: the kind of supervision; None: the columns decide.
        columns: role to source column, such as ``{"anchor": "title"}``, where the names do not say it.
        progress: opens bars.

    Returns:
        The signal; of a retrieval folder, `Pairs` with its corpus.

    Raises:
        DataError: no such file, a line that cannot be read, columns that make no signal or more than one, or a row that
            is missing, empty or of the wrong type.

    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = pathlib.Path(folder, "faq.csv")
    ...     _ = file.write_text("question,answer\nHow do I pay?,By card.\n")
    ...     read(file)
    Pairs(1 rows: id, anchor, positive)
    """
    source = source_of(path)
    table = source.load(progress)
    kind = signal if signal is not None else detect(table, columns)
    found = kind.of(table, columns=columns)
    if isinstance(found, Pairs) and isinstance(source, RetrievalFolder):
        return found.with_corpus(source.corpus(progress))
    return found
