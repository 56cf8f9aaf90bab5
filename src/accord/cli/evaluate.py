"""`accord evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from accord.cli.bars import bars
from accord.cli.fit import changes_of
from accord.cli.output import show, show_json

__all__ = ["command"]


def command(
    models: Annotated[list[str], typer.Argument(help="Models; each is compared with the first.")],
    on: Annotated[str, typer.Option("--on", help="A recipe: its tasks and test splits.")],
    change: Annotated[list[str] | None, typer.Option("--set", help="Change a value of the recipe.")] = None,
    out: Annotated[Path | None, typer.Option(help="Also write the results here, as JSON.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the results as JSON.")] = False,
) -> None:
    """Evaluate models on the tasks of a recipe, with intervals and paired comparisons."""
    from accord.recipes.evaluate import evaluate
    from accord.recipes.recipe import Recipe
    from accord.reporting import run_tables

    found = evaluate(models, Recipe.load(on).replace(changes_of(change or [])), progress=bars())
    if out is not None:
        found.results.save(out)
    if as_json:
        show_json(found.results.to_json())
    else:
        show(*run_tables(found.results))
