"""A balanced step: go back once a task, weigh the gradients, and leave their sum where the optimiser looks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from accord.core.errors import InputError
from accord.core.random import derive
from accord.training.balance.base import Balance, Balancer, Seen
from accord.training.balance.gradients import TaskGradients
from accord.training.processes import Processes
from accord.training.step import Step

__all__ = ["Balanced", "Balancing"]


@dataclass(frozen=True)
class Balanced:
    """What a balanced step did.

    Args:
        weights: of each task; 1 is what it has in a joint step. None where the method has no weights.
        cosines: (tasks, tasks) between the tasks' gradients; None where the step did not need them one by one.
    """

    weights: Sequence[float] | None
    cosines: Sequence[Sequence[float]] | None = None


class Balancing:
    """Takes the balanced steps of a run.

    All processes hold the same gradients of each task, so the same inner products and weights.

    Args:
        balance: the way.
        parameters: of the model, those that are trained.
        tasks: how many, at least 2.
        seed: of what is random in balancing.
        processes: that train together.
    """

    def __init__(
        self, balance: Balance, parameters: Sequence[nn.Parameter], tasks: int, *, seed: int, processes: Processes
    ) -> None:
        self.balancer: Balancer = balance.start(tasks, parameters[0].device)
        self.parameters = list(parameters)
        self.tasks = tasks
        self.seed = seed
        self.processes = processes
        self.gradients: TaskGradients | None = None

    def add_to_optimizer(self, optimizer: torch.optim.Optimizer) -> None:
        """Train what the balancer learns as well, without decay."""
        learned = list(self.balancer.parameters())
        if learned:
            factor = self.balancer.lr_factor
            optimizer.add_param_group({"params": learned, "weight_decay": 0.0, "factor": factor})

    def backward(self, step: Step, number: int, *, cached: bool, devices: Sequence[torch.device]) -> Balanced:
        """Leave the balanced gradients at the parameters.

        Args:
            step: the batches of all tasks.
            number: of the step, counted from 1.
            cached: encode twice to save memory.
            devices: accelerators whose generators dropout uses.

        Raises:
            InputError: a loss or a gradient is not finite.
        """
        weights = self.balancer.foreseen(number)
        if weights is not None:
            step.weigh(weights.tolist())
            step.backward(self.processes, cached=cached, devices=devices)
            self.processes.sum_gradients(self.parameters)
            done = Balanced(weights.tolist())
        else:
            done = self._one_by_one(step, number, cached=cached, devices=devices)
        self.balancer.learn(torch.tensor(step.losses, dtype=torch.float64))
        return done

    def _one_by_one(self, step: Step, number: int, *, cached: bool, devices: Sequence[torch.device]) -> Balanced:
        rows = self._rows()
        rows.clear()

        def take(task: int, row: int) -> None:
            step.backward(self.processes, cached=cached, devices=devices, only=task)
            self.processes.sum_gradients(self.parameters)
            rows.take(row)

        for task in range(self.tasks):
            take(task, task)
            if self.balancer.radius:
                loss = step.losses[task]
                step.forget(task)
                with rows.uphill(task, self.balancer.radius):
                    take(task, self.tasks + task)
                rows.subtract(self.tasks + task, task)
                step.losses[task] = loss
        gramian = rows.gramian()
        if not gramian.isfinite().all():
            bad = int((~gramian.diagonal().isfinite()).float().argmax()) % self.tasks
            name = step.parts[bad].data.task.name
            raise InputError(f"The gradient of task `{name}` is not a finite number {step.where}.")
        weights = self._give(rows, Seen(torch.tensor(step.losses).double(), gramian, rows.rows, rows.last), number)
        lengths = gramian.diagonal()[: self.tasks].clamp(min=0).sqrt()
        outer = (lengths[:, None] * lengths[None, :]).clamp(min=torch.finfo(torch.float64).tiny)
        return Balanced(weights, (gramian[: self.tasks, : self.tasks] / outer).clamp(-1, 1).tolist())

    def _give(self, rows: TaskGradients, seen: Seen, number: int) -> list[float] | None:
        """Weigh and sum, with the generators that aggregators draw from set by the seed and the step."""
        devices = [self.parameters[0].device] if self.parameters[0].device.type == "cuda" else []
        with torch.random.fork_rng(devices=devices):
            torch.manual_seed(derive(self.seed, "balance", number))
            if self.balancer.columns is not None:
                rows.give_columns(self.balancer.columns)
                return None
            weights = self.balancer.weights(seen)
        rows.give(weights)
        return weights[: self.tasks].tolist()

    def _rows(self) -> TaskGradients:
        if self.gradients is None:
            count = self.tasks * (2 if self.balancer.radius else 1)
            self.gradients = TaskGradients(self.parameters, count, self.balancer.storage)
        return self.gradients

    def tensors(self) -> dict[str, Tensor]:
        """What the balancer remembers, for a checkpoint."""
        return self.balancer.tensors()

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Remember what a checkpoint kept."""
        self.balancer.restore(tensors)
