"""The main job: train one encoder on all tasks, and each task alone beside it; measure, compare, index, report."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from accord.core.environment import environment
from accord.core.errors import InputError, MissingExtra
from accord.core.interrupts import Interrupted
from accord.core.progress import Progress, silent
from accord.core.records import Results, StepRecord
from accord.core.storage import clear_leftovers, read_json, storage_errors, write_json
from accord.encoders import load
from accord.encoders.text.transformer import TextEncoder
from accord.evaluation import Measured, Observed, compare, scores, write_examples
from accord.recipes.evaluate import measure, observe
from accord.recipes.index import build_index
from accord.recipes.prepare import Prepared, PreparedTask, prepare, settings_of
from accord.recipes.recipe import Recipe
from accord.recipes.run_folder import RunFolder, StepLog
from accord.reporting import write_report
from accord.training import Settings, TrainingResult, TrainingTask, train

__all__ = ["Run", "fit", "open_run"]

log = logging.getLogger(__name__)


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
    def model(self) -> TextEncoder:
        """The joint encoder, loaded."""
        return load(str(RunFolder(self.path).model))

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
    if _open_folder(folder, recipe, resume=resume):
        return open_run(folder.path)
    try:
        return _Fit(recipe, folder, resume=resume, progress=progress, on_step=on_step).run()
    except KeyboardInterrupt as stop:
        words = str(stop) or "Stopped."
        raise Interrupted(f"{words} Go on with: accord fit {recipe.origin} --out {out} --resume") from stop


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
        *,
        resume: bool,
        progress: Progress,
        on_step: Callable[[StepRecord], None] | None,
    ) -> None:
        self.recipe = recipe
        self.folder = folder
        self.resume = resume
        self.progress = progress
        self.steps = StepLog(folder.steps, on_step)
        self.seconds: dict[str, float] = {}
        self.models: list[dict[str, Any]] = []
        self.observed: list[Observed] = []

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time a part of the run."""
        begun = time.perf_counter()
        yield
        self.seconds[name] = round(self.seconds.get(name, 0.0) + time.perf_counter() - begun, 3)

    def run(self) -> Run:
        """All stages."""
        with self.stage("read data"):
            prepared = prepare(self.recipe, progress=self.progress)
        spec, tasks = self.recipe.spec, list(prepared.tasks.values())
        base = load(spec.encoder.model, max_length=spec.encoder.max_length)
        self._record("base", base, None)
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
                build_index(self.folder, prepared, progress=self.progress)
        return self._finish(prepared)

    def _train_each_alone(self, suffix: str, tasks: Sequence[PreparedTask], settings: Settings) -> None:
        """Each task alone, on the very batches that the joint run drew for it."""
        order = settings.sampler.schedule(
            [len(t.train) for t in tasks], [t.spec.weight for t in tasks], settings.steps, seed=settings.seed
        )
        for number, task in enumerate(tasks):
            steps = int((order == number).sum())
            if steps:
                alone = Settings(**{**_fields(settings), "steps": steps})
                self._train(f"single:{task.name}", suffix, [task], alone)

    def _train(self, name: str, suffix: str, tasks: Sequence[PreparedTask], settings: Settings) -> None:
        """Train, save and measure one encoder, or take what an earlier call left."""
        run = name + suffix
        target = self.folder.trained(run)
        note = self.folder.path / "models" / f"{target.name}.json"
        if target.is_dir() and note.is_file():
            encoder, outcome = load(str(target)), TrainingResult(**read_json(note))
        else:
            with self.stage(f"train {name}"):
                encoder, outcome = self._fresh(tasks), TrainingResult()
                outcome = train(
                    encoder,
                    [_training_task(task, encoder) for task in tasks],
                    settings,
                    run=run,
                    checkpoints=self.folder.checkpoints(run),
                    resume=self.resume,
                    on_step=self.steps,
                    score=lambda: _dev_score(encoder, tasks, settings.seed),
                    progress=self.progress,
                )
                self._save(encoder, target, run, outcome)
                write_json(note, vars(outcome))
                shutil.rmtree(self.folder.checkpoints(run), ignore_errors=True)  # the model is whole and on disk
        self._record(run, encoder, outcome)
        self._measure(name, encoder, tasks, seed=settings.seed)

    def _fresh(self, tasks: Sequence[PreparedTask]) -> TextEncoder:
        """The base model with the prompts of these tasks."""
        spec = self.recipe.spec.encoder
        encoder = load(spec.model, max_length=spec.max_length)
        for task in tasks:
            for name, prompt in zip(task.prompts, (task.spec.prompts.query, task.spec.prompts.document)):
                if name is not None:
                    encoder.prompts[name] = prompt
        return encoder

    def _save(self, encoder: TextEncoder, target: Path, run: str, outcome: TrainingResult) -> None:
        """Write a trained encoder with what it comes from."""
        metadata = {"run": run, "recipe": self.recipe.resolved(), "training": vars(outcome)}
        encoder.save(target, metadata=metadata)

    def _measure(self, name: str, encoder: TextEncoder, tasks: Sequence[PreparedTask], *, seed: int) -> None:
        with self.stage(f"evaluate {name}"):
            precision, label = self.recipe.spec.evaluate.precision, f"evaluate {name}"
            found = measure(encoder, tasks, seed=seed, precision=precision, label=label, progress=self.progress)
        self.observed += observe(name, seed, found)

    def _record(self, name: str, encoder: TextEncoder, outcome: TrainingResult | None) -> None:
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

    def _finish(self, prepared: Prepared) -> Run:
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
        results.save(self.folder.results)
        try:
            write_report(self.folder.path)
        except MissingExtra as error:
            log.warning("No report.html: %s", error)
        return Run(self.folder.path, results)

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


def task_row(task: PreparedTask) -> dict[str, Any]:
    """A task as a row of a table."""
    return {
        "name": task.name,
        "signal": type(task.train).__name__,
        "train": len(task.train),
        "dev": len(task.dev),
        "test": len(task.test),
        "dropped": task.dropped,
        "objective": repr(task.objective),
        "evaluation": ", ".join(type(evaluation).__name__ for evaluation in task.evaluations),
        "weight": task.spec.weight,
    }


def _training_task(task: PreparedTask, encoder: TextEncoder) -> TrainingTask:
    """A task to train on, with the prompts that the encoder will put before its texts afterwards."""
    query, document = task.prompts
    return TrainingTask(
        name=task.name,
        signal=task.train,
        objective=task.objective,
        weight=task.spec.weight,
        loss_weight=task.spec.loss_weight,
        query_prompt=encoder.role_prompt("query", query),
        document_prompt=encoder.role_prompt("document", document),
    )


def _dev_score(encoder: TextEncoder, tasks: Sequence[PreparedTask], seed: int) -> float:
    """Mean of the primary metrics over the dev splits."""
    found: Mapping[str, Sequence[Measured]] = measure(encoder, tasks, split="dev", seed=seed)
    values = [m.score for task in found.values() for m in task if m.primary]
    return sum(values) / len(values)


def _pairs(models: Sequence[str]) -> list[tuple[str, str]]:
    """The joint encoder against everything else."""
    return [("joint", name) for name in dict.fromkeys(models) if name != "joint"]


def _fields(settings: Settings) -> dict[str, Any]:
    return {name: getattr(settings, name) for name in settings.__dataclass_fields__}
