"""What a recipe would do, and for how long: every check of `fit`, without a model."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from accord.compression.elastic.sizes import Shape
from accord.core.errors import InputError, ModelError
from accord.core.progress import Progress, silent
from accord.data.signals import Signal
from accord.data.streams import Stream
from accord.encoders import locate
from accord.encoders.static.folder import is_static, table_width
from accord.recipes.elastic import check_sizes
from accord.recipes.index import check_index
from accord.recipes.prepare import Prepared, PreparedTask, prepare, settings_of, task_row
from accord.recipes.recipe import Recipe
from accord.recipes.schema import RecipeSpec
from accord.recipes.sharing import EXPECTED, balance_of, expected
from accord.training.precision import native_bfloat16
from accord.training.turns import make_turns

__all__ = ["Plan", "plan"]

CHARACTERS_PER_TOKEN = 3.6
"""English and code under a WordPiece vocabulary; only used for estimates."""

BACKWARD = 3.0
"""A training step costs about three forward passes."""

EFFICIENCY = 0.35
"""Share of the rate of its matrix products that an encoder reaches, padding and all else included."""

STATIC_LENGTH = 1 << 20
"""Tokens that a static encoder reads of a text unless told otherwise: all that there may be."""

SIZES = (
    ("num_hidden_layers", "n_layers", "n_layer"),
    ("hidden_size", "dim", "n_embd"),
    ("intermediate_size", "hidden_dim", "n_inner"),
)
"""Keys of a `config.json` for layers, width and inner width, by family."""

ANY = 1 << 30
"""Dimensions that are not known yet."""

FEW = 100
"""Dev rows below which only large differences show."""

CALIBRATION_ROWS = 2048
CALIBRATION_SECONDS = 0.4


@dataclass(frozen=True)
class Plan:
    """What would happen.

    Args:
        problems: why `fit` would refuse, each with its cure; empty when it would run.
        notes: what deserves a look.
        tasks: a row a task: signal, objective, rows by split, leaks dropped.
        leakage: rows `{task, held_out_by, kind, count}`.
        stages: estimated seconds by stage.
    """

    problems: Sequence[str]
    notes: Sequence[str] = ()
    tasks: Sequence[Mapping[str, Any]] = ()
    leakage: Sequence[Mapping[str, Any]] = ()
    stages: Mapping[str, float] = ()  # type: ignore[assignment]

    @property
    def seconds(self) -> float:
        """Estimated seconds in all."""
        return sum(dict(self.stages).values())


def plan(recipe: Recipe | str | Path, *, progress: Progress = silent) -> Plan:
    """Check a recipe and its data as `fit` would, and estimate the time, without loading a model.

    Args:
        recipe: a recipe, or its name or path.
        progress: opens bars for slow sources.

    Returns:
        Problems, notes, tasks, leakage and estimated seconds.
    """
    try:
        recipe = recipe if isinstance(recipe, Recipe) else Recipe.load(recipe)
        begun = time.perf_counter()
        prepared = prepare(recipe, progress=progress)
        reading = time.perf_counter() - begun
        check_index(prepared)
        tasks = list(prepared.tasks.values())
        settings = settings_of(recipe, [len(t.train) for t in tasks], seed=recipe.spec.seeds[0])
        turns = make_turns(settings, [t.train for t in tasks], [t.spec.weight for t in tasks])
        if "balanced" in recipe.spec.strategies:
            balanced = replace(settings, balance=balance_of(recipe))
            make_turns(balanced, [t.train for t in tasks], [t.spec.weight for t in tasks])
        shape = _encoder_shape(recipe)
        check_sizes(recipe.spec, _size(recipe, shape))
    except InputError as error:
        return Plan(problems=[str(error)])
    steps = np.array([turns.batches(number) for number in range(len(tasks))])
    stages = {"read data": reading, **_estimate(prepared, steps * np.array(turns.sizes), shape)}
    rows = [
        {**task_row(task), "steps": int(count), "epochs": round(count * min(1.0, size / len(task.train)), 2)}
        for task, count, size in zip(tasks, steps, turns.sizes)
    ]
    notes = [*prepared.notes, *_notes(tasks, steps, turns.sizes), *_notes_of_strategy(recipe.spec, tasks)]
    return Plan([], notes, rows, prepared.leakage, {name: round(s, 3) for name, s in stages.items()})


def _notes(tasks: Sequence[PreparedTask], steps: np.ndarray, sizes: Sequence[int]) -> list[str]:
    notes = []
    for task, count, size in zip(tasks, steps, sizes):
        if not count:
            notes.append(f"{task.name} gets no step: raise `train.steps` or its weight.")
        if size > len(task.train):
            notes.append(
                f"{task.name} has {len(task.train)} train rows, fewer than a batch of {size}: each is all of them."
            )
        if len(task.test) < 100 and task.evaluations:
            notes.append(f"{task.name} is judged by {len(task.test)} examples only: expect wide intervals.")
    return notes


def _notes_of_strategy(spec: RecipeSpec, tasks: Sequence[PreparedTask]) -> list[str]:
    """What a search for the strategy should be known to do."""
    if spec.train.auto is None:
        return []
    told = ", ".join(expected(spec))
    notes = [f"The time is that of a search that tries {told}. Without conflict only the joint encoder is trained."]
    return notes + [
        f"{task.name} has {len(task.dev)} dev rows to choose the strategy by: expect the simpler one where the "
        "difference is small. Raise its `split.dev`."
        for task in tasks
        if len(task.dev) < FEW and task.evaluations
    ]


@dataclass(frozen=True)
class _Shape:
    """What decides the cost of a token."""

    layers: int
    hidden: int
    inner: int
    max_length: int

    @property
    def products(self) -> float:
        """Multiply-adds a token in the matrix products of all layers, times two."""
        return 2.0 * self.layers * (4 * self.hidden**2 + 2 * self.hidden * self.inner)


def _encoder_shape(recipe: Recipe) -> _Shape:
    """Read the size of the encoder off its config, without its weights."""
    spec = recipe.spec.encoder
    folder = locate(spec.model)
    if is_static(folder):
        width = table_width(folder)
        return _Shape(1, width, width, spec.max_length or STATIC_LENGTH)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    sizes = [next((config[name] for name in names if config.get(name)), None) for names in SIZES]
    if None in sizes:
        raise ModelError(f"encoder.model: {folder / 'config.json'} lacks `{SIZES[sizes.index(None)][0]}`.")
    layers, hidden, inner = (int(size) for size in sizes if size is not None)
    return _Shape(layers, hidden, inner, spec.max_length or config.get("max_position_embeddings", 512))


def _size(recipe: Recipe, shape: _Shape) -> Shape:
    """The sizes that can be cut from the encoder, as far as its files tell without its weights.

    Heads and poolings may change the dimensions of vectors; they are looked at when the model is loaded.
    """
    folder = locate(recipe.spec.encoder.model)
    if is_static(folder):
        return Shape(0, shape.hidden)
    return Shape(shape.layers, ANY, ANY)


def _estimate(prepared: Prepared, examples: np.ndarray, shape: _Shape) -> dict[str, float]:
    """Seconds by stage from token counts and this machine's measured matrix-product rate."""
    recipe = prepared.recipe.spec
    per_token = shape.products / (EFFICIENCY * _products_a_second(shape, recipe.train.precision))
    tasks = list(prepared.tasks.values())
    training = sum(int(n) * _tokens_a_row(t.train, shape) for t, n in zip(tasks, examples))
    judged = sum(len(t.test) * _tokens_a_row(t.test, shape) for t in tasks)
    judged += sum(len(t.train) * _tokens_a_row(t.train, shape) for t in tasks if type(t.train).__name__ == "Labelled")
    seeds, made = len(recipe.seeds), expected(recipe)
    alone = "single-task" in recipe.evaluate.baselines and len(tasks) > 1
    stages = {}
    if recipe.train.auto is not None:
        rows = recipe.train.auto.batches * recipe.train.batch
        seen = sum(min(rows, len(t.train)) * _tokens_a_row(t.train, shape) for t in tasks)
        stages["measure conflict"] = seen * BACKWARD * per_token
    once = seeds * training * BACKWARD * per_token
    stages |= {f"train {name}": once * EXPECTED[name] for name in made if name != "merged"}
    if alone or "merged" in made:
        stages["train each task alone"] = once
    if recipe.train.auto is not None:
        judged_on_dev = sum(len(t.dev) * _tokens_a_row(t.dev, shape) for t in tasks)
        stages["choose on dev"] = seeds * len(made) * judged_on_dev * per_token
    stages["evaluate"] = judged * per_token * (seeds * (len(made) + alone) + ("base" in recipe.evaluate.baselines))
    if recipe.index is not None:
        table = prepared.tables[prepared.tasks[recipe.index.task].spec.source]
        texts = table.column(recipe.index.column).to_pylist()
        stages["index"] = sum(_tokens(text, shape) for text in texts) * per_token
    return stages


