"""The main job: one encoder for all tasks, and others beside it; measure, compare, index, report."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from accord.core.environment import environment
from accord.core.errors import InputError, MissingExtra
from accord.core.interrupts import Interrupted
from accord.core.progress import Progress, silent
from accord.core.records import Results, StepRecord
from accord.core.storage import clear_leftovers, storage_errors
from accord.encoders.integrity import read_manifest
from accord.evaluation import compare, scores, write_examples
from accord.recipes.cards import write_cards
from accord.recipes.elastic import cut_command, size_pairs
from accord.recipes.evaluate import load_any
from accord.recipes.index import build_index
from accord.recipes.prepare import Prepared, prepare, task_row
from accord.recipes.prices import prices
from accord.recipes.recipe import Recipe
from accord.recipes.run_folder import RunFolder
from accord.recipes.stages import Stages
from accord.recipes.strategies.every import make_all
from accord.recipes.training_tasks import Loaded
from accord.reporting import write_report
from accord.training.processes import join
from accord.training.turns import make_turns

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
    def model(self) -> Loaded:
        """The encoder that the run gives, loaded."""
        return load_any(str(RunFolder(self.path).model))

    @property
    def models(self) -> dict[str, Path]:
        """Folders of all trained encoders, by name."""
        names = [row["name"] for row in self.results.details["models"] if row["name"] != "base"]
        return {name: RunFolder(self.path).trained(name) for name in names}

    @property
    def chosen(self) -> str:
        """Name of the encoder that the run gives: the one of its strategy, or what `auto` chose."""
        return RunFolder(self.path).chosen or "joint"

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
        _run(Stages(recipe, folder, processes, resume=resume, progress=progress, on_step=on_step))
    except KeyboardInterrupt as stop:  # the folder holds the recipe as it was changed for this run
        words, several = str(stop) or "Stopped.", f" --processes {processes.count}" if processes.count > 1 else ""
        raise Interrupted(f"{words} Go on with: accord fit {out} --out {out} --resume{several}") from stop
    return open_run(folder.path)


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


def _run(stages: Stages) -> None:
    """All stages in order, each kept when the run is resumed."""
    spec = stages.recipe.spec
    try:
        with stages.timed("read data"):
            prepared = stages.processes.together(lambda: _ready(stages))
    except InputError:
        if stages.processes.leads:
            _forget(stages.folder)
        raise
    tasks = list(prepared.tasks.values())
    stages.base(tasks)
    make_all(stages, tasks)
    if spec.index is not None:
        with stages.timed("index"):
            stages.lead(lambda: build_index(stages.folder, prepared, progress=stages.progress))
    stages.lead(lambda: _finish(stages, prepared))


def _ready(stages: Stages) -> Prepared:
    """The data, after a look at whether every training run of the recipe can be set up."""
    prepared = prepare(stages.recipe, progress=stages.progress)
    tasks = list(prepared.tasks.values())
    for balanced in {name == "balanced" for name in stages.recipe.spec.strategies}:
        settings = stages.settings(tasks, seed=stages.recipe.spec.seeds[0], balanced=balanced)
        make_turns(settings, [t.train for t in tasks], [t.spec.weight for t in tasks])
    return prepared


def _forget(folder: RunFolder) -> None:
    """Leave nothing of a run that was refused before it began."""
    if {path.name for path in folder.path.iterdir()} <= {folder.recipe.name}:
        folder.recipe.unlink(missing_ok=True)
        folder.path.rmdir()


def _finish(stages: Stages, prepared: Prepared) -> None:
    """Compare, write results, examples and report."""
    spec, folder = stages.recipe.spec, stages.folder
    with stages.timed("compare"):
        rules = spec.evaluate
        found = scores(stages.observed, level=rules.level, resamples=rules.resamples)
        pairs = _pairs(folder.chosen or "joint", [one.model for one in stages.observed], stages.sizes)
        comparisons = compare(stages.observed, pairs, level=rules.level, resamples=rules.resamples)
    for task in prepared.tasks:
        write_examples(folder.examples(task), [one for one in stages.observed if one.task == task])
    results = Results(
        scores=tuple(found),
        comparisons=tuple(comparisons),
        environment=environment(),
        seeds=spec.seeds,
        data_hashes=prepared.hashes(),
        seconds=stages.seconds,
        details=_details(stages, prepared),
    )
    write_cards(folder, stages.recipe, results)
    results.save(folder.results)
    try:
        write_report(folder.path)
    except MissingExtra as error:
        log.warning("No report.html: %s", error)


def _details(stages: Stages, prepared: Prepared) -> dict[str, Any]:
    record = stages.folder.decision
    chosen, seeds = record["chosen"], len(stages.recipe.spec.seeds)
    truncated = {k: v for row in stages.models if row["name"] == chosen for k, v in row["truncated"].items()}
    if any(row["name"] == "merged" for row in stages.models):
        kept = (read_manifest(stages.folder.trained("merged")) or {}).get("metadata", {}).get("merge")
        record["merge"] = {"method": kept["method"], "length": kept["length"]}
    return {
        "level": stages.recipe.spec.evaluate.level,
        "strategy": {**record, "prices": prices(stages.models, seeds=seeds, record=record)},
        "models": stages.models,
        **({"sizes": stages.sizes} if stages.sizes else {}),
        "tasks": [task_row(task) | {"truncated": truncated.get(task.name, 0)} for task in prepared.tasks.values()],
        "leakage": list(prepared.leakage),
        "notes": [*prepared.notes, *_notes_of_sizes(stages, record["chosen"])],
        "timings": [{"stage": name, "seconds": seconds} for name, seconds in stages.seconds.items()],
    }


def _notes_of_sizes(stages: Stages, chosen: str) -> list[str]:
    """How to get each size of the chosen model as a model of its own."""
    run = stages.folder.path.name
    return [f"{row['name']}: {cut_command(row, run)}" for row in stages.sizes if row["of"] == chosen]


def _pairs(chosen: str, models: Sequence[str], sizes: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """The encoder that the run gives against everything else; its sizes against the same sizes of the others."""
    cut = {row["name"] for row in sizes}
    whole = [(chosen, name) for name in dict.fromkeys(models) if name != chosen and name not in cut]
    return whole + size_pairs(chosen, sizes, models)
