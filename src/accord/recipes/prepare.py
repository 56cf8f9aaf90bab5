"""From a recipe to tasks with their rows: sources read, signals checked, splits made, leaks found. No model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pyarrow as pa

import accord.data.samplers as sampler_room
import accord.data.sources as source_room
import accord.evaluation.tasks as evaluation_room
import accord.objectives as objective_room
import accord.training as training_room
from accord.core.errors import InputError, RecipeError
from accord.core.progress import Progress, silent
from accord.core.spec import build
from accord.data import signals as signal_room
from accord.data.detect import detect
from accord.data.filters import min_per_label
from accord.data.leakage import find_leaks
from accord.data.signals import Labelled, Pairs, Signal
from accord.data.splits import split
from accord.objectives.base import contract
from accord.recipes.recipe import Recipe
from accord.recipes.schema import TaskSpec
from accord.training.fields import provided_fields
from accord.training.settings import EarlyStopping, Settings

__all__ = ["Prepared", "PreparedTask", "prepare", "settings_of"]


@dataclass(frozen=True)
class PreparedTask:
    """One task with its rows.

    Args:
        name: as in the recipe.
        spec: its part of the recipe.
        train: rows to learn from, leaks already dropped.
        dev: rows for early stopping.
        test: rows that judge.
        objective: built from the recipe.
        evaluations: built from the recipe, in its order.
        dropped: train rows that leakage took away.
    """

    name: str
    spec: TaskSpec
    train: Signal
    dev: Signal
    test: Signal
    objective: Any
    evaluations: Sequence[Any]
    dropped: int = 0

    @property
    def prompts(self) -> tuple[str | None, str | None]:
        """Names under which the model keeps this task's prompts for queries and documents."""
        given = self.spec.prompts
        return (f"{self.name}-query" if given.query else None, f"{self.name}-document" if given.document else None)


@dataclass(frozen=True)
class Prepared:
    """All tasks of a recipe.

    Args:
        recipe: what was prepared.
        tasks: by name, in the recipe's order.
        tables: each source as it was read.
        leakage: rows `{task, held_out_by, kind, count}`.
        notes: what the reader should know, e.g. labels that were too rare.
    """

    recipe: Recipe
    tasks: Mapping[str, PreparedTask]
    tables: Mapping[str, pa.Table]
    leakage: Sequence[Mapping[str, Any]]
    notes: Sequence[str] = field(default_factory=tuple)

    def hashes(self) -> dict[str, str]:
        """SHA-256 of the rows of each task and split."""
        return {
            f"{task.name}.{part}": getattr(task, part).fingerprint()
            for task in self.tasks.values()
            for part in ("train", "dev", "test")
        }


def prepare(recipe: Recipe, *, progress: Progress = silent) -> Prepared:
    """Read, check, split and clean all data of a recipe.

    Args:
        recipe: a validated recipe.
        progress: opens bars for slow sources.

    Raises:
        InputError: the first thing that makes the recipe impossible, with its place.
    """
    spec = recipe.spec
    objects = {name: _objects(name, task) for name, task in spec.tasks.items()}
    given = recipe.resolved()["sources"]
    used = dict.fromkeys(name for task in spec.tasks.values() for name in task.sources)
    sources = {name: build(given[name], source_room, f"sources.{name}") for name in used}
    tables = {name: source.load(progress=progress) for name, source in sources.items()}
    corpora = {name: s.corpus(progress) for name, s in sources.items() if isinstance(s, source_room.RetrievalFolder)}
    notes: list[str] = []
    tasks = {
        name: _make_task(name, task, _Rows(tables, corpora), objects[name], seed=spec.seeds[0], notes=notes)
        for name, task in spec.tasks.items()
    }
    cleaned, rows = _without_leaks(tasks, spec.leakage)
    return Prepared(recipe, cleaned, tables, rows, tuple(notes))


def _objects(name: str, task: TaskSpec) -> tuple[Any, list[Any]]:
    """The objective and the evaluations of a task, built before any data is read."""
    objective = build(task.objective, objective_room, f"tasks.{name}.objective")
    evaluations = [build(value, evaluation_room, f"tasks.{name}.evaluate") for value in task.evaluate]
    if not evaluations:
        raise RecipeError(f"tasks.{name}.evaluate is empty: name at least one way to judge the task.")
    metrics = [str(metric) for e in evaluations for metric in (e.primary, *(m for m in e.metrics if m != e.primary))]
    twice = sorted({metric for metric in metrics if metrics.count(metric) > 1})
    if twice:
        raise RecipeError(f"tasks.{name}.evaluate measures `{twice[0]}` twice. Leave one of the two evaluations out.")
    return objective, evaluations


@dataclass(frozen=True)
class _Rows:
    """What the sources gave: tables, and the corpora of retrieval folders."""

    tables: Mapping[str, pa.Table]
    corpora: Mapping[str, pa.Table]

    def signal(self, name: str, kind: type[Signal], task: TaskSpec) -> Signal:
        """The rows of one source as a signal."""
        signal = kind.of(self.tables[name], columns=task.columns)
        return signal.with_corpus(self.corpora[name]) if isinstance(signal, Pairs) and name in self.corpora else signal


