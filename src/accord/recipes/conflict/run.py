"""Where tasks conflict, by how much against noise, and what to do about it: everything measured, kept and reported."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from accord.core.checks import check_at_least
from accord.core.environment import environment
from accord.core.errors import InputError, MissingExtra
from accord.core.interrupts import Interrupted
from accord.core.progress import Progress, silent
from accord.core.storage import clear_leftovers, hash_json, read_json, storage_errors, write_json
from accord.evaluation import KeptResults
from accord.evaluation.conflict import Estimate, Evidence, GradientConflict, recommend
from accord.recipes.conflict.experts import Experts, TaskVectors, task_identity
from accord.recipes.conflict.gradients import (
    GradientMeasures,
    conflict_of,
    gradient_conflict,
    measure_gradients,
)
from accord.recipes.conflict.pace import expected_seconds
from accord.recipes.conflict.record import estimate_of, pair_values, plain
from accord.recipes.conflict.rows import judged_rows, sampled_rows
from accord.recipes.conflict.weights import (
    DEV_BATCHES,
    POINTS,
    DevBatches,
    barrier_losses,
    barrier_rows,
    transfer_measures,
    transfer_rows,
    vector_measures,
    vector_rows,
)
from accord.recipes.prepare import Prepared, adapter_of, prepare, settings_of
from accord.recipes.recipe import Recipe
from accord.recipes.starting import fresh_model
from accord.recipes.teachers import Teachers
from accord.recipes.training_tasks import training_task
from accord.reporting import write_conflict_report
from accord.training import TrainingTask
from accord.training.probe_batches import ProbeBatches

__all__ = ["ConflictResult", "conflict", "gradient_conflict"]

log = logging.getLogger(__name__)

FORMAT = "accord-conflict/1"
LOOKAHEADS = 4
STEPS, STEPS_WITH_TRANSFER = 5, 16


@dataclass(frozen=True)
class ConflictResult:
    """What was found.

    Args:
        path: folder with `conflict.json`, `report.html` and all that a rerun takes up again.
        record: what `conflict.json` holds.
    """

    path: Path
    record: Mapping[str, Any]

    @property
    def action(self) -> str:
        """What to do: train jointly, balance, merge, or measure more."""
        return self.record["recommendation"]["action"]

    @property
    def rows(self) -> Sequence[Mapping[str, Any]]:
        """Every measure, `{measure, a, b, layers, value, low, high, n, over}`."""
        return self.record["rows"]

    @property
    def report(self) -> Path:
        """The page."""
        return self.path / "report.html"


def conflict(
    recipe: Recipe | str | Path,
    out: Path | str,
    *,
    transfer: bool = True,
    batches: int = 8,
    steps: int | None = None,
    tolerance: float = 0.2,
    on_plan: Callable[[Mapping[str, float]], None] | None = None,
    progress: Progress = silent,
) -> ConflictResult:
    """Say whether the tasks of a recipe conflict, with every measure and its interval.

    Gradients, steps and short trainings use train rows; losses between models and metrics use dev rows; test rows are
    never read. What was measured or trained is kept in `out` and taken up again by a second call.

    Args:
        recipe: a recipe, or its name or path, with two tasks or more.
        out: folder; made when missing.
        transfer: also measure loss barriers and the transfer matrix, which takes longer.
        batches: of each task whose gradients are compared.
        steps: of each short training; 16 with transfer, 5 without, when not given.
        tolerance: share of its progress that a task may lose to another without a conflict; 0 leaves only the noise.
        on_plan: called with the expected seconds of each stage once they are known.
        progress: opens bars.

    Returns:
        The record, and where it lies.

    Raises:
        InputError: a recipe that cannot be used, fewer than two tasks, or a folder that holds something else.
        Interrupted: on Ctrl-C; what was finished is kept.
    """
    recipe = recipe if isinstance(recipe, Recipe) else Recipe.load(recipe)
    check_at_least("batches", batches, 2)
    check_at_least("steps", 1 if steps is None else steps, 1)
    check_at_least("tolerance", tolerance, 0)
    if len(recipe.spec.tasks) < 2:
        raise InputError("A conflict needs two tasks, and the recipe has one. Add another task.")
    folder = Path(out)
    _check_folder(folder)
    steps = steps or (STEPS_WITH_TRANSFER if transfer else STEPS)
    try:
        return _Conflict(
            recipe, folder, batches=batches, steps=steps, tolerance=tolerance, on_plan=on_plan, progress=progress
        ).run(transfer)
    except KeyboardInterrupt as stop:
        raise Interrupted(
            f"Stopped. What was finished is kept in {out}; the same command goes on from there."
        ) from stop


def _check_folder(folder: Path) -> None:
    """Refuse a folder that holds something else."""
    if folder.exists() and not folder.is_dir():
        raise InputError(f"`--out` {folder} is a file. Name a folder.")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / "measured").is_dir():
        raise InputError(f"`--out` {folder} is not empty and holds no conflict report. Name a new or empty folder.")


class _Conflict:
    """One call of :func:`conflict`: the model, the tasks, and the stages in order."""

    def __init__(
        self,
        recipe: Recipe,
        folder: Path,
        *,
        batches: int,
        steps: int,
        tolerance: float,
        on_plan: Callable[[Mapping[str, float]], None] | None,
        progress: Progress,
    ) -> None:
        self.recipe = recipe
        self.folder = folder
        self.batches = batches
        self.steps = steps
        self.tolerance = tolerance
        self.on_plan = on_plan
        self.progress = progress
        self.seconds: dict[str, float] = {}
        self.notes: list[str] = []
        self.rows: list[Mapping[str, Any]] = []
        spec = recipe.spec
        with self.stage("read data and model"):
            self.prepared: Prepared = prepare(recipe, progress=progress)
            self.seed = spec.seeds[0]
            whole = list(self.prepared.tasks.values())
            self.tasks = [sampled_rows(task, self.seed) for task in whole]
            self.notes += [
                f"{task.name}: {len(some.train):,} of its {len(task.train):,} train rows, drawn at random."
                for task, some in zip(whole, self.tasks)
                if some is not task
            ]
            self.settings = settings_of(recipe, [len(task.train) for task in whole], seed=self.seed)
            self.encoder = fresh_model(spec.encoder, self.tasks, seed=self.seed)
            teachers = Teachers()
            self.training: list[TrainingTask] = [training_task(task, self.encoder, teachers) for task in self.tasks]
        self.names = [task.name for task in self.tasks]
        self.level = spec.evaluate.level

    @contextmanager
    def stage(self, name: str) -> Any:
        """Time a part of the run."""
        begun = time.perf_counter()
        yield
        self.seconds[name] = round(self.seconds.get(name, 0.0) + time.perf_counter() - begun, 3)

    def run(self, transfer: bool) -> ConflictResult:
        """All stages."""
        gradients = self._gradients(transfer)
        experts = self._experts()
        barriers: dict[tuple[str, str], Estimate] = {}
        moves: dict[tuple[str, str], Estimate] = {}
        if transfer:
            barriers, moves = self._barriers(experts), self._transfer(experts)
        evidence = [
            Evidence(
                gradients=pair,
                there=moves.get((pair.a, pair.b)),
                back=moves.get((pair.b, pair.a)),
                barrier=barriers.get((pair.a, pair.b)),
            )
            for pair in gradients.pairs
        ]
        record = self._record(gradients, evidence)
        write_json(self.folder / "conflict.json", record)
        try:
            write_conflict_report(self.folder)
        except MissingExtra as error:
            log.warning("No report.html: %s", error)
        return ConflictResult(self.folder, record)

    def _kept(self, name: str, key: object, compute: Callable[[], Any]) -> Any:
        """What an earlier call measured, or a measurement that is kept."""
        path = self.folder / "measured" / f"{name}-{hash_json(key)[:16]}.json"
        if not path.is_file():
            write_json(path, plain(compute()))
        return read_json(path)

    def _identity(self) -> list[object]:
        return [self.encoder.fingerprint(), self.settings.describe(), [task_identity(task) for task in self.training]]

    def _gradients(self, transfer: bool) -> GradientConflict:
        """Gradients and lookahead steps on train batches."""
        with self.stage("gradients"):
            kind = adapter_of(self.recipe)
            adapter = None if kind is None else kind.attach(self.encoder, seed=self.seed)
            try:
                probe = ProbeBatches(self.encoder, self.training, self.settings, batches=self.batches)
                self.sizes = probe.sizes
                with storage_errors(self.folder):  # from here on nothing can be wrong with the recipe
                    (self.folder / "measured").mkdir(parents=True, exist_ok=True)
                clear_leftovers(self.folder)
                self.recipe.save(self.folder / "recipe.yaml")
                key = [self._identity(), self.batches, LOOKAHEADS, self.recipe.spec.train.adapter]
                found = self._kept("gradients", key, lambda: self._measure_gradients(probe, transfer))
            finally:
                if adapter is not None:
                    adapter.remove()
        result = conflict_of(GradientMeasures(**found), tolerance=self.tolerance, level=self.level, seed=self.seed)
        self.rows += result.rows
        self.notes += result.notes
        self.error = float(found["error"])
        return result

    def _measure_gradients(self, probe: ProbeBatches, transfer: bool) -> dict[str, Any]:
        """One batch a task to learn what they take, then all of them."""
        pace = []
        for number in range(len(self.training)):
            begun = time.perf_counter()
            probe.backward(number, 0)
            pace.append(time.perf_counter() - begun)
        if self.on_plan is not None:
            judged = [judged_rows(task, self.seed) for task in self.tasks] if transfer else None
            self.on_plan(expected_seconds(pace, probe, lookaheads=LOOKAHEADS, steps=self.steps, judged=judged))
        found = measure_gradients(probe, lookaheads=LOOKAHEADS, projection=65_536, progress=self.progress, pace=pace)
        return found.to_json()

    def _experts(self) -> Experts:
        """Short trainings of each task on both halves of its train rows, and their task vectors."""
        with self.stage("short trainings"):
            experts = Experts(
                self.encoder,
                self.training,
                self.settings,
                sizes=self.sizes,
                steps=self.steps,
                folder=self.folder / "experts",
                adapter=adapter_of(self.recipe),
            )
            experts.train(progress=self.progress)
        with self.stage("task vectors"):
            files = [one.path for one in experts.all]
            vectors = TaskVectors(experts.start, files)
            key = [path.name for path in files]
            found = self._kept("vectors", key, lambda: vector_measures(vectors, progress=self.progress))
        self.rows += vector_rows(found, experts.all, self.names, level=self.level, seed=self.seed)
        return experts

    def _barriers(self, experts: Experts) -> dict[tuple[str, str], Estimate]:
        """Losses between experts, on dev batches."""
        with self.stage("loss barriers"):
            dev = DevBatches(self.encoder, self.training, [task.dev for task in self.tasks], self.settings)
            self.notes += [
                f"{name}: too few dev rows for a loss, so no barrier of it. Raise `split.dev` or name a `dev_source`."
                for number, name in enumerate(self.names)
                if number not in dev.places
            ]
            if len(dev.places) < 2:
                return {}
            identity = [task_identity(replace(self.training[n], signal=self.tasks[n].dev)) for n in dev.places]
            key = [[one.path.name for one in experts.all], identity, POINTS, DEV_BATCHES]
            found = self._kept("barriers", key, lambda: barrier_losses(experts, dev, progress=self.progress))
        rows = barrier_rows(found, self.names, level=self.level, seed=self.seed)
        self.rows += rows
        return {(line["a"], line["b"]): estimate_of(line) for line in rows}

    def _transfer(self, experts: Experts) -> dict[tuple[str, str], Estimate]:
        """The primary metric of every task under every expert, on dev rows."""
        tasks = [judged_rows(task, self.seed) for task in self.tasks if len(task.dev)]
        self.notes += [
            f"{task.name}: no dev rows, so no transfer to it. Raise `split.dev` or name a `dev_source`."
            for task in self.tasks
            if not len(task.dev)
        ]
        if not tasks:
            return {}
        rules = self.recipe.spec.evaluate
        with self.stage("transfer"):
            kept = KeptResults(self.folder / "measured" / "transfer")
            found = transfer_measures(
                experts, tasks, kept=kept, seed=self.seed, precision=rules.precision, progress=self.progress
            )
            rows, strict = transfer_rows(found, self.names, level=self.level, resamples=rules.resamples, seed=self.seed)
        self.rows += rows
        return strict

    def _record(self, gradients: GradientConflict, evidence: Sequence[Evidence]) -> dict[str, Any]:
        """Everything as one JSON value."""
        said = recommend(evidence)
        return plain(
            {
                "format": FORMAT,
                "recommendation": {"action": said.action, "sentence": said.sentence},
                "pairs": [{**asdict(one), **pair_values(proof)} for one, proof in zip(said.pairs, evidence)],
                "gradient_verdict": gradients.verdict,
                "tasks": self.names,
                "level": self.level,
                "settings": {
                    "encoder": self.recipe.spec.encoder.model,
                    "batches": self.batches,
                    "batch_sizes": list(self.sizes),
                    "steps": self.steps,
                    "tolerance": self.tolerance,
                    "projection_error": self.error,
                    "seed": self.seed,
                },
                "rows": self.rows,
                "notes": self.notes,
                "data_hashes": {k: v for k, v in self.prepared.hashes().items() if not k.endswith(".test")},
                "environment": environment(),
                "seconds": self.seconds,
            }
        )
