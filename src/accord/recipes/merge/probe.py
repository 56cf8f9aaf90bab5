"""A probe: a few training rows of each task, and how any weights do on them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property, partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from accord.core.checks import check_at_least, check_choice, did_you_mean
from accord.core.errors import InputError
from accord.core.random import derive
from accord.data.drawing import draw
from accord.data.signals import Signal
from accord.maths.similarity import similarity
from accord.merging import StateDict
from accord.merging.learned import Loss, input_products, similarity_gap
from accord.recipes.training_tasks import Loaded
from accord.training.base import PreparedBatch, TaskData
from accord.training.precision import autocast
from accord.training.readers import read_task
from accord.training.settings import PRECISIONS, TrainingTask

__all__ = ["Probe", "choose_rows"]


class Probe:
    r"""Losses of weights on a few rows of each task, the same rows whenever it is asked.

    .. math:: L(\theta) = \frac{\sum_t w_t L_t(\theta)}{\sum_t w_t}

    over the tasks t with their loss weights; every task has as many batches, so that a large one counts no more than a
    small one. Texts, prompts, fields and objectives are those of training, dropout is off, and gradients flow to the
    weights that are passed in, not to the model's own.

    Args:
        model: an encoder or a cross-encoder, of the architecture of all weights; put into evaluation mode, its weights
            are left alone.
        tasks: with their training rows.
        examples: rows of each task, about; all of them where a task has fewer.
        batch: rows a batch; the negatives of a contrastive loss come from within it.
        seed: of the choice and the order of the rows.
        chunk_tokens: padded tokens that go through the model at once.
        recompute_above: real tokens of a turn from which on activations are computed twice to save memory.
        precision: "float32", or as in training. Merged models differ by little, and bfloat16 rounds much of that away.

    Raises:
        InputError: no tasks, a number out of its range, or an objective with weights of its own.

    Attributes:
        rows: the chosen rows of each task.
        turns: batches of each task.
    """

    def __init__(
        self,
        model: Loaded,
        tasks: Sequence[TrainingTask],
        *,
        examples: int = 256,
        batch: int = 32,
        seed: int = 0,
        chunk_tokens: int = 2048,
        recompute_above: int = 16_384,
        precision: str = "float32",
    ) -> None:
        check_at_least("examples", examples, 2)
        check_at_least("batch", batch, 2)
        check_choice("precision", precision, PRECISIONS)
        if not tasks:
            raise InputError("A probe needs at least one task.")
        self.model = model.eval()
        self.seed = seed
        self.chunk_tokens = chunk_tokens
        self.recompute_above = recompute_above
        self.turns = -(-examples // batch)
        self.rows = {t.name: choose_rows(t, examples=examples, batch=batch, seed=seed) for t in tasks}
        self._data = {
            task.name: read_task(_on(task, self.rows[task.name]), model, batch=batch, seed=derive(seed, "probe"))
            for task in tasks
        }
        self._caller = _Caller(model)
        self._autocast = autocast(precision, model.device)

    @property
    def names(self) -> list[str]:
        """The tasks."""
        return list(self._data)

    def loss(self, state: StateDict) -> Tensor:
        """The mean loss over all tasks and turns; without gradients it needs the memory of one chunk.

        Args:
            state: all weights, by the names of the model's state dict.
        """
        return torch.stack([loss(state) for loss in self.losses()]).mean()

    def task_loss(self, name: str, state: StateDict) -> Tensor:
        """The mean loss of one task over all turns.

        Args:
            name: of the task.
            state: all weights.

        Raises:
            InputError: no such task.
        """
        return torch.stack([loss(state) for loss in self.task_losses(name)]).mean()

    def losses(self) -> list[Loss]:
        """One loss a turn, over a batch of every task: what learned merges take."""
        return [partial(self._mixed, turn) for turn in range(self.turns)]

    def task_losses(self, name: str) -> list[Loss]:
        """One loss a turn, over a batch of one task.

        Raises:
            InputError: no such task.
        """
        data = self._of(name)
        return [partial(self._one, data, batch) for batch in self._batches[name]]

    def gaps(self, teachers: Mapping[str, Callable[[], StateDict]]) -> list[Loss]:
        """One loss a turn: how far the similarities of texts are from those that each task's own expert sees.

        Labels and objectives have no part in it.

        Args:
            teachers: name of a task -> gives the weights of its expert; each is called once.

        Raises:
            InputError: no teacher, an unknown task, or a cross-encoder.
        """
        if not teachers:
            raise InputError("No task has an expert of its own, so there is nobody to learn similarities from.")
        kind = getattr(self.model, "similarity_name", None)
        if kind is None:
            raise InputError("A cross-encoder sees no similarities of texts. Choose another method.")
        seen: dict[str, list[Tensor]] = {}
        for name, teacher in teachers.items():
            data, state = self._of(name), teacher()
            with torch.no_grad():
                outputs = [self._outputs(data, batch, state) for batch in self._batches[name]]
            seen[name] = [similarity(vectors, vectors, kind=kind) for vectors in outputs]

        def gap(turn: int, state: StateDict) -> Tensor:
            found = []
            for name, expert in seen.items():
                vectors = self._outputs(self._data[name], self._batches[name][turn], state)
                found.append(similarity_gap(similarity(vectors, vectors, kind=kind), expert[turn]))
            return torch.stack(found).mean()

        return [partial(gap, turn) for turn in range(self.turns)]

    def products(self, state: StateDict, names: Iterable[str] | None = None) -> dict[str, Tensor]:
        """Scalar products of the inputs of each linear layer, as RegMean takes them.

        Args:
            state: all weights of one expert.
            names: of tasks; all when not given.
        """
        calls = [
            (self._of(name), chunk)
            for name in (self.names if names is None else names)
            for batch in self._batches[name]
            for chunk in batch.chunks
        ]
        return input_products(
            self.model,
            (_Call(data, chunk.to(self.model.device)) for data, chunk in calls),
            forward=lambda call: self._forward(call.data, call.chunk, state),
        )

    def describe(self) -> dict[str, Any]:
        """What it is made of, for the record."""
        tasks = {name: {"rows": len(rows), "sha256": rows.fingerprint()} for name, rows in self.rows.items()}
        return {"tasks": tasks, "turns": self.turns, "seed": self.seed}

    @cached_property
    def _batches(self) -> dict[str, list[PreparedBatch]]:
        return {
            name: [data.batch(turn, self.chunk_tokens) for turn in range(self.turns)]
            for name, data in self._data.items()
        }

    def _of(self, name: str) -> TaskData:
        if name not in self._data:
            known = ", ".join(self._data)
            raise InputError(f"The probe has no task `{name}`.{did_you_mean(name, self._data)} It has {known}.")
        return self._data[name]

    def _mixed(self, turn: int, state: StateDict) -> Tensor:
        total = sum(data.task.loss_weight for data in self._data.values())
        terms = [
            data.task.loss_weight / total * self._one(data, self._batches[name][turn], state)
            for name, data in self._data.items()
        ]
        return torch.stack(terms).sum()

    def _one(self, data: TaskData, batch: PreparedBatch, state: StateDict) -> Tensor:
        return data.task.objective(**data.fields(batch, self._outputs(data, batch, state)))

    def _outputs(self, data: TaskData, batch: PreparedBatch, state: StateDict) -> Tensor:
        spare = torch.is_grad_enabled() and batch.tokens * len(self._data) > self.recompute_above
        forward = partial(checkpoint, self._forward, use_reentrant=False, preserve_rng_state=False)
        return torch.cat([(forward if spare else self._forward)(data, chunk, state) for chunk in batch.chunks])

    def _forward(self, data: TaskData, chunk: Any, state: StateDict) -> Tensor:
        weights = {f"model.{name}": tensor for name, tensor in state.items()}
        with self._autocast():
            return torch.func.functional_call(self._caller, weights, (data, chunk)).float()


class _Caller(nn.Module):
    """The model as a part of a module that is called with a task and a chunk: whatever the task does with the model."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, data: TaskData, chunk: Any) -> Tensor:
        return data.forward(chunk)


