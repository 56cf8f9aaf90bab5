"""What the loop asks of a model and of a task's data: whatever gives these can be trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from torch import Tensor

from accord.training.settings import TrainingTask

__all__ = ["PreparedBatch", "TaskData"]


@dataclass(frozen=True)
class PreparedBatch:
    """A batch ready for the model.

    Args:
        chunks: what goes through the model at once, largest first.
        examples: rows of the signal.
        tokens: real tokens of all chunks.
    """

    chunks: Sequence[Any]
    examples: int
    tokens: int


class TaskData(Protocol):
    """One task, ready to be drawn from: batches by number, a forward pass, the fields of its objective."""

    task: TrainingTask
    truncated: int

    def batch(self, index: int, chunk_tokens: int) -> Any:
        """The batch with this number, a :class:`PreparedBatch`; the same whenever it is asked for."""
        ...

    def forward(self, chunk: Any) -> Tensor:
        """(rows of the chunk, width) with gradients: vectors of an encoder, scores of a cross-encoder."""
        ...

    def fields(self, batch: Any, outputs: Tensor) -> dict[str, Tensor]:
        """What the objective asks for, from the outputs of all chunks, one after another."""
        ...
