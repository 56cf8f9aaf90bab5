"""A file without its near-duplicates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from accord.core.errors import InputError
from accord.core.progress import Progress, silent
from accord.data.cleaning.near_duplicates import without_near_duplicates
from accord.data.detect import detect
from accord.data.formats import read_table
from accord.data.lines import suffix_of
from accord.data.read import source_of
from accord.data.signals import Signal
from accord.data.sources.file import File
from accord.data.sources.hub import Hub
from accord.data.write import check_writable, copy_lines, write_table

__all__ = ["Dedupe", "dedupe_file"]


@dataclass(frozen=True)
class Dedupe:
    """What was left out of a file.

    Args:
        file: what was read.
        out: what was written.
        signal: what its rows are.
        rows: rows read.
        kept: rows written.
        exact: rows left out that repeat an earlier row but for case and white space.
        near: rows left out that only resemble an earlier row.
        examples: some of the latter: `{"row", "repeats", "text", "of"}`, rows from 1.
    """

    file: str
    out: str
    signal: str
    rows: int
    kept: int
    exact: int
    near: int
    examples: Sequence[Mapping[str, object]] = ()


def dedupe_file(
    path: str | Path,
    out: str | Path,
    *,
    signal: type[Signal] | None = None,
    columns: Mapping[str, str | None] | None = None,
    compare: Sequence[str] | None = None,
    threshold: float = 0.85,
    unit: str = "character",
    progress: Progress = silent,
) -> Dedupe:
    """Write the rows of a file again without those that nearly repeat an earlier one; columns and order stay.

    Args:
        path: a file, or ``hub:owner/name``.
        out: the file to write; its ending says how.
        signal: the kind of its rows; None: the columns decide.
        columns: role to source column.
        compare: text columns that count; None for all of a row together.
        threshold: Jaccard similarity from which on a row is a repeat.
        unit: shingles of "character" or "word".
        progress: opens bars.

    Raises:
        InputError: rows that cannot be used, or an `out` that cannot be written or is the file itself.
    """
    out = check_writable(out)
    source = source_of(path)
    if not isinstance(source, (File, Hub)):
        raise InputError(f"{path} is a folder. Name one file.")
    if isinstance(source, File) and out.exists() and out.resolve() == Path(source.path).resolve():
        raise InputError(f"`out` {out} is the file itself. Name another one.")
    table = read_table(source.path) if isinstance(source, File) else source.load(progress)
    kind = signal or detect(table, columns)
    rows = kind.of(table, columns=columns)
    found = without_near_duplicates(rows, columns=compare, threshold=threshold, unit=unit, progress=progress)
    if isinstance(source, File) and suffix_of(Path(source.path)) == suffix_of(out) == ".jsonl":
        copy_lines(Path(source.path), out, found.kept)
    else:
        write_table(table.take(found.kept), out)
    examples = _examples(rows, found.of)
    return Dedupe(
        str(path), str(out), kind.__name__, len(rows), len(found.kept), found.exact, found.near, tuple(examples)
    )


def _examples(rows: Signal, of: np.ndarray, most: int = 5) -> list[dict[str, object]]:
    name = rows.text_columns[0]
    dropped = np.flatnonzero(of != np.arange(len(of)))[:most]
    texts, others = (rows.take(part).texts(name).to_pylist() for part in (dropped, of[dropped]))
    return [
        {"row": row + 1, "repeats": int(of[row]) + 1, "text": text, "of": other}
        for row, text, other in zip(dropped.tolist(), texts, others)
    ]
