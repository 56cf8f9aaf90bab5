"""Evaluate models on the tasks of a recipe: measured values, scores with intervals, paired comparisons."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pyarrow as pa

from accord.core.environment import environment
from accord.core.errors import InputError
from accord.core.progress import Progress, silent
from accord.core.records import Comparison, Results, Score
from accord.core.types import Encodes, Scores
from accord.data.signals import Signal
from accord.encoders import TextEncoder, load, locate, pairs
from accord.encoders.kinds import is_cross_encoder
from accord.evaluation import CachedEncoder, Measured, Observed, compare, scores
from accord.evaluation.family import EvaluationTask, scores_only
from accord.evaluation.kept import KeptResults, question
from accord.evaluation.measured import Measurement
from accord.evaluation.observed import to_rows
from accord.recipes.models import head_labels
from accord.recipes.mteb_files import write_mteb
from accord.recipes.prepare import Prepared, PreparedTask, prepare
from accord.recipes.recipe import Recipe

if TYPE_CHECKING:
    from accord.encoders.pairs import CrossEncoder
    from accord.encoders.static import StaticEncoder

__all__ = ["AtPrecision", "Evaluation", "evaluate", "learned_from", "load_any", "measure", "measure_each", "observe"]

TUNING_ROWS = 100

SAMPLE = 20_000
"""Rows, spread evenly, that stand for a streamed train part."""


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

    def encode(
        self, texts: Sequence[str], *, prompt_name: str | None = None, progress: Progress | None = None
    ) -> np.ndarray:
        """Rows for texts in no role, (n, dim) float32."""
        return self.encoder.encode(texts, prompt_name=prompt_name, precision=self.precision, progress=progress)

    def encode_document(
        self, texts: Sequence[str], *, prompt_name: str | None = None, progress: Progress | None = None
    ) -> np.ndarray:
        """Rows for documents, (n, dim) float32."""
        return self.encoder.encode_document(texts, prompt_name=prompt_name, precision=self.precision, progress=progress)


def measure(
    model: Encodes | Scores,
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
    found: dict[str, list[Measured]] = {task.name: [] for task in tasks}
    each = measure_each(model, tasks, split=split, seed=seed, precision=precision, label=label, progress=progress)
    for one in each:
        found[one.task] += one.measured
    return found


def measure_each(
    model: Encodes | Scores,
    tasks: Sequence[PreparedTask],
    *,
    split: str = "test",
    seed: int = 0,
    precision: str = "auto",
    label: str = "evaluate",
    kept: KeptResults | None = None,
    progress: Progress = silent,
) -> list[Measurement]:
    """As :func:`measure`, evaluation by evaluation; what `kept` holds is read and not measured.

    Args:
        model: encodes queries and documents, or scores pairs.
        tasks: prepared tasks.
        split: "test" or "dev".
        seed: of probes and clusterings.
        precision: of encoders that can choose.
        label: what the progress bar says.
        kept: measurements of earlier calls, to read and to add to.
        progress: opens bars.

    Returns:
        One a task and evaluation, in the recipe's order.
    """
    quick = AtPrecision(model, precision) if isinstance(model, TextEncoder) else model
    reader = quick if scores_only(model) else CachedEncoder(cast(Encodes, quick))
    found = []
    with progress(label, total=sum(len(t.evaluations) for t in tasks), unit="evaluations") as advance:
        for task in tasks:
            known = getattr(model, "prompts", {})
            query, document = (name if name in known else None for name in task.prompts)
            for evaluation in task.evaluations:
                begun = time.perf_counter()
                rows = {"train": learned_from(task, evaluation, split), "test": getattr(task, split)}
                rules = {"seed": seed, "prompts": (query, document)}
                asked = kept and question(model, evaluation, **rows, **rules, precision=precision)
                measured = kept.find(asked) if kept and asked else None
                again = measured is not None
                if measured is None:
                    measured = evaluation.evaluate(reader, **rows, **rules)
                    if kept and asked:
                        kept.keep(asked, measured)
                found.append(Measurement(task.name, evaluation, measured, again, time.perf_counter() - begun))
                advance(1)
    return found


def learned_from(task: PreparedTask, evaluation: Any, split: str) -> Signal:
    """The rows that a probe or a threshold learns from: for a threshold, rows that the model was not trained on.

    Args:
        task: whose rows.
        evaluation: what learns.
        split: "test" or "dev", which it is measured on.
    """
    apart = getattr(evaluation, "tunes", False) and split == "test" and len(task.dev) >= TUNING_ROWS
    rows = task.dev if apart else task.train
    if isinstance(rows, Signal) or not getattr(evaluation, "learns", True):
        return cast(Signal, rows)
    return rows.take(np.unique(np.linspace(0, len(rows) - 1, SAMPLE).astype(np.int64)))


def observe(model: str, seed: int, found: Mapping[str, Sequence[Measured]]) -> list[Observed]:
    """Put the names of model, seed and task to what :func:`measure` found."""
    return [
        Observed(model=model, task=task, seed=seed, measured=measured)
        for task, several in found.items()
        for measured in several
    ]


def evaluate(
    models: Sequence[Encodes | Scores | str | Path],
    recipe: Recipe | str | Path | Prepared,
    *,
    cache: Path | str | None = None,
    mteb_out: Path | str | None = None,
    progress: Progress = silent,
) -> Evaluation:
    """Evaluate models on the test splits of a recipe's tasks and compare each with the first.

    Args:
        models: encoders, cross-encoders, or what :func:`accord.load` takes.
        recipe: a recipe, its name or path, or prepared data.
        cache: folder of kept measurements; what was measured before on the same weights, prompts, rows and code is
            read from it. Nothing is kept when None.
        mteb_out: also write the scores here as mteb writes them.
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
    _check_labels(models, prepared)
    seed = prepared.recipe.spec.seeds[0]
    tasks = list(prepared.tasks.values())
    rules = prepared.recipe.spec.evaluate
    kept = None if cache is None else KeptResults(cache)
    found: dict[str, list[Measurement]] = {}
    for name, model in zip(names, models):
        loaded = load_any(model) if isinstance(model, (str, Path)) else model
        settings = {"seed": seed, "precision": rules.precision, "label": f"evaluate {name}"}
        found[name] = measure_each(loaded, tasks, kept=kept, progress=progress, **settings)
        if mteb_out is not None:
            write_mteb(mteb_out, name, loaded, found[name], prepared)
    observed = [one for name, several in found.items() for one in observe(name, seed, _by_task(several))]
    scored = scores(observed, level=rules.level, resamples=rules.resamples)
    questions = [(name, names[0]) for name in names[1:]]
    comparisons = compare(observed, questions, level=rules.level, resamples=rules.resamples)
    results = Results(
        scores=tuple(scored),
        comparisons=tuple(comparisons),
        environment=environment(),
        seeds=prepared.recipe.spec.seeds,
        data_hashes=prepared.hashes(),
        details={"level": rules.level, **_cache_note(cache, found)},
    )
    examples = {t.name: to_rows([one for one in observed if one.task == t.name]) for t in tasks}
    return Evaluation(scored, comparisons, results, examples)


