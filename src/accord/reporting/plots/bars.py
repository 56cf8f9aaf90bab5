"""Plain horizontal bars with their values written at the end; what sizes, timings and shares have in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from accord.reporting.plots.canvas import CHARACTER, WIDTH, Panel, altair_module, draw, names_axis, names_width
from accord.reporting.plots.palette import GREY, INK, Colour

__all__ = ["bars"]

ROW = 27


def bars(
    rows: Sequence[tuple[str, float]],
    *,
    title: str,
    show: Callable[[float], str],
    colours: Sequence[Colour] = (),
) -> Panel:
    """One bar a row, in the given order.

    Args:
        rows: name and value.
        title: of the panel.
        show: writes a value as text.
        colours: one a row; grey without.
    """
    alt = altair_module()
    values = [
        {"row": index, "value": value, "text": show(value), "colour": colour.light}
        for index, ((_, value), colour) in enumerate(zip(rows, colours or [GREY] * len(rows)))
    ]
    names = [name for name, _ in rows]
    room = WIDTH - names_width(names) - 8
    written = 8 + CHARACTER * max((len(value["text"]) for value in values), default=0)
    top = (max((value for _, value in rows), default=0) or 1) * room / max(room - written, 40)
    base = alt.Chart(alt.Data(values=values)).encode(
        y=alt.Y("row:O", axis=names_axis(names)),
        x=alt.X("value:Q", axis=None, scale=alt.Scale(domain=[0, top], nice=False)),
    )
    drawn = base.mark_bar(height=11, cornerRadiusEnd=2).encode(color=alt.Color("colour:N", scale=None))
    text = base.mark_text(align="left", dx=6, fontSize=12, color=INK.light).encode(text="text:N")
    words = f"{title}: " + ", ".join(f"{name} {show(value)}" for name, value in rows) + "."
    return draw(drawn + text, title=title, alt=words, height=alt.Step(ROW))
