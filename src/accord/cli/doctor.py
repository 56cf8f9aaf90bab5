"""`accord doctor`."""

from __future__ import annotations

from typing import Annotated

import typer

from accord.cli.output import show, show_json

__all__ = ["command"]


def command(
    model: Annotated[str, typer.Argument(help="A model folder, package:MODULE or run folder.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Encode a model's probe texts again and say what changed since it was saved; exits with 3 when something did."""
    from accord.encoders import doctor

    found = doctor(model)
    if as_json:
        show_json(found.to_json())
    else:
        show(*(f"{'ok    ' if check.passed else 'FAILED'}  {check.name}: {check.message}" for check in found.checks))
    found.raise_for_failures()
