"""`accord index`."""

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
    out: Annotated[Path, typer.Option(help="The store; one that is there is brought up to date.")],
    codec: Annotated[
        str | None,
        typer.Option(help="Search codes: a codec's folder, or one to fit, such as Int8 or 'Int8: {tail: 0.001}'."),
    ] = None,
    rescore: Annotated[
        str, typer.Option(help="With --codec, the vectors that put its finds in order: float16, float32 or none.")
    ] = "float16",
    analyser: Annotated[
        str | None, typer.Option(help="For searches by words: unicode61 (words), porter (English stems) or trigram.")
    ] = None,
    ann: Annotated[
        str | None,
        typer.Option(
            help="Make an index for approximate search: HNSW, IVF, or with settings 'HNSW: {ef_search: 200}'."
        ),
    ] = None,
    column: Annotated[str, typer.Option(help="Column of texts.")] = "text",
    chunk: Annotated[
        str | None, typer.Option(help="Cut texts: sentences:5, tokens:256 or none. A chunk names its text as `parent`.")
    ] = None,
    prompt: Annotated[
        str | None, typer.Option(help="Name of one of the model's prompts; its document prompt when not given.")
    ] = None,
    precision: Annotated[str, typer.Option(help="float32, bfloat16, or auto: bfloat16 if a probe allows.")] = "float32",
    as_json: Annotated[bool, typer.Option("--json", help="Print what was done as JSON.")] = False,
) -> None:
    """Encode a file of texts into a store, or bring a store up to date with the file."""
    from accord.recipes.index_texts import index_file

    done = index_file(
        model, source, out, codec=codec, rescore=rescore, analyser=analyser, ann=ann, column=column, chunk=chunk,
        prompt=prompt, precision=precision, progress=bars(),
    )  # fmt: skip
    if as_json:
        show_json(done)
        return
    stats = done.stats
    left_out = f", {done.left_out:,} without a text left out" if done.left_out else ""
    left_out += f", {done.removed:,} outdated removed" if done.removed else ""
    show(
        f"{out} holds {stats.documents:,} documents: {done.added:,} added, {done.changed:,} changed, "
        f"{done.unchanged:,} unchanged{left_out}.",
        f"A search reads {stats.scanned_bytes_per_vector:,} bytes a document in memory "
        f"({stats.float32_ratio:.3g} times fewer than float32; codec: {stats.codec or 'none'}, rescoring: "
        f"{stats.rescore}). On the disk: {stats.disk_bytes / 2**20:,.1f} MiB.",
    )
