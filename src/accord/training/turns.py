"""What each step trains: one task's batch, or a share of the batch from every task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from accord.core.errors import InputError
from accord.data.signals import Labelled
from accord.training.settings import Settings

__all__ = ["Homogeneous", "Mixed", "Turn", "Turns", "least_examples", "make_turns"]


@dataclass(frozen=True)
class Turn:
    """A batch of one task within a step.

    Args:
        task: number of the task.
        index: number of its batch, from 0.
        share: of the step's examples; the factor of its loss.
    """

    task: int
    index: int
    share: float = 1.0


class Turns(Protocol):
    """The batches of all steps, as a function of the step alone.

    Attributes:
        sizes: examples in a batch of each task.
    """

    sizes: Sequence[int]

    def at(self, step: int) -> Sequence[Turn]:
        """The batches of a step, counted from 0."""
        ...

    def batches(self, task: int) -> int:
        """How many batches the run draws from a task."""
        ...

    def kinds(self) -> Sequence[Sequence[Turn]]:
        """The first step of each kind that there is."""
        ...


class Homogeneous:
    """Every step takes its whole batch from one task; the sampler's schedule says which.

    Args:
        order: (steps,) the task of each step.
        batch: examples a step.
        tasks: how many.
    """

    def __init__(self, order: np.ndarray, batch: int, tasks: int) -> None:
        self.order = order
        self.sizes: Sequence[int] = [batch] * tasks

    def at(self, step: int) -> Sequence[Turn]:
        """The one batch of a step."""
        number = int(self.order[step])
        return [Turn(number, int((self.order[:step] == number).sum()))]

    def batches(self, task: int) -> int:
        """Steps of a task."""
        return int((self.order == task).sum())

    def kinds(self) -> Sequence[Sequence[Turn]]:
        """The first batch of each task that has one."""
        return [[Turn(int(number), 0)] for number in np.unique(self.order)]


class Mixed:
    """Every step takes a share of its batch from each task.

    The sampler hands out the examples of a batch as it would hand out as many steps, so a task's share of the examples
    is what its share of the steps would be; none gets fewer than its loss needs. Each task's loss counts by its share.

    Args:
        sizes: examples in a batch of each task.
        steps: of the run.
    """

    def __init__(self, sizes: Sequence[int], steps: int) -> None:
        self.sizes: Sequence[int] = list(sizes)
        self.steps = steps

    def at(self, step: int) -> Sequence[Turn]:
        """A batch of every task."""
        total = sum(self.sizes)
        return [Turn(number, step, size / total) for number, size in enumerate(self.sizes)]

    def batches(self, task: int) -> int:
        """All steps."""
        del task
        return self.steps

    def kinds(self) -> Sequence[Sequence[Turn]]:
        """The first step."""
        return [self.at(0)]


def least_examples(signal: object) -> int:
    """The fewest rows of a signal that make a batch with negatives."""
    kind = getattr(signal, "kind", type(signal))
    return 4 if isinstance(kind, type) and issubclass(kind, Labelled) else 2


def make_turns(settings: Settings, signals: Sequence[object], weights: Sequence[float]) -> Turns:
    """The batches of a run.

    Args:
        settings: of the run; its sampler divides steps, or the examples of a batch, among the tasks. Balanced steps
            take mixed batches.
        signals: training rows of each task.
        weights: of each task.

    Raises:
        InputError: a mixed batch too small for all tasks.
    """
    rows = [len(signal) for signal in signals]  # type: ignore[arg-type]
    if settings.batches == "homogeneous" and settings.balance is None:
        order = settings.sampler.schedule(rows, weights, settings.steps, seed=settings.seed)
        return Homogeneous(order, settings.batch, len(signals))
    least = np.array([least_examples(signal) for signal in signals])
    if settings.batch < least.sum():
        cure = ", or set `train.batches: homogeneous`" if settings.balance is None else ""
        raise InputError(
            f"`train.batch` is {settings.batch}, and a mixed batch of these {len(signals)} tasks needs at least "
            f"{least.sum()} examples. Raise it{cure}."
        )
    wanted = np.bincount(
        settings.sampler.schedule(rows, weights, settings.batch, seed=settings.seed), minlength=len(signals)
    )
    return Mixed(_at_least(wanted, least).tolist(), settings.steps)


def _at_least(wanted: np.ndarray, least: np.ndarray) -> np.ndarray:
    """Raise each size to its least, one example at a time from whoever has most above its own."""
    sizes = wanted.copy()
    for poor in np.flatnonzero(sizes < least):
        while sizes[poor] < least[poor]:
            sizes[np.argmax(sizes - least)] -= 1
            sizes[poor] += 1
    return sizes
