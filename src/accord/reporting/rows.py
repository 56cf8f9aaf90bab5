"""The rows of a report: a score by model, and a difference with its verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from accord.reporting import formats

__all__ = ["Cell", "Difference", "Row", "Verdict", "kind"]

Verdict = Literal["better", "worse", "same", "unmeasured"]


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One model on one task: the score and its interval.

    Args:
        score: mean over the seeds.
        low: lower end; of several seeds the lowest.
        high: upper end; of several seeds the highest.
        seeds: how many there are.
    """

    score: float
    low: float
    high: float
    seeds: int


@dataclass(frozen=True, kw_only=True)
class Row:
    """One metric of one task, a cell a column."""

    task: str
    metric: str
    primary: bool
    n: int
    cells: Mapping[str, Cell]


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One paired comparison in plain words.

    Args:
        pair: "joint − base", "joint − single"; "single" stands for the model of the row's own task.
        words: the verdict as a phrase.
    """

    a: str
    b: str
    task: str
    metric: str
    primary: bool
    effect: float
    low: float
    high: float
    p: float
    n: int
    n_needed: int | None
    verdict: Verdict
    words: str

    @property
    def pair(self) -> str:
        """Both sides as one label."""
        return f"{self.a} {formats.MINUS} {self.b}"


def kind(name: str) -> str:
    """What a model is, without its task and its seed.

    >>> kind("single:topic@1"), kind("joint@1"), kind("run:a@b")
    ('single', 'joint', 'run')
    """
    return name.partition(":")[0].partition("@")[0]
