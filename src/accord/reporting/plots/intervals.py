"""Scores with their intervals: a dot and a whisker a model, a panel a task."""

from __future__ import annotations

import math
from collections.abc import Sequence

from accord.reporting import formats
from accord.reporting.plots.canvas import Panel, altair_module, axis, draw, names_axis, names_width
from accord.reporting.plots.palette import marks
from accord.reporting.rows import Row

__all__ = ["intervals"]

ROW, CROWDED = 30, 100


def intervals(rows: Sequence[Row], columns: Sequence[str], *, level: float) -> list[Panel]:
    """One panel a row; each has its own scale, since metrics differ.

    Args:
        rows: primary scores.
        columns: models, in order.
        level: of the intervals, for the description.
    """
    panels = [_panel(row, [name for name in columns if name in row.cells], level) for row in rows]
    return [panel for panel in panels if panel is not None]


def _panel(row: Row, names: Sequence[str], level: float) -> Panel | None:
    alt = altair_module()
    drawn = [name for name in names if math.isfinite(row.cells[name].score)]
    if not drawn:
        return None
    looks = marks(names)
    values = []
    for index, name in enumerate(drawn):
        cell = row.cells[name]
        ends = (cell.low, cell.high) if math.isfinite(cell.low + cell.high) else (cell.score, cell.score)
        values.append(
            {"row": index, "score": cell.score, "low": ends[0], "high": ends[1],
             "colour": looks[name].colour.light, "shape": looks[name].shape, "size": looks[name].size}
        )  # fmt: skip
    base = alt.Chart(alt.Data(values=values)).encode(
        y=alt.Y("row:O", axis=names_axis(drawn)),
        color=alt.Color("colour:N", scale=None),
    )
    horizontal = alt.X(
        "low:Q",
        axis=axis(row.metric, tickCount=3 if names_width(drawn) > CROWDED else 4),
        scale=alt.Scale(zero=False, nice=4, padding=8),
    )
    whisker = base.mark_rule(strokeWidth=2, opacity=1).encode(x=horizontal, x2="high:Q")
    dot = base.mark_point(filled=True, opacity=1).encode(
        x="score:Q", size=alt.Size("size:Q", scale=None), shape=alt.Shape("shape:N", scale=None)
    )
    words = ", ".join(
        f"{name} {formats.decimals(row.cells[name].score)} "
        f"{formats.interval(row.cells[name].low, row.cells[name].high)}"
        for name in drawn
    )
    described = f"{row.metric} on {row.task} with {formats.share(level)} intervals: {words}."
    return draw(whisker + dot, title=row.task, alt=described, height=alt.Step(ROW))
