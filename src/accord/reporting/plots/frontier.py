"""Quality against price: what is kept of a model beside its megabytes and milliseconds, with the frontier drawn."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from accord.reporting import formats
from accord.reporting.plots.canvas import WIDTH, Panel, altair_module, axis, draw, names_axis
from accord.reporting.plots.palette import BLUE, CIRCLE, DIAMOND, GREY, INK, MUTED, OCHRE, SQUARE, Mark

__all__ = ["FRONTIER_MARKS", "frontier_panels", "kept_panel", "lowest_drawn"]

HEIGHT, AXIS, ROW = 270, 62, 34
LETTER, LINE, GAP = 5.9, 12.0, 8.0
"""Of labels, in pixels: a letter's width, a line's height, the way from a point."""
LABELS = 4
TICKS = 6
FAR = 8
"""Times of queries that lie further apart, one over the other, are drawn on a logarithmic axis, as sizes always are."""
LOWEST = 0.75
"""Below this share of the quality nothing is drawn, so that what may be chosen is not squeezed."""

FRONTIER_MARKS = (
    Mark("chosen", BLUE, "circle", CIRCLE, ()),
    Mark("on the frontier", OCHRE, "diamond", DIAMOND, ()),
    Mark("beaten in everything by another", GREY, "square", SQUARE, ()),
)
"""How configurations look; the page's legend."""
LOOKS = {mark.name.split()[0]: mark for mark in FRONTIER_MARKS}

Row = Mapping[str, Any]
Box = tuple[float, float, float, float]
"""Left, top, right and bottom, in pixels of the drawing."""
Place = Callable[[float, float], tuple[float, float]]
"""From a price and a quality in per cent to pixels of the drawing, from its upper left corner."""


def frontier_panels(rows: Sequence[Row], limits: Mapping[str, float | None], *, level: float) -> list[Panel]:
    """What is kept on dev rows, against megabytes of vectors and against milliseconds.

    The line joins the best that there is at most at each price. Limits are dashed.

    Args:
        rows: configurations of a record.
        limits: of the budget, by name.
        level: of the intervals, for the description.
    """
    millions = ("mb_per_million", "MB a million documents, in memory", "Quality kept, by size of vectors")
    times = ("ms", "ms a query", "Quality kept, by time of a query")
    spent = [row["ms"] for row in rows]
    far = max(spent) > FAR * min(spent)
    return [_panel(rows, limits, what, level, log=far or what is millions) for what in (millions, times)]


def lowest_drawn(rows: Sequence[Row], keep: float | None) -> float:
    """The share of the quality at which the drawings begin."""
    least = min(row["dev"]["kept"] for row in rows)
    return least if least >= LOWEST else min(LOWEST, 1.0 if keep is None else max(least, keep - 0.05))


def kept_panel(rows: Sequence[Row], keep: float | None, *, level: float) -> Panel | None:
    """What each configuration of the frontier kept on test rows, with its interval; None where none was measured.

    Args:
        rows: of the frontier, in order.
        keep: what was asked.
        level: of the intervals.
    """
    drawn = [row for row in rows if row["test"] and row["test"]["kept"] is not None]
    if not drawn:
        return None
    alt = altair_module()
    values = [
        {"row": number, "kept": 100 * row["test"]["kept"], "low": 100 * row["test"]["low"],
         "high": 100 * row["test"]["high"], **_look(row)}
        for number, row in enumerate(drawn)
    ]  # fmt: skip
    names = [_label(row) for row in drawn]
    base = alt.Chart(alt.Data(values=values)).encode(
        y=alt.Y("row:O", axis=names_axis(names)), color=alt.Color("colour:N", scale=None)
    )
    x = alt.X("low:Q", axis=axis("% kept on test rows", tickCount=3), scale=alt.Scale(zero=False, nice=4, padding=6))
    chart = base.mark_rule(strokeWidth=2).encode(x=x, x2="high:Q") + base.mark_point(filled=True, opacity=1).encode(
        x="kept:Q", size=alt.Size("size:Q", scale=None), shape=alt.Shape("shape:N", scale=None)
    )
    if keep is not None:
        line = alt.Chart(alt.Data(values=[{"low": 100 * keep}])).mark_rule(color=MUTED.light, strokeDash=[4, 3])
        chart = line.encode(x=x) + chart
    words = "; ".join(
        f"{row['name']} {100 * row['test']['kept']:.1f} [{100 * row['test']['low']:.1f}, "
        f"{100 * row['test']['high']:.1f}]" for row in drawn
    )  # fmt: skip
    described = f"Per cent of the quality kept on test rows, with {formats.share(level)} intervals: {words}."
    return draw(chart, title="On test rows", alt=described, height=alt.Step(ROW * 0.7))


