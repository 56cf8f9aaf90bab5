"""`accord fit`."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from accord.cli.bars import bars
from accord.cli.launch import launch, launched
from accord.cli.output import show, show_json
from accord.core.ranks import leads

if TYPE_CHECKING:
    from accord.training import Tracked

__all__ = ["changes_of", "command", "trackers"]


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


def trackers(names: list[str], out: Path) -> Tracked:
    """What `--track` names, as one listener.

    Raises:
        InputError: an unknown tracker, or Weights & Biases without a project.
        MissingExtra: its package is not installed.
    """
    from accord.core.checks import check_choice
    from accord.core.errors import InputError
    from accord.training import TensorBoard, Tracked, WandB

    found: list[Any] = []
    for name in names:
        kind, _, project = name.partition(":")
        check_choice("--track", kind, ("tensorboard", "wandb"))
        if kind == "wandb" and not project:
            raise InputError("`--track wandb` needs a project: --track wandb:PROJECT.")
        found.append(WandB(project, group=out.name) if kind == "wandb" else TensorBoard(project or out / "tensorboard"))
    return Tracked(*found)


def command(
    recipe: Annotated[str, typer.Argument(help="A recipe file, or the name of a ready recipe (python-library).")],
    out: Annotated[Path, typer.Option(help="Run folder for models, results, index and report.")],
    resume: Annotated[bool, typer.Option("--resume", help="Go on where an earlier run stopped.")] = False,
    change: Annotated[list[str] | None, typer.Option("--set", help="Change a value: train.steps=200.")] = None,
    processes: Annotated[int, typer.Option(min=1, help="Processes on this machine that train together.")] = 1,
    track: Annotated[list[str] | None, typer.Option(help="Also draw the steps: tensorboard or wandb:PROJECT.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the results as JSON.")] = False,
) -> None:
    """Train one encoder on all tasks of a recipe, compare it with the base and with each task alone, index, report."""
    from accord.recipes.recipe import Recipe

    changed = Recipe.load(recipe).replace(changes_of(change or []))
    if processes > 1 and not launched():
        flags = ["--resume"] * resume + ["--json"] * as_json + ["--debug"] * logging.getLogger().isEnabledFor(10)
        listed = [word for pair in change or [] for word in ("--set", pair)]
        listed += [word for name in track or [] for word in ("--track", name)]
        raise typer.Exit(launch(["fit", recipe, "--out", str(out), *flags, *listed], processes))

    from accord.recipes.fit import fit
    from accord.reporting import run_tables

    tracked = trackers(track or [], out)
    try:
        run = fit(changed, out=out, resume=resume, progress=bars(), on_step=tracked)
    finally:
        tracked.close()
    if not leads():
        return
    if as_json:
        show_json(run.results.to_json())
        return
    show(*run_tables(run.results))
    if run.report.is_file():
        show(f"Report: {run.report}")
    search = "" if changed.spec.index is None else f'accord search {out} "your question"   '
    show(f"Go on:  {search}accord compare {out} OTHER_RUN")
