"""Paired differences beside a zero line: a panel a pair of models, a row a task."""

from __future__ import annotations

import math
from collections.abc import Sequence

from accord.reporting import formats
from accord.reporting.plots.canvas import Panel, altair_module, axis, draw, names_axis
from accord.reporting.plots.palette import MUTED, PAPER, VERDICTS
from accord.reporting.rows import Difference

__all__ = ["differences"]

ROW = 30


def differences(rows: Sequence[Difference]) -> list[Panel]:
    """One panel a pair, all on the same scale; right of zero the first model is better.

    Args:
        rows: comparisons, in order.
    """
    drawn = [row for row in rows if row.verdict != "unmeasured"]
    if not drawn:
        return []
    ends = [end for row in drawn for end in (*_ends(row), 0.0)]
    margin = 0.06 * (max(ends) - min(ends) or 1.0)
    domain = (min(ends) - margin, max(ends) + margin)
    pairs = list(dict.fromkeys(row.pair for row in drawn))
    return [_panel(pair, [row for row in drawn if row.pair == pair], domain) for pair in pairs]


def _ends(row: Difference) -> tuple[float, float]:
    return (row.low, row.high) if math.isfinite(row.low + row.high) else (row.effect, row.effect)


def _panel(pair: str, rows: Sequence[Difference], domain: tuple[float, float]) -> Panel:
    alt = altair_module()
    values = []
    for index, row in enumerate(rows):
        look = VERDICTS[row.verdict]
        low, high = _ends(row)
        fill = PAPER.light if row.verdict == "same" else look.colour.light
        values.append(
            {"row": index, "effect": row.effect, "low": low, "high": high,
             "colour": look.colour.light, "fill": fill, "shape": look.shape, "size": look.size}
        )  # fmt: skip
    repeated = len({row.task for row in rows}) < len(rows)
    names = [f"{row.task} {row.metric}" if repeated else row.task for row in rows]
    base = alt.Chart(alt.Data(values=values)).encode(y=alt.Y("row:O", axis=names_axis(names)))
    horizontal = alt.X(
        "low:Q",
        axis=axis("difference", tickCount=4, labelExpr="datum.value ? format(datum.value, '+~g') : '0'"),
        scale=alt.Scale(domain=list(domain), nice=False),
    )
    zero = alt.Chart(alt.Data(values=[{"low": 0}])).mark_rule(color=MUTED.light, strokeWidth=1).encode(x=horizontal)
    colour = alt.Stroke("colour:N", scale=None)
    whisker = base.mark_rule(strokeWidth=2).encode(x=horizontal, x2="high:Q", stroke=colour)
    dot = base.mark_point(opacity=1, strokeWidth=2).encode(
        x="effect:Q",
        size=alt.Size("size:Q", scale=None),
        stroke=colour,
        fill=alt.Fill("fill:N", scale=None),
        shape=alt.Shape("shape:N", scale=None),
    )
    words = ", ".join(f"{name} {formats.difference(row.effect)}, {row.words}" for name, row in zip(names, rows))
    return draw(zero + whisker + dot, title=pair, alt=f"{pair}: {words}.", height=alt.Step(ROW))
