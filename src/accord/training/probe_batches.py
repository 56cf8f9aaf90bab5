"""A few batches of each task without a common row, to look at a model without training it: losses, gradients."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch

from accord.core.checks import check_at_least
from accord.core.errors import InputError
from accord.core.random import derive
from accord.training.base import Model
from accord.training.objective_weights import own_copies
from accord.training.precision import autocast
from accord.training.processes import ALONE
from accord.training.readers import read_task
from accord.training.settings import Settings, TrainingTask
from accord.training.step import Part, Step
from accord.training.turns import least_examples, make_turns

__all__ = ["ProbeBatches"]

ENOUGH = 4
"""Batches that a task should have at least; where it has too few rows, they are made smaller."""

CANDIDATES = 4
"""Batches that are looked at for each one that is wanted."""


class ProbeBatches:
    """Batches of each task as training would draw them, no row in two of them.

    Batches that repeat a row of an earlier one, as they may where rows are drawn by label, by weight or by class, are
    passed over. Where that leaves too few they are taken all the same, and a note says so.

    Args:
        model: what is looked at; its weights stay as they are.
        tasks: what it would learn.
        settings: of the training; batches are as large as there, except where a task has too few rows for four.
        batches: of each task, at most.
        dropout: on, with masks that are a function of the batch's number; or off.

    Attributes:
        counts: batches of each task.
        sizes: examples in each of a task's batches.
        notes: of tasks with smaller batches, or batches that share rows.

    Raises:
        InputError: no task, a task too small for two batches, or one that its objective cannot use.
    """

    def __init__(
        self, model: Model, tasks: Sequence[TrainingTask], settings: Settings, *, batches: int, dropout: bool = False
    ) -> None:
        check_at_least("batches", batches, 2)
        if not tasks:
            raise InputError("There is no task to look at.")
        self.model = model
        self.settings = settings
        self.dropout = dropout
        self.notes: list[str] = []
        objectives = own_copies([task.objective for task in tasks], model.device)
        self.tasks = [replace(task, objective=one) for task, one in zip(tasks, objectives)]
        turns = make_turns(settings, [task.signal for task in tasks], [task.weight for task in tasks])
        wanted = min(batches, ENOUGH)
        self.sizes = [self._size(task, size, wanted) for task, size in zip(self.tasks, turns.sizes)]
        self.data = [read_task(t, model, batch=n, seed=settings.seed) for t, n in zip(self.tasks, self.sizes)]
        most = [min(batches, len(task.signal) // size) for task, size in zip(self.tasks, self.sizes)]
        self.numbers = [self._apart(data, count) for data, count in zip(self.data, most)]
        self.counts = [len(numbers) for numbers in self.numbers]
        self.autocast = autocast(settings.precision, model.device)

    def _size(self, task: TrainingTask, size: int, wanted: int) -> int:
        """Examples a batch: as in training, or fewer where that leaves too few batches."""
        rows, least = len(task.signal), least_examples(task.signal)
        if rows < 2 * least:
            raise InputError(
                f"Task `{task.name}` has {rows} rows, and two batches without a common row need {2 * least}. Add rows."
            )
        if rows // size >= wanted:
            return size
        smaller = max(least, min(size, rows // wanted))
        self.notes.append(
            f"{task.name}: batches of {smaller}, not {size}, since its {rows} rows make no {wanted} batches of {size}."
        )
        return smaller

    def _apart(self, data: Any, wanted: int) -> list[int]:
        """Numbers of so many batches without a common row, or of the first ones where there are too few of them."""
        seen: set[int] = set()
        found: list[int] = []
        for number in range(CANDIDATES * wanted):
            rows = set(data.stream.rows(number).tolist())
            if seen.isdisjoint(rows):
                found.append(number)
                seen |= rows
            if len(found) == wanted:
                return found
        if len(found) >= min(wanted, ENOUGH):
            return found
        self.notes.append(f"{data.task.name}: some batches share rows, so its noise may look smaller than it is.")
        return list(range(wanted))

    def step(self, task: int, number: int) -> Step:
        """One batch of one task, ready for the model."""
        data = self.data[task]
        part = Part(data, data.batch(self.numbers[task][number], self.settings.chunk_tokens))
        seed = derive(self.settings.seed, "probe", self.tasks[task].name, number)
        return Step([part], seed=seed, autocast=self.autocast, where=f"of its batch {number}")

    def loss(self, task: int, number: int) -> float:
        """The loss of a batch, without gradients."""
        step = self.step(task, number)
        with self._looking(), torch.no_grad(), torch.random.fork_rng(devices=self._devices()):
            step.loss([step.forward(chunk) for chunk in range(len(step.chunks))])
        return step.losses[0]

    def usable(self, task: int) -> list[int]:
        """Numbers of the batches whose loss can be taken: one of labelled rows may hold no label twice."""
        found = []
        for number in range(self.counts[task]):
            try:
                self.loss(task, number)
            except InputError:
                continue
            found.append(number)
        return found

    def backward(self, task: int, number: int) -> tuple[float, int]:
        """Put the gradient of a batch's weighted loss into the parameters, in place of what was there.

        Returns:
            The loss, unweighted, and the tokens of the batch.
        """
        step = self.step(task, number)
        for parameter in self.model.parameters():
            parameter.grad = None
        cached = step.tokens > self.settings.cache_above_tokens
        with self._looking():
            step.backward(ALONE, cached=cached, devices=self._devices())
        return step.losses[0], step.tokens

    def _devices(self) -> list[torch.device]:
        return [self.model.device] if self.model.device.type == "cuda" else []

    @contextmanager
    def _looking(self) -> Iterator[None]:
        """Dropout as asked for; afterwards as it was."""
        model: Any = self.model
        before = bool(getattr(model, "training", False))
        model.train(self.dropout)
        try:
            yield
        finally:
            model.train(before)
