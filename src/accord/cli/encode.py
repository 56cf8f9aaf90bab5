"""`accord encode`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from accord.cli.bars import bars
from accord.cli.output import show, show_json

__all__ = ["command"]


def command(
    model: Annotated[str, typer.Argument(help="A model folder, hub name, package:MODULE or run folder.")],
    source: Annotated[Path, typer.Argument(help="JSONL(.gz), CSV, TSV, Parquet, or .txt with a text a line.")],
    out: Annotated[Path, typer.Option(help="F.npy for the matrix, F.parquet for rows with their vectors.")],
    column: Annotated[str, typer.Option(help="Column of texts.")] = "text",
    prompt: Annotated[str | None, typer.Option(help="Name of one of the model's prompts.")] = None,
    precision: Annotated[str, typer.Option(help="float32, bfloat16, or auto: bfloat16 if a probe allows.")] = "float32",
    codec: Annotated[Path | None, typer.Option(help="A codec folder of this model: write its codes, F.npy.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was written as JSON.")] = False,
) -> None:
    """Encode a column of a file."""
    from accord.recipes.encode import encode_file

    written = encode_file(
        model, source, out, column=column, prompt=prompt, precision=precision, codec=codec, progress=bars()
    )
    if as_json:
        show_json(written)
        return
    if codec is not None:
        show(f"Wrote {written['rows']:,} codes of {written['code_bytes']} bytes to {out}.")
        return
    show(f"Wrote {written['rows']:,} vectors of {written['dim']} to {out}.")
