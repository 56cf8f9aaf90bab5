"""Tasks made in Python: a name, a signal, an objective and a way to judge it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from accord.core.checks import check_positive
from accord.core.errors import InputError
from accord.core.spec import to_spec
from accord.core.storage import atomic_file
from accord.data.signals import Signal
from accord.recipes.recipe import Recipe
from accord.recipes.schema import FORMAT

__all__ = ["Task", "recipe_of"]


@dataclass(frozen=True)
class Task:
    """One task.

    Args:
        name: unique among the tasks.
        signal: its rows; they are split into train, dev and test.
        objective: what to minimise.
        evaluate: how to judge it, one or several.
        weight: share of the steps, relative to the other tasks.
        loss_weight: factor of its loss.
        split: as in a recipe: `{"by": column, "dev": 0.05, "test": 0.15}`.
        prompts: `{"query": ..., "document": ...}`, put before texts.
        weights: column of the signal's table; rows are drawn in proportion to it.
        classes: of labelled rows: "proportional", or "equal" for every class equally often.
        teacher: a model that the objective follows, named as in a recipe.
    """

    name: str
    signal: Signal
    objective: Any
    evaluate: Any
    weight: float = 1.0
    loss_weight: float = 1.0
    split: Mapping[str, Any] = field(default_factory=dict)
    prompts: Mapping[str, str] = field(default_factory=dict)
    weights: str | None = None
    classes: str = "proportional"
    teacher: str | None = None

    def __post_init__(self) -> None:
        check_positive("weight", self.weight)
        check_positive("loss_weight", self.loss_weight)


def recipe_of(tasks: Sequence[Task], *, folder: Path | str, encoder: str, **train: Any) -> Recipe:
    """Write the rows of some tasks as Parquet and give the recipe that trains on them.

    Args:
        tasks: at least one.
        folder: for `NAME.parquet` and `recipe.yaml`.
        encoder: the model to start from.
        train: the recipe's `train` part, e.g. `steps=200, batch=64`.

    Returns:
        A recipe that anybody can run again from the folder.

    Raises:
        InputError: no tasks, or two of one name.
    """
    if not tasks or len({task.name for task in tasks}) < len(tasks):
        raise InputError("`tasks` needs at least one task, and each its own name.")
    folder = Path(folder).absolute()
    sources, parts = {}, {}
    for task in tasks:
        path = folder / f"{task.name}.parquet"
        with atomic_file(path) as handle:
            pq.write_table(task.signal.table, handle)
        evaluations = task.evaluate if isinstance(task.evaluate, (list, tuple)) else [task.evaluate]
        sources[task.name] = {"File": {"path": str(path)}}
        parts[task.name] = {
            "source": task.name,
            "signal": type(task.signal).__name__,
            "split": dict(task.split),
            "objective": to_spec(task.objective),
            "evaluate": [to_spec(evaluation) for evaluation in evaluations],
            "weight": task.weight,
            "loss_weight": task.loss_weight,
            "teacher": task.teacher,
            "weights": task.weights,
            "classes": task.classes,
            "prompts": dict(task.prompts),
        }
    value = {"format": FORMAT, "encoder": {"model": encoder}, "sources": sources, "tasks": parts, "train": train}
    recipe = Recipe(value, origin=str(folder / "recipe.yaml"))
    recipe.save(folder / "recipe.yaml")
    return recipe
