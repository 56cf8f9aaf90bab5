"""Distil one teacher or several into a smaller student, and say what it gained and what it lost."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from accord._version import __version__
from accord.compression.distil.target_space import principal_axes
from accord.core.checks import check_at_least, check_choice, check_positive
from accord.core.errors import InputError, ModelError
from accord.core.interrupts import Interrupted
from accord.core.progress import Progress, silent
from accord.core.records import Results, StepRecord
from accord.core.storage import clear_leftovers, fsync_path, hash_json, read_json, storage_errors, write_json
from accord.encoders import StaticEncoder, TextEncoder, load, locate
from accord.encoders.kinds import is_cross_encoder
from accord.evaluation import KeptResults
from accord.objectives import VectorDistillation
from accord.objectives.distillation.similarity_distillation import SimilarityDistillation
from accord.recipes.distil.measures import measure_student, write_student_card
from accord.recipes.distil.relevance import WEIGHINGS, relevance_rows, teacher_relevance, teacher_weights
from accord.recipes.distil.students import StudentSpec, make_student, read_student
from accord.recipes.distil.texts import (
    Lessons,
    Vectors,
    collect_texts,
    encode_lessons,
    student_lessons,
    training_tasks,
)
from accord.recipes.prepare import Prepared, prepare
from accord.recipes.recipe import Recipe
from accord.training import AdamW, Settings, train

__all__ = ["DistilRules", "Distilled", "distil"]

log = logging.getLogger(__name__)

OBJECTIVES = ("vectors", "projection", "similarities")
REPORT = "distil.json"

Encoder = TextEncoder | StaticEncoder


@dataclass(frozen=True, kw_only=True)
class DistilRules:
    """How a student learns.

    Args:
        steps: optimiser steps.
        batch: texts a step; 64, or 512 for a table, when not given.
        lr: peak learning rate; 1e-4, or 5e-3 for a table, when not given.
        objective: "vectors" (the teacher's, brought to the student's dimensions), "projection" (a map to the teacher's
            dimensions is learned beside the student and left behind) or "similarities" (angles between texts alone).
        weigh: how several teachers count: "nearest" takes the most relevant one, "weighted" all by relevance, "uniform"
            all alike.
        texts: most texts to learn from.
        seed: of all that is drawn; the recipe's first when not given.
    """

    steps: int = 1000
    batch: int | None = None
    lr: float | None = None
    objective: str = "vectors"
    weigh: str = "weighted"
    texts: int = 100_000
    seed: int | None = None

    def __post_init__(self) -> None:
        check_at_least("steps", self.steps, 1)
        check_at_least("texts", self.texts, 2)
        if self.batch is not None:
            check_at_least("batch", self.batch, 4)
        if self.lr is not None:
            check_positive("lr", self.lr)
        check_choice("objective", self.objective, OBJECTIVES)
        check_choice("weigh", self.weigh, WEIGHINGS)

    def settings(self, student: Encoder, seed: int) -> Settings:
        """Of the training loop, where a row holds two texts."""
        table = isinstance(student, StaticEncoder)
        batch, lr = self.batch or (512 if table else 64), self.lr or (5e-3 if table else 1e-4)
        optimizer = AdamW(lr=lr, weight_decay=0.0 if table else 0.01)
        return Settings(steps=self.steps, batch=batch // 2, optimizer=optimizer, checkpoint_every=100, seed=seed)


@dataclass(frozen=True)
class Distilled:
    """A finished student.

    Args:
        path: its folder.
        results: scores of teachers and student with intervals, paired comparisons, sizes and speeds.
    """

    path: Path
    results: Results = field(repr=False)

    @property
    def model(self) -> Encoder:
        """The student, loaded."""
        return load(self.path)


def distil(
    teachers: str | Path | Sequence[str | Path],
    recipe: Recipe | str | Path,
    *,
    student: str,
    out: Path | str,
    rules: DistilRules = DistilRules(),
    progress: Progress = silent,
    on_step: Callable[[StepRecord], None] | None = None,
) -> Distilled:
    """Teach a smaller encoder what larger ones know, on the texts of a recipe's train parts; labels are not needed.

    A text that any task holds out is not learned from, as in :func:`accord.fit`. What is finished is kept beside `out`
    until the student is whole, so that the same call goes on where an earlier one stopped.

    Reference: Reimers & Gurevych (2020), arXiv:2004.09813, for vectors; Borup et al. (2023), arXiv:2304.12314
    (DistillNearest, DistillWeighted), for several teachers.

    Args:
        teachers: one encoder or several, each a folder, a hub name, `package:MODULE` or a run folder.
        recipe: a recipe, its name or path: texts to learn from, and tasks to be judged by.
        student: `N-layers` or `N-layers-DIM` of the teacher's own, `static` or `static-DIM` for a table of its tokens,
            or the name of a model.
        out: the student's folder; it appears whole or not at all.
        rules: how it learns.
        progress: opens bars.
        on_step: called with each training step.

    Returns:
        The student and what was measured.

    Raises:
        InputError: a teacher that is a cross-encoder, an unknown student or one that is larger than its teacher, a
            recipe without texts, or an `out` that exists.
        Interrupted: on Ctrl-C; what was finished is kept.
    """
    path = Path(out)
    names = [str(one) for one in ([teachers] if isinstance(teachers, (str, Path)) else teachers)]
    recipe = recipe if isinstance(recipe, Recipe) else Recipe.load(recipe)
    spec = read_student(student)
    _check(path, names, recipe)
    job = _Job(recipe, path, names, spec, rules, progress)
    try:
        return job.run(on_step)
    except KeyboardInterrupt as stop:
        words = str(stop) or "Stopped."
        raise Interrupted(f"{words} The same command goes on from what is kept in {job.work}.") from stop


def _check(path: Path, teachers: Sequence[str], recipe: Recipe) -> None:
    """Refuse what can be seen before anything is loaded."""
    if path.exists():
        raise InputError(f"`out` {path} exists. Name another folder, or remove it.")
    if not teachers or len(set(teachers)) < len(teachers):
        raise InputError("`teachers` needs at least one model, and none of them twice.")
    if recipe.spec.encoder.kind == "cross-encoder":
        raise InputError("The recipe trains a cross-encoder, and a student makes vectors. Name a recipe of encoders.")
    for name in teachers:
        try:
            scorer = is_cross_encoder(locate(name))
        except ModelError as error:
            raise InputError(f"teacher: {error}") from error
        if scorer:
            raise InputError(
                f"The teacher {name} is a cross-encoder: it scores pairs and makes no vectors. Name it as `teacher` of "
                "a recipe's task with `ListKL`, `MarginMSE` or `PairMSE` instead, and train by `accord fit`."
            )


class _Job:
    """One distillation: its stages, and the folder that keeps what is finished."""

    def __init__(
        self,
        recipe: Recipe,
        out: Path,
        names: Sequence[str],
        spec: StudentSpec,
        rules: DistilRules,
        progress: Progress,
    ) -> None:
        self.recipe, self.out, self.spec, self.rules, self.progress = recipe, out, spec, rules, progress
        self.names = _short_names(names)
        self.given = names
        self.seed = recipe.spec.seeds[0] if rules.seed is None else rules.seed
        self.work = out.parent / f".{out.name}.distil"
        self.seconds: dict[str, float] = {}

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """Time a stage."""
        begun = time.perf_counter()
        yield
        self.seconds[name] = round(time.perf_counter() - begun, 3)

    def run(self, on_step: Callable[[StepRecord], None] | None) -> Distilled:
        """All stages, one after another."""
        with self.timed("read data"):
            prepared = prepare(self.recipe, progress=self.progress)
        tasks = list(prepared.tasks.values())
        with self.timed("load"):
            teachers: dict[str, Encoder] = {name: load(given) for name, given in zip(self.names, self.given)}
            own = load(self.spec.word) if self.spec.kind == "model" else None
        for name, teacher in teachers.items():
            self.spec.check(teacher, name)
        asking = [*teachers.values(), *([] if own is None else [own])]
        lessons = collect_texts(tasks, asking, most=self.rules.texts, seed=self.seed)
        with self.timed("weigh teachers"):
            found, weights = self._weigh(teachers, prepared)
        self._open(teachers, own, prepared)
        with self.timed("encode"):
            asked = [name for name, weight in zip(teachers, weights) if weight > 0]
            vectors = encode_lessons(teachers, lessons, self.work, kept=asked, progress=self.progress)
        lead = int(np.argmax(weights))
        with self.timed("make student"):
            start = self._start(teachers[self.names[lead]], vectors[lead], lessons, own)
        prompt = len(teachers) if own is not None else lead
        with self.timed("train"):
            trained = self._train(start, vectors, weights, lessons, prompt, on_step)
        with self.timed("evaluate"):
            models = {**teachers, "start": start, "student": trained}
            kept = KeptResults(self.work / "measured")
            results = measure_student(prepared, models, lessons[0].texts, kept=kept, progress=self.progress)
        record = {
            "student": self.spec.word,
            "texts": sum(len(lesson.texts) for lesson in lessons),
            "rules": asdict(replace(self.rules, seed=self.seed)),
            "teachers": relevance_rows(self.names, self.given, found, weights),
        }
        results = replace(results, seconds=self.seconds, details={**results.details, "distil": record})
        return self._finish(trained, results)

    def _open(self, teachers: Mapping[str, Encoder], own: Encoder | None, prepared: Prepared) -> None:
        """Make the folder that keeps what is finished, or see that it is of this job."""
        identity = {
            "teachers": [teacher.fingerprint() for teacher in teachers.values()],
            "student": asdict(self.spec) | {"model": None if own is None else own.fingerprint()},
            "rules": asdict(self.rules),
            "recipe": hash_json([self.recipe.resolved(), prepared.hashes()]),
            "version": __version__,
        }
        note = self.work / "job.json"
        with storage_errors(self.work):
            self.work.mkdir(parents=True, exist_ok=True)
        clear_leftovers(self.work)
        if not note.is_file():
            write_json(note, identity)
        elif changed := [key for key, value in identity.items() if read_json(note).get(key) != value]:
            raise InputError(
                f"{self.work} keeps an unfinished distillation whose `{changed[0]}` differs. Finish that one, remove "
                "the folder, or name another `out`."
            )

    def _weigh(
        self, teachers: Mapping[str, Encoder], prepared: Prepared
    ) -> tuple[dict[str, list[float]], Sequence[float]]:
        """The relevance of each teacher by task, and its share."""
        if len(teachers) == 1 or self.rules.weigh == "uniform":
            return {}, [1 / len(teachers)] * len(teachers)
        tasks = list(prepared.tasks.values())
        found = teacher_relevance(teachers, tasks, seed=self.seed, progress=self.progress)
        return found, teacher_weights(found, self.rules.weigh).tolist()

    def _start(
        self, teacher: Encoder, vectors: Sequence[np.ndarray], lessons: Sequence[Lessons], own: Encoder | None
    ) -> Encoder:
        """The student before it learns, read from the folder where it was kept."""
        place = self.work / "start"
        if not place.is_dir():
            axes = None
            if own is None and (dim := self.spec.dim_for(teacher)) < teacher.dim:
                axes = principal_axes(np.concatenate(list(vectors)), dim)
            texts = [text for lesson in lessons for text in lesson.texts]
            made = own or make_student(self.spec, teacher, axes=axes, texts=texts, progress=self.progress)
            made.save(place, metadata={})
        return load(place)

    def _train(
        self,
        start: Encoder,
        vectors: Vectors,
        weights: Sequence[float],
        lessons: Sequence[Lessons],
        prompt: int,
        on_step: Callable[[StepRecord], None] | None,
    ) -> Encoder:
        """The student after it has learned, read from the folder where it was kept."""
        place = self.work / "trained"
        if place.is_dir():
            return load(place)
        student = load(self.work / "start")
        objective, wanted = self._lessons(start, vectors, weights, lessons, prompt)
        train(
            student,
            training_tasks(lessons, wanted, objective, prompt=prompt, seed=self.seed),
            self.rules.settings(student, self.seed),
            run="distil",
            checkpoints=self.work / "checkpoints",
            resume=True,
            on_step=on_step,
            progress=self.progress,
        )
        student.save(place, metadata={})
        return load(place)

    def _lessons(
        self,
        start: Encoder,
        vectors: Vectors,
        weights: Sequence[float],
        lessons: Sequence[Lessons],
        prompt: int,
    ) -> tuple[Any, list[np.ndarray]]:
        """The objective, and the vectors that it follows."""
        kept = [(one, weight) for one, weight in zip(vectors, weights) if weight > 0]
        given, shares = [one for one, _ in kept], [weight for _, weight in kept]
        if self.rules.objective == "vectors":
            alone = len(given) == 1 and self.spec.kind != "model"  # the student starts in its teacher's space
            if not alone:
                return VectorDistillation(), student_lessons(given, shares, lessons, start, prompt)
            wanted = list(given[0])
            if start.dim < wanted[0].shape[1]:
                axes = principal_axes(np.concatenate(wanted), start.dim)
                wanted = [np.asarray(part @ axes, dtype=np.float32) for part in wanted]
            return VectorDistillation(distance="cosine" if start.normalizes else "mse"), wanted
        wanted = student_lessons(given, shares, lessons, None, prompt)
        if self.rules.objective == "similarities":
            return SimilarityDistillation(), wanted
        return VectorDistillation(projection=(start.dim, wanted[0].shape[1])), wanted

    def _finish(self, trained: Encoder, results: Results) -> Distilled:
        """Write the student with its report and card, and put it in its place in one step."""
        place = self.work / "model"
        trained.save(place, metadata={"distil": results.to_json()["details"]["distil"]})
        write_student_card(place, results)
        results.save(place / REPORT)
        with storage_errors(self.out):
            place.rename(self.out)
            fsync_path(self.out.parent)
        shutil.rmtree(self.work, ignore_errors=True)
        return Distilled(self.out, results)


def _short_names(names: Sequence[str]) -> list[str]:
    """What teachers are called in tables: "teacher" for one, else the last part of each name, made distinct."""
    if len(names) == 1:
        return ["teacher"]
    short: list[str] = []
    for number, name in enumerate(names):
        last = Path(name.removeprefix("package:")).name or name
        taken = last in short or last in {"start", "student"}
        short.append(f"{last}#{number + 1}" if taken else last)
    return short
