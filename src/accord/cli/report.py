"""`accord report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from accord.cli.output import show, show_json

__all__ = ["command"]


def command(
    run: Annotated[Path, typer.Argument(help="A run folder.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the path as JSON.")] = False,
) -> None:
    """Write report.html again from what a run measured, and show its tables."""
    from accord.recipes.fit import open_run
    from accord.reporting import run_tables, write_report

    found = open_run(run)
    page = write_report(run)
    if as_json:
        show_json({"report": page})
    else:
        show(*run_tables(found.results), f"Report: {page}")
