"""What a recipe needs to train a cross-encoder in the place of an encoder: the model to start from, and checks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from accord.core.errors import RecipeError
from accord.data.class_numbers import class_numbers
from accord.data.signals import Labelled, Signal
from accord.data.streams import Stream
from accord.encoders import locate, pairs
from accord.encoders.integrity import read_object
from accord.encoders.kinds import is_cross_encoder
from accord.evaluation.family import EvaluationTask
from accord.objectives.base import contract
from accord.recipes.schema import EncoderSpec, RecipeSpec
from accord.training.pair_fields import check_pair_fit

__all__ = ["check_pair_task", "check_pairs", "head_labels", "label_names", "starting_pairs"]


def starting_pairs(spec: EncoderSpec, *, seed: int) -> pairs.CrossEncoder:
    """The cross-encoder that a recipe starts from: a trained one as it is, or an encoder with a fresh head.

    Args:
        spec: of the recipe.
        seed: of a fresh head.

    Raises:
        RecipeError: a trained head with another number of labels than the recipe asks for.
    """
    if not is_cross_encoder(locate(spec.model)):
        return pairs.create(spec.model, num_labels=spec.num_labels or 1, seed=seed, max_length=spec.max_length)
    model = pairs.load(spec.model, max_length=spec.max_length)
    wanted = label_names(spec)
    if spec.num_labels is not None and len(wanted) != model.num_labels:
        raise RecipeError(
            f"encoder.num_labels is {len(wanted)}, but the head of {spec.model} has {model.num_labels} labels "
            f"({', '.join(model.labels)}). Leave `num_labels` out, or start from an encoder without a head."
        )
    return model


def label_names(spec: EncoderSpec) -> list[str]:
    """The labels that a recipe's cross-encoder will have: as the recipe says, else those of its head, else one."""
    if isinstance(spec.num_labels, list):
        return [str(name) for name in spec.num_labels]
    if spec.num_labels is None and is_cross_encoder(folder := locate(spec.model)):
        return head_labels(folder)
    return [f"LABEL_{number}" for number in range(spec.num_labels or 1)]


def head_labels(folder: Path) -> list[str]:
    """The labels of a cross-encoder's folder, in the order of its scores; nothing is loaded."""
    names = read_object(folder / "config.json").get("id2label") or {"0": "LABEL_0", "1": "LABEL_1"}
    return [str(names[number]) for number in sorted(names, key=int)]


def check_pairs(spec: RecipeSpec) -> None:
    """Refuse what a cross-encoder has no use for.

    Raises:
        RecipeError: names the key.
    """
    if spec.index is not None:
        raise RecipeError("index: a cross-encoder makes no vectors to index. Leave `index` out; `accord search STORE "
                          "QUESTION --rerank MODEL` puts it behind an index.")  # fmt: skip
    if spec.train.adapter is not None:
        raise RecipeError("`train.adapter` is for models that make vectors. Leave it out of a cross-encoder's recipe.")
    for name, task in spec.tasks.items():
        if task.prompts.query or task.prompts.document:
            raise RecipeError(f"tasks.{name}.prompts: a cross-encoder takes no prompts. Leave them out.")


def check_pair_task(
    name: str,
    objective: Any,
    evaluations: Sequence[Any],
    signal: Signal | Stream,
    *,
    labels: Sequence[str],
    taught: bool,
) -> None:
    """Refuse an objective or an evaluation that a cross-encoder cannot serve, before any model is loaded.

    Args:
        name: of the task.
        objective: of the task.
        evaluations: of the task.
        signal: its rows.
        labels: that the model will have.
        taught: whether the task has a teacher.

    Raises:
        InputError: says what does not fit.
    """
    where, columns, teacher = f"tasks.{name}: objective", tuple(signal.names), "any" if taught else None
    kind = signal.kind if isinstance(signal, Stream) else type(signal)
    check_pair_fit(contract(objective), kind, where=where, labels=labels, columns=columns, teacher=teacher)
    if len(labels) > 1 and isinstance(signal, Labelled):
        class_numbers(signal.column("label"), labels, where=f"tasks.{name}")
    for evaluation in evaluations:
        if isinstance(evaluation, EvaluationTask):
            evaluation.check_labels(labels, of=f"the cross-encoder of tasks.{name}")
