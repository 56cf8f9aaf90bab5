"""From a recipe to tasks with their rows: sources read, signals checked, splits made, leaks found. No model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pyarrow as pa

import accord.data.samplers as sampler_room
import accord.data.sources as source_room
import accord.data.synthesis as synthesis_room
import accord.evaluation.tasks as evaluation_room
import accord.objectives as objective_room
import accord.training as training_room
import accord.training.adapters as adapter_room
from accord.compression.elastic import Elastic
from accord.core.errors import InputError, RecipeError
from accord.core.progress import Progress, silent
from accord.core.spec import build
from accord.data import signals as signal_room
from accord.data.detect import detect
from accord.data.drawing import check_drawing
from accord.data.filters import min_per_label
from accord.data.leakage import find_leaks
from accord.data.signals import Labelled, Pairs, Ranked, Signal, Unlabelled
from accord.data.splits import split
from accord.data.streams import Stream, stream
from accord.encoders.task_names import task_prompt
from accord.recipes.checks import (
    check_dev,
    check_evaluations,
    check_judged,
    check_labels,
    check_objective,
    check_pair_tasks,
    goes_unjudged,
)
from accord.recipes.elastic import elastic_of
from accord.recipes.recipe import Recipe
from accord.recipes.schema import TaskSpec, TrainSpec
from accord.recipes.sharing import check_sharing
from accord.training.averaging import Averaging, check_fits
from accord.training.settings import EarlyStopping, Settings

__all__ = ["Prepared", "PreparedTask", "adapter_of", "average_of", "prepare", "settings_of", "task_row"]


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
        task_token: whether the task's own token stands before its texts.
        elastic: how several sizes are trained; None for one.
    """

    name: str
    spec: TaskSpec
    train: Signal | Stream
    dev: Signal
    test: Signal
    objective: Any
    evaluations: Sequence[Any]
    dropped: int = 0
    task_token: bool = False
    elastic: Elastic | None = None

    @property
    def trained_objective(self) -> Any:
        """What a step minimises: the objective, asked about every size where there are several."""
        return self.objective if self.elastic is None else self.elastic.of(self.objective)

    @property
    def prompts(self) -> tuple[str | None, str | None]:
        """Names under which the model keeps this task's prompts for queries and documents."""
        query, document = self.prompt_texts
        return (f"{self.name}-query" if query else None, f"{self.name}-document" if document else None)

    @property
    def prompt_texts(self) -> tuple[str, str]:
        """What stands before queries and documents: the task's token, where it has one, then the recipe's words."""
        token = task_prompt(self.name) if self.task_token else ""
        return token + self.spec.prompts.query, token + self.spec.prompts.document


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
    adapter_of(recipe)
    elastic = elastic_of(spec)
    average = average_of(recipe)
    objects = {name: _objects(name, task) for name, task in spec.tasks.items()}
    check_sharing(recipe, {name: objective for name, (objective, _) in objects.items()})
    check_judged({name: evaluations for name, (_, evaluations) in objects.items()})
    given = recipe.resolved()["sources"]
    used = dict.fromkeys(name for task in spec.tasks.values() for name in task.sources)
    sources = {name: build(given[name], source_room, f"sources.{name}") for name in used}
    streamed = {n: Path(s.path) for n, s in sources.items() if isinstance(s, source_room.File) and s.stream}
    tables = {name: source.load(progress=progress) for name, source in sources.items() if name not in streamed}
    corpora = {name: s.corpus(progress) for name, s in sources.items() if isinstance(s, source_room.RetrievalFolder)}
    notes: list[str] = []
    rows_of = _Rows(tables, corpora, streamed, spec.encoder.kind == "encoder", progress, notes)
    tasks = {
        name: _make_task(name, task, rows_of, objects[name], seed=spec.seeds[0], notes=notes)
        for name, task in spec.tasks.items()
    }
    if spec.encoder.task_tokens:
        tasks = {name: replace(task, task_token=bool(task_prompt(name))) for name, task in tasks.items()}
    tasks = {name: replace(task, elastic=elastic) for name, task in tasks.items()}
    if spec.encoder.kind == "cross-encoder":
        check_pair_tasks(spec, tasks)
    check_dev(spec, tasks)
    cleaned, rows = _without_leaks(tasks, spec.leakage)
    check_labels(cleaned)
    if average is not None:
        check_fits(average, _steps(spec.train, [len(task.train) for task in cleaned.values()]))
    return Prepared(recipe, cleaned, tables, rows, tuple(notes))


