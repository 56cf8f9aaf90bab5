"""From a recipe to a probe, and the proof that its rows are not those that judge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from accord.core.checks import did_you_mean
from accord.core.errors import InputError
from accord.core.progress import Progress, silent
from accord.core.storage import hash_json
from accord.data.leakage import find_leaks
from accord.data.signals import Signal
from accord.encoders import StaticEncoder, TextEncoder
from accord.encoders.pairs import CrossEncoder
from accord.encoders.task_names import task_token
from accord.merging.config import ProbeSpec
from accord.recipes.merge.probe import Probe, choose_rows
from accord.recipes.prepare import Prepared, PreparedTask, prepare
from accord.recipes.recipe import Recipe
from accord.recipes.teachers import Teachers
from accord.recipes.training_tasks import Loaded
from accord.training.settings import TrainingTask

__all__ = ["ProbeRows", "check_apart", "probe_tasks", "read_probe"]


@dataclass(frozen=True)
class ProbeRows:
    """Training rows that a merge may look at: read and checked, and no model loaded.

    Args:
        spec: which rows.
        prepared: the recipe with its data.
        tasks: of the recipe, those that are wanted.
    """

    spec: ProbeSpec
    prepared: Prepared
    tasks: tuple[str, ...]

    def open(self, model: Loaded) -> Probe:
        """The probe.

        Args:
            model: of the architecture of all weights; its prompts stand before texts of tasks without their own.

        Raises:
            InputError: a recipe of another kind of model, or a task whose token the model does not have.
        """
        kind = self.prepared.recipe.spec.encoder.kind
        if (kind == "cross-encoder") != isinstance(model, CrossEncoder):
            raise InputError(
                f"probe: {self.spec.recipe} trains a model of the kind {kind}, and the merged models are others."
            )
        tasks = probe_tasks(self.prepared, model, self.tasks)
        return Probe(model, tasks, examples=self.spec.examples, batch=self.spec.batch, seed=self.spec.seed)


def read_probe(spec: ProbeSpec, *, root: Path | None = None, progress: Progress = silent) -> ProbeRows:
    """The rows that a merge file asks for, and the proof that they are not those that judge.

    Args:
        spec: which rows.
        root: where relative paths of recipes start.
        progress: opens bars for slow sources.

    Raises:
        InputError: an unknown task, rows that a dev or test part holds too, or anything wrong with a recipe.
    """
    prepared = prepare(_recipe(spec.recipe, root), progress=progress)
    names = tuple(spec.tasks or prepared.tasks)
    chosen = {
        task.name: choose_rows(task, examples=spec.examples, batch=spec.batch, seed=spec.seed)
        for task in (_training_task(one) for one in _named(prepared, names))
    }
    others = [prepare(_recipe(path, root), progress=progress) for path in spec.held_out]
    check_apart(chosen, prepared, others)
    return ProbeRows(spec, prepared, names)


def probe_tasks(prepared: Prepared, model: Loaded, names: Sequence[str] | None = None) -> list[TrainingTask]:
    """The tasks of a recipe on their train rows, with the recipe's prompts.

    Args:
        prepared: all tasks.
        model: whose prompts stand before texts of tasks without their own.
        names: those that are wanted; all when not given.

    Raises:
        InputError: an unknown task, or one whose token the model does not have.
    """
    teachers, found = Teachers(), []
    for task in _named(prepared, tuple(names or prepared.tasks)):
        made = replace(_training_task(task), teacher=teachers.of(task.spec.teacher))
        if not isinstance(model, CrossEncoder):
            _check_token(task, model)
            query, document = task.prompt_texts
            made = replace(
                made,
                query_prompt=query or model.role_prompt("query"),
                document_prompt=document or model.role_prompt("document"),
            )
        found.append(made)
    return found


def check_apart(rows: Mapping[str, Signal], prepared: Prepared, others: Sequence[Prepared] = ()) -> None:
    """Refuse probe rows that some dev or test part holds too, by text or by id.

    Args:
        rows: of the probe, by task.
        prepared: the recipe that they come from.
        others: further recipes, whose dev and test rows will judge the merge.

    Raises:
        InputError: says how many rows of which task, and who holds them.
    """
    parts: dict[str, dict[str, Any]] = {f"probe/{name}": {"train": signal} for name, signal in rows.items()}
    origins = {f"probe/{name}": {"train": _identity(prepared, prepared.tasks[name].spec.source)} for name in rows}
    owners = {}
    for number, holder in enumerate([prepared, *others]):
        for name, task in holder.tasks.items():
            key = f"{number}/{name}"
            parts[key] = {"dev": task.dev, "test": task.test}
            places = {"dev": task.spec.dev_source, "test": task.spec.test_source}
            origins[key] = {part: _identity(holder, place or task.spec.source) for part, place in places.items()}
            owners[key] = f"`{name}` of {holder.recipe.origin}"
    found = find_leaks(parts, sources=origins)
    held = [row for row in found.rows if row["kind"] != "dev/test"]
    if held:
        worst = max(held, key=lambda row: row["count"])
        task, owner = str(worst["task"]).removeprefix("probe/"), owners[str(worst["held_out_by"])]
        raise InputError(
            f"The probe overlaps the evaluation: {worst['count']} rows of `{task}` stand in the dev or test part of "
            f"{owner} too. What is learned from them would look better than it is. Set `leakage: drop` in the probe's "
            "recipe, or take other rows."
        )


def _named(prepared: Prepared, names: Sequence[str]) -> list[PreparedTask]:
    unknown = next((name for name in names if name not in prepared.tasks), None)
    if unknown is not None:
        hint = did_you_mean(unknown, prepared.tasks)
        raise InputError(f"probe.tasks: the recipe has no task `{unknown}`.{hint} It has {', '.join(prepared.tasks)}.")
    return [prepared.tasks[name] for name in names]


def _training_task(task: PreparedTask) -> TrainingTask:
    """A task as training has it, without what depends on a model."""
    return TrainingTask(
        name=task.name,
        signal=task.train,
        objective=task.trained_objective,
        loss_weight=task.spec.loss_weight,
        random_negatives=task.spec.random_negatives,
        per_label=task.spec.per_label,
        classes=task.spec.classes,
        weights=task.spec.weights,
    )


def _check_token(task: PreparedTask, model: TextEncoder | StaticEncoder) -> None:
    if task.task_token and task_token(task.name) not in model.tokenizer.get_vocab():
        raise InputError(f"probe: the models do not know the token {task_token(task.name)} of the task `{task.name}`.")


def _recipe(path: str, root: Path | None) -> Recipe:
    """A recipe by path, from `root` on where it is relative, or by name."""
    here = None if root is None else root / path
    return Recipe.load(here if here is not None and here.is_file() else path)


def _identity(prepared: Prepared, source: str) -> str:
    """What tells a source from others, whatever a recipe calls it: sources that are alike share ids."""
    return hash_json(prepared.recipe.resolved()["sources"][source])
