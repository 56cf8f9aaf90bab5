"""One step's examples: batches of one or several tasks as one list of chunks under one loss."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import accumulate

import torch
from torch import Tensor

from accord.core.errors import InputError
from accord.core.random import derive
from accord.maths.packing import balance
from accord.objectives.base import unwrapped
from accord.training.base import PreparedBatch, TaskData
from accord.training.memory.chunked import full_graph, grad_cache
from accord.training.processes import Processes

__all__ = ["Part", "Step"]


@dataclass(frozen=True)
class Part:
    """One task's batch within a step.

    Args:
        data: the task.
        batch: its batch.
        share: of the step's examples.
    """

    data: TaskData
    batch: PreparedBatch
    share: float = 1.0


class Step:
    r"""The loss of a step and its gradients.

    .. math:: L = \sum_t s_t w_t L_t

    over its tasks t, with their shares s of the examples and loss weights w. The chunks of all tasks are numbered
    through; dropout is a function of the step's seed and the chunk's number, so the masks depend neither on which
    process takes a chunk nor on how many there are.

    Args:
        parts: one a task.
        seed: of the step's dropout.
        autocast: context for forward passes.
        where: what to say before a loss that is not finite, such as "at step 3".
    """

    def __init__(
        self, parts: Sequence[Part], *, seed: int, autocast: Callable[[], AbstractContextManager], where: str
    ) -> None:
        self.parts = parts
        self.seed = seed
        self.autocast = autocast
        self.where = where
        self.chunks = [(part, chunk) for part in parts for chunk in part.batch.chunks]
        self.costs = [float(c) for p in parts for c in p.batch.costs or [1] * len(p.batch.chunks)]
        self.losses = [math.nan] * len(parts)
        self.weights = [1.0] * len(parts)

    def weigh(self, weights: Sequence[float]) -> None:
        """Multiply what each task asks of the model; weights that an objective brings along are of its task alone."""
        self.weights = list(weights)

    def forget(self, task: int) -> None:
        """Drop the gradients of the weights that a task's objective brings along."""
        for parameter in self.parts[task].data.task.objective.parameters():
            parameter.grad = None

    @property
    def tokens(self) -> int:
        """Real tokens of all parts."""
        return sum(part.batch.tokens for part in self.parts)

    def forward(self, number: int) -> Tensor:
        """Outputs of one chunk."""
        part, chunk = self.chunks[number]
        torch.manual_seed(derive(self.seed, number))
        with self.autocast():
            outputs = part.data.forward(chunk)
        return outputs.float()

    def loss(self, outputs: Sequence[Tensor]) -> Tensor:
        """The weighted sum of the losses; each task's own, unweighted, is kept in `losses`.

        Raises:
            InputError: one is not a finite number.
        """
        ends = list(accumulate(len(part.batch.chunks) for part in self.parts))
        terms = [
            self._term(number, outputs[end - len(part.batch.chunks) : end])
            for number, (part, end) in enumerate(zip(self.parts, ends))
        ]
        return torch.stack(terms).sum() if len(terms) > 1 else terms[0]

    def _term(self, number: int, outputs: Sequence[Tensor]) -> Tensor:
        """What a task adds to the loss, from the outputs of its chunks."""
        torch.manual_seed(derive(self.seed, "loss", *([number] if number else [])))
        part, weight = self.parts[number], self.weights[number]
        task = part.data.task
        rows = torch.cat(list(outputs))
        if weight != 1.0:
            rows.register_hook(lambda gradient: weight * gradient)
        value = task.objective(**part.data.fields(part.batch, rows))
        self.losses[number] = float(value.detach())
        if not math.isfinite(self.losses[number]):
            inner = unwrapped(task.objective)
            cure = f", or raise the temperature of {type(inner).__name__}" if hasattr(inner, "temperature") else ""
            raise InputError(f"The loss of task `{task.name}` is {self.losses[number]} {self.where}{cure}.")
        return part.share * task.loss_weight * value

    def backward(
        self,
        processes: Processes,
        *,
        cached: bool,
        devices: Sequence[torch.device],
        only: int | None = None,
    ) -> None:
        """Add the gradients of the weighted loss to the parameters; torch's global generators are left as they were.

        Args:
            processes: that share the chunks, balanced by cost.
            cached: encode twice to save memory.
            devices: accelerators whose generators dropout uses.
            only: the one task whose term counts, by number, with the dropout masks that it has among all; the sum of
                these gradients is that of the step.
        """
        counts = [len(part.batch.chunks) for part in self.parts]
        first = 0 if only is None else sum(counts[:only])
        chunks = len(self.chunks) if only is None else counts[only]
        own = balance(self.costs[first : first + chunks], processes.count)[processes.rank]
        method = grad_cache if cached else full_graph

        def forward(number: int) -> Tensor:
            return self.forward(first + number)

        def loss(outputs: Sequence[Tensor]) -> Tensor:
            return self.loss(outputs) if only is None else self._term(only, outputs)

        with torch.random.fork_rng(devices=devices):
            method(forward, chunks, loss, processes=processes, own=own)
