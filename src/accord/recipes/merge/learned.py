"""Merges that learn from a recipe's tasks: folders in, one folder out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

import accord.merging.learned as learned_room
from accord.core.checks import check_keys, did_you_mean
from accord.core.errors import InputError
from accord.core.progress import Progress, silent
from accord.core.spec import catalogue, parameters
from accord.merging import MergeMethod, StateDict
from accord.merging.agreement import check_agreement
from accord.merging.config import ProbeSpec
from accord.merging.folder import ModelFolder, read_model
from accord.merging.learned import (
    AdaMerging,
    Fisher,
    Learned,
    LearnedMethod,
    Loss,
    RegMean,
    diagonal_fisher,
)
from accord.merging.learned.coefficients import Coefficients
from accord.merging.learned.statistics import Statistics
from accord.recipes.evaluate import load_any
from accord.recipes.merge.probe import Probe
from accord.recipes.merge.probe_rows import ProbeRows, read_probe
from accord.recipes.merge.weight_names import weight_names

__all__ = ["Learner", "learn_folders", "learn_weights", "learned_method", "learned_names"]

Learner = LearnedMethod | Fisher | RegMean
"""A method that needs a probe."""


def learned_names() -> dict[str, type]:
    """Methods that need a probe, by their names in merge files.

    >>> sorted(learned_names())
    ['adamerging', 'atlas', 'fisher', 'lm_cocktail', 'regmean', 'self_positioning']
    """
    kinds = catalogue(learned_room).values()
    return {kind.name: kind for kind in kinds if issubclass(kind, (LearnedMethod, Fisher, RegMean))}


def learned_method(name: str, arguments: Mapping[str, Any], *, where: str = "merge") -> Learner:
    """A method by its name in merge files.

    Args:
        name: such as "self_positioning".
        arguments: of its constructor; `weight` stands for `weights`.
        where: of the message.

    Raises:
        InputError: an unknown name or argument, or a value that the method refuses.

    >>> learned_method("atlas", {"steps": 20})
    ATLAS(steps=20)
    """
    known = learned_names()
    if name not in known:
        raise InputError(f"{where}: `{name}` does not learn.{did_you_mean(name, known)} Known: {', '.join(known)}.")
    given = {"weights" if key == "weight" else key: value for key, value in arguments.items()}
    check_keys(f"{where}.{name}", given, [key for key in parameters(known[name]) if key != "statistics"])
    try:
        return known[name](**given)
    except (InputError, TypeError) as error:
        raise InputError(f"{where}: {name}: {error}") from error


def learn_weights(
    method: Learner,
    probe: Probe,
    base: StateDict,
    experts: Sequence[StateDict],
    *,
    tasks: Sequence[str | None] | None = None,
    progress: Progress = silent,
) -> Learned:
    """Learn a merge of weights that are in memory, or of a sequence that loads them one by one.

    Args:
        method: how.
        probe: on what.
        base: what the experts come from, by the names of the probe's model.
        experts: likewise.
        tasks: for each expert the task of the probe that it was trained for. Fisher merging, RegMean and AdaMerging
            look at each expert's own task; where it is None, the first two look at all tasks.
        progress: opens bars.

    Returns:
        What was found; among its details `probe`, the rows, and `losses_by_task`, how the base, each expert and the
        merged model do on them.

    Raises:
        InputError: a task that the probe does not have, or what the method refuses.
    """
    own: list[str | None] = list(tasks) if tasks is not None else [None] * len(experts)
    if len(own) != len(experts):
        raise InputError(f"`tasks` must name one for each of {len(experts)} models. Got {len(own)}.")
    _check_tasks(own, probe.names)
    if isinstance(method, LearnedMethod):
        losses = _gaps(probe, experts, own) if isinstance(method, AdaMerging) else probe.losses()
        found = method.learn(base, experts, losses, progress=progress)
    else:
        found = Learned(_with_statistics(method, _gather(method, probe, experts, own)), {}, ())
    details = {"probe": probe.describe(), "losses_by_task": _judge(found, probe, base, experts)}
    return replace(found, details={**found.details, **details})


def learn_folders(
    method: Learner,
    models: Sequence[Path | str],
    *,
    base: Path | str,
    probe: ProbeRows | ProbeSpec,
    tasks: Sequence[str | None] | None = None,
    prompts: Literal["equal", "union"] = "equal",
    root: Path | None = None,
    progress: Progress = silent,
) -> Learned:
    """Learn a merge of model folders.

    Memory: one model, the base, and the task vectors of all models in float32; Fisher merging and RegMean hold as much
    in statistics.

    Args:
        method: how.
        models: folders, or names of models.
        base: what they come from.
        probe: the training rows to look at.
        tasks: as for :func:`learn_weights`; a model without one whose folder is named after a task has that.
        prompts: "union" accepts prompts that only some models have.
        root: where relative paths start.
        progress: opens bars.

    Returns:
        What was found; its `method` knows tensors by their names in the files, so that
        :func:`accord.merging.merge_folders` takes it.

    Raises:
        InputError: models that do not agree, before any weight is read; or as for :func:`learn_weights`.
    """
    folders = [read_model(model, root=root) for model in models]
    origin = read_model(base, root=root)
    check_agreement(folders, origin, prompts=prompts)
    adapted = next((folder for folder in (*folders, origin) if folder.adapter is not None), None)
    if adapted is not None:
        raise InputError(
            f"{adapted.name} is a model with an adapter, and `{method.name}` needs whole models. Merge it alone by "
            "`linear` first, in a document of its own with a `name`."
        )
    rows = probe if isinstance(probe, ProbeRows) else read_probe(probe, root=root, progress=progress)
    named = list(tasks) if tasks is not None else [None] * len(folders)
    own = [task or _task_of(folder, rows.tasks) for task, folder in zip(named, folders, strict=True)]
    _check_tasks(own, rows.tasks)
    model = load_any(folders[0].path)
    opened = rows.open(model)
    start = _state(load_any(origin.path))
    found = learn_weights(method, opened, start, _Folders(folders), tasks=own, progress=progress)
    return replace(found, method=_on_files(found.method, weight_names(folders[0], model), len(folders)))


def _check_tasks(own: Sequence[str | None], known: Sequence[str]) -> None:
    unknown = next((task for task in own if task is not None and task not in known), None)
    if unknown is not None:
        hint = did_you_mean(unknown, known)
        raise InputError(f"The probe has no task `{unknown}`.{hint} It has {', '.join(known)}.")


def _gather(
    method: Fisher | RegMean, probe: Probe, experts: Sequence[StateDict], own: Sequence[str | None]
) -> list[StateDict]:
    """Statistics of each expert on its own task, or on all of them."""
    if isinstance(method, RegMean):
        return [probe.products(experts[k], None if task is None else [task]) for k, task in enumerate(own)]
    return [
        diagonal_fisher(experts[k], probe.losses() if task is None else probe.task_losses(task))
        for k, task in enumerate(own)
    ]


def _gaps(probe: Probe, experts: Sequence[StateDict], own: Sequence[str | None]) -> list[Loss]:
    teachers = {task: partial(experts.__getitem__, k) for k, task in enumerate(own) if task is not None}
    if len(teachers) < len(experts):
        raise InputError("`adamerging` lets each model teach a task of its own. Give each its own: `task: NAME`.")
    return probe.gaps(teachers)


class _Folders(Sequence[StateDict]):
    """Weights of folders, each read when it is asked for."""

    def __init__(self, folders: Sequence[ModelFolder]) -> None:
        self.folders = folders

    def __len__(self) -> int:
        return len(self.folders)

    def __getitem__(self, number: int) -> StateDict:  # type: ignore[override]  # no slices
        return _state(load_any(self.folders[number].path))


def _state(model: Any) -> dict[str, Tensor]:
    return {name: tensor.detach() for name, tensor in model.state_dict().items()}


def _task_of(folder: ModelFolder, names: Sequence[str]) -> str | None:
    """The task that a folder is named after, as those of single-task models are."""
    last = folder.path.name
    return next((name for name in names if last in {name, f"single-{name}", f"single_{name}"}), None)


def _with_statistics(method: Fisher | RegMean, gathered: Sequence[StateDict]) -> MergeMethod:
    """The same method with what was gathered from each expert."""
    found = copy(method)
    found.statistics = Statistics(*gathered)
    return found


def _judge(found: Learned, probe: Probe, base: StateDict, experts: Sequence[StateDict]) -> dict[str, dict[str, float]]:
    """Losses of the base, of each expert and of the merged model, by task."""
    losses: dict[str, dict[str, float]] = {}

    def measure(who: str, state: StateDict) -> None:
        losses[who] = {name: float(probe.task_loss(name, state)) for name in probe.names}

    with torch.no_grad():
        measure("base", base)
        loaded = list(experts)
        for number, expert in enumerate(loaded, start=1):
            measure(f"model {number}", expert)
        measure("merged", found.weights(base, loaded))
    return losses


def _on_files(method: MergeMethod, names: Mapping[str, str | None], number: int) -> MergeMethod:
    """The same method with the names of files; tensors that the model does not use stay those of the base."""
    if isinstance(method, Coefficients) and isinstance(method.weights, Mapping):
        known: Mapping[str, Any] = method.weights
        nothing = [0.0] * number if method.partitions == 1 else [[0.0] * method.partitions] * number
        weights = {ours: known.get(theirs or "", nothing) for ours, theirs in names.items()}
        return Coefficients(weights, partitions=method.partitions, seed=method.seed)
    if isinstance(method, (Fisher, RegMean)):
        pairs = [(ours, theirs) for ours, theirs in names.items() if theirs is not None]
        return _with_statistics(
            method, [{ours: own[theirs] for ours, theirs in pairs if theirs in own} for own in method.statistics]
        )
    return method
