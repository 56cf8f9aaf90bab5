"""A step on one task, the losses of all tasks after it, and the weights back as they were."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from accord.core.checks import check_at_least
from accord.training.probe_batches import ProbeBatches

__all__ = ["Lookahead"]


class Lookahead:
    """Losses after one step of the real optimiser on each task.

    A step is the first of a run at the full learning rate: a fresh optimiser, the gradient clipped as in training. The
    losses after it are of batches that it has not seen: batch k of a task is judged on batch k + K/2 of every task.

    Beside the gradient, memory holds a copy of the weights and the optimiser's state.

    Args:
        batches: of the tasks.
        steps: on each task, at most as many as every task has batches.

    Attributes:
        after: (tasks, tasks, steps) loss of the second task after a step on the first; not a number until taken.
        judged: (steps,) number of the batch that each step is judged on.
    """

    def __init__(self, batches: ProbeBatches, *, steps: int) -> None:
        check_at_least("steps", steps, 0)
        self.batches = batches
        fewest = min(batches.counts)
        self.steps = min(steps, fewest)
        self.judged = (np.arange(self.steps) + fewest // 2) % fewest
        tasks = len(batches.tasks)
        self.after = np.full((tasks, tasks, self.steps), np.nan)

    def __call__(self, task: int, number: int) -> None:
        """Step from the gradient that the parameters hold, take the losses, and step back."""
        if number >= self.steps:
            return
        parameters: Sequence[torch.nn.Parameter] = [p for p in self.batches.model.parameters() if p.requires_grad]
        before = [p.detach().clone() for p in parameters]
        try:
            self._step()
            for other in range(len(self.batches.tasks)):
                self.after[task, other, number] = self.batches.loss(other, int(self.judged[number]))
        finally:
            with torch.no_grad():
                for parameter, value in zip(parameters, before):
                    parameter.copy_(value)

    def _step(self) -> None:
        """The first step of a run, from the gradient that the parameters hold."""
        settings = self.batches.settings
        torch.nn.utils.clip_grad_norm_(self.batches.model.parameters(), settings.clip)
        settings.optimizer.make(self.batches.model.named_parameters()).step()

    def before(self, losses: np.ndarray, owners: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        """Losses of the judged batches without any step, (tasks, steps), from those of all batches.

        Args:
            losses: (n,) one a batch.
            owners: (n,) the task of each.
            numbers: (n,) its number within the task.
        """
        known = {(int(t), int(k)): loss for t, k, loss in zip(owners, numbers, losses)}
        return np.array([[known[task, int(k)] for k in self.judged] for task in range(len(self.after))])