def _panel(
    rows: Sequence[Row], limits: Mapping[str, float | None], what: tuple[str, str, str], level: float, *, log: bool
) -> Panel:
    alt = altair_module()
    cost, words, title = what
    least = lowest_drawn(rows, limits["keep"])
    shown = sorted((row for row in rows if row["dev"]["kept"] >= least or row["chosen"]), key=_weight)
    ends = [_ends(row) for row in shown if row["frontier"] or row["chosen"]]
    low = max(min([row["dev"]["kept"] for row in shown] + [low for low, _ in ends]), least - 0.1)
    high = max([1.0, *(high for _, high in ends)])
    room = 0.05 * (high - low or 0.1)
    y_domain = (100 * (low - room), 100 * (high + 3 * room))
    prices = [row[cost] for row in shown] + [limit for limit in [limits[cost]] if limit is not None]
    x_domain = _widened(min(prices), max(prices), log=log)
    ticks = {"values": _ticks(x_domain), "format": ",~r"} if log else {"tickCount": 4, "labelOverlap": "greedy"}
    x = alt.X("x:Q", axis=axis(words, grid=False, **ticks),
              scale=alt.Scale(type="log" if log else "linear", domain=list(x_domain), nice=False))  # fmt: skip
    y = alt.Y("kept:Q", axis=axis("% of the quality kept", tickCount=5, minExtent=30, maxExtent=30),
              scale=alt.Scale(domain=list(y_domain), nice=False))  # fmt: skip
    layers = [*_limit_lines(limits, cost, x, y)]
    best = _best_for_the_price(shown, cost)
    stairs = [{"x": row[cost], "kept": 100 * row["dev"]["kept"]} for row in best]
    stairs.append({"x": x_domain[1], "kept": stairs[-1]["kept"]})
    line = alt.Chart(alt.Data(values=stairs)).mark_line(
        interpolate="step-after", color=OCHRE.light, strokeWidth=1.5, opacity=0.7
    )
    layers.append(line.encode(x=x, y=y))
    values = [{"x": row[cost], "kept": 100 * row["dev"]["kept"], **_look(row)} for row in shown]
    dots = alt.Chart(alt.Data(values=values)).encode(x=x, y=y, color=alt.Color("colour:N", scale=None))
    whiskers = [
        {"x": row[cost], "kept": 100 * max(low - room, _ends(row)[0]), "high": 100 * _ends(row)[1], **_look(row)}
        for row in shown if row["chosen"] or row in best
    ]  # fmt: skip
    whisker = alt.Chart(alt.Data(values=whiskers)).mark_rule().encode(
        x=x, y=y, y2="high:Q", color=alt.Color("colour:N", scale=None),
        opacity=alt.Opacity("firm:Q", scale=None), strokeWidth=alt.StrokeWidth("width:Q", scale=None),
    )  # fmt: skip
    layers.append(whisker)
    layers.append(
        dots.mark_point(filled=True, strokeWidth=0).encode(
            size=alt.Size("size:Q", scale=None), shape=alt.Shape("shape:N", scale=None),
            opacity=alt.Opacity("opacity:Q", scale=None),
        )
    )  # fmt: skip
    place = _places(x_domain, y_domain, log=log)
    lines = _line_boxes(stairs, whiskers, (limits["keep"], limits[cost]), place)
    layers += _labels(shown, best, cost, place, lines, x, y)
    said = "; ".join(f"{row['name']} {100 * row['dev']['kept']:.1f} % at {row[cost]:.3g}" for row in best)
    described = f"{title}, with {formats.share(level)} intervals; the best for each price: {said}."
    return draw(alt.layer(*layers), title=title, alt=described, height=HEIGHT)


