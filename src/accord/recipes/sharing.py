"""How the tasks of a recipe share an encoder: its way of balancing gradients and its way of merging models."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import accord.merging.learned as learned_room
import accord.merging.methods as method_room
from accord.core.checks import did_you_mean
from accord.core.errors import InputError, RecipeError
from accord.core.spec import build, catalogue
from accord.merging import MergeMethod
from accord.merging.learned import Fisher, LearnedMethod, RegMean
from accord.merging.methods import TaskArithmetic
from accord.recipes.recipe import Recipe
from accord.recipes.schema import STRATEGIES, RecipeSpec
from accord.training.balance.base import Balance
from accord.training.balance.named import read_balance

__all__ = ["EXPECTED", "Learner", "balance_of", "check_sharing", "expected", "merge_of", "within"]

Learner = LearnedMethod | Fisher | RegMean
"""A method that looks at data."""

EXPECTED = {"joint": 1.0, "merged": 1.0, "balanced": 1.5}
"""What making an encoder for all tasks costs, in units of one joint training."""


def within(budget: float) -> list[str]:
    """The strategies that the budget of a search allows, the simplest first.

    >>> within(1), within(2), within(3.5)
    (['joint'], ['joint', 'merged'], ['joint', 'merged', 'balanced'])
    """
    names, spent = [], 0.0
    for name in STRATEGIES:
        spent += EXPECTED[name]
        if spent <= budget:
            names.append(name)
    return names


def expected(spec: RecipeSpec) -> list[str]:
    """The strategies whose encoders a run makes; those of a search that finds conflict."""
    tried = within(spec.train.auto.budget) if spec.train.auto is not None else [spec.train.strategy]
    return list(dict.fromkeys([*tried, *(name for name in spec.evaluate.baselines if name in STRATEGIES)]))


def check_sharing(recipe: Recipe, objectives: Mapping[str, Any]) -> None:
    """See that what the recipe's strategies are made of is known and fits the tasks.

    Args:
        recipe: with its strategies.
        objectives: of each task.

    Raises:
        RecipeError: a method or an argument is unknown, or does not take these tasks.
        MissingExtra: a way of balancing needs a solver that is not installed.
    """
    if "balanced" in recipe.spec.strategies:
        try:
            balance_of(recipe).start(len(recipe.spec.tasks))
        except RecipeError:
            raise
        except InputError as error:
            raise RecipeError(f"train.balance: {error}") from error
    if "merged" not in recipe.spec.strategies or not isinstance(merge_of(recipe), Learner):
        return
    for name, objective in objectives.items():
        if any(True for _ in objective.parameters()):
            raise RecipeError(
                f"train.merge learns on the losses of all tasks, and {type(objective).__name__} of `{name}` has "
                "weights of its own that are part of no model. Choose a method without data, or another objective."
            )


def balance_of(recipe: Recipe) -> Balance:
    """The way of balancing of `train.balance`.

    Raises:
        RecipeError: unknown, or with an argument that is refused.
    """
    return read_balance(recipe.spec.train.balance or "UPGrad", "train.balance")


def merge_of(recipe: Recipe) -> MergeMethod | Learner:
    """The method of `train.merge`.

    What the tasks change in the weights is nearly at right angles, so a plain mean of N models is shorter than any of
    them, by the square root of N. The default makes up for that: task arithmetic with weights of 1 / sqrt(N).

    Raises:
        RecipeError: an unknown method or argument, or one that does not merge as many models as there are tasks.
    """
    number, given = len(recipe.spec.tasks), recipe.spec.train.merge
    if given is None:
        return TaskArithmetic(1 / math.sqrt(number))
    name = given if isinstance(given, str) else next(iter(given), "")
    learned = {n: kind for n, kind in catalogue(learned_room).items() if issubclass(kind, Learner)}
    if name in learned:
        return build(given, learned_room, "train.merge")
    known = {n for n, kind in catalogue(method_room).items() if issubclass(kind, MergeMethod)}
    if ":" not in name and name not in known:
        raise RecipeError(
            f"train.merge: unknown name `{name}`.{did_you_mean(name, [*known, *learned])} Known: "
            f"{', '.join(sorted(known))}; learned on train rows: {', '.join(sorted(learned))}; or `module:Name` for "
            "your own."
        )
    try:
        return build(given, method_room, "train.merge").for_experts(number)
    except RecipeError:
        raise
    except InputError as error:
        raise RecipeError(f"train.merge: {error}") from error
