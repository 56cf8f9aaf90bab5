"""What of a recipe does not go together: objective, signal, teacher, evaluation, labels. No model is loaded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from accord.core.errors import InputError, RecipeError
from accord.data.signals import Labelled, Ranked, Signal, Unlabelled
from accord.data.streams import Stream
from accord.objectives.base import contract
from accord.recipes.models import check_pair_task, check_pairs, label_names
from accord.recipes.schema import RecipeSpec, TaskSpec
from accord.recipes.teachers import kind_of_teacher
from accord.training.fields import check_fit, reads_features, token_form

__all__ = [
    "check_dev",
    "check_evaluations",
    "check_judged",
    "check_labels",
    "check_objective",
    "check_pair_tasks",
    "goes_unjudged",
]


class Ready(Protocol):
    """What is looked at of a task whose rows are there."""

    @property
    def spec(self) -> TaskSpec: ...
    @property
    def train(self) -> Signal | Stream: ...
    @property
    def dev(self) -> Signal: ...
    @property
    def objective(self) -> Any: ...
    @property
    def evaluations(self) -> Sequence[Any]: ...


def check_objective(
    objective: Any, task: TaskSpec, kind: type[Signal], *, vectors: bool, columns: Sequence[str] | None = None
) -> None:
    """See that an encoder's vectors, the signal and the teacher can feed the objective.

    Args:
        objective: of the task.
        task: its part of the recipe.
        kind: of signal.
        vectors: whether the model makes vectors; what a cross-encoder needs is seen by :func:`check_pair_tasks`.
        columns: that the rows have, once they are read; before, whatever rows of this signal may have.

    Raises:
        InputError: says what is missing, or what is too much.
    """
    if vectors:
        taught = kind_of_teacher(task.teacher)
        if columns is None and issubclass(kind, Ranked):
            columns = [role.name for role in kind.roles]
        check_fit(contract(objective), kind, where="objective", columns=columns, teacher=taught)


def goes_unjudged(objective: Any) -> bool:
    """Whether a task of this objective may leave `evaluate` empty: its rows are texts, of which tokens count."""
    asked = contract(objective)
    return token_form(asked) is not None or reads_features(asked)


def check_judged(evaluations: Mapping[str, Sequence[Any]]) -> None:
    """See that some task of a recipe is judged.

    Args:
        evaluations: of each task.

    Raises:
        RecipeError: none is.
    """
    if not any(evaluations.values()):
        raise RecipeError(
            f"No task is judged: `evaluate` is empty in {', '.join(evaluations)}. Add a task that says whether hiding "
            "tokens taught the encoder something."
        )


def check_evaluations(evaluations: Sequence[Any], kind: type[Signal]) -> None:
    """See that each evaluation can judge the signal.

    Raises:
        InputError: names one that cannot, and what it judges.
    """
    for evaluation in evaluations:
        if not issubclass(kind, tuple(evaluation.signals)) and issubclass(kind, Unlabelled):
            raise InputError(
                f"{type(evaluation).__name__} cannot judge texts alone. Add `synthesis`, which makes pairs of them "
                "(and lets a `test_source` hold pairs that people wrote), or give `signal:`. Where the objective hides "
                "tokens, leave it to the other tasks: `evaluate: []`."
            )
        if not issubclass(kind, tuple(evaluation.signals)):
            known = ", ".join(s.__name__ for s in evaluation.signals)
            raise InputError(
                f"{type(evaluation).__name__} judges {known}, and this task is {kind.__name__}. "
                "Choose another evaluation, or give `signal:`."
            )


def check_labels(tasks: Mapping[str, Ready]) -> None:
    """See that an objective that was made for a number of labels has no more of them to learn.

    Raises:
        RecipeError: names the task and both numbers.
    """
    for name, task in tasks.items():
        most = getattr(task.objective, "most_labels", None)
        if most is None or not isinstance(task.train, Labelled):
            continue
        found = len(set(task.train.column("label")))
        if found > most:
            raise RecipeError(
                f"tasks.{name}.objective: the train rows have {found} labels, and {type(task.objective).__name__} was "
                f"made for {most}. Set its number of classes to {found}."
            )


def check_dev(spec: RecipeSpec, tasks: Mapping[str, Ready]) -> None:
    """See that early stopping, or the choice of a strategy, has something to look at.

    Raises:
        RecipeError: names the task without a dev part.
    """
    for name, task in tasks.items():
        if spec.train.strategy == "auto" and task.evaluations and not len(task.dev):
            raise RecipeError(
                f"tasks.{name}: `strategy: auto` chooses by the dev parts, and this task has none. Raise `split.dev`, "
                "or name a `dev_source`."
            )
        if spec.train.early_stopping is not None and isinstance(task.train, Stream) and not len(task.dev):
            raise RecipeError(
                f"tasks.{name}: early stopping scores the dev parts, and a streamed source has none. Name a "
                "`dev_source`, or leave `train.early_stopping` out."
            )


def check_pair_tasks(spec: RecipeSpec, tasks: Mapping[str, Ready]) -> None:
    """See that a cross-encoder can learn every task.

    Raises:
        InputError: says what does not fit.
    """
    check_pairs(spec)
    labels = label_names(spec.encoder)
    for name, task in tasks.items():
        taught = task.spec.teacher is not None
        check_pair_task(name, task.objective, task.evaluations, task.train, labels=labels, taught=taught)
