"""Choosing among models by the dev parts: a more complicated one must be better than chance makes it look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from accord.core.errors import InputError
from accord.evaluation import Observed
from accord.evaluation.statistics.bootstrap import bootstrap_effect
from accord.evaluation.statistics.pairing import matched_pair
from accord.maths.resampling import percentile_interval

__all__ = ["MeanDifference", "mean_difference", "pick"]


@dataclass(frozen=True, kw_only=True)
class MeanDifference:
    """The difference a - b of two models, averaged over tasks.

    Args:
        effect: mean over the tasks of the difference in the headline metric.
        ci: its interval over other examples of the same tasks.
        tasks: how many.
    """

    a: str
    b: str
    effect: float
    ci: tuple[float, float]
    tasks: int


def mean_difference(
    observed: Sequence[Observed], a: str, b: str, *, level: float = 0.95, resamples: int = 2000
) -> MeanDifference:
    """Compare two models on all tasks at once.

    Seeds are averaged and examples paired within each task; each draw takes new examples of every task, and the tasks
    stay.

    Args:
        observed: measurements of both models; the first primary one of a task is its headline.
        a: name of a model.
        b: name of another.
        level: of the interval.
        resamples: draws.

    Raises:
        InputError: no task that both were measured on.
    """
    held: dict[tuple[str, str], dict[str, list[Observed]]] = {}
    for one in observed:
        if one.measured.primary and one.model in {a, b}:
            held.setdefault((one.task, one.model), {}).setdefault(one.measured.metric, []).append(one)
    tasks = list(dict.fromkeys(task for task, model in held if model == a and (task, b) in held))
    if not tasks:
        raise InputError(f"`{a}` and `{b}` were not measured on a common task.")
    effects, draws = [], []
    for task in tasks:
        metric = next(iter(held[task, a]))
        left, right = (
            [one.measured for one in sorted(held[task, name][metric], key=lambda o: o.seed)] for name in (a, b)
        )
        drawn = bootstrap_effect(matched_pair(left, right), resamples=resamples, key=(task, metric, *sorted((a, b))))
        bias = 0.0 if drawn.statistic is None else float(drawn.resampled.mean()) - drawn.observed
        effects.append(drawn.observed)
        draws.append(drawn.resampled - bias)
    low, high = percentile_interval(np.mean(draws, axis=0), level)
    return MeanDifference(a=a, b=b, effect=float(np.mean(effects)), ci=(low, high), tasks=len(tasks))


def pick(
    observed: Sequence[Observed], names: Sequence[str], *, level: float = 0.95, resamples: int = 2000
) -> tuple[str, list[dict[str, Any]]]:
    """The model to take: the first, unless a later one is better beyond chance than what has been taken so far.

    Args:
        observed: measurements of all.
        names: of the models, the simplest first.
        level: at which the interval of the difference must lie above zero.
        resamples: draws.

    Returns:
        Its name, and the comparisons that led to it as plain rows.
    """
    taken, rows = names[0], []
    for name in names[1:]:
        found = mean_difference(observed, name, taken, level=level, resamples=resamples)
        rows.append(asdict(found))
        taken = name if found.ci[0] > 0 else taken
    return taken, rows
