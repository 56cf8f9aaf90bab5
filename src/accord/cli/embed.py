"""`accord embed`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from accord.cli.bars import bars
from accord.cli.output import show, show_json

__all__ = ["command"]


def command(
    model: Annotated[str, typer.Argument(help="A model folder, hub name, package:MODULE or run folder.")],
    source: Annotated[
        Path,
        typer.Argument(
            metavar="CORPUS",
            help="JSONL(.gz), CSV, TSV or Parquet: `text`, and if wanted `id`, `title` and further columns.",
        ),
    ],
    out: Annotated[Path, typer.Option(help="The folder of shards; one that is there is gone on with.")],
    rows: Annotated[int, typer.Option(help="Rows of a shard: what a killed worker may cost.")] = 10_000,
    column: Annotated[str, typer.Option(help="Column of texts.")] = "text",
    chunk: Annotated[str | None, typer.Option(help="Cut texts: sentences:5, tokens:256 or none.")] = None,
    prompt: Annotated[
        str | None, typer.Option(help="Name of one of the model's prompts; its document prompt when not given.")
    ] = None,
    precision: Annotated[str, typer.Option(help="float32, bfloat16, or auto: bfloat16 if a probe allows.")] = "float32",
    ray: Annotated[
        str | None,
        typer.Option(help="Spread over a Ray cluster: its address, `auto` for the one here, `local` for a new one."),
    ] = None,
    workers: Annotated[int, typer.Option(help="With --ray: processes.")] = 1,
    cpus: Annotated[float, typer.Option(help="With --ray: cores of each.")] = 1.0,
    gpus: Annotated[float, typer.Option(help="With --ray: GPUs of each; fractions share one.")] = 0.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was done as JSON.")] = False,
) -> None:
    """Embed a corpus into Parquet files, here or on a Ray cluster, each row exactly once."""
    from accord.core.errors import InputError
    from accord.integrations import RayData
    from accord.recipes.shards import embed_corpus

    if ray is None and (workers, cpus, gpus) != (1, 1.0, 0.0):
        raise InputError("--workers, --cpus and --gpus are for a Ray cluster. Add --ray local, auto or an address.")
    address = None if ray == "local" else ray
    spread = None if ray is None else RayData(workers, cpus=cpus, gpus=gpus, address=address)
    done = embed_corpus(
        model, source, out, rows=rows, column=column, chunk=chunk, prompt=prompt, precision=precision, spread=spread,
        progress=bars(),
    )  # fmt: skip
    if as_json:
        show_json(done)
        return
    left_out = f"; {done.left_out:,} without a text left out" if done.left_out else ""
    show(
        f"{out} holds {done.rows:,} rows with vectors of {done.dim}, in {done.shards:,} shards: {done.embedded:,} "
        f"embedded now, {done.shards - done.embedded:,} before{left_out}.",
        f"{done.parity.rows} rows embedded again here: least cosine {done.parity.least_cosine:.6f}, largest difference "
        f"{done.parity.largest_difference:.1e}.",
        f"Make a store of them: accord index {model} {out} --out STORE",
    )