def _objects(name: str, task: TaskSpec) -> tuple[Any, list[Any]]:
    """The objective and the evaluations of a task, built before any data is read."""
    objective = build(task.objective, objective_room, f"tasks.{name}.objective")
    evaluations = [build(value, evaluation_room, f"tasks.{name}.evaluate") for value in task.evaluate]
    if not evaluations and not goes_unjudged(objective):
        raise RecipeError(f"tasks.{name}.evaluate is empty: name at least one way to judge the task.")
    metrics = [str(metric) for e in evaluations for metric in (e.primary, *(m for m in e.metrics if m != e.primary))]
    twice = sorted({metric for metric in metrics if metrics.count(metric) > 1})
    if twice:
        raise RecipeError(f"tasks.{name}.evaluate measures `{twice[0]}` twice. Leave one of the two evaluations out.")
    return objective, evaluations


@dataclass(frozen=True)
class _Rows:
    """What the sources gave: tables, corpora of retrieval folders, files to stream; whether the model makes vectors."""

    tables: Mapping[str, pa.Table]
    corpora: Mapping[str, pa.Table]
    streamed: Mapping[str, Path]
    vectors: bool
    progress: Progress
    notes: list[str]

    def signal(self, name: str, kind: type[Signal], task: TaskSpec) -> Signal:
        """The rows of one source as a signal.

        Raises:
            InputError: a source that is streamed, or two prompts before one query.
        """
        if name in self.streamed:
            raise InputError(f"`{name}` is streamed, and a dev or test part is read whole. Take `stream` away from it.")
        signal = kind.of(self.tables[name], columns=_columns_of(task, kind))
        if isinstance(signal, Ranked) and signal.prompted:
            if task.prompts.query:
                raise InputError(
                    f"{signal.prompted} rows of `{name}` have a `prompt` of their own, and `prompts.query` would put "
                    "another before it. Leave one of the two out."
                )
            self.notes.append(
                f"{name}: {signal.prompted} rows have a prompt of their own; it is put before their queries."
            )
            return signal.with_prompts()
        return signal.with_corpus(self.corpora[name]) if isinstance(signal, Pairs) and name in self.corpora else signal


def _make_task(
    name: str, task: TaskSpec, rows: _Rows, objects: tuple[Any, list[Any]], *, seed: int, notes: list[str]
) -> PreparedTask:
    """Turn the rows of a task's sources into a signal, check it against objective and evaluation, and divide it."""
    where = f"tasks.{name}"
    objective, evaluations = objects
    try:
        if task.source in rows.streamed:
            return PreparedTask(name, task, *_streamed_parts(task, rows, objects), objective, evaluations)
        read_as = getattr(signal_room, task.signal) if task.signal else detect(rows.tables[task.source], task.columns)
        maker = _synthesis(task, read_as)
        kind = Pairs if maker else read_as
        check_objective(objective, task, kind, vectors=rows.vectors)
        check_evaluations(evaluations, kind)
        signal = rows.signal(task.source, read_as, task)
        if isinstance(signal, Labelled):
            kept = min_per_label(signal, task.min_per_label)
            signal = kept.signal
            if kept.dropped:
                notes.append(f"{name}: {len(kept.dropped)} labels with fewer than {task.min_per_label} rows left out.")
        parts = _parts(task, signal, lambda source: rows.signal(source, kind, task), seed=seed)
        if maker is not None:
            made = [
                maker.pairs(part, seed=seed) if isinstance(part, Unlabelled) and len(part) else part for part in parts
            ]
            parts = (made[0], made[1], made[2])
        check_objective(objective, task, kind, vectors=rows.vectors, columns=tuple(parts[0].names))
        check_drawing(parts[0], name=name, weights=task.weights, classes=task.classes, by_label=rows.vectors)
        if task.weights is None and "weight" in parts[0].table.column_names:
            notes.append(f"{name}: the column `weight` is not used. `weights: weight` draws rows in proportion to it.")
    except InputError as error:
        raise type(error)(f"{where}: {error}") from error
    return PreparedTask(name, task, *parts, objective, evaluations)


def _streamed_parts(task: TaskSpec, rows: _Rows, objects: tuple[Any, list[Any]]) -> tuple[Stream, Signal, Signal]:
    """Train rows that stay on the disk, dev and test rows from sources of their own.

    Raises:
        InputError: no test source, or a key that needs all rows at once.
    """
    if task.test_source is None and task.evaluate:
        raise InputError(
            f"the source `{task.source}` is streamed, so no test part can be split off it. Name a `test_source` (and a "
            "`dev_source` for early stopping), or take `stream` away."
        )
    if task.synthesis is not None:
        raise InputError("`synthesis` needs all rows at once. Write the pairs to a file first, or take `stream` away.")
    kind = getattr(signal_room, task.signal) if task.signal else None
    train = stream(rows.streamed[task.source], signal=kind, columns=task.columns, progress=rows.progress)
    if "prompt" in train.names:
        raise InputError(
            f"`{task.source}` is streamed, and its rows have a `prompt` of their own. Write it into the queries, or "
            "take `stream` away."
        )
    check_objective(objects[0], task, train.kind, vectors=rows.vectors, columns=tuple(train.names))
    check_evaluations(objects[1], train.kind)
    check_drawing(train, name=task.source, weights=task.weights, classes=task.classes, by_label=rows.vectors)
    test = rows.signal(task.test_source, train.kind, task) if task.test_source else train.take([])
    return train, rows.signal(task.dev_source, train.kind, task) if task.dev_source else test.take([]), test


