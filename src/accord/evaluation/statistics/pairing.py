"""Two systems on the same examples: the form in which their difference can be resampled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from accord.core.errors import InputError
from accord.evaluation.measured import Measured

__all__ = ["Pair", "System", "matched_pair", "pooled", "score_on", "systems"]

System = Measured | Sequence[Measured]
"""One measurement, or one a training seed."""


def systems(measured: System) -> tuple[Measured, ...]:
    """The seeds of a system as a tuple, all on the examples of the first and in its order.

    Raises:
        InputError: no measurement, several metrics, or examples that differ between seeds.
    """
    seeds = (measured,) if isinstance(measured, Measured) else tuple(measured)
    if not seeds:
        raise InputError("A system must have at least one measurement.")
    if len({one.metric for one in seeds}) > 1:
        raise InputError(f"Seeds must share their metric. Got {', '.join(sorted({m.metric for m in seeds}))}.")
    return tuple(_like(one, seeds[0]) for one in seeds)


def pooled(measured: System) -> Measured:
    """A per-example metric over seeds as one measurement: each example's value averaged over the seeds.

    >>> from accord.evaluation.measured import of_values
    >>> runs = [of_values("accuracy", ["a", "b"], np.array(v), primary=True) for v in ([1.0, 0.0], [1.0, 1.0])]
    >>> pooled(runs).columns["value"].tolist()
    [1.0, 0.5]
    """
    seeds = systems(measured)
    first = seeds[0]
    value = np.mean([one.columns["value"] for one in seeds], axis=0)
    return replace(first, columns={"value": value})


@dataclass(frozen=True)
class Pair:
    """Two systems, seed beside seed, on the same examples in the same order.

    Args:
        left: the measurements of a, one a seed.
        right: the measurements of b, as many.
    """

    left: tuple[Measured, ...]
    right: tuple[Measured, ...]

    def __len__(self) -> int:
        return len(self.left[0])

    @property
    def is_mean(self) -> bool:
        """Whether the difference is a mean of one value an example."""
        return self.left[0].is_mean and self.right[0].is_mean

    def group_codes(self) -> np.ndarray | None:
        """(n,) codes of the groups of examples; None where each example stands for itself."""
        return self.left[0].group_codes()

    @property
    def effect(self) -> float:
        """Score of a minus score of b, averaged over seeds."""
        return float(np.mean([a.score - b.score for a, b in zip(self.left, self.right)]))

    def differences(self) -> np.ndarray:
        """(n,) differences of the examples of a per-example metric."""
        return pooled(self.left).columns["value"] - pooled(self.right).columns["value"]

    def effect_on(self, rows: np.ndarray) -> float:
        """The effect on the examples `rows`, which may repeat."""
        return float(np.mean([score_on(a, rows) - score_on(b, rows) for a, b in zip(self.left, self.right)]))

    def tradable(self) -> Pair:
        """The same scores in a form in which the rows of the two systems may be traded."""
        return Pair(tuple(map(_tradable, self.left)), tuple(map(_tradable, self.right)))

    def effect_after(self, trade: np.ndarray) -> float:
        """The effect when the systems trade the examples marked in `trade`."""
        total = 0.0
        for a, b in zip(self.left, self.right):
            ours = {name: np.where(trade, b.columns[name], values) for name, values in a.columns.items()}
            theirs = {name: np.where(trade, values, b.columns[name]) for name, values in a.columns.items()}
            total += float(a.reduce(**ours)) - float(b.reduce(**theirs))
        return total / len(self.left)


def matched_pair(a: System, b: System) -> Pair:
    """Lay two systems side by side, example by example and seed by seed.

    A system with one measurement (a base model that no seed changes) stands beside each seed of the other; per-example
    metrics with other numbers of seeds are averaged over them first.

    Raises:
        InputError: other metrics, other examples, or seeds that cannot be paired.
    """
    left, right = systems(a), systems(b)
    if left[0].metric != right[0].metric:
        raise InputError(f"Both systems must have the same metric. Got {left[0].metric} and {right[0].metric}.")
    if left[0].is_mean:
        left, right = (pooled(left),), (pooled(right),)
    right = tuple(_like(one, left[0]) for one in right)
    if len(left) != len(right):
        if min(len(left), len(right)) > 1:
            raise InputError(f"`{left[0].metric}` pairs seed with seed. Got {len(left)} seeds and {len(right)}.")
        left, right = left * (len(right) if len(left) == 1 else 1), right * (len(left) if len(right) == 1 else 1)
    return Pair(_grouped(left, right[0].groups), right)


def _grouped(left: tuple[Measured, ...], groups: tuple[str, ...] | None) -> tuple[Measured, ...]:
    """`left` with the groups that either side knows.

    Raises:
        InputError: both sides have groups, and they differ.
    """
    if groups is None or groups == left[0].groups:
        return left
    if left[0].groups is not None:
        raise InputError(f"The two systems group the examples of `{left[0].metric}` differently. Use the same `group`.")
    return tuple(replace(one, groups=groups) for one in left)


def _like(one: Measured, first: Measured) -> Measured:
    """`one` with its examples in the order of `first`."""
    if one.ids == first.ids:
        return one
    place = {name: i for i, name in enumerate(one.ids)}
    missing = [name for name in first.ids if name not in place]
    extra = set(place).difference(first.ids)
    if missing or extra:
        lone = missing[0] if missing else min(extra)
        raise InputError(
            f"`{first.metric}` was not measured on the same examples: {len(missing) + len(extra)} occur on one side "
            f"only, such as {lone!r}. Measure both systems on the same test split."
        )
    return one.at(np.array([place[name] for name in first.ids]))


def score_on(measured: Measured, rows: np.ndarray) -> float:
    """The score on the examples `rows`, which may repeat."""
    return float(measured.reduce(**{name: values[rows] for name, values in measured.columns.items()}))


def _tradable(measured: Measured) -> Measured:
    form = getattr(measured.reduce, "tradable", None)
    if form is None:
        return measured
    return replace(measured, columns=form(**measured.columns))
