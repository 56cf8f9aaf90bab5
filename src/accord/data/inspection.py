"""What a file is and what is wrong with it, in one pass that does not stop at the first bad row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa

from accord.core.checks import check_at_least
from accord.core.errors import DataError, InputError
from accord.core.progress import Progress, silent
from accord.data.cleaning.near_duplicates import row_texts, without_near_duplicates
from accord.data.detect import detect
from accord.data.leakage import normalise
from accord.data.problems import faulty_rows
from accord.data.read import source_of
from accord.data.signals import Signal
from accord.data.sources.retrieval_folder import RetrievalFolder
from accord.data.summaries import (
    LabelSummary,
    ScoreSummary,
    TextSummary,
    hints_of,
    overlaps_of,
    summarise_labels,
    summarise_scores,
    summarise_texts,
)
from accord.data.tolerant import Problem, Readable, read_tolerantly

__all__ = ["Duplicates", "Inspection", "inspect"]


@dataclass(frozen=True)
class Duplicates:
    """Rows that repeat an earlier row with all their texts.

    Args:
        exact: but for case, white space and forms of characters.
        near: only nearly; None where it was not looked for.
        threshold: Jaccard similarity of character 5-grams from which on rows are near.
    """

    exact: int
    near: int | None
    threshold: float


@dataclass(frozen=True)
class Inspection:
    """What was found in a file.

    Args:
        file: what was read.
        rows: rows of the file.
        usable: rows that training could use.
        signal: what the rows are; None where that is open.
        why: what decided it, or what is open.
        names: role to column.
        columns: type of each column.
        problems: what is wrong, the first ones.
        problem_count: how many things are wrong.
        texts: a summary of each text column.
        duplicates: rows that repeat others.
        labels: balance of the labels.
        scores: range of the scores.
        overlaps: shares of texts that two columns have in common: `{"of", "in", "share"}`.
        further: columns that play no part in the signal.
        hints: what can be trained on but is worth knowing.
    """

    file: str
    rows: int
    usable: int
    signal: str | None
    why: str
    names: Mapping[str, str] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)
    problems: Sequence[Problem] = ()
    problem_count: int = 0
    texts: Mapping[str, TextSummary] = field(default_factory=dict)
    duplicates: Duplicates | None = None
    labels: LabelSummary | None = None
    scores: ScoreSummary | None = None
    overlaps: Sequence[Mapping[str, object]] = ()
    further: Sequence[str] = ()
    hints: Sequence[str] = ()

    @property
    def passed(self) -> bool:
        """Whether every row can be used."""
        return not self.problem_count


def inspect(
    path: str | Path,
    *,
    signal: type[Signal] | None = None,
    columns: Mapping[str, str | None] | None = None,
    listed: int = 20,
    long: int = 2000,
    threshold: float = 0.85,
    near: bool = True,
    progress: Progress = silent,
) -> Inspection:
    """Read a file to its end and say what it is, what is wrong with it, and what its texts and labels look like.

    Args:
        path: a JSONL, CSV, TSV or Parquet file, or ``hub:owner/name[/config][@split]``.
        signal: the kind of its rows; None: the columns decide.
        columns: role to source column.
        listed: problems to list; all are counted.
        long: characters from which on a text is over-long.
        threshold: similarity from which on rows are near-duplicates.
        near: whether to look for them.
        progress: opens bars.

    Raises:
        DataError: a file that does not exist, is empty, or holds no table at all.
        InputError: `columns` names a part that the signal does not have.
    """
    check_at_least("listed", listed, 0)
    check_at_least("long", long, 1)
    read = _read(path, progress)
    types = {name: str(kind) for name, kind in zip(read.table.column_names, read.table.schema.types)}
    problems = list(read.problems)
    if not read.table.num_rows:
        problems = problems or [Problem(None, "The file holds no rows.")]
        why, shown = "no row of it can be read", tuple(problems[:listed])
        return Inspection(str(path), read.records, 0, None, why, {}, types, shown, len(problems))
    try:
        kind = signal or detect(read.table, columns)
        found, good = faulty_rows(kind, read.table, columns or {})
    except DataError as error:
        problems.append(Problem(None, str(error)))
        shown = tuple(problems[:listed])
        return Inspection(str(path), read.records, 0, None, "see the problems", {}, types, shown, len(problems))
    problems += [Problem(None if row is None else int(read.lines[row]), message) for row, message in found]
    problems.sort(key=lambda problem: problem.line or 0)
    base = {
        "file": str(path),
        "rows": read.records,
        "usable": len(good),
        "signal": kind.__name__,
        "why": "you said so" if signal else "its columns decide",
        "columns": types,
        "problems": tuple(problems[:listed]),
        "problem_count": len(problems),
    }
    if not len(good):
        return Inspection(**base)
    rows = kind.of(_only(read.table, good), columns=columns)
    return Inspection(
        **base,
        names=dict(rows.names),
        texts={name: summarise_texts(rows.texts(name), long) for name in rows.text_columns},
        duplicates=_duplicates(rows, threshold, near, progress),
        labels=summarise_labels(rows),
        scores=summarise_scores(rows),
        overlaps=overlaps_of(rows),
        further=_further(read.table, rows),
        hints=(*rows.problems, *hints_of(rows)),
    )


def _read(path: str | Path, progress: Progress) -> Readable:
    source = source_of(path)
    if isinstance(source, RetrievalFolder):
        raise InputError(f"{path} is a folder. Name one file.")
    if not hasattr(source, "path"):
        table = source.load(progress)
        return Readable(table, np.arange(1, table.num_rows + 1), [], table.num_rows)
    size = Path(path).stat().st_size if Path(path).is_file() else 0
    with progress(f"read {Path(path).name}", total=size, unit="bytes") as advance:
        read = read_tolerantly(path)
        advance(size)
    return read


def _further(table: pa.Table, rows: Signal) -> tuple[str, ...]:
    """Columns that no part of the signal reads; a name with a dot reads the column before it."""
    used = {name.partition(".")[0] for name in rows.names.values()} | {"id", "_id", *rows.names.values()}
    return tuple(name for name in table.column_names if name in rows.table.column_names and name not in used)


def _only(table: pa.Table, good: np.ndarray) -> pa.Table:
    return table if len(good) == table.num_rows else table.take(pa.array(good))


def _duplicates(rows: Signal, threshold: float, near: bool, progress: Progress) -> Duplicates:
    if near:
        found = without_near_duplicates(rows, threshold=threshold, progress=progress)
        return Duplicates(found.exact, found.near, threshold)
    texts = row_texts(rows, rows.text_columns)
    return Duplicates(len(texts) - len(set(map(normalise, texts))), None, threshold)
