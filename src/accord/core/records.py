"""Results and steps as frozen records that go to JSON and back: what strangers hand to each other."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from accord.core.errors import DataError
from accord.core.storage import read_json, write_json

__all__ = ["RESULTS_FORMAT", "Comparison", "Results", "Score", "StepRecord"]

RESULTS_FORMAT = "accord-results/1"


@dataclass(frozen=True, kw_only=True)
class Score:
    """One number about one model on one task, with its interval.

    Args:
        ci: lower and upper end at the level of the run (95 % unless told otherwise).
        n: how many examples the number rests on.
    """

    model: str
    task: str
    metric: str
    primary: bool
    split: str
    seed: int
    score: float
    ci: tuple[float, float]
    n: int


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """The paired difference a - b on one task.

    Args:
        effect: mean difference, in the metric's own unit.
        p: two-sided, after Holm's correction over the comparisons of the run.
        distinguishable: p below 1 - level, after the correction.
        n_needed: examples with which a difference of this size would be distinguishable four times in five;
            None where the difference is zero.
    """

    a: str
    b: str
    task: str
    metric: str
    effect: float
    ci: tuple[float, float]
    p: float
    distinguishable: bool
    n: int
    n_needed: int | None


@dataclass(frozen=True, kw_only=True)
class StepRecord:
    """One optimiser step as it went.

    Args:
        step: counted from 1.
        task: whose batch it was.
        loss: of the full batch, before the task's loss weight.
        learning_rate: used in this step.
        gradient_norm: before clipping.
        examples: rows of the batch.
        tokens: real tokens that went through the encoder (folded duplicates counted once).
        seconds: wall-clock time of the step.
        weight: of the task in a balanced step; 1 is what it has in a joint one.
        cosines: between the task's gradient and that of each other task, by name, in a balanced step that took them one
            by one.
    """

    run: str
    step: int
    task: str
    loss: float
    learning_rate: float
    gradient_norm: float
    examples: int
    tokens: int
    seconds: float
    weight: float | None = None
    cosines: Mapping[str, float] | None = None


@dataclass(frozen=True, kw_only=True)
class Results:
    """Everything that a run measured; `results.json` in the run folder."""

    scores: Sequence[Score]
    comparisons: Sequence[Comparison] = ()
    environment: Mapping[str, Any] = field(default_factory=dict)
    seeds: Sequence[int] = (0,)
    data_hashes: Mapping[str, str] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)
    format: str = RESULTS_FORMAT

    def to_json(self) -> dict[str, Any]:
        """A JSON value; numbers that JSON cannot hold become null."""
        return _plain(dataclasses.asdict(self))

    def save(self, path: Path | str) -> None:
        """Write it atomically."""
        write_json(path, self.to_json())

    @classmethod
    def load(cls, path: Path | str) -> Results:
        """Read it back.

        Raises:
            DataError: not a results file of this format.
        """
        path = Path(path)
        if not path.is_file():
            raise DataError(f"{path} does not exist. A run folder holds `results.json` once its run has finished.")
        try:
            value = read_json(path)
        except json.JSONDecodeError as error:
            raise DataError(f"{path} is not valid JSON: {error}.") from error
        if not isinstance(value, dict) or value.get("format") != RESULTS_FORMAT:
            raise DataError(f"{path} is not of the format {RESULTS_FORMAT}.")
        known = {f.name for f in dataclasses.fields(cls)}
        fields = {k: v for k, v in value.items() if k in known}
        fields["scores"] = tuple(_row(Score, row) for row in value["scores"])
        fields["comparisons"] = tuple(_row(Comparison, row) for row in value.get("comparisons", ()))
        return cls(**fields)


def _row(kind: type, row: Mapping[str, Any]) -> Any:
    numbers = {k: math.nan if v is None and k in {"score", "effect", "p"} else v for k, v in row.items()}
    low, high = row["ci"]
    numbers["ci"] = (math.nan if low is None else low, math.nan if high is None else high)
    return kind(**numbers)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
