"""Rows about experts: their task vectors, the losses between them, and what each did to the metrics of the others."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import combinations, combinations_with_replacement
from typing import Any

import numpy as np

from accord.core.progress import Progress, silent
from accord.data.signals import Signal
from accord.evaluation import KeptResults, Measured
from accord.evaluation.conflict import (
    Estimate,
    large_coordinates,
    loss_barrier,
    norm_ratio,
    over_units,
    sign_agreement,
    subspace_overlap,
    task_vector_cosine,
    top_directions,
    transfer,
)
from accord.recipes.conflict.experts import Expert, Experts, TaskVectors
from accord.recipes.conflict.gradients import row
from accord.recipes.evaluate import measure_each
from accord.recipes.prepare import PreparedTask
from accord.recipes.training_tasks import Loaded
from accord.training import Settings, TrainingTask
from accord.training.gradients import ALL
from accord.training.layer_groups import layer_groups
from accord.training.probe_batches import ProbeBatches
from accord.training.turns import least_examples

__all__ = [
    "DEV_BATCHES",
    "POINTS",
    "DevBatches",
    "barrier_losses",
    "barrier_rows",
    "transfer_measures",
    "transfer_rows",
    "vector_measures",
    "vector_rows",
]

RANK = 8
"""Directions of a matrix that are compared."""

DEV_BATCHES = 4
"""Of each task, at most, that losses between models are taken on."""

POINTS = 3
"""On the line between two experts, both included."""

Rows = list[dict[str, Any]]


def vector_measures(vectors: TaskVectors, *, progress: Progress = silent) -> dict[str, Any]:
    """Go through the task vectors: inner products and equal signs by piece, overlaps by matrix, as plain values."""
    pieces: list[dict[str, Any]] = []
    with progress("task vectors", total=2, unit="passes") as advance:
        kept = large_coordinates(vectors)
        advance(1)
        for (name, changes), mask in zip(vectors.pieces(), kept):
            agree, count = sign_agreement(changes, mask)
            products = changes.astype(np.float64) @ changes.astype(np.float64).T
            pieces.append({"name": name, "products": products.tolist(), "agree": agree.tolist(), "count": count})
        advance(1)
    return {"pieces": pieces, "matrices": _overlaps(vectors)}


def _overlaps(vectors: TaskVectors) -> list[dict[str, Any]]:
    """Overlaps of the leading directions of each matrix that training changed."""
    found = []
    for name, changes in vectors.tensors():
        if changes.ndim != 3 or min(changes.shape[1:]) <= RANK or not changes.any(axis=(1, 2)).all():
            continue
        tops = [top_directions(matrix, RANK) for matrix in changes]
        overlap = [[subspace_overlap(a, b) for b in tops] for a in tops]
        found.append({"name": name, "overlap": overlap, "chance": RANK / min(changes.shape[1:])})
    return found


def vector_rows(
    found: Mapping[str, Any], experts: Sequence[Expert], names: Sequence[str], *, level: float, seed: int
) -> Rows:
    """Cosine, length ratio, sign agreement and overlap of each pair of tasks; of one task, between its two halves."""
    products = np.array([piece["products"] for piece in found["pieces"]])
    agree = np.array([piece["agree"] for piece in found["pieces"]])
    kept = np.array([piece["count"] for piece in found["pieces"]], dtype=float)
    overlaps = np.array([matrix["overlap"] for matrix in found["matrices"]])
    of_piece = [piece["name"] for piece in found["pieces"]]
    groups = {name: group for group, members in layer_groups(dict.fromkeys(of_piece)).items() for name in members}
    group_of = np.array([groups[name] for name in of_piece])
    rows: Rows = []
    for a, b in combinations_with_replacement(range(len(names)), 2):
        places = _places(experts, a, b)
        if not places:
            continue
        pair, rules = (names[a], names[b]), {"level": level, "seed": seed}
        for group in (ALL, *dict.fromkeys(group_of)):
            some = products if group == ALL else products[group_of == group]
            cosine = over_units(
                _of_sums(task_vector_cosine, some, places), len(some), bounds=(-1, 1), key=(*pair, group), **rules
            )
            rows.append(row("task_vector_cosine", *pair, cosine, over="weights", layers=group))
        if a != b:
            ratio = over_units(_of_sums(norm_ratio, products, places), len(products), key=pair, **rules)
            rows.append(row("norm_ratio", *pair, ratio, over="weights"))
        share = _shares(_mean_at(agree, places), kept)
        signs = over_units(share, len(kept), bounds=(0, 1), key=pair, **rules)
        rows.append(row("sign_agreement", *pair, signs, over="weights"))
        if len(overlaps):
            mean = _shares(_mean_at(overlaps, places), np.ones(len(overlaps)))
            overlap = over_units(mean, len(overlaps), bounds=(0, 1), key=pair, **rules)
            rows.append(row("subspace_overlap", *pair, overlap, over="matrices"))
    return rows


def _places(experts: Sequence[Expert], a: int, b: int) -> list[tuple[int, int]]:
    """Pairs of experts of two tasks; of one task, those of different halves."""
    left = [n for n, one in enumerate(experts) if one.task == a]
    right = [n for n, one in enumerate(experts) if one.task == b]
    return [(i, j) for i in left for j in right if i < j] if a == b else [(i, j) for i in left for j in right]


def _mean_at(values: np.ndarray, places: Sequence[tuple[int, int]]) -> np.ndarray:
    return np.mean([values[..., i, j] for i, j in places], axis=0)


def _of_sums(
    measure: Callable[[np.ndarray], np.ndarray], parts: np.ndarray, places: Sequence[tuple[int, int]]
) -> Callable[[np.ndarray], np.ndarray]:
    """A measure of the weighted sum of some Gramians, as a function of the weights."""
    return lambda weights: _mean_at(measure(np.einsum("rp,pij->rij", weights, parts)), places)


def _shares(values: np.ndarray, sizes: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """The weighted sum of some counts as a share of that of their sizes, as a function of the weights."""
    return lambda weights: (weights @ values) / (weights @ sizes)


class DevBatches:
    """Batches of the dev rows of each task that has enough of them for a loss.

    Args:
        encoder: the model.
        tasks: with their training rows.
        parts: dev rows of each.
        settings: of the training.

    Attributes:
        places: number of each such task -> its number here, and its batches.
    """

    def __init__(
        self, encoder: Loaded, tasks: Sequence[TrainingTask], parts: Sequence[Signal], settings: Settings
    ) -> None:
        enough = [n for n, part in enumerate(parts) if len(part) >= 2 * least_examples(part)]
        held = [replace(tasks[n], signal=parts[n], weights=None, classes="proportional") for n in enough]
        self.probe = ProbeBatches(encoder, held, settings, batches=DEV_BATCHES) if held else None
        self.places: dict[int, tuple[int, Sequence[int]]] = {}
        for place, number in enumerate(enough):
            assert self.probe is not None
            usable = self.probe.usable(place)
            if len(usable) > 1:
                self.places[number] = (place, usable)

    def losses(self, task: int) -> list[float]:
        """The loss of each batch of a task, under the weights that the model has now."""
        assert self.probe is not None, "only tasks in `places` have losses"
        place, numbers = self.places[task]
        return [self.probe.loss(place, number) for number in numbers]


def barrier_losses(experts: Experts, dev: DevBatches, *, progress: Progress = silent) -> list[dict[str, Any]]:
    """Losses of both tasks on the line between their experts, `{a, b, half, losses: [(points, batches) of each]}`.

    Args:
        experts: trained.
        dev: batches of dev rows.
        progress: opens the bar.
    """
    by_task: dict[int, list[Expert]] = {}
    for one in experts.all:
        if one.task in dev.places:
            by_task.setdefault(one.task, []).append(one)
    pairs = [
        (left, right)
        for a, b in combinations(by_task, 2)
        for left, right in zip(by_task[a], by_task[b])
    ]  # fmt: skip
    found: list[dict[str, Any]] = []
    ends: dict[tuple[Expert, int], list[float]] = {}

    def losses_at(left: Expert, right: Expert, share: float) -> list[list[float]]:
        """Losses of both tasks, one a batch; those of the experts themselves are taken once."""
        end = {0.0: left, 1.0: right}.get(share)
        judged = [left.task, right.task]
        if end is None or any((end, task) not in ends for task in judged):
            experts.between(left, right, share)
        taken = []
        for task in judged:
            known = None if end is None else ends.get((end, task))
            values = known or dev.losses(task)
            if end is not None:
                ends[end, task] = values
            taken.append(values)
        return taken

    try:
        with progress("loss barriers", total=len(pairs) * POINTS, unit="points") as advance:
            for left, right in pairs:
                points = []
                for share in np.linspace(0, 1, POINTS):
                    points.append(losses_at(left, right, float(share)))
                    advance(1)
                curves = [[point[side] for point in points] for side in range(2)]
                found.append({"a": left.task, "b": right.task, "half": left.half, "losses": curves})
    finally:
        experts.restore()
    return found


def barrier_rows(found: Sequence[Mapping[str, Any]], names: Sequence[str], *, level: float, seed: int) -> Rows:
    """The loss barrier of each pair of tasks, in the mean of their losses, with an interval over dev batches."""
    rows: Rows = []
    for a, b in combinations(range(len(names)), 2):
        some = [one["losses"] for one in found if (one["a"], one["b"]) == (a, b)]
        if not some:
            continue
        curves = [np.mean([np.asarray(one[side]) for one in some], axis=0) for side in range(2)]  # (points, batches)
        first, units = curves[0].shape[1], sum(curve.shape[1] for curve in curves)

        def barrier(weights: np.ndarray, curves: Sequence[np.ndarray] = curves, first: int = first) -> np.ndarray:
            sides = (weights[:, :first], weights[:, first:])
            means = [w @ curve.T / np.maximum(w.sum(axis=1, keepdims=True), 1) for w, curve in zip(sides, curves)]
            return loss_barrier(np.mean(means, axis=0))

        estimate = over_units(barrier, units, level=level, seed=seed, key=("barrier", names[a], names[b]))
        rows.append(row("loss_barrier", names[a], names[b], estimate, over="dev batches"))
    return rows


def transfer_measures(
    experts: Experts, tasks: Sequence[PreparedTask], *, kept: KeptResults, seed: int, precision: str, progress: Progress
) -> dict[int | None, list[dict[str, Measured]]]:
    """The primary metric of each task on its dev rows, of the starting model (None) and of each task's experts."""
    found: dict[int | None, list[dict[str, Measured]]] = {}
    try:
        for one in (None, *experts.all):
            label = "base" if one is None else f"{experts.tasks[one.task].name}, half {one.half + 1}"
            experts.restore() if one is None else experts.put(one)
            rules = {"split": "dev", "seed": seed, "precision": precision, "kept": kept, "progress": progress}
            measured: dict[str, Measured] = {}
            for several in measure_each(experts.encoder, tasks, label=f"evaluate {label}", **rules):
                measured.setdefault(several.task, next(m for m in several.measured if m.primary))
            found.setdefault(None if one is None else one.task, []).append(measured)
    finally:
        experts.restore()
    return found


def transfer_rows(
    found: Mapping[int | None, Sequence[Mapping[str, Measured]]],
    names: Sequence[str],
    *,
    level: float,
    resamples: int,
    seed: int,
) -> tuple[Rows, dict[tuple[str, str], Estimate]]:
    """What training on each task changed in the metric of each, and the same at a level corrected for their number."""
    rows: Rows = []
    strict: dict[tuple[str, str], Estimate] = {}
    judged = list(found[None][0])
    corrected = 1 - (1 - level) / max(1, len(names) * (len(judged) - 1))
    for number, a in enumerate(names):
        for b in judged:
            systems = [one[b] for one in found[number]], [one[b] for one in found[None]]
            rules = {"resamples": resamples, "seed": seed}
            estimate = transfer(*systems, level=level, **rules)
            rows.append(row("transfer", a, b, estimate, over="dev examples") | {"metric": systems[0][0].metric})
            if a != b:
                strict[a, b] = transfer(*systems, level=corrected, **rules)
    return rows, strict
