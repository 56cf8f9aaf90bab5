"""`accord distil`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from accord.cli.bars import bars
from accord.cli.output import show, show_json

__all__ = ["command"]


def command(
    teachers: Annotated[
        list[str], typer.Argument(metavar="TEACHER...", help="One encoder or several: folders, hub names, runs.")
    ],
    student: Annotated[
        str, typer.Option(help="N-layers, N-layers-DIM, static, static-DIM, or a model of another size.")
    ],
    recipe: Annotated[
        str, typer.Option("--on", metavar="RECIPE", help="Whose train texts to learn from, and whose tests judge.")
    ],
    out: Annotated[Path, typer.Option(help="The student's folder; it appears whole or not at all.")],
    steps: Annotated[int, typer.Option(help="Optimiser steps.")] = 1000,
    batch: Annotated[int | None, typer.Option(help="Texts a step. Default 64, for a table 512.")] = None,
    lr: Annotated[float | None, typer.Option(help="Peak learning rate. Default 1e-4, for a table 5e-3.")] = None,
    objective: Annotated[
        str,
        typer.Option(help="vectors, projection (learned and left behind), or similarities (angles alone)."),
    ] = "vectors",
    weigh: Annotated[
        str, typer.Option(help="Several teachers: nearest (the most relevant), weighted, or uniform.")
    ] = "weighted",
    texts: Annotated[int, typer.Option(help="Most texts to learn from.")] = 100_000,
    seed: Annotated[int | None, typer.Option(help="Of all that is drawn; the recipe's first by default.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was measured as JSON.")] = False,
) -> None:
    """Distil one encoder or several into a smaller one, on the texts of a recipe."""
    from accord.recipes.distil import DistilRules, distil
    from accord.reporting import distil_tables

    rules = DistilRules(
        steps=steps, batch=batch, lr=lr, objective=objective, weigh=weigh, texts=texts, seed=seed
    )  # fmt: skip
    done = distil(teachers, recipe, student=student, out=out, rules=rules, progress=bars())
    if as_json:
        show_json(done.results.to_json())
        return
    show(*distil_tables(done.results), f"Wrote {done.path}, with these numbers in {done.path / 'distil.json'}.")
