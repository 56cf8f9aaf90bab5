"""How the tasks shared a run: steps, examples and tokens."""

from __future__ import annotations

from collections.abc import Sequence

from accord.reporting import formats
from accord.reporting.plots.bars import bars
from accord.reporting.plots.canvas import Panel
from accord.reporting.plots.palette import BLUE
from accord.reporting.steps import Share

__all__ = ["task_share"]


def task_share(shares: Sequence[Share]) -> list[Panel]:
    """Three panels of shares in per cent; nothing where a run has one task.

    Args:
        shares: what each task took.
    """
    if len(shares) < 2:
        return []
    panels = []
    for title, key in (("Steps", "steps"), ("Examples", "examples"), ("Tokens", "tokens")):
        amounts = [(share.task, getattr(share, key)) for share in shares]
        total = sum(amount for _, amount in amounts)
        if total:
            rows = [(task, amount / total) for task, amount in amounts]
            panels.append(bars(rows, title=title, show=formats.share, colours=[BLUE] * len(rows)))
    return panels
