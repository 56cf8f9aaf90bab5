"""Distillations, for the terminal: what the student kept of its teachers, and what it costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from accord.core.records import Results
from accord.reporting.formats import count, decimals, size
from accord.reporting.summary import summarise
from accord.reporting.tables import comparisons_table, scores_table

__all__ = ["distil_tables"]


def distil_tables(results: Results) -> list[RenderableType]:
    """What a finished distillation shows: scores, comparisons, teachers by relevance, sizes and speeds.

    Args:
        results: of :func:`accord.distil`.

    Returns:
        Renderables, top to bottom.
    """
    summary = summarise(results)
    found = results.details["distil"]
    parts: list[RenderableType] = [scores_table(summary), Text("")]
    if summary.differences:
        parts += [comparisons_table(summary), Text("")]
    if len(found["teachers"]) > 1:
        parts += [_teachers(found["teachers"]), Text("")]
    parts += [_sizes(results.details["models"]), Text("start = the student before it learned.", style="dim")]
    leaks = sum(row["dropped"] for row in results.details["tasks"])
    left = f"; {count(leaks)} rows were left out that some task holds out" if leaks else ""
    return [*parts, Text(f"Learned from {count(found['texts'])} texts, without their labels{left}."), Text("")]


def _teachers(rows: Sequence[Mapping[str, Any]]) -> RenderableType:
    table = _table("Teachers")
    table.add_column("teacher", overflow="fold")
    for task in rows[0]["relevance"]:
        table.add_column(f"relevance to {task}", justify="right", overflow="fold")
    table.add_column("share", justify="right")
    for row in rows:
        table.add_row(
            row["teacher"], *(decimals(value) for value in row["relevance"].values()), decimals(row["weight"])
        )
    return table


def _sizes(rows: Sequence[Mapping[str, Any]]) -> RenderableType:
    slowest = min(row["texts_per_second"] for row in rows if row["name"] not in {"start", "student"})
    table = _table("Models")
    table.add_column("model", overflow="fold")
    for name in ("layers", "dim", "parameters", "MB", "texts/s", "speed"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        if row["name"] != "start":
            rate = row["texts_per_second"]
            table.add_row(
                row["name"],
                count(row["layers"]),
                count(row["dim"]),
                size(row["parameters"]),
                decimals(row["megabytes"], 1),
                count(round(rate)),
                f"{rate / slowest:.1f}x",
            )
    return table


def _table(title: str) -> Table:
    return Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
