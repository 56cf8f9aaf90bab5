"""Colours, shapes and dashes: every mark is told apart by shape or label as well as by colour.

A plot is drawn in the light values, which stand in the SVG as the fallback of a CSS variable; a page that sets the
variables to the dark values shows the same plot in dark. Each value has a contrast of at least 3 to 1 (text: 4.5 to 1)
against its page, and blue, ochre and grey stay apart in every common kind of colour blindness.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from accord.reporting.rows import kind

__all__ = ["COLOURS", "PAPER", "VERDICTS", "Colour", "Mark", "marks"]


@dataclass(frozen=True)
class Colour:
    """One colour on a light and on a dark page."""

    name: str
    light: str
    dark: str

    @property
    def variable(self) -> str:
        """The CSS variable that carries it."""
        return f"--{self.name}"


@dataclass(frozen=True)
class Mark:
    """How one model is drawn.

    Args:
        shape: of its points.
        path: the same shape as an SVG path about the origin, 10 units wide, for legends.
        dash: of its lines; empty for a solid one.
    """

    name: str
    colour: Colour
    shape: str
    path: str
    dash: tuple[int, ...]

    @property
    def size(self) -> int:
        """Area at which it weighs as much as the others."""
        return 130 if self.shape == "diamond" else 85


PAPER = Colour("paper", "#fdfdfc", "#15181c")
INK = Colour("ink", "#1b1f24", "#e7eaee")
MUTED = Colour("muted", "#5a636d", "#9da7b2")
RULE = Colour("rule", "#dfe2e6", "#2e343c")
GREY = Colour("grey", "#6a737d", "#a3adb8")
OCHRE = Colour("ochre", "#9a6200", "#e0ab46")
BLUE = Colour("blue", "#1858b8", "#6eb0ff")
TEAL = Colour("teal", "#0a7563", "#45cbb0")
PLUM = Colour("plum", "#8a3a9c", "#d79be8")
ROSE = Colour("rose", "#b3263c", "#ff8d96")
COLOURS = (PAPER, INK, MUTED, RULE, GREY, OCHRE, BLUE, TEAL, PLUM, ROSE)

SQUARE = "M-4-4h8v8h-8Z"
DIAMOND = "M0-5.5L5.5 0L0 5.5L-5.5 0Z"
CIRCLE = "M4.8 0A4.8 4.8 0 1 1-4.8 0A4.8 4.8 0 1 1 4.8 0Z"
UP = "M0-5L5 4H-5Z"
DOWN = "M0 5L5-4H-5Z"
CROSS = "M-5-1.7h3.3v-3.3h3.4v3.3h3.3v3.4h-3.3v3.3h-3.4v-3.3h-3.3Z"

KNOWN = {
    "base": ("square", SQUARE, GREY, (1, 3)),
    "single": ("diamond", DIAMOND, OCHRE, (6, 3)),
    "joint": ("circle", CIRCLE, BLUE, ()),
    "merged": ("triangle-up", UP, TEAL, (9, 3)),
    "balanced": ("cross", CROSS, PLUM, (2, 2)),
}
OTHERS = (("triangle-down", DOWN, ROSE, (9, 3, 2, 3)), KNOWN["merged"], KNOWN["balanced"])
VERDICTS = {
    "better": Mark("better", TEAL, "triangle-up", UP, ()),
    "worse": Mark("worse", ROSE, "triangle-down", DOWN, ()),
    "same": Mark("not distinguishable", GREY, "circle", CIRCLE, ()),
}


def marks(names: Iterable[str]) -> dict[str, Mark]:
    """A mark a model; base, single, joint, merged and balanced look the same in every plot of every report.

    >>> {name: mark.shape for name, mark in marks(["base", "joint", "merged", "single:topic"]).items()}
    {'base': 'square', 'joint': 'circle', 'merged': 'triangle-up', 'single:topic': 'diamond'}
    """
    found: dict[str, Mark] = {}
    others = 0
    for name in dict.fromkeys(names):
        known = KNOWN.get(kind(name))
        shape, path, colour, dash = known or OTHERS[others % len(OTHERS)]
        others += known is None
        found[name] = Mark(name, colour, shape, path, dash)
    return found
