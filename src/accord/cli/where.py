"""`accord where`."""

from __future__ import annotations

from typing import Annotated

import typer

from accord.cli.output import show, show_json

__all__ = ["command"]


def command(
    name: Annotated[str, typer.Argument(help="A method, another name for it, a paper, or a room (objectives).")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the places as JSON.")] = False,
) -> None:
    """Say where a method lives, by its name, by what others call it, or by its paper."""
    from accord.recipes.where import where

    found = where(name)
    if as_json:
        show_json(found)
        return
    for place in found:
        show(f"{place.name}  {place.file}", f"    {place.summary}")
        if place.reference:
            show(f"    {place.reference}")
