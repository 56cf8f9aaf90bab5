"""Which reader turns a task into batches for a model."""

from __future__ import annotations

from accord.core.errors import InputError
from accord.encoders.text.transformer import TextEncoder
from accord.training.base import TaskData
from accord.training.settings import TrainingTask
from accord.training.texts import TaskTexts

__all__ = ["read_task"]


def read_task(task: TrainingTask, model: object, *, batch: int, seed: int) -> TaskData:
    """The batches of a task, in the form that `model` takes.

    Args:
        task: what to learn.
        model: a text encoder.
        batch: examples a batch.
        seed: of the order of rows.

    Raises:
        InputError: a model of a kind that training does not know, or an objective that does not fit the signal.
    """
    if isinstance(model, TextEncoder):
        return TaskTexts(task, model, batch=batch, seed=seed)
    raise InputError(f"Training takes a TextEncoder. Got {type(model).__name__} instead.")
