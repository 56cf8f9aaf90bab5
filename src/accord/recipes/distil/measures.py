"""What a student kept of its teachers: scores, comparisons, sizes, speeds; and its card."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from accord.core.environment import environment
from accord.core.progress import Progress, silent
from accord.core.records import Results
from accord.encoders import StaticEncoder, TextEncoder
from accord.encoders.card import Facts, write_card
from accord.evaluation import KeptResults, Observed, compare, scores
from accord.recipes.distil.texts import role_prompt
from accord.recipes.evaluate import measure_each, observe
from accord.recipes.prepare import Prepared, task_row

__all__ = ["measure_student", "write_student_card"]

Encoder = TextEncoder | StaticEncoder
TIMED = 256
"""Texts that the speed of a model is measured on."""
NAMED = 0.01
"""Share from which on a teacher is named on the card."""


def measure_student(
    prepared: Prepared,
    models: Mapping[str, Encoder],
    texts: Sequence[str],
    *,
    kept: KeptResults,
    progress: Progress = silent,
) -> Results:
    """Judge teachers, start and student on the test parts of a recipe, the student against all others.

    Args:
        prepared: the recipe's tasks.
        models: by name; one is called "student".
        texts: to measure speeds on.
        kept: measurements of an earlier call.
        progress: opens bars.
    """
    tasks, spec = list(prepared.tasks.values()), prepared.recipe.spec
    rules, seed = spec.evaluate, spec.seeds[0]
    observed: list[Observed] = []
    for name, model in models.items():
        settings: dict[str, Any] = {"seed": seed, "precision": rules.precision, "label": f"evaluate {name}"}
        for one in measure_each(model, tasks, kept=kept, progress=progress, **settings):
            observed += observe(name, seed, {one.task: one.measured})
    pairs = [("student", name) for name in models if name != "student"]
    return Results(
        scores=tuple(scores(observed, level=rules.level, resamples=rules.resamples)),
        comparisons=tuple(compare(observed, pairs, level=rules.level, resamples=rules.resamples)),
        environment=environment(),
        seeds=(seed,),
        data_hashes=prepared.hashes(),
        details={
            "level": rules.level,
            "models": [_size(name, model, texts[:TIMED]) for name, model in models.items()],
            "tasks": [task_row(task) for task in tasks],
            "leakage": list(prepared.leakage),
            "notes": list(prepared.notes),
        },
    )


def write_student_card(folder: Path, results: Results) -> None:
    """Write the README of a student.

    Args:
        folder: of the saved student.
        results: of :func:`measure_student`, with the record of the distillation.
    """
    details = results.details
    teachers = ", ".join(Path(row["model"]).name for row in details["distil"]["teachers"] if row["weight"] >= NAMED)
    facts = Facts(
        name=f"A text encoder distilled from {teachers}",
        model="student",
        base=teachers,
        tasks=details["tasks"],
        data_hashes=results.data_hashes,
        scores=results.scores,
        comparisons=results.comparisons,
        level=details["level"],
        environment=results.environment,
    )
    write_card(folder, facts)


def _size(name: str, model: Encoder, texts: Sequence[str]) -> dict[str, Any]:
    """How large a model is, and how many texts a second it encodes here and now."""
    prompt = role_prompt(model, "query", None)
    model.encode(texts[:16], prompt=prompt, precision="auto")
    begun = time.perf_counter()
    model.encode(texts, prompt=prompt, precision="auto")
    seconds = time.perf_counter() - begun
    parameters = sum(p.numel() for p in model.parameters())
    return {
        "name": name,
        "layers": model.num_layers,
        "dim": model.dim,
        "parameters": parameters,
        "megabytes": round(parameters * 4 / 1e6, 1),
        "texts_per_second": round(len(texts) / max(seconds, 1e-9), 1),
    }
