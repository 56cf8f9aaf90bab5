"""The main job: train one encoder on all tasks, and each task alone beside it; measure, compare, index, report."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from accord.core.environment import environment
from accord.core.errors import InputError, MissingExtra, RecipeError
from accord.core.interrupts import Interrupted
from accord.core.progress import Progress, silent
from accord.core.records import Results, StepRecord
from accord.core.storage import clear_leftovers, read_json, storage_errors, write_json
from accord.encoders import StaticEncoder, TextEncoder, load
from accord.encoders.adapters import Adapter, save_adapter
from accord.encoders.pairs import CrossEncoder
from accord.evaluation import Measured, Observed, compare, scores, write_examples
from accord.recipes.cards import write_cards
from accord.recipes.evaluate import load_any, measure, observe
from accord.recipes.index import build_index
from accord.recipes.models import starting_pairs
from accord.recipes.prepare import Prepared, PreparedTask, adapter_of, prepare, settings_of, task_row
from accord.recipes.recipe import Recipe
from accord.recipes.run_folder import RunFolder, StepLog
from accord.recipes.teachers import Teachers
from accord.reporting import write_report
from accord.training import Settings, TrainingResult, TrainingTask, train
from accord.training.processes import Processes, join
from accord.training.turns import make_turns

__all__ = ["Run", "fit", "open_run"]

log = logging.getLogger(__name__)

Loaded = TextEncoder | StaticEncoder | CrossEncoder
"""What a run may train."""


@dataclass(frozen=True)
class Run:
    """A finished run.

    Args:
        path: its folder.
        results: scores and comparisons.
    """

    path: Path
    results: Results

    @property
    def model(self) -> Loaded:
        """The joint encoder, loaded."""
        return load_any(str(RunFolder(self.path).model))

    @property
    def models(self) -> dict[str, Path]:
        """Folders of all trained encoders, by name."""
        names = [row["name"] for row in self.results.details["models"] if row["name"] != "base"]
        return {name: RunFolder(self.path).trained(name) for name in names}

    @property
    def report(self) -> Path:
        """The page."""
        return RunFolder(self.path).report


def open_run(path: Path | str) -> Run:
    """A run that has finished.

    Raises:
        InputError: not a finished run.
    """
    return Run(Path(path), RunFolder(Path(path)).load_results())


def fit(
    recipe: Recipe | str | Path,
    *,
    out: Path | str,
    resume: bool = False,
    progress: Progress = silent,
    on_step: Callable[[StepRecord], None] | None = None,
) -> Run:
    """Train one encoder on all tasks of a recipe and say what it gained.

    Args:
        recipe: a recipe, or its name or path.
        out: run folder; made when missing.
        resume: go on where an earlier call with the same recipe stopped.
        progress: opens bars.
        on_step: called with each training step.

    Returns:
        The finished run.

    Raises:
        InputError: a recipe or data that cannot be used, or a folder that holds another run.
        Interrupted: on Ctrl-C, with everything saved.
    """
    recipe = recipe if isinstance(recipe, Recipe) else Recipe.load(recipe)
    folder = RunFolder(Path(out))
    processes = join()
    if processes.lead(lambda: _open_folder(folder, recipe, resume=resume)):
        return open_run(folder.path)
    try:
        return _Fit(recipe, folder, processes, resume=resume, progress=progress, on_step=on_step).run()
    except KeyboardInterrupt as stop:  # the folder holds the recipe as it was changed for this run
        words, several = str(stop) or "Stopped.", f" --processes {processes.count}" if processes.count > 1 else ""
        raise Interrupted(f"{words} Go on with: accord fit {out} --out {out} --resume{several}") from stop


def _open_folder(folder: RunFolder, recipe: Recipe, *, resume: bool) -> bool:
    """Prepare the run folder; True when the run in it has finished already.

    Raises:
        InputError: it holds something else.
    """
    with storage_errors(folder.path):
        folder.path.mkdir(parents=True, exist_ok=True)
    clear_leftovers(folder.path)
    if folder.recipe.is_file():
        if not resume:
            raise InputError(
                f"`--out` {folder.path} holds a run already. Go on with it by --resume, or name another folder."
            )
        before = Recipe.load(folder.recipe).resolved()
        now = recipe.resolved()
        changed = [key for key in now if before.get(key) != now[key]]
        if changed:
            raise InputError(
                f"`--out` {folder.path} holds a run of another recipe: `{changed[0]}` differs. Name another folder."
            )
        return folder.results.is_file()
    if any(folder.path.iterdir()):
        raise InputError(f"`--out` {folder.path} is not empty and holds no run. Name a new or empty folder.")
    recipe.save(folder.recipe)
    return False


class _Fit:
    """One call of :func:`fit`: its stages in order, each kept when the run is resumed."""

    def __init__(
        self,
        recipe: Recipe,
        folder: RunFolder,
        processes: Processes,
        *,
        resume: bool,
        progress: Progress,
        on_step: Callable[[StepRecord], None] | None,
    ) -> None:
        self.recipe = recipe
        self.folder = folder
        self.processes = processes
        self.resume = resume
        self.progress = progress if processes.leads else silent
        self.steps = StepLog(folder.steps, on_step)
        self.seconds: dict[str, float] = {}
        self.models: list[dict[str, Any]] = []
        self.observed: list[Observed] = []
        self.teachers = Teachers()

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time a part of the run."""
        begun = time.perf_counter()
        yield
        self.seconds[name] = round(self.seconds.get(name, 0.0) + time.perf_counter() - begun, 3)

    def run(self) -> Run:
        """All stages."""
        with self.stage("read data"):
            prepared = self.processes.together(lambda: prepare(self.recipe, progress=self.progress))
        spec, tasks = self.recipe.spec, list(prepared.tasks.values())
        base = self._start(spec.seeds[0])
        self._record("base", base, None)
        if (adapter := adapter_of(self.recipe)) is not None:
            adapter.attach(base).remove()  # what does not fit is said now, not after the base was measured
        if "base" in spec.evaluate.baselines:
            self._measure("base", base, tasks, seed=spec.seeds[0])
        del base
        for seed in spec.seeds:
            settings = settings_of(self.recipe, [len(t.train) for t in tasks], seed=seed)
            suffix = "" if seed == spec.seeds[0] else f"@{seed}"
            self._train("joint", suffix, tasks, settings)
            if "single-task" in spec.evaluate.baselines and len(tasks) > 1:
                self._train_each_alone(suffix, tasks, settings)
        if spec.index is not None:
            with self.stage("index"):
                self._lead(lambda: build_index(self.folder, prepared, progress=self.progress))
        self._lead(lambda: self._finish(prepared))
        return open_run(self.folder.path)

    def _lead(self, work: Callable[[], object]) -> None:
        """Do what writes or judges in the leading process; the others wait, and fail when it fails."""
        self.processes.together(lambda: work() if self.processes.leads else None)

    def _train_each_alone(self, suffix: str, tasks: Sequence[PreparedTask], settings: Settings) -> None:
        """Each task alone, on the very batches that the joint run drew for it."""
        turns = make_turns(settings, [t.train for t in tasks], [t.spec.weight for t in tasks])
        for number, task in enumerate(tasks):
            if steps := turns.batches(number):
                one = {"steps": steps, "batch": turns.sizes[number], "batches": "homogeneous", "may_idle": True}
                self._train(f"single:{task.name}", suffix, [task], replace(settings, **one))

    def _train(self, name: str, suffix: str, tasks: Sequence[PreparedTask], settings: Settings) -> None:
        """Train, save and measure one encoder, or take what an earlier call left."""
        run = name + suffix
        target = self.folder.trained(run)
        note = self.folder.path / "models" / f"{target.name}.json"
        if self.processes.lead(lambda: target.is_dir() and note.is_file()):
            encoder, outcome = load_any(str(target)), TrainingResult(**read_json(note))
        else:
            with self.stage(f"train {name}"):
                encoder, outcome = self._fresh(tasks, settings.seed), TrainingResult()
                kind = adapter_of(self.recipe)
                adapter = None if kind is None else kind.attach(encoder, seed=settings.seed)
                outcome = train(
                    encoder,
                    [_training_task(task, encoder, self.teachers) for task in tasks],
                    settings,
                    run=run,
                    checkpoints=self.folder.checkpoints(run),
                    resume=self.resume,
                    on_step=self.steps,
                    score=lambda: _dev_score(encoder, tasks, settings.seed),
                    progress=self.progress,
                )
                self._lead(lambda: self._save(encoder, adapter, run, outcome))
                if adapter is not None:
                    adapter.fold()
        self._record(run, encoder, outcome)
        self._measure(name, encoder, tasks, seed=settings.seed)

    def _start(self, seed: int) -> Loaded:
        """The base model; the seed is that of a cross-encoder's fresh head."""
        spec = self.recipe.spec.encoder
        if spec.kind == "cross-encoder":
            return starting_pairs(spec, seed=seed)
        return load(spec.model, max_length=spec.max_length, attention=spec.attention)

    def _fresh(self, tasks: Sequence[PreparedTask], seed: int) -> Loaded:
        """The base model with the prompts of these tasks."""
        spec, encoder = self.recipe.spec.encoder, self._start(seed)
        if isinstance(encoder, CrossEncoder):
            return encoder
        if spec.task_tokens:
            if not isinstance(encoder, TextEncoder):
                raise RecipeError("`encoder.task_tokens` needs a transformer; this model is static. Leave it out.")
            encoder.add_task_tokens([task.name for task in tasks])
        for task in tasks:
            for name, prompt in zip(task.prompts, task.prompt_texts):
                if name is not None:
                    encoder.prompts[name] = prompt
        return encoder

    def _save(self, encoder: Loaded, adapter: Adapter | None, run: str, outcome: TrainingResult) -> None:
        """Write a trained encoder with what it comes from, and its adapter beside it."""
        target = self.folder.trained(run)
        if adapter is not None:
            save_adapter(adapter, self.folder.adapter(run), base_name=self.recipe.spec.encoder.model)
        metadata = {"run": run, "recipe": self.recipe.resolved(), "training": vars(outcome)}
        encoder.save(target, metadata=metadata)
        write_json(self.folder.path / "models" / f"{target.name}.json", vars(outcome))
        shutil.rmtree(self.folder.checkpoints(run), ignore_errors=True)  # the model is whole and on disk

    def _measure(self, name: str, encoder: Loaded, tasks: Sequence[PreparedTask], *, seed: int) -> None:
        with self.stage(f"evaluate {name}"):
            precision, label = self.recipe.spec.evaluate.precision, f"evaluate {name}"

            def judge() -> None:
                found = measure(encoder, tasks, seed=seed, precision=precision, label=label, progress=self.progress)
                self.observed += observe(name, seed, found)

            self._lead(judge)

    def _record(self, name: str, encoder: Loaded, outcome: TrainingResult | None) -> None:
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

    def _finish(self, prepared: Prepared) -> None:
        """Compare, write results, examples and report."""
        with self.stage("compare"):
            rules = self.recipe.spec.evaluate
            found = scores(self.observed, level=rules.level, resamples=rules.resamples)
            pairs = _pairs([one.model for one in self.observed])
            comparisons = compare(self.observed, pairs, level=rules.level, resamples=rules.resamples)
        details = self._details(prepared)
        for task in prepared.tasks:
            write_examples(self.folder.examples(task), [one for one in self.observed if one.task == task])
        results = Results(
            scores=tuple(found),
            comparisons=tuple(comparisons),
            environment=environment(),
            seeds=self.recipe.spec.seeds,
            data_hashes=prepared.hashes(),
            seconds=self.seconds,
            details=details,
        )
        write_cards(self.folder, self.recipe, results)
        results.save(self.folder.results)
        try:
            write_report(self.folder.path)
        except MissingExtra as error:
            log.warning("No report.html: %s", error)

    def _details(self, prepared: Prepared) -> dict[str, Any]:
        truncated = {k: v for row in self.models if row["name"] == "joint" for k, v in row["truncated"].items()}
        tasks = [task_row(task) | {"truncated": truncated.get(task.name, 0)} for task in prepared.tasks.values()]
        return {
            "level": self.recipe.spec.evaluate.level,
            "models": self.models,
            "tasks": tasks,
            "leakage": list(prepared.leakage),
            "notes": list(prepared.notes),
            "timings": [{"stage": name, "seconds": seconds} for name, seconds in self.seconds.items()],
        }


