"""The training log: from `steps.jsonl` to loss curves and to each task's share."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from accord.core.errors import DataError
from accord.core.records import StepRecord
from accord.reporting.summary import order_models

__all__ = ["Curve", "Share", "cosines", "curves", "main_run", "read_steps", "shares", "smooth", "weight_curves"]

OPTIONAL = frozenset({"weight", "cosines"})
"""What the record of a step may lack."""


@dataclass(frozen=True)
class Curve:
    """The losses of one task in one run, with their running mean.

    Args:
        steps: the task's own steps, counted from 1.
        losses: as logged.
        trend: centred mean over `window` steps, shorter at both ends.
    """

    task: str
    run: str
    steps: np.ndarray
    losses: np.ndarray
    trend: np.ndarray
    window: int


@dataclass(frozen=True)
class Share:
    """What one task took of a run."""

    task: str
    steps: int
    examples: int
    tokens: int


def read_steps(path: Path | str) -> list[StepRecord]:
    """Read the log; of a step that was run twice after a resume, the later record counts.

    A last line that was cut off by a kill is left out.

    Raises:
        DataError: a line is no step record; names the file and the line.
    """
    path = Path(path)
    if not path.is_file():
        return []
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    records: dict[tuple[str, int, str], StepRecord] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            record = _record(json.loads(line))
        except json.JSONDecodeError as error:
            if number == len(lines):
                break
            raise DataError(f"{path}:{number} is not valid JSON: {error}.") from error
        except (TypeError, AttributeError, ValueError) as error:
            raise DataError(f"{path}:{number} is no step record: {error}.") from error
        records[record.run, record.step, record.task] = record
    return sorted(records.values(), key=lambda r: r.step)


def _record(value: dict[str, Any]) -> StepRecord:
    known = {f.name for f in dataclasses.fields(StepRecord)}
    fields: dict[str, Any] = {
        k: math.nan if v is None and k not in OPTIONAL else v for k, v in value.items() if k in known
    }
    return StepRecord(**fields)


def smooth(values: np.ndarray, window: int) -> np.ndarray:
    """Centred running mean over what the window holds; it holds less at both ends, and NaN never counts.

    >>> smooth(np.array([0.0, 3.0, 6.0, 3.0]), 3).tolist()
    [1.5, 3.0, 4.0, 4.5]
    """
    half = max(0, (window - 1) // 2)
    places = np.arange(len(values))
    finite = np.isfinite(values)
    total = np.concatenate([[0.0], np.cumsum(np.where(finite, values, 0.0))])
    amount = np.concatenate([[0], np.cumsum(finite)])
    low, high = np.maximum(places - half, 0), np.minimum(places + half + 1, len(values))
    seen = amount[high] - amount[low]
    return np.where(seen > 0, (total[high] - total[low]) / np.maximum(seen, 1), np.nan)


def curves(steps: Sequence[StepRecord], tasks: Sequence[str] = ()) -> list[Curve]:
    """One curve a task and run, tasks in the given order, then runs: single, joint, others."""
    groups: dict[tuple[str, str], list[float]] = {}
    for record in steps:
        groups.setdefault((record.task, record.run), []).append(record.loss)
    return _curves(groups, tasks)


def weight_curves(steps: Sequence[StepRecord], tasks: Sequence[str] = ()) -> list[Curve]:
    """The same of the weights that tasks had in balanced steps; nothing where none was balanced."""
    groups: dict[tuple[str, str], list[float]] = {}
    for record in steps:
        if record.weight is not None:
            groups.setdefault((record.task, record.run), []).append(record.weight)
    return _curves(groups, tasks)


def cosines(steps: Sequence[StepRecord]) -> list[tuple[str, str, float]]:
    """Mean cosines between the gradients of each two tasks over all balanced steps that took them one by one."""
    found: dict[tuple[str, str], list[float]] = {}
    for record in steps:
        for other, cosine in (record.cosines or {}).items():
            if (other, record.task) not in found:
                found.setdefault((record.task, other), []).append(cosine)
    return [(a, b, float(np.mean(values))) for (a, b), values in found.items()]


def _curves(groups: dict[tuple[str, str], list[float]], tasks: Sequence[str]) -> list[Curve]:
    order = list(dict.fromkeys([*tasks, *(task for task, _ in groups)]))
    runs = order_models((run for _, run in groups), order)
    found = []
    for (task, run), losses in sorted(groups.items(), key=lambda g: (order.index(g[0][0]), runs.index(g[0][1]))):
        values = np.asarray(losses, dtype=np.float64)
        window = max(1, len(values) // 6) | 1
        found.append(Curve(task, run, np.arange(1, len(values) + 1), values, smooth(values, window), window))
    return found


def main_run(steps: Sequence[StepRecord]) -> str | None:
    """The run that shares an encoder: joint, or else the first that is no single task."""
    runs = order_models(record.run for record in steps)
    shared = [run for run in runs if not run.startswith("single:")]
    return "joint" if "joint" in shared else next(iter(shared), None)


def shares(steps: Sequence[StepRecord], run: str | None, tasks: Sequence[str] = ()) -> list[Share]:
    """Steps, examples and tokens of each task in one run."""
    mine = [record for record in steps if record.run == run]
    order = list(dict.fromkeys([*tasks, *(record.task for record in mine)]))
    groups = [(task, [record for record in mine if record.task == task]) for task in order]
    return [
        Share(task, len(rows), sum(r.examples for r in rows), sum(r.tokens for r in rows))
        for task, rows in groups
        if rows
    ]
