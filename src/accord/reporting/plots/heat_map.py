"""Heat maps as tables: every cell has its number in words, and a colour that follows the page, light or dark."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from accord.reporting import formats
from accord.reporting.plots.palette import BLUE, ROSE

__all__ = ["Cell", "HeatMap", "Scale", "heat_map"]

STRONGEST = 52
"""Per cent of colour in the strongest cell: text stays readable on it."""


@dataclass(frozen=True)
class Cell:
    """One cell.

    Args:
        text: its number.
        interval: lower and upper end; empty where there is none.
        style: background, as CSS.
        sure: whether the interval leaves out the middle of the scale.
    """

    text: str
    interval: Sequence[str]
    style: str
    sure: bool


@dataclass(frozen=True)
class HeatMap:
    """One table.

    Args:
        title: stands above it.
        corner: what rows and columns are.
        columns: headings.
        rows: heading and cells of each row; None where nothing was measured.
    """

    title: str
    corner: str
    columns: Sequence[str]
    rows: Sequence[tuple[str, Sequence[Cell | None]]]


@dataclass(frozen=True, kw_only=True)
class Scale:
    """How numbers become colours and words.

    Args:
        middle: without colour.
        reach: distance from the middle with the strongest colour; the largest there is when None.
        rising: whether above the middle is the good, blue side.
        digits: after the point.
        signed: whether a plus stands before positive numbers.
    """

    middle: float = 0.0
    reach: float | None = None
    rising: bool = True
    digits: int = 2
    signed: bool = True


def heat_map(
    title: str,
    rows: Sequence[str],
    columns: Sequence[str],
    values: Mapping[tuple[str, str], tuple[float | None, float | None, float | None]],
    *,
    corner: str = "",
    scale: Scale = Scale(),
) -> HeatMap:
    """Colour a table of numbers: blue on the good side of the middle, rose on the other, stronger with the distance.

    Args:
        title: of the table.
        rows: headings.
        columns: headings.
        values: (row, column) -> value, lower and upper end; None or missing where nothing was measured.
        corner: what rows and columns are.
        scale: how numbers become colours.

    >>> cell = heat_map("t", ["a"], ["a", "b"], {("a", "b"): (0.5, 0.25, 0.75)}).rows[0][1][1]
    >>> cell.text, cell.interval, cell.sure
    ('+0.50', ('+0.25', '+0.75'), True)
    """
    known = [value for value, _, _ in values.values() if value is not None and math.isfinite(value)]
    reach = scale.reach or max((abs(value - scale.middle) for value in known), default=0.0) or 1.0

    def cell(value: float | None, low: float | None, high: float | None) -> Cell | None:
        if value is None or not math.isfinite(value):
            return None
        share = round(STRONGEST * min(1.0, abs(value - scale.middle) / reach))
        colour = (BLUE if (value >= scale.middle) == scale.rising else ROSE).variable
        style = f"background:color-mix(in srgb,var({colour}) {share}%,transparent)"
        if low is None or high is None or not (math.isfinite(low) and math.isfinite(high)):
            return Cell(_number(value, scale), (), style, sure=False)
        sure = low > scale.middle or high < scale.middle
        return Cell(_number(value, scale), (_number(low, scale), _number(high, scale)), style, sure)

    found = [(r, [cell(*values.get((r, c), (None, None, None))) for c in columns]) for r in rows]
    return HeatMap(title, corner, list(columns), found)


def _number(value: float, scale: Scale) -> str:
    text = formats.decimals(value, scale.digits)
    return f"+{text}" if scale.signed and round(value, scale.digits) > 0 else text
