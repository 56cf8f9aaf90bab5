"""`accord merge`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from accord.cli.bars import bars
from accord.cli.output import show, show_json
from accord.core.errors import InputError

__all__ = ["command"]


def command(
    config: Annotated[Path, typer.Argument(metavar="FILE", help="A merge file, as mergekit reads them.")],
    out: Annotated[Path | None, typer.Option(help="The folder to write; it appears whole or not at all.")] = None,
    plan: Annotated[bool, typer.Option("--plan", help="Check everything and say what would be done.")] = False,
    load: Annotated[
        bool, typer.Option(help="Load the result once and store what `accord doctor` compares it with.")
    ] = True,
    adapter: Annotated[
        bool, typer.Option("--adapter", help="Write one adapter; all models must be `BASE+ADAPTER` with one base.")
    ] = False,
    rank: Annotated[int | None, typer.Option(help="With --adapter: its rank. Default keeps all of a sum.")] = None,
    hashes: Annotated[
        bool, typer.Option(help="Keep the SHA-256 of the models' weights, and check it where it is known.")
    ] = True,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the plan, or the record of the merge, as JSON.")
    ] = False,
) -> None:
    """Merge models in weight space, as a merge file says."""
    if rank is not None and not adapter:
        raise InputError("`--rank` is of an adapter. Add --adapter, or leave it out.")
    if out is None and not plan:
        raise InputError("`--out` is missing. Name the folder to write, or add --plan to see what would be done.")
    from accord.recipes.merge import merge as carry_out
    from accord.recipes.merge import plan_merge
    from accord.reporting import merge_plan_tables, merge_tables

    if plan:
        found = plan_merge(config)
        if as_json:
            show_json(found)
        else:
            show(*merge_plan_tables(found))
        return
    assert out is not None, "checked above"
    if adapter:
        _to_adapter(config, out, rank, as_json=as_json)
        return
    done = carry_out(config, out, load=load, hashes=hashes, progress=bars())
    if as_json:
        show_json(done)
    else:
        show(*merge_tables(done.records), *(f"Wrote {model}." for model in done.models))


def _to_adapter(config: Path, out: Path, rank: int | None, *, as_json: bool) -> None:
    from accord.recipes.merge.adapter import merge_to_adapter

    done = merge_to_adapter(config, out, rank=rank, progress=bars())
    if as_json:
        show_json(done.provenance)
        return
    widest = max(layer.rank or 0 for layer in done.layers)
    show(
        f"Wrote {done.path}: rank {widest} on {len(done.layers)} layers, {done.energy:.2%} of the merged change kept.",
        f"It is {done.shrinkage:.2f} times as long as the adapters' own changes on average.",
    )
