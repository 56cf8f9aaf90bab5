"""Merges, for the terminal: what one would do, and what it did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from accord.reporting.formats import count, decimals, duration, size

__all__ = ["merge_plan_tables", "merge_tables"]


def merge_plan_tables(plans: Sequence[Mapping[str, Any]]) -> list[RenderableType]:
    """What each document of a merge file would do.

    Args:
        plans: of :func:`accord.recipes.merge.plan_merge`.
    """
    found: list[RenderableType] = []
    for plan in plans:
        title = f"{plan['name']}: {plan['method']}" if plan["name"] else str(plan["method"])
        found.append(
            _rows(
                title,
                [
                    ("models", "\n".join(plan["models"])),
                    *([("base", plan["base"])] if plan["base"] else []),
                    ("kind", plan["kind"]),
                    ("stored as", plan["dtype"]),
                    ("seed", str(plan["seed"])),
                    ("tensors", count(plan["tensors"])),
                    ("numbers", size(plan["numbers"])),
                    ("to read", f"{size(plan['bytes_read'])}B"),
                    ("to write", f"{size(plan['bytes_written'])}B"),
                    ("memory, at most about", f"{size(plan['memory'])}B"),
                ],
            )
        )
        found += _parameters(plan["parameters"])
        found += [Text(note) for note in plan["notes"]]
        found += [Text(f"{name} is left out: it {why}.") for name, why in plan["left_out"].items()]
    return found


def merge_tables(records: Sequence[Mapping[str, Any]]) -> list[RenderableType]:
    """What each document of a merge file did.

    Args:
        records: of :class:`accord.recipes.merge.Merge`.
    """
    found: list[RenderableType] = []
    for record in records:
        measures = record["measures"]
        table = Table(title=f"{record['method']}", title_justify="left", box=box.SIMPLE_HEAD)
        table.add_column("model", overflow="fold")
        names = [Path(str(model["name"])).name for model in record["models"]]
        if measures is not None:
            table.add_column("length of its change", justify="right")
            for name in names:
                table.add_column(f"cosine to {name}", justify="right")
        for number, model in enumerate(record["models"]):
            row = [str(model["name"])]
            if measures is not None:
                row += [f"{measures['lengths'][number]:.4g}", *(decimals(c) for c in measures["cosines"][number])]
            table.add_row(*row)
        found.append(table)
        if measures is not None and measures["shrinkage"] is not None:
            found.append(
                Text(
                    f"The merged change has the length {measures['merged_length']:.4g}: {measures['shrinkage']:.2f} "
                    "times the mean of the models' own."
                )
            )
        if record.get("learned"):
            found += _learned(names, record["learned"])
        if record.get("seconds"):
            parts = ", ".join(f"{name} {duration(seconds)}" for name, seconds in record["seconds"].items())
            found.append(Text(f"Took: {parts}."))
    return found


def _learned(names: Sequence[str], learned: Mapping[str, Any]) -> list[RenderableType]:
    """What a method found on its probe: how the models do there, and how much of each went in."""
    losses: Mapping[str, Mapping[str, float]] = learned["losses_by_task"]
    shares = learned["coefficients"].get("all")
    table = Table(title="On the probe", title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("model", overflow="fold")
    for task in next(iter(losses.values())):
        table.add_column(f"loss of {task}", justify="right")
    if shares is not None:
        table.add_column("coefficient", justify="right")
    whose = dict(zip((f"model {number}" for number in range(1, len(names) + 1)), names))
    own = dict(zip(whose, shares or ()))
    for who, row in losses.items():
        share = [] if shares is None else [f"{own[who]:.3f}" if who in own else ""]
        table.add_row(whose.get(who, who), *(f"{loss:.4f}" for loss in row.values()), *share)
    blocks = len(learned["coefficients"])
    more = [Text(f"Coefficients of {count(blocks)} blocks are in accord.json.")] if shares is None and blocks else []
    return [table, *more]


def _rows(title: str, rows: Sequence[tuple[str, str]]) -> RenderableType:
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, show_header=False)
    table.add_column()
    table.add_column(overflow="fold")
    for row in rows:
        table.add_row(*row)
    return table


def _parameters(rows: Sequence[Mapping[str, Any]]) -> list[RenderableType]:
    if not rows:
        return []
    table = Table(title="Parameters", title_justify="left", box=box.SIMPLE_HEAD)
    for name in ("parameter", "value", ""):
        table.add_column(name, overflow="fold")
    for row in rows:
        value = row["value"]
        shown = ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
        table.add_row(str(row["parameter"]), shown, "" if row["given"] else "default")
    return [table]
