"""One encoder trained on all tasks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from accord.recipes.prepare import PreparedTask
from accord.recipes.stages import Stages
from accord.recipes.training_tasks import Loaded

__all__ = ["Joint"]


class Joint:
    """Train one encoder on all tasks; the sampler says whose turn a step is, and the losses are summed."""

    name: ClassVar[str] = "joint"

    def make(self, stages: Stages, tasks: Sequence[PreparedTask], *, seed: int) -> Loaded:
        """Train it."""
        return stages.train(self.name, tasks, stages.settings(tasks, seed=seed))
