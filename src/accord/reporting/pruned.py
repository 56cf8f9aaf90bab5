"""What pruning took out of a model, and how far its vectors moved, for the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from accord.reporting.formats import count, decimals

__all__ = ["prune_tables"]


def prune_tables(record: Mapping[str, Any]) -> list[RenderableType]:
    """What became smaller, and the price.

    Args:
        record: `metadata.pruned` of `accord.json`.
    """
    before, after = record["before"], record["after"]
    table = Table(title="Pruned", title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("")
    for name in ("before", "after", "kept"):
        table.add_column(name, justify="right")
    for name, was in before.items():
        now = after[name]
        if was is None or now is None:
            continue
        shown = (f"{was:,.1f}", f"{now:,.1f}") if name == "megabytes" else (count(was), count(now))
        table.add_row(name, *shown, f"{now / was:.0%}")
    steps = [Text(_told(step)) for step in record["steps"]]
    cosine = record["cosine"]
    price = (
        f"Cosine to the original's vectors on {count(record['held_out'])} texts held out: "
        f"{decimals(cosine['mean'], 4)} on average, {decimals(cosine['least'], 4)} at least."
    )
    return [table, *steps, Text(price)]


def _told(step: Mapping[str, Any]) -> str:
    kept = step["kept"]
    shown = f"layers {', '.join(map(str, kept))}" if isinstance(kept, list) else count(kept)
    form = f" ({step['form']} form)" if "form" in step else ""
    return f"{step['method']}{form}: kept {shown} of {count(step['of'])}."
