"""`accord plan`."""

from __future__ import annotations

from typing import Annotated

import typer

from accord.cli.bars import bars
from accord.cli.fit import changes_of
from accord.cli.output import show, show_json

__all__ = ["command"]


def command(
    recipe: Annotated[str, typer.Argument(help="A recipe file, or the name of a ready recipe (python-library).")],
    change: Annotated[list[str] | None, typer.Option("--set", help="Change a value: train.steps=200.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the plan as JSON.")] = False,
) -> None:
    """Check a recipe and its data without a model, and say what would happen and for how long."""
    from accord.core.errors import InputError
    from accord.recipes.plan import plan
    from accord.recipes.recipe import Recipe
    from accord.reporting import plan_tables

    found = plan(Recipe.load(recipe).replace(changes_of(change or [])), progress=bars())
    if as_json:
        show_json({**vars(found), "seconds": found.seconds})
    if found.problems:
        raise InputError(found.problems[0])
    if not as_json:
        show(*plan_tables(found.tasks, found.leakage, found.stages, found.notes))