def _columns_of(task: TaskSpec, kind: type[Signal]) -> dict[str, str]:
    """The columns that the recipe names for rows of this signal: where pairs are made of texts, it names those of both.

    Texts are read from the task's own source, and pairs from a dev or test source.
    """
    if task.synthesis is None:
        return task.columns
    others = {Unlabelled: Pairs, Pairs: Unlabelled}.get(kind)
    foreign = {role.name for role in others.roles} - {role.name for role in kind.roles} if others else set()
    return {role: column for role, column in task.columns.items() if role not in foreign}


def _synthesis(task: TaskSpec, kind: type[Signal]) -> synthesis_room.Synthesis | None:
    """What makes pairs of the task's texts, where the recipe asks for it."""
    if task.synthesis is None:
        return None
    if kind is not Unlabelled:
        raise InputError(
            f"`synthesis` makes pairs from texts alone, and the rows are {kind.__name__}. Set `signal: Unlabelled`, "
            "with `columns: {text: COLUMN}` where the column has another name, or leave `synthesis` out."
        )
    return build(task.synthesis, synthesis_room, "synthesis")


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
    if not len(found[2]) and task.evaluate:
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
        kept = leaks.keep[name]
        train = task.train.select(kept) if isinstance(task.train, Stream) else task.train.take(kept)
        if not len(train):
            raise InputError(f"tasks.{name}: no train row is left after {len(task.train)} leaks were dropped.")
        cleaned[name] = replace(task, train=train, dropped=len(task.train) - len(train))
    return cleaned, rows


def _origins(task: TaskSpec) -> dict[str, str]:
    """The source of each part: ids mean the same only within one source."""
    return {"train": task.source, "dev": task.dev_source or task.source, "test": task.test_source or task.source}


def task_row(task: PreparedTask) -> dict[str, Any]:
    """A task as a row of a table."""
    return {
        "name": task.name,
        "signal": getattr(task.train, "kind", type(task.train)).__name__,
        "train": len(task.train),
        "dev": len(task.dev),
        "test": len(task.test),
        "dropped": task.dropped,
        "objective": repr(task.objective),
        "evaluation": ", ".join(type(evaluation).__name__ for evaluation in task.evaluations),
        "weight": task.spec.weight,
    }


def adapter_of(recipe: Recipe) -> adapter_room.LoRA | None:
    """The adapter that a recipe trains, or None where it trains the whole encoder.

    Raises:
        RecipeError: an unknown adapter or argument.
    """
    given = recipe.spec.train.adapter
    return None if given is None else build(given, adapter_room, "train.adapter")


def average_of(recipe: Recipe) -> Averaging | None:
    """How a recipe averages the weights of a run, or None where it keeps the last ones.

    Raises:
        RecipeError: an unknown class or argument, or early stopping beside it.
    """
    train = recipe.spec.train
    found = None if train.average is None else build(train.average, training_room, "train.average")
    if found is not None and not isinstance(found, Averaging):
        raise RecipeError(f"`train.average` must be Last or EMA. Got {train.average!r} instead.")
    if found is not None and train.early_stopping is not None:
        raise RecipeError(
            "`train.average` and `train.early_stopping` both say which weights a run ends with. Leave one out."
        )
    return found


def _steps(train: TrainSpec, sizes: Sequence[int]) -> int:
    return train.steps or max(1, round((train.epochs or 0) * sum(sizes) / train.batch))


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
    steps = _steps(train, sizes)
    early = train.early_stopping
    return Settings(
        steps=steps,
        batch=train.batch,
        batches=train.batches,
        chunk_tokens=train.chunk_tokens,
        cache_above_tokens=train.cache_above_tokens,
        optimizer=build(train.optimizer, training_room, "train.optimizer"),
        schedule=build(train.schedule, training_room, "train.schedule"),
        sampler=build(train.sampler, sampler_room, "train.sampler"),
        precision=train.precision,
        gradient_checkpointing=train.gradient_checkpointing,
        clip=train.clip,
        checkpoint_every=train.checkpoint_every,
        early_stopping=None if early is None else EarlyStopping(every=early.every, patience=early.patience),
        average=average_of(recipe),
        seed=seed,
    )