def _training_task(task: PreparedTask, encoder: Loaded, teachers: Teachers) -> TrainingTask:
    """A task to train on, with the prompts that the encoder will put before its texts afterwards."""
    query, document = task.prompts
    scorer = isinstance(encoder, CrossEncoder)
    return TrainingTask(
        name=task.name,
        signal=task.train,
        objective=task.objective,
        teacher=teachers.of(task.spec.teacher),
        weight=task.spec.weight,
        loss_weight=task.spec.loss_weight,
        prompt_dropout=task.spec.prompts.dropout,
        random_negatives=task.spec.random_negatives,
        per_label=task.spec.per_label,
        classes=task.spec.classes,
        weights=task.spec.weights,
        query_prompt="" if scorer else encoder.role_prompt("query", query),
        document_prompt="" if scorer else encoder.role_prompt("document", document),
    )


def _dev_score(encoder: Loaded, tasks: Sequence[PreparedTask], seed: int) -> float:
    """Mean of the primary metrics over the dev splits."""
    found: Mapping[str, Sequence[Measured]] = measure(encoder, tasks, split="dev", seed=seed)
    values = [m.score for task in found.values() for m in task if m.primary]
    return sum(values) / len(values)


def _pairs(models: Sequence[str]) -> list[tuple[str, str]]:
    """The joint encoder against everything else."""
    return [("joint", name) for name in dict.fromkeys(models) if name != "joint"]