def _make_task(
    name: str, task: TaskSpec, rows: _Rows, objects: tuple[Any, list[Any]], *, seed: int, notes: list[str]
) -> PreparedTask:
    """Turn the rows of a task's sources into a signal, check it against objective and evaluation, and divide it."""
    where = f"tasks.{name}"
    objective, evaluations = objects
    try:
        kind = getattr(signal_room, task.signal) if task.signal else detect(rows.tables[task.source], task.columns)
        contract(objective).check(provided_fields(kind), where="objective")
        _check_evaluations(evaluations, kind)
        signal = rows.signal(task.source, kind, task)
        if isinstance(signal, Labelled):
            kept = min_per_label(signal, task.min_per_label)
            signal = kept.signal
            if kept.dropped:
                notes.append(f"{name}: {len(kept.dropped)} labels with fewer than {task.min_per_label} rows left out.")
        parts = _parts(task, signal, lambda source: rows.signal(source, kind, task), seed=seed)
    except InputError as error:
        raise type(error)(f"{where}: {error}") from error
    return PreparedTask(name, task, *parts, objective, evaluations)


def _check_evaluations(evaluations: Sequence[Any], kind: type[Signal]) -> None:
    for evaluation in evaluations:
        if not issubclass(kind, tuple(evaluation.signals)):
            known = ", ".join(s.__name__ for s in evaluation.signals)
            raise InputError(
                f"{type(evaluation).__name__} judges {known}, and this task is {kind.__name__}. "
                "Choose another evaluation, or give `signal:`."
            )


def _parts(
    task: TaskSpec, signal: Signal, read: Callable[[str], Signal], *, seed: int
) -> tuple[Signal, Signal, Signal]:
    """Train, dev and test rows: from sources of their own where the recipe names them, else by splitting.

    Raises:
        InputError: no test rows.
    """
    rule = task.split
    dev = 0.0 if task.dev_source else rule.dev
    test = 0.0 if task.test_source else rule.test
    cut = split(signal, by=rule.by, stratify=rule.stratify, dev=dev, test=test, seed=seed)
    found = (
        signal.take(cut.train),
        read(task.dev_source) if task.dev_source else signal.take(cut.dev),
        read(task.test_source) if task.test_source else signal.take(cut.test),
    )
    if not len(found[2]):
        raise InputError("no row is left to test on. Raise `split.test`, or name a `test_source`.")
    return found


def _without_leaks(
    tasks: Mapping[str, PreparedTask], rule: str
) -> tuple[dict[str, PreparedTask], Sequence[Mapping[str, Any]]]:
    """Drop, report or refuse train rows that a held-out split of any task holds too."""
    parts = {name: {"train": t.train, "dev": t.dev, "test": t.test} for name, t in tasks.items()}
    leaks = find_leaks(parts, sources={name: _origins(t.spec) for name, t in tasks.items()})
    rows = tuple(leaks.rows)
    if rule == "report" or not leaks.count:
        return dict(tasks), rows
    if rule == "refuse":
        raise InputError(
            f"{leaks.count} train rows also stand in a dev or test split of some task, and `leakage` is `refuse`. "
            "Remove them, or set `leakage: drop`."
        )
    cleaned = {}
    for name, task in tasks.items():
        train = task.train.take(leaks.keep[name])
        if not len(train):
            raise InputError(f"tasks.{name}: no train row is left after {len(task.train)} leaks were dropped.")
        cleaned[name] = replace(task, train=train, dropped=len(task.train) - len(train))
    return cleaned, rows


def _origins(task: TaskSpec) -> dict[str, str]:
    """The source of each part: ids mean the same only within one source."""
    return {"train": task.source, "dev": task.dev_source or task.source, "test": task.test_source or task.source}


def settings_of(recipe: Recipe, sizes: Sequence[int], *, seed: int) -> Settings:
    """The training settings of a recipe.

    Args:
        recipe: a validated recipe.
        sizes: train rows of each task, to turn epochs into steps.
        seed: of this run.

    Raises:
        RecipeError: an unknown optimiser, schedule or sampler.
    """
    train = recipe.spec.train
    steps = train.steps or max(1, round((train.epochs or 0) * sum(sizes) / train.batch))
    early = train.early_stopping
    return Settings(
        steps=steps,
        batch=train.batch,
        chunk_tokens=train.chunk_tokens,
        cache_above_tokens=train.cache_above_tokens,
        optimizer=build(train.optimizer, training_room, "train.optimizer"),
        schedule=build(train.schedule, training_room, "train.schedule"),
        sampler=build(train.sampler, sampler_room, "train.sampler"),
        precision=train.precision,
        clip=train.clip,
        checkpoint_every=train.checkpoint_every,
        early_stopping=None if early is None else EarlyStopping(every=early.every, patience=early.patience),
        seed=seed,
    )