def load_any(model: str | Path) -> TextEncoder | StaticEncoder | CrossEncoder:
    """The encoder or cross-encoder of a folder or name, whichever it holds."""
    return pairs.load(str(model)) if is_cross_encoder(locate(model)) else load(str(model))


def _check_labels(models: Sequence[Encodes | Scores | str | Path], prepared: Prepared) -> None:
    """Refuse a cross-encoder that some task cannot judge, before any model is measured."""
    for model in models:
        if isinstance(model, (str, Path)) and is_cross_encoder(folder := locate(model)):
            for task in prepared.tasks.values():
                for evaluation in task.evaluations:
                    if isinstance(evaluation, EvaluationTask):
                        evaluation.check_labels(head_labels(folder), of=str(model))


def _by_task(several: Sequence[Measurement]) -> dict[str, list[Measured]]:
    found: dict[str, list[Measured]] = {}
    for one in several:
        found.setdefault(one.task, []).extend(one.measured)
    return found


def _cache_note(cache: Path | str | None, found: Mapping[str, Sequence[Measurement]]) -> dict[str, Any]:
    """What came from the cache, for the record."""
    if cache is None:
        return {}
    rows = [
        {"model": name, "task": one.task, "evaluation": type(one.evaluation).__name__, "from_cache": one.kept}
        for name, several in found.items()
        for one in several
    ]
    return {"cache": {"folder": str(cache), "measurements": rows}}


def _recipe(recipe: Recipe | str | Path) -> Recipe:
    return recipe if isinstance(recipe, Recipe) else Recipe.load(recipe)


def _names(models: Sequence[Encodes | Scores | str | Path]) -> list[str]:
    """A distinct name for each model."""
    names: list[str] = []
    for number, model in enumerate(models):
        name = str(model) if isinstance(model, (str, Path)) else str(getattr(model, "name", f"model-{number}"))
        names.append(name if name not in names else f"{name}#{number}")
    return names
