"""Plain horizontal bars with their values written at the end; what sizes, timings and shares have in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from accord.reporting.plots.canvas import CHARACTER, WIDTH, Panel, altair_module, draw, names_axis, names_width
from accord.reporting.plots.palette import GREY, INK, Colour

__all__ = ["bars"]

ROW, TALL_ROW, BESIDE = 27, 40, 110


def bars(
    rows: Sequence[tuple[str, float]],
    *,
    title: str,
    show: Callable[[float], str],
    colours: Sequence[Colour] = (),
) -> Panel:
    """One bar a row, in the given order; names stand above the bars when they would leave them no room beside.

    Args:
        rows: name and value.
        title: of the panel.
        show: writes a value as text.
        colours: one a row; grey without.
    """
    alt = altair_module()
    names = [name for name, _ in rows]
    above = names_width(names) > BESIDE
    values = [
        {"row": index, "value": value, "text": show(value), "name": name, "zero": 0, "colour": colour.light}
        for index, ((name, value), colour) in enumerate(zip(rows, colours or [GREY] * len(rows)))
    ]
    room = WIDTH - 8 - (0 if above else names_width(names))
    written = 8 + CHARACTER * max((len(value["text"]) for value in values), default=0)
    top = (max((value for _, value in rows), default=0) or 1) * room / (room - written)
    scale = alt.Scale(domain=[0, top], nice=False)
    base = alt.Chart(alt.Data(values=values)).encode(
        y=alt.Y("row:O", axis=None if above else names_axis(names)), x=alt.X("value:Q", axis=None, scale=scale)
    )
    shift = 8 if above else 0
    drawn = base.mark_bar(height=11, cornerRadiusEnd=2, yOffset=shift).encode(color=alt.Color("colour:N", scale=None))
    style = {"align": "left", "fontSize": 12, "color": INK.light}
    chart = drawn + base.mark_text(dx=6, yOffset=shift, **style).encode(text="text:N")
    if above:
        chart += base.mark_text(yOffset=-8, **style).encode(x=alt.X("zero:Q", axis=None, scale=scale), text="name:N")
    words = f"{title}: " + ", ".join(f"{name} {show(value)}" for name, value in rows) + "."
    return draw(chart, title=title, alt=words, height=alt.Step(TALL_ROW if above else ROW))
