"""Training curves: loss by step, a panel a task, a line a run."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from accord.reporting import formats
from accord.reporting.plots.canvas import Panel, altair_module, axis, draw
from accord.reporting.plots.palette import Mark, marks
from accord.reporting.steps import Curve

__all__ = ["losses"]

HEIGHT, POINTS = 210, 240


def losses(curves: Sequence[Curve], *, measure: str = "loss") -> list[Panel]:
    """Pale dots are steps, lines their running means; a panel's steps are those on its own task.

    Args:
        curves: of all tasks and runs.
        measure: what the curves are of.
    """
    looks = marks(curve.run for curve in curves)
    tasks = list(dict.fromkeys(curve.task for curve in curves))
    panels = [_panel(task, [c for c in curves if c.task == task], looks, measure) for task in tasks]
    return [panel for panel in panels if panel is not None]


def _panel(task: str, curves: Sequence[Curve], looks: dict[str, Mark], measure: str) -> Panel | None:
    alt = altair_module()
    layers, words = [], []
    for curve in curves:
        values = _values(curve)
        if not values:
            continue
        look = looks[curve.run]
        base = alt.Chart(alt.Data(values=values)).encode(
            x=alt.X("step:Q", axis=axis("steps on this task", grid=False, tickCount=4, tickMinStep=1)),
            y=alt.Y("value:Q", axis=axis(measure, tickCount=4), scale=alt.Scale(zero=False, nice=4)),
        )
        layers.append(base.mark_point(filled=True, size=9, opacity=0.45, color=look.colour.light))
        dash = list(look.dash) or [1, 0]
        layers.append(base.mark_line(strokeWidth=2, strokeDash=dash, color=look.colour.light).encode(y="trend:Q"))
        first, last = (formats.decimals(values[i]["trend"], 2) for i in (0, -1))
        words.append(f"{curve.run} from {first} to {last} in {len(curve.steps)} steps")
    if not layers:
        return None
    chart = alt.layer(*layers[::2], *layers[1::2])
    return draw(chart, title=task, alt=f"{measure.capitalize()} on {task}: {'; '.join(words)}.", height=HEIGHT)


def _values(curve: Curve) -> list[dict[str, float]]:
    kept = np.flatnonzero(np.isfinite(curve.losses))
    if len(kept) > POINTS:
        kept = kept[np.unique(np.linspace(0, len(kept) - 1, POINTS).round().astype(int))]
    values, trend = curve.losses, curve.trend
    return [{"step": int(curve.steps[i]), "value": float(values[i]), "trend": float(trend[i])} for i in kept]
