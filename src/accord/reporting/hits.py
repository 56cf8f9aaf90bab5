"""An answer of a search, for the terminal."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

__all__ = ["hits_panel"]

LINES = 12


def hits_panel(
    rank: int, score: float, id: str, text: str, sources: Mapping[str, tuple[int, float]] | None = None
) -> RenderableType:
    """One answer: rank, score and id on a line, where it came from, the beginning of its text below.

    Args:
        rank: counted from 1.
        score: as the store gave it.
        id: of the document.
        text: of the document; its first 12 lines are shown.
        sources: rank and score by way of searching, where the search was explained.

    Returns:
        A renderable that ends with an empty line.
    """
    head = Text(f"{rank:>2}  {score:.3f}  ", style="dim").append(id, style="not dim bold")
    if sources is not None:
        ways = [f"{way}: {_ordinal(place)}, {value:.3f}" for way, (place, value) in sources.items()]
        head.append(f"\n    {' · '.join(ways)}", style="not bold italic")
    lines = text.expandtabs(4).strip("\n").splitlines()
    body = Text("\n".join(lines[:LINES]))
    if len(lines) > LINES:
        body.append(f"\n… {len(lines) - LINES} more lines", style="dim")
    return Group(head, Padding(body, (0, 0, 1, 4)))


def _ordinal(number: int) -> str:
    """A place in words of figures.

    >>> [_ordinal(n) for n in (1, 2, 3, 4, 11, 21, 112)]
    ['1st', '2nd', '3rd', '4th', '11th', '21st', '112th']
    """
    teens = number % 100 in {11, 12, 13}
    return f"{number}{'th' if teens else {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th')}"
