"""One encoder trained on all tasks, with gradients that are balanced."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from accord.recipes.prepare import PreparedTask
from accord.recipes.stages import Stages
from accord.recipes.training_tasks import Loaded

__all__ = ["Balanced"]


class Balanced:
    """Train one encoder on all tasks; each step takes a share of its batch from every task and weighs their gradients.

    It takes as many examples as joint training does. Where joint steps are of one task each, a balanced step sees fewer
    examples of a task at once, and so fewer negatives.
    """

    name: ClassVar[str] = "balanced"

    def make(self, stages: Stages, tasks: Sequence[PreparedTask], *, seed: int) -> Loaded:
        """Train it."""
        return stages.train(self.name, tasks, stages.settings(tasks, seed=seed, balanced=True))
