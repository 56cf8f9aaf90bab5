"""What a way of balancing tasks is shown in a step, and what it answers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn

__all__ = ["STORAGES", "Balance", "Balancer", "Seen"]

STORAGES = ("float32", "bfloat16")
"""How the gradients of the tasks may be kept."""


@dataclass(frozen=True)
class Seen:
    """What a step shows of its tasks.

    The gradient of a task is that of its term in the loss of the joint step: its share of the examples and its loss
    weight are in it.

    Args:
        losses: (tasks,) of the batches, before share and loss weight; float64, on the CPU.
        gramian: (rows, rows) inner products of the gradients; float64, on the CPU. A row a task; where `radius` asks
            for second gradients, as many rows again for what they add.
        gradients: (rows, parameters) one after another, as they are kept.
        last: the columns of the last weight matrix that any task has moved.
    """

    losses: Tensor
    gramian: Tensor
    gradients: Tensor
    last: slice


class Balancer(ABC):
    """One run's balancing: the answer to each step, and what is remembered between steps.

    Attributes:
        radius: how far from the weights a second gradient of each task is taken; 0 for none.
        storage: "float32", or "bfloat16" to keep the gradients in half the memory.
        columns: for methods that have no weights: from (tasks, n) columns of the gradients to (n,) of the step.
        lr_factor: multiplies the learning rate of `parameters`.
    """

    radius: float = 0.0
    storage: str = "float32"
    columns: Callable[[Tensor], Tensor] | None = None
    lr_factor: float = 1.0

    def foreseen(self, step: int) -> Tensor | None:
        """(tasks,) weights of a step, counted from 1, where they need no gradient of it; it then costs a joint one."""
        del step

    @abstractmethod
    def weights(self, seen: Seen) -> Tensor:
        """(rows,) the factor of each gradient in the sum; 1 for each task is the joint step."""

    def learn(self, losses: Tensor) -> None:
        """Take the (tasks,) losses of a step in, after its weights were given."""
        del losses

    def parameters(self) -> Sequence[nn.Parameter]:
        """Numbers that are learned beside the model, in an optimiser group of their own."""
        return ()

    def tensors(self) -> dict[str, Tensor]:
        """All that is remembered, for a checkpoint."""
        return {}

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Remember what a checkpoint kept."""
        del tensors


@runtime_checkable
class Balance(Protocol):
    """A way of balancing, as a recipe names it."""

    def start(self, tasks: int, device: torch.device | None = None) -> Balancer:
        """Begin a run.

        Args:
            tasks: how many, at least 2.
            device: where the model is; the CPU when not given.

        Raises:
            InputError: not with so many tasks.
        """
        ...
