"""Evaluate models on the tasks of a recipe: measured values, scores with intervals, paired comparisons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa

from accord.core.environment import environment
from accord.core.errors import InputError
from accord.core.progress import Progress, silent
from accord.core.records import Comparison, Results, Score
from accord.core.types import Encodes
from accord.encoders import TextEncoder, load
from accord.evaluation import CachedEncoder, Measured, Observed, compare, scores
from accord.evaluation.observed import to_rows
from accord.recipes.prepare import Prepared, PreparedTask, prepare
from accord.recipes.recipe import Recipe

__all__ = ["Evaluation", "evaluate", "measure", "observe"]


@dataclass(frozen=True)
class Evaluation:
    """What :func:`evaluate` found.

    Args:
        scores: one row a model, task and metric.
        comparisons: paired differences of the primary metrics, p after Holm.
        examples: per-example values (model, seed, metric, example_id, value), by task.
        results: the same as one record that goes to JSON.
    """

    scores: Sequence[Score]
    comparisons: Sequence[Comparison]
    results: Results
    examples: Mapping[str, pa.Table] = field(repr=False)


class AtPrecision:
    """An encoder that always computes in one precision.

    Args:
        encoder: ours.
        precision: as in :meth:`~accord.encoders.TextEncoder.encode`.
    """

    def __init__(self, encoder: TextEncoder, precision: str) -> None:
        self.encoder = encoder
        self.precision = precision
        self.prompts = encoder.prompts
        self.similarity_name = encoder.similarity_name

    def encode_query(
        self, texts: Sequence[str], *, prompt_name: str | None = None, progress: Progress | None = None
    ) -> np.ndarray:
        """Rows for queries, (n, dim) float32."""
        return self.encoder.encode_query(texts, prompt_name=prompt_name, precision=self.precision, progress=progress)

    def encode_document(
        self, texts: Sequence[str], *, prompt_name: str | None = None, progress: Progress | None = None
    ) -> np.ndarray:
        """Rows for documents, (n, dim) float32."""
        return self.encoder.encode_document(texts, prompt_name=prompt_name, precision=self.precision, progress=progress)


def measure(
    model: Encodes,
    tasks: Sequence[PreparedTask],
    *,
    split: str = "test",
    seed: int = 0,
    precision: str = "auto",
    label: str = "evaluate",
    progress: Progress = silent,
) -> dict[str, list[Measured]]:
    """Run every evaluation of some tasks on one model; each text is encoded once.

    Args:
        model: encodes queries and documents.
        tasks: prepared tasks.
        split: "test" or "dev".
        seed: of probes and clusterings.
        precision: of encoders that can choose; "auto" computes in bfloat16 where that is native and a probe allows it.
        label: what the progress bar says.
        progress: opens bars.

    Returns:
        task -> all that was measured, primary metrics marked.
    """
    cached = CachedEncoder(AtPrecision(model, precision) if isinstance(model, TextEncoder) else model)
    found: dict[str, list[Measured]] = {}
    with progress(label, total=sum(len(t.evaluations) for t in tasks), unit="evaluations") as advance:
        for task in tasks:
            query, document = task.prompts
            known = getattr(model, "prompts", {})
            prompts = tuple(name if name in known else None for name in (query, document))
            found[task.name] = []
            for evaluation in task.evaluations:
                found[task.name] += evaluation.evaluate(
                    cached, train=task.train, test=getattr(task, split), seed=seed, prompts=prompts
                )
                advance(1)
    return found


def observe(model: str, seed: int, found: Mapping[str, Sequence[Measured]]) -> list[Observed]:
    """Put the names of model, seed and task to what :func:`measure` found."""
    return [
        Observed(model=model, task=task, seed=seed, measured=measured)
        for task, several in found.items()
        for measured in several
    ]


def evaluate(
    models: Sequence[Encodes | str | Path], recipe: Recipe | str | Path | Prepared, *, progress: Progress = silent
) -> Evaluation:
    """Evaluate models on the test splits of a recipe's tasks and compare each with the first.

    Args:
        models: encoders, or what :func:`accord.load` takes.
        recipe: a recipe, its name or path, or prepared data.
        progress: opens bars.

    Returns:
        Scores, paired comparisons with the first model, and per-example values.

    Raises:
        InputError: no model, or a recipe that cannot be prepared.
    """
    if not models:
        raise InputError("`models` is empty: name at least one model to evaluate.")
    prepared = recipe if isinstance(recipe, Prepared) else prepare(_recipe(recipe), progress=progress)
    names = _names(models)
    seed = prepared.recipe.spec.seeds[0]
    tasks = list(prepared.tasks.values())
    rules = prepared.recipe.spec.evaluate
    observed: list[Observed] = []
    for name, model in zip(names, models):
        loaded = load(str(model)) if isinstance(model, (str, Path)) else model
        label = f"evaluate {name}"
        found = measure(loaded, tasks, seed=seed, precision=rules.precision, label=label, progress=progress)
        observed += observe(name, seed, found)
    scored = scores(observed, level=rules.level, resamples=rules.resamples)
    pairs = [(name, names[0]) for name in names[1:]]
    comparisons = compare(observed, pairs, level=rules.level, resamples=rules.resamples)
    results = Results(
        scores=tuple(scored),
        comparisons=tuple(comparisons),
        environment=environment(),
        seeds=prepared.recipe.spec.seeds,
        data_hashes=prepared.hashes(),
        details={"level": rules.level},
    )
    examples = {t.name: to_rows([one for one in observed if one.task == t.name]) for t in tasks}
    return Evaluation(scored, comparisons, results, examples)


def _recipe(recipe: Recipe | str | Path) -> Recipe:
    return recipe if isinstance(recipe, Recipe) else Recipe.load(recipe)


def _names(models: Sequence[Encodes | str | Path]) -> list[str]:
    """A distinct name for each model."""
    names: list[str] = []
    for number, model in enumerate(models):
        name = str(model) if isinstance(model, (str, Path)) else str(getattr(model, "name", f"model-{number}"))
        names.append(name if name not in names else f"{name}#{number}")
    return names