def _limit_lines(limits: Mapping[str, float | None], cost: str, x: Any, y: Any) -> list[Any]:
    alt = altair_module()
    style = {"color": MUTED.light, "strokeDash": [4, 3], "strokeWidth": 1}
    found, keep = [], limits["keep"]
    if limits[cost] is not None:
        found.append(alt.Chart(alt.Data(values=[{"x": limits[cost]}])).mark_rule(**style).encode(x=x))
    if keep is not None:
        found.append(alt.Chart(alt.Data(values=[{"kept": 100 * keep}])).mark_rule(**style).encode(y=y))
    return found


def _best_for_the_price(rows: Sequence[Row], cost: str) -> list[Row]:
    """Those that keep more than everything that costs no more, cheapest first."""
    found: list[Row] = []
    for row in sorted(rows, key=lambda row: (row[cost], -row["dev"]["kept"])):
        if not found or row["dev"]["kept"] > found[-1]["dev"]["kept"]:
            found.append(row)
    return found


def _labels(
    shown: Sequence[Row], best: Sequence[Row], cost: str, place: Place, lines: Sequence[Box], x: Any, y: Any
) -> list[Any]:
    """Names of the chosen one and of a few others, where they lie on nothing."""
    alt = altair_module()
    points = [place(row[cost], 100 * row["dev"]["kept"]) for row in shown]
    taken = [*((a - 4, b - 4, a + 4, b + 4) for a, b in points), *lines]
    wanted = [row for row in shown if row["chosen"]] + [row for row in reversed(best) if not row["chosen"]]
    found = []
    for row in wanted:
        text, at = _label(row), place(row[cost], 100 * row["dev"]["kept"])
        spot = _free_spot(at, LETTER * len(text), taken, must=row["chosen"])
        if spot is None or (len(found) >= LABELS and not row["chosen"]):
            continue
        dx, dy, align, box = spot
        taken.append(box)
        colour, weight = (INK, "bold") if row["chosen"] else (MUTED, "normal")
        values = [{"x": row[cost], "kept": 100 * row["dev"]["kept"], "text": text}]
        mark = alt.Chart(alt.Data(values=values)).mark_text(
            dx=dx, dy=dy, align=align, baseline="middle", fontSize=11, color=colour.light, fontWeight=weight
        )
        found.append(mark.encode(x=x, y=y, text="text:N"))
    return found


def _free_spot(
    at: tuple[float, float], width: float, taken: Sequence[Box], *, must: bool
) -> tuple[float, float, str, Box] | None:
    """Shift, alignment and box of a label beside a point; the first that meets nothing and stays inside."""
    inside = (0.0, 0.0, WIDTH - AXIS, HEIGHT - 46.0)
    tries = []
    for up in (0.0, -14.0, 14.0, -28.0, 28.0, -42.0, 42.0):
        for align, dx in (("left", GAP), ("right", -GAP), ("center", 0.0)):
            if align == "center" and not up:
                continue
            left = at[0] + dx - {"left": 0.0, "right": width, "center": width / 2}[align]
            box = (left, at[1] + up - LINE / 2, left + width, at[1] + up + LINE / 2)
            tries.append((dx, up, align, box))
    fits = [one for one in tries if _within(one[3], inside)]
    free = [one for one in fits if not any(_meet(one[3], other) for other in taken)]
    return free[0] if free else (fits or tries)[0] if must else None


def _within(box: Box, frame: Box) -> bool:
    return box[0] >= frame[0] and box[1] >= frame[1] and box[2] <= frame[2] and box[3] <= frame[3]


