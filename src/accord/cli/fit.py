"""`accord fit`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from accord.cli.bars import bars
from accord.cli.output import show, show_json

__all__ = ["changes_of", "command"]


def changes_of(pairs: list[str]) -> dict[str, Any]:
    """`["train.steps=200"]` as changes to a recipe; values are YAML.

    Raises:
        InputError: a pair without `=`, or a value that is not YAML.

    >>> changes_of(["train.steps=200", "seeds=[0, 1]"])
    {'train.steps': 200, 'seeds': [0, 1]}
    """
    import yaml

    from accord.core.errors import InputError

    changes = {}
    for pair in pairs:
        path, equals, value = pair.partition("=")
        if not equals or not path:
            raise InputError(f"`--set` takes PATH=VALUE, such as train.steps=200. Got {pair!r} instead.")
        try:
            changes[path] = yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise InputError(f"`--set` {path}: {value!r} is not a YAML value.") from error
    return changes


def command(
    recipe: Annotated[str, typer.Argument(help="A recipe file, or the name of a ready recipe (python-library).")],
    out: Annotated[Path, typer.Option(help="Run folder for models, results, index and report.")],
    resume: Annotated[bool, typer.Option("--resume", help="Go on where an earlier run stopped.")] = False,
    change: Annotated[list[str] | None, typer.Option("--set", help="Change a value: train.steps=200.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the results as JSON.")] = False,
) -> None:
    """Train one encoder on all tasks of a recipe, compare it with the base and with each task alone, index, report."""
    from accord.recipes.fit import fit
    from accord.recipes.recipe import Recipe
    from accord.reporting import run_tables

    run = fit(Recipe.load(recipe).replace(changes_of(change or [])), out=out, resume=resume, progress=bars())
    if as_json:
        show_json(run.results.to_json())
        return
    show(*run_tables(run.results))
    if run.report.is_file():
        show(f"Report: {run.report}")
    show(f'Go on:  accord search {out} "your question"   accord compare {out} OTHER_RUN')
