"""What a task measured, example by example: enough to put an interval around it and to compare it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from accord.core.errors import InputError

__all__ = ["Measured", "Measurement", "mean", "of_columns", "of_predictions", "of_values"]


def mean(value: np.ndarray) -> float:
    """How per-example values become one score."""
    return float(np.mean(value))


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One metric of one model on one set of examples.

    Args:
        metric: its name, such as `nDCG@10`.
        primary: whether it is the one that decides for its task.
        ids: (n,) the examples, each once.
        columns: arrays of (n,); a per-example metric has the single column `value`.
        reduce: columns, by name, to the score; :func:`mean` for per-example metrics.
        groups: (n,) names of groups whose examples are not independent (translations of one name, questions about one
            document), which statistics draw whole; None where each example stands for itself.

    Raises:
        InputError: no example, an example twice, columns of other lengths, or values that are not numbers.
    """

    metric: str
    primary: bool
    ids: tuple[str, ...]
    columns: Mapping[str, np.ndarray]
    reduce: Callable[..., float] = mean
    groups: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "ids", tuple(self.ids))
        if self.groups is not None:
            object.__setattr__(self, "groups", tuple(self.groups))
            if len(self.groups) != len(self.ids):
                raise InputError(
                    f"`groups` of `{self.metric}` must hold {len(self.ids)} names. Got {len(self.groups)} instead."
                )
        columns = {name: np.asarray(values, dtype=np.float64) for name, values in self.columns.items()}
        object.__setattr__(self, "columns", columns)
        if not self.ids or not columns:
            raise InputError(f"`{self.metric}` was measured on no example. Give it a test set that is not empty.")
        if len(set(self.ids)) != len(self.ids):
            raise InputError(f"`ids` of `{self.metric}` must be unique.")
        for name, values in columns.items():
            if values.shape != (len(self.ids),):
                raise InputError(
                    f"Column `{name}` of `{self.metric}` must hold {len(self.ids)} values. Got {values.shape}."
                )
            if not np.isfinite(values).all():
                raise InputError(
                    f"Column `{name}` of `{self.metric}` must be finite. Example {self._first_bad(values)} is not; "
                    "does the encoder return NaN?"
                )

    def _first_bad(self, values: np.ndarray) -> str:
        return repr(self.ids[int(np.flatnonzero(~np.isfinite(values))[0])])

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def score(self) -> float:
        """The one number."""
        return float(self.reduce(**self.columns))

    @property
    def is_mean(self) -> bool:
        """Whether the score is the mean of one value an example."""
        return self.reduce is mean

    def at(self, rows: np.ndarray) -> Measured:
        """The same measurement on some of its examples, in the order given."""
        ids = tuple(self.ids[i] for i in rows.tolist())
        columns = {name: values[rows] for name, values in self.columns.items()}
        groups = None if self.groups is None else tuple(self.groups[i] for i in rows.tolist())
        return replace(self, ids=ids, columns=columns, groups=groups)

    def group_codes(self) -> np.ndarray | None:
        """(n,) codes of `groups` from 0, in order of appearance; None where there are no groups."""
        if self.groups is None:
            return None
        place = {name: code for code, name in enumerate(dict.fromkeys(self.groups))}
        return np.fromiter((place[name] for name in self.groups), dtype=np.int64, count=len(self.groups))


@dataclass(frozen=True)
class Measurement:
    """What one evaluation of one task found.

    Args:
        task: its name.
        evaluation: how it was judged.
        measured: a measurement a metric, the primary one first.
        kept: whether it was measured before and only read.
        seconds: that it took.
    """

    task: str
    evaluation: Any
    measured: Sequence[Measured]
    kept: bool = False
    seconds: float = 0.0


def of_values(
    metric: object, ids: Sequence[str], values: np.ndarray, *, primary: bool, groups: Sequence[str] | None = None
) -> Measured:
    """A per-example measurement.

    >>> of_values("accuracy", ["a", "b"], np.array([1.0, 0.0]), primary=True).score
    0.5
    """
    columns = {"value": values}
    return Measured(metric=str(metric), primary=primary, ids=tuple(ids), columns=columns, groups=_names(groups))


def of_columns(
    metric: Callable[..., float],
    ids: Sequence[str],
    columns: Mapping[str, np.ndarray],
    *,
    primary: bool,
    groups: Sequence[str] | None = None,
) -> Measured:
    """A measurement by a set metric, named as the metric prints itself."""
    named = {"metric": str(metric), "primary": primary, "ids": tuple(ids), "groups": _names(groups)}
    return Measured(**named, columns=columns, reduce=metric)


def of_predictions(
    metrics: Sequence[Any],
    ids: Sequence[str],
    truth: np.ndarray,
    predicted: np.ndarray,
    groups: Sequence[str] | None = None,
) -> list[Measured]:
    """A measurement a metric over `truth` and `predicted`, the first one primary; set metrics keep both columns."""
    columns = {"truth": truth, "predicted": predicted}
    return [
        of_columns(m, ids, columns, primary=i == 0, groups=groups)
        if hasattr(m, "tradable")
        else of_values(m, ids, m(**columns), primary=i == 0, groups=groups)
        for i, m in enumerate(metrics)
    ]


def _names(groups: Sequence[str] | None) -> tuple[str, ...] | None:
    return None if groups is None else tuple(groups)
