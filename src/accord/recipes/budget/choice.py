"""The frontier of what was measured, and the choice under limits."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from accord.core.errors import InputError
from accord.maths.pareto import nearest_limits, non_dominated, within_limits

__all__ = ["COSTS", "Limits", "choose", "on_frontier", "shortfalls"]

COSTS = ("ms", "mb_per_million", "model_mb")
STEP = {"ms": 0.05, "kept": 0.001}
"""Times closer than a twentieth and qualities closer than a thousandth count as equal: so far apart are repetitions."""


@dataclass(frozen=True)
class Limits:
    """A budget; None leaves one open.

    Args:
        ms: milliseconds a query, at most: its encoding alone, and a search for ten answers.
        mb_per_million: megabytes that a search scans in memory for a million documents, at most.
        model_mb: megabytes of the model's weights, at most.
        keep: share of the whole model's quality, at least.

    Raises:
        InputError: a limit that is not above 0, or a share above 1.
    """

    ms: float | None = None
    mb_per_million: float | None = None
    model_mb: float | None = None
    keep: float | None = None

    def __post_init__(self) -> None:
        for name, value in self.as_json().items():
            option = f"--{name.replace('_', '-')}"
            if value is not None and not (math.isfinite(value) and value > 0):
                raise InputError(f"`{option}` must be above 0. Got {value:g} instead.")
        if self.keep is not None and self.keep > 1:
            raise InputError(
                f"`--keep` is a share of the whole model's quality, such as 0.98. Got {self.keep:g} instead."
            )

    def as_json(self) -> dict[str, float | None]:
        """The limits by name."""
        return {name: getattr(self, name) for name in (*COSTS, "keep")}

    @property
    def given(self) -> bool:
        """Whether there is any."""
        return any(value is not None for value in self.as_json().values())

    def array(self) -> np.ndarray:
        """(4,) limits of the costs, and the loss of quality as a cost; infinity for none."""
        costs = [math.inf if getattr(self, name) is None else getattr(self, name) for name in COSTS]
        return np.array([*costs, math.inf if self.keep is None else -self.keep])


def on_frontier(rows: Sequence[Mapping[str, Any]]) -> list[bool]:
    """Which configurations none beats in milliseconds, megabytes of documents and of model, and quality at once.

    Args:
        rows: of the record, with `ms`, `mb_per_million`, `model_mb` and `dev.kept`.
    """
    table = _table(rows)
    table[:, 0] = np.round(np.log(table[:, 0]) / STEP["ms"])
    table[:, -1] = np.round(table[:, -1] / STEP["kept"])
    return non_dominated(table).tolist()


def choose(rows: Sequence[Mapping[str, Any]], limits: Limits) -> int | None:
    """The cheapest configuration within the limits; where no quality is asked for, the best one within them.

    Cheapest is the smallest geometric mean of the three costs, each as a share of the whole model's.

    Args:
        rows: of the record, with costs, `share` and `dev.kept`.
        limits: the budget.

    Returns:
        Its place; None where there is no limit, or where nothing meets them.

    >>> rows = [{"ms": m, "mb_per_million": 1, "model_mb": 1, "share": m, "dev": {"kept": k}} for m, k in
    ...         ((1.0, 0.90), (2.0, 0.95), (4.0, 1.0))]
    >>> choose(rows, Limits(keep=0.94)), choose(rows, Limits(ms=3)), choose(rows, Limits(ms=0.5))
    (1, 1, None)
    """
    inside = np.flatnonzero(within_limits(_table(rows), limits.array())).tolist() if limits.given else []
    if not inside:
        return None
    if limits.keep is None:
        return min(inside, key=lambda place: (-rows[place]["dev"]["kept"], rows[place]["share"]))
    return min(inside, key=lambda place: (rows[place]["share"], -rows[place]["dev"]["kept"]))


def shortfalls(rows: Sequence[Mapping[str, Any]], limits: Limits) -> list[dict[str, Any]]:
    """Why nothing meets the limits: what each would have to be, alone and beside the others.

    Args:
        rows: of the record.
        limits: that nothing meets.

    Returns:
        For each limit `{limit, asked, least, alone, possible}`: `alone` is the best that there is when the others are
        let go, `least` what it would have to be with the others as they are (None where it alone cannot help), and
        `possible` whether `alone` is within what was asked.
    """
    table, asked = _table(rows), limits.array()
    together = nearest_limits(table, asked)
    found = []
    for column, (name, value) in enumerate(limits.as_json().items()):
        if value is None:
            continue
        sign = -1.0 if name == "keep" else 1.0
        alone, least = sign * table[:, column].min(), sign * together[column]
        found.append({
            "limit": name, "asked": value, "alone": float(alone),
            "least": float(least) if math.isfinite(least) else None,
            "possible": bool(table[:, column].min() <= asked[column]),
        })  # fmt: skip
    return found


def _table(rows: Sequence[Mapping[str, Any]]) -> np.ndarray:
    """(rows, 4) costs, the last one minus the quality."""
    return np.array([[*(row[name] for name in COSTS), -row["dev"]["kept"]] for row in rows], dtype=np.float64)