def _meet(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _line_boxes(
    stairs: Sequence[Mapping[str, float]], whiskers: Sequence[Mapping[str, Any]],
    asked: tuple[float | None, float | None], place: Place,
) -> list[Box]:  # fmt: skip
    """What the lines of a drawing take of its room."""
    found = []
    for here, then in itertools.pairwise(stairs):
        (left, level), (right, above) = place(here["x"], here["kept"]), place(then["x"], then["kept"])
        found += [(left, level - 1, right, level + 1), (right - 1, above, right + 1, level)]
    for one in whiskers:
        (across, bottom), (_, top) = place(one["x"], one["kept"]), place(one["x"], one["high"])
        found.append((across - 2, top, across + 2, bottom))
    keep, limit = asked
    if keep is not None:
        level = place(stairs[0]["x"], 100 * keep)[1]
        found.append((0.0, level - 1, float(WIDTH), level + 1))
    if limit is not None:
        across = place(limit, stairs[0]["kept"])[0]
        found.append((across - 1, 0.0, across + 1, float(HEIGHT)))
    return found


def _places(x_domain: tuple[float, float], y_domain: tuple[float, float], *, log: bool) -> Place:
    """The place of prices and qualities."""
    scale = math.log if log else float

    def place(price: float, kept: float) -> tuple[float, float]:
        across = (scale(price) - scale(x_domain[0])) / (scale(x_domain[1]) - scale(x_domain[0]))
        down = (y_domain[1] - kept) / (y_domain[1] - y_domain[0])
        return across * (WIDTH - AXIS), down * (HEIGHT - 46)

    return place


def _widened(low: float, high: float, *, log: bool) -> tuple[float, float]:
    if log:
        return low / 1.5, high * 1.5
    room = 0.06 * (high - low or high or 1.0)
    return max(0.0, low - room), high + room


def _ticks(domain: tuple[float, float]) -> list[float]:
    """1, 2 and 5 times the powers of ten of a logarithmic axis, or fewer where they are many.

    >>> _ticks((15.0, 400.0)), _ticks((15.0, 1200.0)), _ticks((1.0, 5000.0))
    ([20.0, 50.0, 100.0, 200.0], [30.0, 100.0, 300.0, 1000.0], [1.0, 10.0, 100.0, 1000.0])
    >>> _ticks((0.0008, 5000.0))
    [0.001, 0.1, 10.0, 1000.0]
    """
    apart = domain[1] / domain[0]
    digits = (1.0, 2.0, 5.0) if apart < 30 else (1.0, 3.0) if apart < 1000 else (1.0,)
    powers = range(math.floor(math.log10(domain[0])), math.ceil(math.log10(domain[1])) + 1)
    values = [digit * 10.0**power for power in powers for digit in digits]
    within = [value for value in values if domain[0] <= value <= domain[1]]
    return within[:: math.ceil(len(within) / TICKS)] if within else []


def _look(row: Row) -> dict[str, Any]:
    mark = LOOKS["chosen" if row["chosen"] else "on" if row["frontier"] else "beaten"]
    size = {"chosen": 130, "on": 62, "beaten": 22}[mark.name.split()[0]]
    faint = 1.0 if row["chosen"] else 0.95 if row["frontier"] else 0.4
    stroke = {"firm": 1.0, "width": 2.5} if row["chosen"] else {"firm": 0.5, "width": 1.25}
    return {"colour": mark.colour.light, "shape": mark.shape, "size": size, "opacity": faint, **stroke}


def _weight(row: Row) -> int:
    """The heavier are drawn later."""
    return 2 * row["chosen"] + row["frontier"]


def _ends(row: Row) -> tuple[float, float]:
    dev = row["dev"]
    return (dev["low"], dev["high"]) if dev.get("low") is not None else (dev["kept"], dev["kept"])


SHORT = {"ProductQuantizer": "PQ", "RotatedSign": "RotSign", "RecurrentBinary": "RB"}


def _label(row: Row) -> str:
    """A configuration in few letters.

    >>> _label({"size": "4x256", "codec": "ProductQuantizer(parts=48)", "rescore": True, "backend": "float32"})
    '4x256 PQ 48 +r'
    """
    name, _, arguments = str(row["codec"]).partition("(")
    numbers = " ".join(part.partition("=")[2] for part in arguments.rstrip(")").split(", ") if part)
    parts = [row["size"], "bf16" if row["backend"] == "bfloat16" else "", SHORT.get(name, name), numbers]
    return " ".join(part for part in [*parts, "+r" if row["rescore"] else ""] if part)
