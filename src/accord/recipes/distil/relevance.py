"""Several teachers: how relevant each is to a recipe's tasks, and how much it counts for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from accord.compression.distil.relevance import parc, rank_agreement, relevance_weights
from accord.core.checks import check_choice
from accord.core.errors import InputError
from accord.core.progress import Progress, silent
from accord.core.random import numpy_generator
from accord.data.signals import Labelled, Pairs, Ranked, Scored, Signal
from accord.encoders import StaticEncoder, TextEncoder
from accord.maths.nearest import row_scores
from accord.recipes.distil.texts import role_prompt
from accord.recipes.prepare import PreparedTask

__all__ = ["WEIGHINGS", "relevance_rows", "teacher_relevance", "teacher_weights"]

WEIGHINGS = ("nearest", "weighted", "uniform")
PROBE = 512
"""Rows of a train part that teachers are judged on."""
POWER = 12.0

Encoder = TextEncoder | StaticEncoder


def teacher_relevance(
    teachers: Mapping[str, Encoder], tasks: Sequence[PreparedTask], *, seed: int, progress: Progress = silent
) -> dict[str, list[float]]:
    """How well the vectors of each teacher agree with what a few train rows of each task say is near.

    Labelled texts, pairs and lists are judged by :func:`~accord.compression.distil.relevance.parc`; scored pairs by the
    rank correlation of cosines and scores. Tasks that say nothing of nearness, or too little, are left out.

    Args:
        teachers: by name.
        tasks: prepared.
        seed: of the rows.
        progress: opens a bar.

    Returns:
        task -> one number a teacher.

    Raises:
        InputError: no task says anything.
    """
    found: dict[str, list[float]] = {}
    with progress("relevance of teachers", total=len(tasks) * len(teachers), unit="teachers") as advance:
        for task in tasks:
            count = len(task.train)
            order = numpy_generator(seed, "distil", "probe", task.name).permutation(count)
            rows = task.train.take(np.sort(order[:PROBE]))
            scores = []
            for teacher in teachers.values():
                scores.append(_agreement(teacher, task, rows))
                advance(1)
            kept = [score for score in scores if score is not None]
            if len(kept) == len(scores):
                found[task.name] = kept
    if not found:
        raise InputError(
            "`weigh` looks at labels, pairs or scores to judge teachers, and no task of the recipe has enough of them. "
            "Set `weigh` to uniform, or name one teacher."
        )
    return found


def _agreement(teacher: Encoder, task: PreparedTask, rows: Signal) -> float | None:
    """One teacher on some rows; None where they say nothing."""
    query, document = (role_prompt(teacher, role, name) for role, name in zip(("query", "document"), task.prompts))
    if isinstance(rows, Scored):
        left, right = (teacher.encode(rows.column(name), prompt=query) for name in ("text1", "text2"))
        return rank_agreement(row_scores(left, right), np.asarray(rows.column("score"), dtype=np.float64))
    if isinstance(rows, Labelled):
        features, labels = teacher.encode(rows.column("text"), prompt=query), list(rows.column("label"))
    elif isinstance(rows, (Pairs, Ranked)):
        answers = rows.column("positive") if isinstance(rows, Pairs) else [few[0] for few in rows.column("pos")]
        left = teacher.encode(rows.column("anchor" if isinstance(rows, Pairs) else "query"), prompt=query)
        features = np.concatenate([left, teacher.encode(answers, prompt=document)])
        labels = [*answers, *answers]
    else:
        return None
    try:
        return parc(features, labels)
    except InputError:  # one label, or a row each
        return None


def teacher_weights(found: Mapping[str, Sequence[float]], weigh: str) -> np.ndarray:
    """The share of each teacher: the mean over tasks, so that each counts alike whatever its scale.

    Args:
        found: of :func:`teacher_relevance`.
        weigh: "nearest", "weighted" or "uniform".

    Returns:
        (teachers) of sum 1; 1 for the most relevant teacher alone where it is "nearest".

    >>> found = {"topics": [0.4, 0.2], "questions": [0.1, 0.1]}
    >>> teacher_weights(found, "nearest").tolist(), teacher_weights(found, "weighted").round(2).tolist()
    ([1.0, 0.0], [0.75, 0.25])
    """
    check_choice("weigh", weigh, WEIGHINGS)
    power = {"nearest": 1.0, "weighted": POWER, "uniform": 0.0}[weigh]
    shares = np.mean([relevance_weights(scores, power=power) for scores in found.values()], axis=0)
    return np.eye(len(shares))[shares.argmax()] if weigh == "nearest" else shares


def relevance_rows(
    names: Sequence[str], models: Sequence[str], found: Mapping[str, Sequence[float]], weights: Sequence[float]
) -> list[dict[str, Any]]:
    """For the record: each teacher with its relevance by task and its share."""
    return [
        {
            "teacher": name,
            "model": model,
            "weight": float(weights[k]),
            "relevance": {task: scores[k] for task, scores in found.items()},
        }
        for k, (name, model) in enumerate(zip(names, models))
    ]
