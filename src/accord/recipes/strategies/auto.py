"""Choosing the strategy: measure the conflict, try what may help within a budget, let the dev parts decide."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from functools import partial
from typing import Any

from accord.evaluation import Observed
from accord.recipes.conflict.gradients import gradient_conflict
from accord.recipes.evaluate import measure, observe
from accord.recipes.prepare import PreparedTask
from accord.recipes.schema import STRATEGIES, AutoSpec
from accord.recipes.sharing import within
from accord.recipes.stages import Stages
from accord.recipes.starting import fresh_model
from accord.recipes.strategies.dev_choice import pick
from accord.recipes.strategies.named import strategy_of
from accord.recipes.training_tasks import training_task

__all__ = ["choose"]


def choose(stages: Stages, tasks: Sequence[PreparedTask]) -> list[str]:
    """Choose the run's strategy, or read how an earlier call chose; the test parts play no role.

    Args:
        stages: of the run.
        tasks: all of the recipe's.

    Returns:
        Names of the strategies that were tried, the simplest first.
    """
    folder, spec = stages.folder, stages.recipe.spec
    auto = spec.train.auto or AutoSpec()
    stages.lead(folder.settle)
    record: dict[str, Any] = stages.processes.lead(lambda: folder.decision)
    if record["chosen"] is not None:
        return record["tried"]
    if "conflict" not in record:
        with stages.timed("measure conflict"):
            found = stages.processes.lead(lambda: _conflict(stages, tasks, auto.batches))
        record = {**record, "conflict": found}
        stages.lead(lambda: folder.choose(record))
    clear = record["conflict"]["verdict"] == "no conflict"
    names = ["joint"] if clear else within(auto.budget)
    observed, seconds = _try(stages, tasks, names)
    rules = {"level": spec.evaluate.level, "resamples": spec.evaluate.resamples}
    taken, rows = stages.processes.lead(lambda: pick(observed, names, **rules))
    why = f"it would go beyond the budget of {auto.budget:g} times the joint training"
    record |= {
        "chosen": taken,
        "budget": auto.budget,
        "tried": names,
        "skipped": [{"name": name, "why": why} for name in STRATEGIES if not clear and name not in names],
        "dev": rows,
        "dev_seconds": round(seconds, 2),
    }
    stages.lead(lambda: folder.choose(record))
    return names


def _try(stages: Stages, tasks: Sequence[PreparedTask], names: Sequence[str]) -> tuple[list[Observed], float]:
    """Make the encoders of some strategies and judge them on the dev parts; one alone need not be judged."""
    seconds, observed = 0.0, []
    for name in names:
        for seed in stages.recipe.spec.seeds:
            encoder = strategy_of(name).make(stages, tasks, seed=seed)
            if len(names) > 1:
                begun = time.perf_counter()
                work = partial(_on_dev, stages, name, encoder, tasks, seed)
                observed += stages.processes.together(work)
                seconds += time.perf_counter() - begun
    return observed, seconds


def _conflict(stages: Stages, tasks: Sequence[PreparedTask], batches: int) -> dict[str, Any]:
    """What the gradients of the tasks at the base model say, as a record."""
    seed = stages.recipe.spec.seeds[0]
    encoder = fresh_model(stages.recipe.spec.encoder, tasks, seed=seed)
    asked = [training_task(task, encoder, stages.teachers) for task in tasks]
    settings = stages.settings(tasks, seed=seed)
    level = stages.recipe.spec.evaluate.level
    found = gradient_conflict(encoder, asked, settings, batches=batches, level=level, progress=stages.progress)
    pairs = [
        {
            "a": pair.a,
            "b": pair.b,
            "verdict": pair.verdict,
            "cosine": _number(pair.batch_cosine.value),
            "ci": [_number(pair.batch_cosine.low), _number(pair.batch_cosine.high)],
            "margin": _number(pair.margin),
        }
        for pair in found.pairs
    ]
    seconds = round(found.seconds, 2)
    return {
        "verdict": found.verdict,
        "pairs": pairs,
        "batches": batches,
        "seconds": seconds,
        "notes": list(found.notes),
    }


def _number(value: float) -> float | None:
    """A number that JSON can hold."""
    return float(value) if math.isfinite(value) else None


def _on_dev(stages: Stages, name: str, encoder: Any, tasks: Sequence[PreparedTask], seed: int) -> list[Observed]:
    """What a model does on the dev parts, in the leading process."""
    if not stages.processes.leads:
        return []
    precision = stages.recipe.spec.evaluate.precision
    judged = [task for task in tasks if task.evaluations]
    label = f"evaluate {name} on dev"
    found = measure(encoder, judged, split="dev", seed=seed, precision=precision, label=label, progress=stages.progress)
    return observe(name, seed, found)
