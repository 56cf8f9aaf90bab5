"""What a strategy is: a way to one encoder for all tasks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Protocol

from accord.recipes.prepare import PreparedTask
from accord.recipes.stages import Stages
from accord.recipes.training_tasks import Loaded

__all__ = ["Strategy"]


class Strategy(Protocol):
    """A way to one encoder for all tasks.

    Attributes:
        name: in recipes, and of the model that comes out.
    """

    name: ClassVar[str]

    def make(self, stages: Stages, tasks: Sequence[PreparedTask], *, seed: int) -> Loaded:
        """The encoder of one seed: made now, or taken from an earlier call.

        Args:
            stages: of the run.
            tasks: all of the recipe's.
            seed: one of the recipe's.
        """
        ...
