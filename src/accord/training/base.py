"""What the loop asks of a model and of a task's data: whatever gives these can be trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor

from accord.training.settings import TrainingTask

__all__ = ["Model", "PreparedBatch", "TaskData"]


class Model(Protocol):
    """What is trained: a torch module that knows where it is and what it is."""

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        ...

    def fingerprint(self) -> str:
        """SHA-256 over what decides the outputs."""
        ...

    def train(self, mode: bool = True) -> Any:
        """Switch dropout on or off."""
        ...

    def eval(self) -> Any:
        """Switch dropout off."""
        ...

    def parameters(self) -> Any:
        """The trainable weights."""
        ...

    def named_parameters(self) -> Any:
        """The trainable weights by name."""
        ...

    def modules(self) -> Any:
        """The modules within."""
        ...

    def state_dict(self) -> dict[str, Tensor]:
        """Weights and buffers by name."""
        ...

    def load_state_dict(self, state_dict: Mapping[str, Tensor]) -> Any:
        """Put them back."""
        ...


@dataclass(frozen=True)
class PreparedBatch:
    """A batch ready for the model.

    Args:
        chunks: what goes through the model at once, largest first.
        examples: rows of the signal.
        tokens: real tokens of all chunks.
        costs: of each chunk, in whatever unit, to divide them among processes; equal when not given.
    """

    chunks: Sequence[Any]
    examples: int
    tokens: int
    costs: Sequence[int] = field(default=(), kw_only=True)


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

    def fields(self, batch: Any, outputs: Tensor) -> dict[str, Any]:
        """What the objective asks for, from the outputs of all chunks, one after another."""
        ...
