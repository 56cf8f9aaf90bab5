"""One model a task, merged in weight space."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor

from accord.core.spec import to_spec
from accord.core.storage import read_json
from accord.merging import StateDict, merge_state_dicts
from accord.recipes.evaluate import load_any
from accord.recipes.merge.learned import learn_weights
from accord.recipes.merge.probe import Probe
from accord.recipes.prepare import PreparedTask
from accord.recipes.sharing import Learner, merge_of
from accord.recipes.stages import Made, Stages
from accord.recipes.starting import fresh_model
from accord.recipes.strategies.task_rows import own_row, with_rows_of_all
from accord.recipes.training_tasks import Loaded, training_task
from accord.training import TrainingResult

__all__ = ["Merged"]


class Merged:
    """Train each task alone, on the very batches that a joint run draws for it, and merge what comes out.

    The merged encoder has the prompts of all tasks. Low-rank adapters are folded first, so whole weights are merged.
    """

    name: ClassVar[str] = "merged"

    def make(self, stages: Stages, tasks: Sequence[PreparedTask], *, seed: int) -> Loaded:
        """Train the single-task models that are not there yet, and merge them."""
        settings = stages.settings(tasks, seed=seed)
        alone = stages.alone(tasks, settings, measured="single-task" in stages.recipe.spec.evaluate.baselines)

        def work() -> Made:
            begun = time.perf_counter()
            encoder, notes = _merged(stages, [task for task in tasks if task.name in alone], alone, seed=seed)
            parts = [TrainingResult(**read_json(stages.folder.outcome(run))) for run in alone.values()]
            return Made(encoder, _together(parts, time.perf_counter() - begun), {"merge": notes})

        return stages.make(self.name, work, seed=seed)


def _merged(
    stages: Stages, tasks: Sequence[PreparedTask], alone: Mapping[str, str], *, seed: int
) -> tuple[Loaded, dict[str, Any]]:
    """The merged encoder, and how it was merged."""
    spec = stages.recipe.spec.encoder
    encoder = fresh_model(spec, tasks, seed=seed)
    models = {task: load_any(str(stages.folder.trained(run))) for task, run in alone.items()}
    if spec.task_tokens:  # each token was learned by one model, so it is taken and not merged
        _take_rows(encoder, models)
    base = {name: tensor.detach().clone() for name, tensor in encoder.state_dict().items()}
    experts: list[StateDict] = [  # heads that predict tokens stay with the model that learned them
        {name: tensor for name, tensor in model.state_dict().items() if name in base} for model in models.values()
    ]
    if spec.task_tokens:
        experts = [with_rows_of_all(own, model, encoder, list(alone)) for own, model in zip(experts, models.values())]
    weights, notes = _weights(stages, encoder, tasks, base, experts, seed=seed)
    encoder.load_state_dict(weights)
    if spec.task_tokens:
        _take_rows(encoder, models)
    return encoder, {**notes, "length": round(_length(weights, experts, base), 4)}


def _weights(
    stages: Stages,
    encoder: Loaded,
    tasks: Sequence[PreparedTask],
    base: StateDict,
    experts: Sequence[StateDict],
    *,
    seed: int,
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The merged weights, and what is to be known of them."""
    method = merge_of(stages.recipe)
    told = {"method": to_spec(method)}
    if not isinstance(method, Learner):
        shared = None if method.contract.base == "unused" else base
        return merge_state_dicts(method, experts, shared, seed=seed), told
    asked = [training_task(task, encoder, stages.teachers) for task in tasks]
    probe = Probe(encoder, asked, seed=seed, chunk_tokens=stages.recipe.spec.train.chunk_tokens)
    names = [task.name for task in tasks]
    found = learn_weights(method, probe, base, experts, tasks=names, progress=stages.progress)
    return found.weights(base, experts), {**told, "learned": found.summary()}


def _take_rows(encoder: Loaded, models: Mapping[str, Loaded]) -> None:
    for task, model in models.items():
        own_row(encoder, task).copy_(own_row(model, task))


def _length(weights: StateDict, experts: Sequence[StateDict], base: StateDict) -> float:
    """How long what the merge changed is, in units of the mean length of what its models changed; 0 for no change."""

    def norm(state: StateDict) -> float:
        changed = [state[name].float() - base[name].float() for name in base if base[name].is_floating_point()]
        return float(torch.stack([tensor.norm() for tensor in changed]).norm())

    mean = sum(norm(expert) for expert in experts) / len(experts)
    return norm(weights) / mean if mean else 0.0


def _together(parts: Sequence[TrainingResult], seconds: float) -> TrainingResult:
    """What all of the training took, and the merge."""
    tokens: dict[str, int] = {}
    truncated: dict[str, Any] = {}
    for part in parts:
        tokens |= part.tokens
        truncated |= part.truncated
    return TrainingResult(
        steps=sum(part.steps for part in parts),
        tokens=tokens,
        seconds=sum(part.seconds for part in parts) + seconds,
        truncated=truncated,
        processes=max((part.processes for part in parts), default=1),
    )
