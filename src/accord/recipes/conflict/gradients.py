"""Whether the gradients of tasks conflict: from batches to rows with intervals and a verdict."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations, combinations_with_replacement
from typing import Any

import numpy as np

from accord.core.progress import Progress, silent
from accord.evaluation.conflict import (
    Estimate,
    GradientConflict,
    PairConflict,
    conflict_rate,
    corrected_cosine,
    gradient_cosine,
    lookahead_affinity,
    magnitude_similarity,
    over_batches,
    over_units,
    passing_margin,
)
from accord.maths.batch_pairs import BatchPair, batch_pair
from accord.training import Settings, TrainingTask
from accord.training.base import Model
from accord.training.gradients import ALL, GradientGramians, gradient_gramians
from accord.training.lookahead import Lookahead
from accord.training.probe_batches import ProbeBatches
from accord.training.turns import make_turns

__all__ = ["GradientMeasures", "conflict_of", "gradient_conflict", "measure_gradients", "row"]

MEASURES = (
    ("gradient_cosine", gradient_cosine, (-1.0, 1.0)),
    ("corrected_cosine", corrected_cosine, (-1.0, 1.0)),
    ("conflict_rate", conflict_rate, (0.0, 1.0)),
    ("magnitude_similarity", magnitude_similarity, (0.0, 1.0)),
)


@dataclass(frozen=True)
class GradientMeasures:
    """What was measured on batches, as plain numbers: enough for every row, without the model.

    Args:
        tasks: names.
        owners: task of each batch.
        groups: Gramian of each group of layers.
        before: losses of the batches that lookahead steps are judged on, (tasks, steps).
        after: losses after the steps, (tasks, tasks, steps).
        steps: that the training gives to each task.
        error: standard error of cosines by projection.
        notes: of tasks with smaller or fewer batches.
        pace: seconds a batch of each task.
    """

    tasks: Sequence[str]
    owners: Sequence[int]
    groups: Mapping[str, Any]
    before: Any
    after: Any
    steps: Sequence[int]
    error: float
    notes: Sequence[str]
    pace: Sequence[float]

    def to_json(self) -> dict[str, Any]:
        """A JSON value."""
        return asdict(self)


def gradient_conflict(
    encoder: Model,
    tasks: Sequence[TrainingTask],
    settings: Settings,
    *,
    batches: int = 8,
    lookaheads: int = 0,
    projection: int | None = 65_536,
    tolerance: float = 0.2,
    level: float = 0.95,
    progress: Progress = silent,
) -> GradientConflict:
    """Say whether the gradients of some tasks conflict, at the weights as they are.

    Args:
        encoder: the model; left as it was.
        tasks: two or more, with their training rows.
        settings: of the training that is to come: batches are as large, and noise is weighed against its steps.
        batches: of each task, no row in two of them; four or more for intervals.
        lookaheads: real optimiser steps to try on each task.
        projection: numbers kept of each gradient and group of layers; None for exact products in more passes.
        tolerance: share of its progress that a task may lose to another without a conflict.
        level: of the intervals.
        progress: opens bars.

    Returns:
        With `.verdict`: "conflict", "no conflict" or "undecided".

    Raises:
        InputError: fewer than two batches, or a task that cannot be trained.
    """
    begun = time.perf_counter()
    probe = ProbeBatches(encoder, tasks, settings, batches=batches)
    found = measure_gradients(probe, lookaheads=lookaheads, projection=projection, progress=progress)
    return conflict_of(found, tolerance=tolerance, level=level, seed=settings.seed, seconds=time.perf_counter() - begun)


def measure_gradients(
    probe: ProbeBatches,
    *,
    lookaheads: int,
    projection: int | None,
    progress: Progress = silent,
    pace: Sequence[float] = (),
) -> GradientMeasures:
    """Go over the batches once: gradients, and steps tried from them.

    Args:
        probe: batches of all tasks.
        lookaheads: steps to try on each task.
        projection: as for :func:`gradient_conflict`.
        progress: opens bars.
        pace: seconds a batch of each task, for the record.
    """
    settings, tasks = probe.settings, probe.tasks
    ahead = Lookahead(probe, steps=lookaheads)
    found: GradientGramians = gradient_gramians(
        probe, projection=projection, seed=settings.seed, on_gradient=ahead, progress=progress
    )
    turns = make_turns(settings, [task.signal for task in tasks], [task.weight for task in tasks])
    return GradientMeasures(
        tasks=[task.name for task in tasks],
        owners=found.owners.tolist(),
        groups={group: values.tolist() for group, values in found.groups.items()},
        before=ahead.before(found.losses, found.owners, found.numbers).tolist(),
        after=ahead.after.tolist(),
        steps=[max(1, turns.batches(number)) for number in range(len(tasks))],
        error=found.error,
        notes=list(probe.notes),
        pace=list(pace),
    )


def conflict_of(
    found: GradientMeasures,
    *,
    tolerance: float = 0.2,
    level: float = 0.95,
    seed: int = 0,
    resamples: int = 2000,
    seconds: float = 0.0,
) -> GradientConflict:
    """Every measure with its interval, and the verdict of every pair.

    Args:
        found: what was measured.
        tolerance: share of its progress that a task may lose to another without a conflict.
        level: of the intervals; that of the verdicts is corrected for the number of pairs (Bonferroni).
        seed: of the draws.
        resamples: draws.
        seconds: that the measurement took.
    """
    owners, names = np.asarray(found.owners), list(found.tasks)
    rules: dict[str, Any] = {"seed": seed, "resamples": resamples}
    rows = [
        line
        for group, values in found.groups.items()
        for line in _group_rows(np.asarray(values), owners, names, group, {"level": level, **rules})
    ]
    rows += _affinity_rows(found, level, rules)
    products = np.asarray(found.groups[ALL])
    both = list(combinations(range(len(names)), 2))
    strict = 1 - (1 - level) / max(1, len(both))
    pairs = []
    for a, b in both:
        pair, key = batch_pair(products, owners, a, b), (names[a], names[b])
        steps = found.steps[a], found.steps[b]
        own = [float(gradient_cosine(batch_pair(products, owners, one, one))) for one in (a, b)]
        pairs.append(
            PairConflict(
                a=names[a],
                b=names[b],
                batch_cosine=over_batches(gradient_cosine, pair, level=strict, key=key, **rules),
                cosine=over_batches(corrected_cosine, pair, level=level, key=key, **rules),
                ceiling=float(np.sqrt(max(0.0, own[0]) * max(0.0, own[1]))),
                margin=passing_margin(pair, steps=steps, tolerance=tolerance, level=level),
                level=strict,
            )
        )
    return GradientConflict(tasks=names, pairs=pairs, rows=rows, notes=found.notes, seconds=seconds)


def row(measure: str, a: str, b: str, estimate: Estimate, *, over: str, layers: str = ALL) -> dict[str, Any]:
    """One line of the record.

    Args:
        measure: its name in :mod:`accord.evaluation.conflict`.
        a: a task.
        b: another, or the same.
        estimate: value and interval.
        over: what was resampled.
        layers: group of layers.
    """
    return {"measure": measure, "a": a, "b": b, "layers": layers, **asdict(estimate), "over": over}


def _group_rows(
    values: np.ndarray, owners: np.ndarray, names: Sequence[str], group: str, rules: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """All measures of all pairs in one group of layers; tasks that do not reach it have none."""
    rows = []
    for a, b in combinations_with_replacement(range(len(names)), 2):
        pair: BatchPair = batch_pair(values, owners, a, b)
        if not (np.diag(pair.aa).any() and np.diag(pair.bb).any()):
            continue
        for name, measure, bounds in MEASURES:
            if a == b and name in {"corrected_cosine", "magnitude_similarity"}:
                continue
            estimate = over_batches(measure, pair, key=(names[a], names[b]), bounds=bounds, **rules)
            rows.append(row(name, names[a], names[b], estimate, over="batches", layers=group))
    return rows


def _affinity_rows(found: GradientMeasures, level: float, rules: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Lookahead affinity from each task to each, itself included."""
    before, after = np.asarray(found.before, dtype=float), np.asarray(found.after, dtype=float)
    if not after.size:
        return []
    rows = []
    for i, a in enumerate(found.tasks):
        for j, b in enumerate(found.tasks):
            gains = lookahead_affinity(before[j], after[i, j])

            def mean(weights: np.ndarray, gains: np.ndarray = gains) -> np.ndarray:
                return weights @ gains / weights.sum(axis=1)

            estimate = over_units(mean, len(gains), level=level, key=("lookahead", a, b), **rules)
            rows.append(row("lookahead_affinity", a, b, estimate, over="batches"))
    return rows