class _Call:
    """A chunk with its task; the mask is shown to whoever looks for padding."""

    def __init__(self, data: TaskData, chunk: Any) -> None:
        self.data = data
        self.chunk = chunk
        self.attention_mask = getattr(chunk, "attention_mask", None)


def choose_rows(task: TrainingTask, *, examples: int = 256, batch: int = 32, seed: int = 0) -> Signal:
    """The rows of a task that a probe looks at: those of its first batches, drawn as training draws them.

    Args:
        task: with its training rows.
        examples: how many, about; all rows where there are fewer.
        batch: rows a batch.
        seed: of the choice.

    Raises:
        InputError: an objective with weights of its own, or rows that make no batch.
    """
    if any(True for _ in task.objective.parameters()):
        kind = type(task.objective).__name__
        raise InputError(
            f"Task `{task.name}`: {kind} has weights of its own, which are learned in training and are not part of "
            "any model. Leave the task out of the probe, or give it another objective."
        )
    stream = draw(
        task.signal,
        batch,
        seed=derive(seed, "probe rows"),
        name=task.name,
        weights=task.weights,
        classes=task.classes,
        per_label=task.per_label,
    )
    turns = -(-examples // batch)
    return task.signal.take(np.unique(np.concatenate([stream.rows(turn) for turn in range(turns)])))


def _on(task: TrainingTask, rows: Signal) -> TrainingTask:
    """The task on its chosen rows, all of whose texts take their prompts."""
    return replace(task, signal=rows, weights=None, prompt_dropout=0.0)
