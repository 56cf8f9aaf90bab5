"""`accord evaluate`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

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
    mteb_out: Annotated[Path | None, typer.Option(help="Also write the scores here, in mteb's layout.")] = None,
    cache: Annotated[
        Path | None,
        typer.Option(help="Folder of kept measurements; ACCORD_CACHE or the user's cache folder by default."),
    ] = None,
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Measure everything anew and keep nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the results as JSON.")] = False,
) -> None:
    """Evaluate models on the tasks of a recipe, with intervals and paired comparisons."""
    from accord.core.user_cache import user_cache
    from accord.recipes.evaluate import evaluate
    from accord.recipes.recipe import Recipe
    from accord.reporting import run_tables

    kept = None if no_cache else cache or user_cache("results")
    recipe = Recipe.load(on).replace(changes_of(change or []))
    found = evaluate(models, recipe, cache=kept, mteb_out=mteb_out, progress=bars())
    if kept is not None:
        _say_what_was_kept(found.results.details["cache"])
    if out is not None:
        found.results.save(out)
    if as_json:
        show_json(found.results.to_json())
    else:
        show(*run_tables(found.results))


def _say_what_was_kept(cache: Mapping[str, Any]) -> None:
    """One line on standard error where something was not measured but read."""
    rows = cache["measurements"]
    read = [f"{row['evaluation']} of {row['model']} on {row['task']}" for row in rows if row["from_cache"]]
    if read:
        shown = ", ".join(read[:3]) + (f" and {len(read) - 3} more" if len(read) > 3 else "")
        typer.echo(
            f"{len(read)} of {len(rows)} measurements came from {cache['folder']}: {shown}. --no-cache measures anew.",
            err=True,
        )
