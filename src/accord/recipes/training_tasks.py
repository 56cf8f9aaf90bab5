"""From a recipe's tasks to what training takes, and the score on their dev parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from accord.encoders import StaticEncoder, TextEncoder
from accord.encoders.pairs import CrossEncoder
from accord.evaluation import Measured
from accord.recipes.evaluate import measure
from accord.recipes.prepare import PreparedTask
from accord.recipes.teachers import Teachers
from accord.training import TrainingTask

__all__ = ["Loaded", "dev_score", "training_task"]

Loaded = TextEncoder | StaticEncoder | CrossEncoder
"""What a run may train."""


def training_task(task: PreparedTask, encoder: Loaded, teachers: Teachers) -> TrainingTask:
    """A task to train on, with the prompts that the encoder will put before its texts afterwards.

    Args:
        task: prepared.
        encoder: that will be trained; it knows the task's prompts.
        teachers: loaded so far.
    """
    query, document = task.prompts
    scorer = isinstance(encoder, CrossEncoder)
    return TrainingTask(
        name=task.name,
        signal=task.train,
        objective=task.trained_objective,
        teacher=teachers.of(task.spec.teacher),
        weight=task.spec.weight,
        loss_weight=task.spec.loss_weight,
        prompt_dropout=task.spec.prompts.dropout,
        random_negatives=task.spec.random_negatives,
        per_label=task.spec.per_label,
        classes=task.spec.classes,
        weights=task.spec.weights,
        query_prompt="" if scorer else encoder.role_prompt("query", query),
        document_prompt="" if scorer else encoder.role_prompt("document", document),
    )


def dev_score(encoder: Loaded, tasks: Sequence[PreparedTask], seed: int) -> float:
    """Mean of the primary metrics over the dev splits."""
    found: Mapping[str, Sequence[Measured]] = measure(encoder, tasks, split="dev", seed=seed)
    values = [m.score for task in found.values() for m in task if m.primary]
    return sum(values) / len(values)