def _tokens_a_row(signal: Signal | Stream, shape: _Shape) -> float:
    """Mean tokens of a row, all its texts together, from a sample."""
    rows = signal.take(np.linspace(0, max(0, len(signal) - 1), min(500, len(signal))).astype(np.int64))
    counts = [
        sum(_tokens(text, shape) for text in ([value] if isinstance(value, str) else value or ()))
        for name in rows.text_columns
        for value in rows.column(name)
    ]
    return sum(counts) / max(1, len(rows))


def _tokens(text: str, shape: _Shape) -> float:
    return min(shape.max_length, 2 + len(text) / CHARACTERS_PER_TOKEN)


def _products_a_second(shape: _Shape, precision: str) -> float:
    """Floating-point operations a second in the products of one layer, as measured now: the best of some."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    kind = torch.bfloat16 if precision == "bfloat16" or (precision == "auto" and native_bfloat16(device)) else None
    rows = torch.ones(CALIBRATION_ROWS, shape.hidden, dtype=kind, device=device)
    weight = torch.ones(shape.hidden, shape.inner, dtype=kind, device=device)
    best, begun = float("inf"), time.perf_counter()
    while time.perf_counter() - begun < CALIBRATION_SECONDS:
        start = time.perf_counter()
        float((rows @ weight)[0, 0])
        best = min(best, time.perf_counter() - start)
    return 2.0 * rows.shape[0] * weight.numel() / best
