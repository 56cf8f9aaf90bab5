"""From an Altair chart to a small SVG that stands inside a page, follows its colours and never changes by chance."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from accord.core.errors import require
from accord.reporting.plots.palette import COLOURS, INK, MUTED, RULE

if TYPE_CHECKING:
    import altair

__all__ = ["WIDTH", "Panel", "altair_module", "axis", "draw", "names_axis", "names_width"]

WIDTH, CHARACTER, LONGEST = 310, 6.8, 20
PURPOSE = "The report"
DROPPED = re.compile(r"aria-.*|role|pointer-events|font-family|class|version|cursor")
INVISIBLE = {"", "M0,0h0v0h0Z"}
REFERENCE = re.compile(r"url\(#([^)]+)\)")


@dataclass(frozen=True)
class Panel:
    """One drawing with its words.

    Args:
        title: stands above it.
        alt: says what it shows to who cannot see it.
        svg: the drawing, without name spaces, for a page of HTML.
    """

    title: str
    alt: str
    svg: str


def altair_module() -> Any:
    """Altair, or the line that installs it.

    Raises:
        MissingExtra: the extra `report` is not installed.
    """
    return require("altair", extra="report", purpose=PURPOSE)


def axis(title: str | None, **changes: Any) -> Any:
    """An axis without a line of its own; changes are properties of `altair.Axis`."""
    return altair_module().Axis(**({"title": title, "domain": False, "ticks": False} | changes))


def names_axis(names: Sequence[str]) -> Any:
    """An axis that writes names in place of row numbers, so that equal names keep rows of their own.

    Its width is reckoned from the number of letters, since nobody knows the reader's font; long names are cut in the
    middle, where they differ least.
    """
    shown = [shorten(name) for name in names]
    return axis(None, labelExpr=f"{json.dumps(shown)}[datum.value]", minExtent=names_width(names), labelLimit=0)


def names_width(names: Sequence[str]) -> float:
    """Pixels that the longest name takes on :func:`names_axis`."""
    return 6 + CHARACTER * max((len(shorten(name)) for name in names), default=0)


def shorten(name: str) -> str:
    """A name of at most 20 letters.

    >>> shorten("a-rather-long-name-of-a-task")
    'a-rather-l…of-a-task'
    """
    half = LONGEST // 2
    return name if len(name) <= LONGEST else f"{name[:half]}…{name[-half + 1 :]}"


def draw(chart: altair.Chart | altair.LayerChart, *, title: str, alt: str, height: Any) -> Panel:
    """Render a chart in the house style.

    Args:
        chart: without size, background or configuration.
        title: of the panel, outside the drawing.
        alt: the drawing in words.
        height: pixels, or a step a row.

    Raises:
        MissingExtra: the extra `report` is not installed.
    """
    alt_module = altair_module()
    converter: Any = require("vl_convert", extra="report", purpose=PURPOSE)
    fit = alt_module.AutoSizeParams(type="fit-x" if not isinstance(height, int) else "fit", contains="padding")
    text: dict[str, Any] = {"labelColor": MUTED.light, "titleColor": MUTED.light}
    text |= {"labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal"}
    chart = (
        chart.properties(
            width=WIDTH,
            height=height,
            autosize=fit,
            background="transparent",
            padding={"left": 1, "right": 6, "top": 4, "bottom": 2},
        )
        .configure(aria=False, font="sans-serif")
        .configure_view(stroke=None)
        .configure_axis(
            **text,
            titlePadding=8,
            labelPadding=6,
            gridColor=RULE.light,
            labelLimit=160,
            labelFlush=False,
        )
    )
    text |= {"labelColor": INK.light}
    chart = chart.configure_axisY(**text)
    version = ".".join(alt_module.SCHEMA_VERSION.lstrip("v").split(".")[:2])
    return Panel(title, alt, clean(converter.vegalite_to_svg(chart.to_dict(), vl_version=version), alt))


def clean(svg: str, alt: str) -> str:
    """Make an SVG of Vega fit to stand in a page.

    Colours of the palette become variables, fonts are left to the page, chance ids are numbered anew, what is not
    seen is dropped, and the whole is one image with a label.
    """
    root = ET.fromstring(svg)
    width, height = root.get("width"), root.get("height")
    ids: dict[str, str] = {}
    variables = {colour.light: f"var({colour.variable},{colour.light})" for colour in COLOURS}
    for element in list(root.iter()):
        element.tag = element.tag.rpartition("}")[2]
        for child in list(element):
            if child.tag.endswith("path") and child.get("d") in INVISIBLE:
                element.remove(child)
        for key, value in list(element.attrib.items()):
            if DROPPED.fullmatch(key):
                del element.attrib[key]
            elif key == "id":
                element.set(key, ids.setdefault(value, f"{_slug(alt)}-{len(ids)}"))
            elif match := REFERENCE.fullmatch(value):
                name = ids.setdefault(match[1], f"{_slug(alt)}-{len(ids)}")
                element.set(key, f"url(#{name})")
            elif value.lower() in variables:
                element.set(key, variables[value.lower()])
    root.attrib.clear()
    root.attrib.update({"viewBox": f"0 0 {width} {height}", "width": str(width), "height": str(height)})
    root.attrib.update({"role": "img", "aria-label": alt})
    return ET.tostring(root, encoding="unicode")


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:40]
