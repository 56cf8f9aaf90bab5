"""The rows that a conflict report looks at."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from accord.core.random import numpy_generator
from accord.data.signals import Labelled, Signal
from accord.recipes.prepare import PreparedTask

__all__ = ["LEARNED", "SAMPLE", "judged_rows", "sampled_rows"]

SAMPLE = 20_000
"""Train rows of a task that are looked at, drawn at random."""
LEARNED = 1_000
"""Labelled train rows of a task that a probe learns from for the transfer matrix, drawn at random."""


def sampled_rows(task: PreparedTask, seed: int) -> PreparedTask:
    """The task with at most 20,000 of its train rows."""
    return _drawn(task, SAMPLE, seed, "sample") if isinstance(task.train, Signal) else task


def judged_rows(task: PreparedTask, seed: int) -> PreparedTask:
    """The task as transfer judges it: by its first evaluation, with a probe that learns from 1,000 rows at most."""
    task = replace(task, evaluations=task.evaluations[:1])
    return _drawn(task, LEARNED, seed, "learned") if isinstance(task.train, Labelled) else task


def _drawn(task: PreparedTask, count: int, seed: int, purpose: str) -> PreparedTask:
    """The task with at most `count` train rows, in their order."""
    if len(task.train) <= count:
        return task
    rows = numpy_generator(seed, purpose, task.name).permutation(len(task.train))[:count]
    return replace(task, train=task.train.take(np.sort(rows)))
