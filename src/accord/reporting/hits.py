"""An answer of a search, for the terminal."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

__all__ = ["hits_panel"]

LINES = 12


def hits_panel(rank: int, score: float, id: str, text: str) -> RenderableType:
    """One answer: rank, score and id on a line, the beginning of its text below.

    Args:
        rank: counted from 1.
        score: as the store gave it.
        id: of the document.
        text: of the document; its first 12 lines are shown.

    Returns:
        A renderable that ends with an empty line.
    """
    head = Text(f"{rank:>2}  {score:.3f}  ", style="dim").append(id, style="not dim bold")
    lines = text.expandtabs(4).strip("\n").splitlines()
    body = Text("\n".join(lines[:LINES]))
    if len(lines) > LINES:
        body.append(f"\n… {len(lines) - LINES} more lines", style="dim")
    return Group(head, Padding(body, (0, 0, 1, 4)))
