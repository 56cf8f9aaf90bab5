"""The quality of configurations on a recipe's tasks, beside that of the whole model, with paired intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from accord.core.errors import InputError
from accord.data.signals import Signal
from accord.evaluation import KeptResults, Measured
from accord.evaluation.kept import question
from accord.evaluation.statistics.bootstrap import bootstrap_effect
from accord.evaluation.statistics.pairing import matched_pair
from accord.maths.resampling import percentile_interval
from accord.recipes.budget.readers import Codecs, reader_of
from accord.recipes.budget.sizes import Configuration
from accord.recipes.budget.vectors import Vectors
from accord.recipes.evaluate import learned_from
from accord.recipes.prepare import PreparedTask

__all__ = ["Judge", "Judged", "kept_share", "kept_shares", "task_scores"]

LEARN = 4000
"""Train rows that a probe learns from while configurations are chosen, spread evenly; for test rows it has them all."""

Judged = Mapping[str, Sequence[Measured]]
"""Primary measurements of each task."""


@dataclass(frozen=True)
class Judge:
    """Measures configurations on some tasks; what was measured before is read.

    Args:
        tasks: of the recipe.
        vectors: of each backend.
        codecs: fitted.
        kept: measurements of earlier calls.
        seed: of probes and clusterings.
    """

    tasks: Sequence[PreparedTask]
    vectors: dict[str, Vectors]
    codecs: Codecs
    kept: KeptResults
    seed: int

    def judged(self, config: Configuration, split: str) -> dict[str, list[Measured]]:
        """The primary measurements of a configuration on the rows of a split ("dev" or "test")."""
        return {
            task.name: [self._primary(config, task, evaluation, split) for evaluation in task.evaluations]
            for task in self.tasks
        }

    def _primary(self, config: Configuration, task: PreparedTask, evaluation: Any, split: str) -> Measured:
        reader = reader_of(config, evaluation, self.vectors, self.codecs)
        query, document = (name if name in reader.prompts else None for name in task.prompts)
        train: Signal = learned_from(task, evaluation, split)
        if split == "dev" and getattr(evaluation, "learns", False) and len(train) > LEARN:
            train = train.take(np.unique(np.linspace(0, len(train) - 1, LEARN).astype(np.int64)))
        rows, rules = {"train": train, "test": getattr(task, split)}, {"seed": self.seed, "prompts": (query, document)}
        asked = question(reader, evaluation, **rows, **rules, precision=config.backend)
        measured = self.kept.find(asked) if asked else None
        if measured is None:
            measured = evaluation.evaluate(reader, **rows, **rules)
            if asked:
                self.kept.keep(asked, measured)
        return next(one for one in measured if one.primary)


def task_scores(judged: Judged) -> dict[str, float]:
    """The score of each task: the mean of its primary metrics."""
    return {task: float(np.mean([one.score for one in measured])) for task, measured in judged.items()}


def kept_share(judged: Judged, whole: Judged) -> float:
    """The mean score over tasks as a share of the whole model's.

    Raises:
        InputError: the whole model's mean is not above 0, so that there is nothing to keep a share of.

    >>> from accord.evaluation.measured import of_values
    >>> half, full = ({"t": [of_values("accuracy", ["a"], np.array([v]), primary=True)]} for v in (0.5, 1.0))
    >>> kept_share(half, full)
    0.5
    """
    ours, theirs = (np.mean(list(task_scores(one).values())) for one in (judged, whole))
    if theirs <= 0:
        raise InputError(
            f"The whole model scores {theirs:g} on average, so there is no quality to keep a share of. Name a recipe "
            "whose tasks it can do."
        )
    return float(ours / theirs)


def kept_shares(judged: Judged, whole: Judged, *, level: float, resamples: int) -> dict[str, Any]:
    """What a configuration keeps of the whole model, in all and by task, with paired intervals.

    An interval is that of the difference between the two, example by example, as a share of the whole model's score;
    the tasks stay, and each draw takes new examples of every task.

    Args:
        judged: of the configuration.
        whole: of the whole model, on the same examples.
        level: of the intervals.
        resamples: draws.

    Returns:
        ``{score, kept, low, high, tasks: {name: {score, kept, low, high, n}}}``; `kept` and its ends are None for a
        task whose whole score is not above 0.
    """
    scores, full = task_scores(judged), task_scores(whole)
    tasks, draws = {}, []
    for task in full:
        drawn = np.mean(
            [_draws(a, b, task, resamples) for a, b in zip(judged[task], whole[task])], axis=0
        )  # (resamples,)
        draws.append(drawn)
        n = max(len(one) for one in judged[task])
        tasks[task] = {"score": scores[task], **_share(scores[task], full[task], drawn, level), "n": n}
    mean, base = (float(np.mean(list(values.values()))) for values in (scores, full))
    return {"score": mean, **_share(mean, base, np.mean(draws, axis=0), level), "tasks": tasks}


def _draws(ours: Measured, theirs: Measured, task: str, resamples: int) -> np.ndarray:
    """(resamples,) differences of one metric on resampled examples, without the bias of resampling."""
    drawn = bootstrap_effect(matched_pair(ours, theirs), resamples=resamples, key=(task, ours.metric, "budget"))
    bias = 0.0 if drawn.statistic is None else float(drawn.resampled.mean()) - drawn.observed
    return drawn.resampled - bias


def _share(score: float, whole: float, draws: np.ndarray, level: float) -> dict[str, float | None]:
    if whole <= 0:
        return {"kept": None, "low": None, "high": None}
    low, high = percentile_interval(draws, level)
    return {"kept": score / whole, "low": 1 + low / whole, "high": 1 + high / whole}
