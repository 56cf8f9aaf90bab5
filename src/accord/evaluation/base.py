"""The doors of the room: what a metric and a task promise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy as np

from accord.core.progress import Progress, silent
from accord.core.types import Encodes
from accord.data.signals import Signal
from accord.evaluation.judged import Judged
from accord.evaluation.measured import Measured

__all__ = ["Evaluation", "ExampleMetric", "Metric", "RankingMetric", "SetMetric"]


@runtime_checkable
class RankingMetric(Protocol):
    """One value a query, from its first `k` documents."""

    @property
    def k(self) -> int:
        """The cut."""
        ...

    def __call__(self, judged: Judged) -> np.ndarray:
        """(queries,) values."""
        ...


@runtime_checkable
class SetMetric(Protocol):
    """One number for all rows together."""

    def __call__(self, *columns: np.ndarray) -> float:
        """The number; columns have fixed names."""
        ...

    def tradable(self, *columns: np.ndarray) -> Mapping[str, np.ndarray]:
        """The same columns in a form in which the rows of two systems may be traded one by one."""
        ...


class ExampleMetric(Protocol):
    """One value an example, from two columns."""

    def __call__(self, truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
        """(n,) values."""
        ...


Metric: TypeAlias = Any
"""A :class:`RankingMetric`, an :class:`ExampleMetric` or a :class:`SetMetric`."""


class Evaluation(Protocol):
    """Puts an encoder to one use and measures it; the constructor is the schema of its recipe entry."""

    signals: tuple[type[Signal], ...]
    """The signals that it can read."""

    def evaluate(
        self,
        model: Encodes,
        *,
        train: Signal,
        test: Signal,
        seed: int = 0,
        prompts: tuple[str | None, str | None] | None = None,
        progress: Progress = silent,
    ) -> Sequence[Measured]:
        """Measure `model` on `test`, the primary metric first.

        Args:
            model: what is measured; stays as it is.
            train: rows that a probe may learn from.
            test: rows that decide.
            seed: of whatever is drawn.
            prompts: names of the prompts for queries and for documents; the model's own choice when None.
            progress: told of encoding and searching.
        """
        ...
