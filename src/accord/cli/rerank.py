"""`accord rerank`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from accord.cli.bars import bars
from accord.cli.output import show, show_json

__all__ = ["command"]


def command(
    model: Annotated[str, typer.Argument(help="A cross-encoder folder, hub name or run folder.")],
    source: Annotated[Path, typer.Argument(help="Rows of `query` with `pos` and `neg` or `documents`; or a run.")],
    out: Annotated[Path, typer.Option(help="F.jsonl for rows, best first; for a run, another run.")],
    data: Annotated[Path | None, typer.Option(help="Folder with corpus and queries: FILE is a run.")] = None,
    scores: Annotated[bool, typer.Option("--scores", help="Keep rows, add pos_scores and neg_scores.")] = False,
    k: Annotated[int | None, typer.Option("-k", "--k", help="Documents to keep of each query.")] = None,
    precision: Annotated[str, typer.Option(help="float32, bfloat16, or auto: bfloat16 if a probe allows.")] = "float32",
    as_json: Annotated[bool, typer.Option("--json", help="Print what was written as JSON.")] = False,
) -> None:
    """Let a cross-encoder score the candidates of each query, to rank them or to teach another model."""
    from accord.recipes.rerank import rerank_file

    written = rerank_file(model, source, out, data=data, scores=scores, k=k, precision=precision, progress=bars())
    if as_json:
        show_json(written)
        return
    show(f"Scored {written['pairs']:,} pairs of {written['queries']:,} queries into {out}.")
