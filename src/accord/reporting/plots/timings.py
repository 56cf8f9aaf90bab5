"""Where the time went: seconds by stage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from accord.reporting import formats
from accord.reporting.plots.bars import bars
from accord.reporting.plots.canvas import Panel

__all__ = ["timings"]


def timings(rows: Sequence[Mapping[str, Any]]) -> list[Panel]:
    """One bar a stage, in the order of the run.

    Args:
        rows: of `stage` and `seconds`.
    """
    known = [(str(row["stage"]), float(row["seconds"])) for row in rows if row.get("seconds") is not None]
    return [bars(known, title="Time by stage", show=formats.duration)] if known else []
