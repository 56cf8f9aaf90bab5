"""`accord compare`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from accord.cli.output import show, show_json

__all__ = ["command"]


def command(
    a: Annotated[Path, typer.Argument(help="A run folder.")],
    b: Annotated[Path, typer.Argument(help="Another run folder with the same test data.")],
    model: Annotated[str | None, typer.Option(help="Whose scores, in both runs; else what each run gives.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the comparisons as JSON.")] = False,
) -> None:
    """Compare two runs example by example: effect, interval, p, and how many examples it would take."""
    from accord.core.records import Results
    from accord.recipes.compare import compare
    from accord.reporting import comparisons_table

    found = compare(a, b, model=model)
    if as_json:
        show_json(found)
    else:
        show(comparisons_table(Results(scores=(), comparisons=found)))
