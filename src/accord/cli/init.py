"""`accord init`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from accord.cli.output import show, show_json

__all__ = ["command"]


def command(
    folder: Annotated[Path, typer.Argument(help="Where to write; nothing is overwritten.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the files written as JSON.")] = False,
) -> None:
    """Write a commented recipe with small example files."""
    from accord.recipes.init import init

    written = init(folder)
    if as_json:
        show_json({"written": written})
        return
    show(*(f"Wrote {path}" for path in written))
    show(f"Go on:  accord plan {folder / 'recipe.yaml'}   accord fit {folder / 'recipe.yaml'} --out runs/first")
