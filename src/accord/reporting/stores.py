"""What a store takes, and what is wrong with it, for the terminal."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from rich import box
from rich.console import RenderableType
from rich.table import Table

from accord.retrieval import StoreStats, VerifyReport

__all__ = ["stats_tables", "verify_lines"]

_SHOWN = 30


def stats_tables(stats: StoreStats) -> tuple[RenderableType, ...]:
    """Documents, bytes and columns of a store."""
    facts = _table("Store", ())
    rows = [
        ("documents", f"{stats.documents:,}"),
        ("deleted rows, still in the files", f"{stats.deleted:,}"),
        ("codec", stats.codec or "none"),
        ("rescoring", stats.rescore),
        ("bytes a document that a search reads", f"{stats.scanned_bytes_per_vector:,}"),
        ("  of float32", f"1/{stats.float32_ratio:.3g}"),
        ("MiB that a search reads", f"{stats.scanned_bytes / 2**20:,.1f}"),
        ("MiB on the disk", f"{stats.disk_bytes / 2**20:,.1f}"),
    ]
    if stats.recall is not None:
        rows.append(("recall of approximate searches", str(stats.recall)))
    for row in rows:
        facts.add_row(*row)
    columns = _table("Columns", ("name", "type", "use", "bytes a row", "MiB"))
    for column in stats.columns:
        kind, size = np.dtype(column.dtype).name, f"{column.bytes / 2**20:,.1f}"
        columns.add_row(column.field, kind, column.use, f"{column.bytes_per_row:,}", size)
    if not stats.indexes:
        return facts, columns
    indexes = _table("Indexes", ("kind", "rows", "newer rows", "MiB", "of commit"))
    for index in stats.indexes:
        size = f"{index.bytes / 2**20:,.1f}"
        indexes.add_row(index.kind, f"{index.rows:,}", f"{index.newer:,}", size, str(index.version))
    return facts, columns, indexes


def verify_lines(report: VerifyReport) -> Iterator[str]:
    """What was compared, then a line for each problem."""
    size = f"{report.bytes / 2**20:,.1f} MiB"
    yield f"{report.path}: {report.documents:,} documents, {report.segments:,} files of vectors ({size}) compared."
    for problem in report.problems[:_SHOWN]:
        yield f"{problem.kind:<9} {problem.where}: {problem.detail}"
    if (more := len(report.problems) - _SHOWN) > 0:
        yield f"... and {more:,} more; --json names all."
    yield "All is as it was written." if report.ok else "Answers can differ from what was written."


def _table(title: str, columns: tuple[str, ...]) -> Table:
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, show_header=bool(columns))
    for n, name in enumerate(columns or ("", "")):
        table.add_column(name, justify="left" if n == 0 or name in {"type", "use"} else "right")
    return table
