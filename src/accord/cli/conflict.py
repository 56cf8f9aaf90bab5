"""`accord conflict`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from accord.cli.bars import bars
from accord.cli.fit import changes_of
from accord.cli.output import show, show_json

__all__ = ["command"]


def command(
    recipe: Annotated[str, typer.Argument(help="A recipe file, or the name of a ready recipe (python-library).")],
    out: Annotated[Path, typer.Option(help="Folder for measurements, short trainings and report.")],
    no_transfer: Annotated[
        bool, typer.Option("--no-transfer", help="Leave out the transfer matrix and the loss barriers, the slow part.")
    ] = False,
    batches: Annotated[int, typer.Option(min=2, help="Batches of each task whose gradients are compared.")] = 8,
    steps: Annotated[
        int | None, typer.Option(min=1, help="Steps of each short training; 30, or 5 with --no-transfer.")
    ] = None,
    tolerance: Annotated[
        float, typer.Option(min=0, help="Share of its progress that a task may lose to another without a conflict.")
    ] = 0.2,
    change: Annotated[list[str] | None, typer.Option("--set", help="Change a value of the recipe.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the record as JSON.")] = False,
) -> None:
    """Say whether tasks conflict, by how much against noise, and whether to train jointly, balance or merge."""
    from accord.recipes.conflict import conflict
    from accord.recipes.recipe import Recipe
    from accord.reporting import conflict_tables

    changed = Recipe.load(recipe).replace(changes_of(change or []))
    found = conflict(
        changed,
        out,
        transfer=not no_transfer,
        batches=batches,
        steps=steps,
        tolerance=tolerance,
        on_plan=_say_plan,
        progress=bars(),
    )
    if as_json:
        show_json(found.record)
        return
    show(*conflict_tables(found.record))
    if found.report.is_file():
        show(f"Report: {found.report}")
    show(f"Go on:  accord fit {recipe} --out RUN   compares finished models, which decides.")


def _say_plan(stages: Mapping[str, float]) -> None:
    """One line on standard error: the expected time."""
    from accord.reporting.formats import duration

    parts = ", ".join(f"{name} {duration(seconds)}" for name, seconds in stages.items())
    typer.echo(f"Expected: about {duration(sum(stages.values()))} ({parts}).", err=True)
