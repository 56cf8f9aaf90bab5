"""`accord prune`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from accord.cli.bars import bars
from accord.cli.output import show, show_json
from accord.core.errors import InputError

__all__ = ["command"]


def command(
    model: Annotated[str, typer.Argument(help="A model folder, hub name, package:MODULE or run folder.")],
    out: Annotated[Path, typer.Option(help="The folder to write; it appears whole or not at all.")],
    on: Annotated[
        Path | None,
        typer.Option(help="Texts such as the model will see: .txt with a text a line, JSONL, CSV, Parquet."),
    ] = None,
    column: Annotated[str, typer.Option(help="Column of texts, in files that have columns.")] = "text",
    layers: Annotated[int | None, typer.Option(help="Layers to keep.")] = None,
    keep_layers: Annotated[str | None, typer.Option(help="Which layers to keep, from 0: 0,2,5.")] = None,
    layers_by: Annotated[
        str, typer.Option(help="How --layers chooses: vectors, influence, spaced or first.")
    ] = "vectors",
    ffn: Annotated[float | None, typer.Option(help="Share of the inner feed-forward units that goes.")] = None,
    heads: Annotated[float | None, typer.Option(help="Share of the attention heads that goes.")] = None,
    slice_share: Annotated[float | None, typer.Option("--slice", help="Share of the hidden size that goes.")] = None,
    exact: Annotated[
        bool, typer.Option("--exact", help="With --slice: turned coordinates, closer, but only accord loads them.")
    ] = False,
    vocabulary: Annotated[Path | None, typer.Option(help="Texts whose tokens stay; all others go.")] = None,
    limit: Annotated[int, typer.Option(help="Texts of --on to look at.")] = 2000,
    seed: Annotated[int, typer.Option(help="Of the draw of texts.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the record as JSON.")] = False,
) -> None:
    """Take layers, widths or tokens out of a finished encoder, without training, and say how far its vectors moved."""
    from accord.recipes.prune import PruneSettings, prune
    from accord.reporting import prune_tables

    settings = PruneSettings(
        layers=layers,
        keep_layers=None if keep_layers is None else _numbers(keep_layers),
        layers_by=layers_by,
        ffn=ffn,
        heads=heads,
        slice_share=slice_share,
        exact=exact,
        vocabulary=vocabulary,
    )
    done = prune(model, out, settings, texts=on, column=column, limit=limit, seed=seed, progress=bars())
    if as_json:
        show_json(done)
    else:
        show(*prune_tables(done.record), f"Wrote {done.path}.")


def _numbers(words: str) -> list[int]:
    try:
        return [int(word) for word in words.split(",")]
    except ValueError:
        raise InputError(f"`--keep-layers` must be numbers with commas, such as 0,2,5. Got {words!r}.") from None
