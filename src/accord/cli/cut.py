"""`accord cut`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from accord.cli.output import show, show_json

__all__ = ["command"]


def command(
    model: Annotated[str, typer.Argument(help="A model folder, package:MODULE or run folder.")],
    out: Annotated[Path, typer.Option(help="The folder to write; it appears whole or not at all.")],
    layers: Annotated[int | None, typer.Option(help="Layers to keep. Default is all.")] = None,
    dim: Annotated[int | None, typer.Option(help="Dimensions of the vectors to keep. Default is all.")] = None,
    width: Annotated[
        int | None, typer.Option(help="Inner units of each layer's feed-forward part to keep. Default is all.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the record as JSON.")] = False,
) -> None:
    """Cut a model to fewer layers or dimensions, and write an ordinary smaller model."""
    from accord.recipes.cut import cut

    done = cut(model, out=out, layers=layers, dim=dim, width=width)
    if as_json:
        show_json(done)
        return
    small, whole = done.parameters
    show(f"Wrote {done.path}: {done.size}, {small / 1e6:.1f} of {whole / 1e6:.1f} million parameters.")
