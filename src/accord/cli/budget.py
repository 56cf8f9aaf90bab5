"""`accord budget`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from accord.cli.bars import bars
from accord.cli.fit import changes_of
from accord.cli.output import show, show_json

__all__ = ["command"]


def command(
    model: Annotated[str, typer.Argument(help="A model folder, hub name, package:MODULE or run folder.")],
    on: Annotated[str, typer.Option("--on", help="A recipe: its tasks say what quality is.")],
    ms: Annotated[float | None, typer.Option(help="Milliseconds a query, at most.")] = None,
    mb_per_million: Annotated[
        float | None, typer.Option(help="Megabytes in memory for the vectors of a million documents, at most.")
    ] = None,
    model_mb: Annotated[float | None, typer.Option(help="Megabytes of the model's weights, at most.")] = None,
    keep: Annotated[
        float | None, typer.Option(help="Share of the whole model's quality to keep, such as 0.98.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for budget.json, frontier.html and what a rerun takes up again.")
    ] = None,
    size: Annotated[
        list[str] | None,
        typer.Option(help="A size to try, such as 4x256 or 256; what the model was trained for, or a grid."),
    ] = None,
    codec: Annotated[
        list[str] | None, typer.Option(help="A codec to try, as of `accord index`; a usual list when not given.")
    ] = None,
    documents: Annotated[
        int, typer.Option(min=1, help="Documents that a query is searched in, for its milliseconds.")
    ] = 100_000,
    change: Annotated[list[str] | None, typer.Option("--set", help="Change a value of the recipe.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the record as JSON.")] = False,
) -> None:
    """Measure smaller sizes and vectors of a model, and name the cheapest that meets a budget."""
    from accord.core.errors import CheckFailed
    from accord.recipes.budget import Limits, budget
    from accord.recipes.budget.sizes import read_size
    from accord.recipes.recipe import Recipe
    from accord.reporting import budget_tables

    limits = Limits(ms=ms, mb_per_million=mb_per_million, model_mb=model_mb, keep=keep)
    found = budget(
        model,
        Recipe.load(on).replace(changes_of(change or [])),
        limits=limits,
        out=out,
        sizes=[read_size(text) for text in size] if size else None,
        codecs=codec or None,
        documents=documents,
        progress=bars(),
    )
    if as_json:
        show_json(found.record)
    else:
        show(*budget_tables(found.record))
        if out is not None and (out / "frontier.html").is_file():
            show(f"Frontier: {out / 'frontier.html'}")
    if not found.met:
        raise CheckFailed(found.record["verdict"]["sentence"])
