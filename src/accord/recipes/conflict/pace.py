"""How long a conflict report will take, from the seconds of one batch of each task."""

from __future__ import annotations

from collections.abc import Sequence

from accord.recipes.conflict.weights import DEV_BATCHES, POINTS
from accord.recipes.prepare import PreparedTask
from accord.training.probe_batches import ProbeBatches

__all__ = ["expected_seconds"]

FORWARD = 0.35
"""What a forward pass costs, as a share of a forward and a backward one."""


def expected_seconds(
    pace: Sequence[float], probe: ProbeBatches, *, lookaheads: int, steps: int, judged: Sequence[PreparedTask] | None
) -> dict[str, float]:
    """Expected seconds of each stage.

    Args:
        pace: seconds of one batch, forward and backward, of each task.
        probe: the batches.
        lookaheads: tried steps of each task.
        steps: of each short training.
        judged: the tasks with the rows that transfer looks at; without them neither it nor barriers are counted.
    """
    tasks, once = len(pace), sum(pace)
    ahead = min(lookaheads, *probe.counts)
    plan = {
        "gradients": sum(p * count for p, count in zip(pace, probe.counts)) + ahead * tasks * once * FORWARD,
        "short trainings": 2 * steps * once,
    }
    if judged is not None:
        looks = 2 * (POINTS - 2) * (tasks - 1) + 2 * tasks + 1  # between experts, at them, and before
        plan["loss barriers"] = looks * DEV_BATCHES * once * FORWARD
        rows = [len(task.dev) + getattr(task.evaluations[0], "learns", True) * len(task.train) for task in judged]
        all_rows = sum(n / size * p * FORWARD for n, size, p in zip(rows, probe.sizes, pace))
        plan["transfer"] = (1 + 2 * tasks) * all_rows
    return plan
