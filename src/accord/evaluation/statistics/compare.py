"""Scores and comparisons of a whole run, with Holm's correction over all of its questions."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

from accord.core.errors import InputError
from accord.core.records import Comparison, Score
from accord.evaluation.observed import Observed, check_distinct
from accord.evaluation.statistics.bootstrap import interval
from accord.evaluation.statistics.difference import paired
from accord.evaluation.statistics.holm import holm

__all__ = ["compare", "scores"]


def scores(
    observed: Iterable[Observed],
    *,
    split: str = "test",
    level: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
    method: str = "percentile",
) -> list[Score]:
    """One score with its interval for each model, task, metric and training seed.

    Args:
        observed: everything that was measured.
        split: what it was measured on.
        level: of the intervals.
        resamples: draws.
        seed: of the draws; each interval has a stream of its own, so order and company change nothing.
        method: "percentile" or "bca".

    Returns:
        Records in the order of `observed`.
    """
    return [
        Score(
            model=one.model,
            task=one.task,
            metric=one.measured.metric,
            primary=one.measured.primary,
            split=split,
            seed=one.seed,
            score=one.measured.score,
            ci=interval(
                one.measured,
                level=level,
                resamples=resamples,
                seed=seed,
                key=(one.task, one.measured.metric, one.model, str(one.seed)),
                method=method,
            ),
            n=len(one.measured),
        )
        for one in observed
    ]


def compare(
    observed: Iterable[Observed],
    pairs: Sequence[tuple[str, str]],
    *,
    level: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
    every_metric: bool = False,
    method: str = "percentile",
) -> list[Comparison]:
    """The difference of each pair of models on each task that both were measured on.

    Values are averaged over training seeds, example by example, before they are paired. The p values of all
    comparisons together are corrected by :func:`holm`.

    Args:
        observed: everything that was measured.
        pairs: names of models (a, b); the effect is a minus b.
        level: of the intervals; `distinguishable` means a corrected p below 1 - level.
        resamples: of bootstrap and permutation; the smallest p is 1 / (1 + resamples).
        seed: of the draws; each comparison has a stream of its own.
        every_metric: compare all metrics and not only the primary ones.
        method: of the intervals, "percentile" or "bca".

    Returns:
        Records, pair by pair, tasks in order of appearance.

    Raises:
        InputError: a pair without a common task or measured on other examples, or two measurements under one name.
    """
    observed = list(observed)
    check_distinct(observed)
    held: dict[str, dict[tuple[str, str], list[Observed]]] = {}
    for one in observed:
        if every_metric or one.measured.primary:
            held.setdefault(one.model, {}).setdefault((one.task, one.measured.metric), []).append(one)
    found = []
    for a, b in dict.fromkeys(pairs):
        common = [question for question in held.get(a, {}) if question in held.get(b, {})]
        if a == b or not common:
            raise InputError(f"`{a}` and `{b}` cannot be compared: {_why(a, b, held)}.")
        for task, metric in common:
            difference = paired(
                [one.measured for one in sorted(held[a][task, metric], key=lambda o: o.seed)],
                [one.measured for one in sorted(held[b][task, metric], key=lambda o: o.seed)],
                level=level,
                resamples=resamples,
                seed=seed,
                key=(task, metric, *sorted((a, b))),
                method=method,
            )
            row = dataclasses.asdict(difference)
            found.append(Comparison(a=a, b=b, task=task, metric=metric, distinguishable=False, **row))
    adjusted = holm([one.p for one in found])
    return [dataclasses.replace(one, p=p, distinguishable=p < 1 - level) for one, p in zip(found, adjusted)]


def _why(a: str, b: str, held: dict[str, dict[tuple[str, str], list[Observed]]]) -> str:
    if a == b:
        return "they are the same model"
    for name in (a, b):
        if name not in held:
            return f"nothing was measured for `{name}`; measured: {', '.join(held) or 'none'}"
    return "they were not measured by the same metric on any task"
