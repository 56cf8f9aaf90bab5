"""The stages of a run, one model at a time: trained, saved, recorded and measured, or taken from an earlier call."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from accord.compression.elastic.sizes import shape_of
from accord.core.progress import Progress, silent
from accord.core.records import StepRecord
from accord.core.storage import read_json, write_json
from accord.encoders.adapters import Adapter, save_adapter
from accord.encoders.pairs import CrossEncoder
from accord.evaluation import Measured, Observed
from accord.recipes.elastic import check_sizes, size_row, smaller_sizes
from accord.recipes.evaluate import load_any, measure, observe
from accord.recipes.prepare import PreparedTask, adapter_of, settings_of
from accord.recipes.recipe import Recipe
from accord.recipes.run_folder import RunFolder, StepLog
from accord.recipes.sharing import balance_of
from accord.recipes.starting import base_model, fresh_model
from accord.recipes.teachers import Teachers
from accord.recipes.training_tasks import Loaded, dev_score, training_task
from accord.training import Settings, TrainingResult, train
from accord.training.processes import Processes
from accord.training.turns import make_turns

__all__ = ["Made", "Stages"]


@dataclass(frozen=True)
class Made:
    """An encoder that was not trained but made of others.

    Args:
        encoder: ready to be saved.
        outcome: what it took, with all that it is made of.
        notes: JSON values to keep with it.
    """

    encoder: Loaded
    outcome: TrainingResult
    notes: Mapping[str, Any]


class Stages:
    """What a run does to one model after another, and what it found so far.

    Args:
        recipe: of the run.
        folder: of the run.
        processes: that train together.
        resume: take what an earlier call left.
        progress: opens bars.
        on_step: called with each training step.
    """

    def __init__(
        self,
        recipe: Recipe,
        folder: RunFolder,
        processes: Processes,
        *,
        resume: bool = False,
        progress: Progress = silent,
        on_step: Callable[[StepRecord], None] | None = None,
    ) -> None:
        self.recipe = recipe
        self.folder = folder
        self.processes = processes
        self.resume = resume
        self.progress = progress if processes.leads else silent
        self.steps = StepLog(folder.steps, on_step)
        self.seconds: dict[str, float] = {}
        self.models: list[dict[str, Any]] = []
        self.sizes: list[dict[str, Any]] = []
        self.observed: list[Observed] = []
        self.measured: set[str] = set()
        self.teachers = Teachers()

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """Time a part of the run."""
        begun = time.perf_counter()
        yield
        self.seconds[name] = round(self.seconds.get(name, 0.0) + time.perf_counter() - begun, 3)

    def lead(self, work: Callable[[], object]) -> None:
        """Do what writes or judges in the leading process; the others wait, and fail when it fails."""
        self.processes.together(lambda: work() if self.processes.leads else None)

    def settings(self, tasks: Sequence[PreparedTask], *, seed: int, balanced: bool = False) -> Settings:
        """The recipe's training settings for some tasks, with its way of balancing where that is asked for."""
        settings = settings_of(self.recipe, [len(task.train) for task in tasks], seed=seed)
        return replace(settings, balance=balance_of(self.recipe) if balanced else None)

    def run_name(self, name: str, seed: int) -> str:
        """A model's name with its seed, which the first seed leaves out."""
        return name if seed == self.recipe.spec.seeds[0] else f"{name}@{seed}"

    def base(self, tasks: Sequence[PreparedTask]) -> None:
        """Record the base model, and measure it where the recipe asks for it."""
        spec = self.recipe.spec
        seed = spec.seeds[0]
        base = base_model(spec.encoder, seed=seed)
        if not isinstance(base, CrossEncoder):
            check_sizes(spec, shape_of(base))
        self._record("base", base, None)
        if (adapter := adapter_of(self.recipe)) is not None:
            adapter.attach(base).remove()  # what does not fit is said now, not after the base was measured
        if "base" in spec.evaluate.baselines:
            self.measure("base", base, tasks, seed=seed)
            self.measure_sizes("base", base, tasks, seed=seed)

    def train(self, name: str, tasks: Sequence[PreparedTask], settings: Settings) -> Loaded:
        """The encoder of one training run.

        Args:
            name: of the model.
            tasks: that it learns.
            settings: of the run, its seed included.
        """

        def work(run: str) -> tuple[Loaded, TrainingResult]:
            encoder = fresh_model(self.recipe.spec.encoder, tasks, seed=settings.seed)
            kind = adapter_of(self.recipe)
            adapter = None if kind is None else kind.attach(encoder, seed=settings.seed)
            outcome = train(
                encoder,
                [training_task(task, encoder, self.teachers) for task in tasks],
                settings,
                run=run,
                checkpoints=self.folder.checkpoints(run),
                resume=self.resume,
                on_step=self.steps,
                score=lambda: dev_score(encoder, tasks, settings.seed),
                progress=self.progress,
            )
            self.lead(lambda: self._save(encoder, adapter, run, outcome))
            if adapter is not None:
                adapter.fold()
            return encoder, outcome

        return self._kept(name, settings.seed, f"train {name}", work)

    def make(self, name: str, work: Callable[[], Made], *, seed: int) -> Loaded:
        """An encoder that is made without training steps of its own, in the leading process, saved like the others.

        Args:
            name: of the model.
            work: gives it.
            seed: of the run.
        """

        def made(run: str) -> tuple[Loaded, TrainingResult]:
            def save() -> None:
                one = work()
                self._save(one.encoder, None, run, one.outcome, one.notes)

            self.lead(save)
            return self._read(run)

        return self._kept(name, seed, f"make {name}", made)

    def alone(
        self, tasks: Sequence[PreparedTask], settings: Settings, *, measured: bool, judged_only: bool = False
    ) -> dict[str, str]:
        """Each task alone, on the very batches that the joint run draws for it.

        Args:
            tasks: all of the recipe's.
            settings: of the joint run.
            measured: whether to judge each on its task.
            judged_only: leave out tasks that nothing judges.

        Returns:
            The run of each task; a task that gets no batch has none.
        """
        turns = make_turns(settings, [t.train for t in tasks], [t.spec.weight for t in tasks])
        runs: dict[str, str] = {}
        for number, task in enumerate(tasks):
            if not (steps := turns.batches(number)) or (judged_only and not task.evaluations):
                continue
            name = f"single:{task.name}"
            runs[task.name] = run = self.run_name(name, settings.seed)
            if run in self.measured or (not measured and any(row["name"] == run for row in self.models)):
                continue
            one: dict[str, Any] = {"steps": steps, "batch": turns.sizes[number]}
            one |= {"batches": "homogeneous", "may_idle": True}
            if not task.evaluations:
                one["early_stopping"] = None  # there is no score to watch
            encoder = self.train(name, [task], replace(settings, **one))
            if measured:
                self.measure(name, encoder, [task], seed=settings.seed)
        return runs

    def measure(self, name: str, encoder: Loaded, tasks: Sequence[PreparedTask], *, seed: int) -> None:
        """Judge a model on the test parts of some tasks."""
        with self.timed(f"evaluate {name}"):
            precision, label = self.recipe.spec.evaluate.precision, f"evaluate {name}"

            def judge() -> None:
                found: Mapping[str, Sequence[Measured]] = measure(
                    encoder, tasks, seed=seed, precision=precision, label=label, progress=self.progress
                )
                self.observed += observe(name, seed, found)

            self.lead(judge)
        self.measured.add(self.run_name(name, seed))

    def measure_sizes(self, name: str, encoder: Loaded, tasks: Sequence[PreparedTask], *, seed: int) -> None:
        """Cut a model to each of the recipe's sizes, and judge what comes out as any other model."""
        if isinstance(encoder, CrossEncoder):
            return
        for size, view in smaller_sizes(self.recipe.spec, encoder).items():
            small, label = encoder.cut(view), f"{name} {size}"
            self.measure(label, small, tasks, seed=seed)
            if all(row["name"] != label for row in self.sizes):
                self.sizes.append(size_row(label, name, view, small))

    def _kept(self, name: str, seed: int, stage: str, work: Callable[[str], tuple[Loaded, TrainingResult]]) -> Loaded:
        """Make an encoder and save it, or take what an earlier call left."""
        run = self.run_name(name, seed)
        target, note = self.folder.trained(run), self.folder.outcome(run)
        if self.processes.lead(lambda: target.is_dir() and note.is_file()):
            encoder, outcome = self._read(run)
        else:
            with self.timed(stage):
                encoder, outcome = work(run)
        self._record(run, encoder, outcome)
        return encoder

    def _read(self, run: str) -> tuple[Loaded, TrainingResult]:
        """What is saved of a model."""
        return load_any(str(self.folder.trained(run))), TrainingResult(**read_json(self.folder.outcome(run)))

    def _save(
        self,
        encoder: Loaded,
        adapter: Adapter | None,
        run: str,
        outcome: TrainingResult,
        notes: Mapping[str, Any] | None = None,
    ) -> None:
        """Write a trained encoder with what it comes from, and its adapter beside it."""
        if adapter is not None:
            save_adapter(adapter, self.folder.adapter(run), base_name=self.recipe.spec.encoder.model)
        metadata = {"run": run, "recipe": self.recipe.resolved(), "training": vars(outcome), **(notes or {})}
        encoder.save(self.folder.trained(run), metadata=metadata)
        write_json(self.folder.outcome(run), vars(outcome))
        shutil.rmtree(self.folder.checkpoints(run), ignore_errors=True)  # the model is whole and on disk

    def _record(self, name: str, encoder: Loaded, outcome: TrainingResult | None) -> None:
        if any(row["name"] == name for row in self.models):
            return
        parameters = sum(p.numel() for p in encoder.parameters())
        self.models.append(
            {
                "name": name,
                "tokens": sum(outcome.tokens.values()) if outcome else 0,
                "steps": outcome.steps if outcome else 0,
                "seconds": round(outcome.seconds, 2) if outcome else 0.0,
                "parameters": parameters,
                "megabytes": round(parameters * 4 / 1e6, 1),
                "truncated": outcome.truncated if outcome else {},
            }
        )
