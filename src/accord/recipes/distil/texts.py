"""What a student learns from: the texts of a recipe's train parts, and the vectors that it is to give for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from accord.compression.distil.target_space import joined_vectors, principal_axes, turn
from accord.core.errors import InputError
from accord.core.progress import Progress, silent
from accord.core.random import numpy_generator
from accord.core.storage import hash_json
from accord.data.signals import Pairs, Signal
from accord.data.streams import Stream
from accord.encoders import StaticEncoder, TextEncoder
from accord.recipes.prepare import PreparedTask
from accord.training import TrainingTask
from accord.training.fields import QUERY_COLUMNS

__all__ = [
    "Lessons",
    "Vectors",
    "Wanted",
    "collect_texts",
    "encode_lessons",
    "role_prompt",
    "student_lessons",
    "training_tasks",
]

Encoder = TextEncoder | StaticEncoder
SAMPLE = 8192
"""Texts that axes and turns are found from."""


@dataclass(frozen=True)
class Lessons:
    """Texts that have one prompt before them, in each model.

    Args:
        name: of the group.
        texts: distinct.
        prompts: of each model that was asked, in their order.
    """

    name: str
    texts: Sequence[str]
    prompts: tuple[str, ...]


def role_prompt(model: Encoder, role: str, name: str | None) -> str:
    """What a model puts before a text of this role in evaluations: its own prompt of this name, or of the role."""
    return model.role_prompt(role, name if name in model.prompts else None)


def collect_texts(tasks: Sequence[PreparedTask], models: Sequence[Encoder], *, most: int, seed: int) -> list[Lessons]:
    """The distinct texts of some tasks' train parts, by the prompts that stand before them.

    Args:
        tasks: prepared, so that nothing that any task holds out is among them.
        models: that may know the tasks' prompts.
        most: texts to take; beyond, an even draw.
        seed: of the draw.

    Raises:
        InputError: fewer than two texts.
    """
    found: dict[tuple[str, ...], dict[str, None]] = {}
    for task in tasks:
        rows = _rows(task.train, most, seed, task.name)
        for column in rows.text_columns:
            number = 0 if column in QUERY_COLUMNS else 1
            role, name = ("query", "document")[number], task.prompts[number]
            held = found.setdefault(tuple(role_prompt(model, role, name) for model in models), {})
            held.update((text, None) for text in rows.texts(column).to_pylist() if text and not text.isspace())
    total = sum(map(len, found.values()))
    if total < 2:
        raise InputError("The recipe's train parts hold no two texts to distil on. Name a recipe with texts.")
    lessons = []
    for number, (prompts, held) in enumerate(found.items()):
        texts = list(held)
        if total > most:
            count = max(2, round(most * len(texts) / total))
            order = numpy_generator(seed, "distil", "texts", number).permutation(len(texts))
            texts = [texts[place] for place in np.sort(order[:count])]
        if texts:
            lessons.append(Lessons("texts" if len(found) == 1 else f"texts-{number + 1}", texts, prompts))
    return lessons


def _rows(train: Signal | Stream, most: int, seed: int, name: str) -> Signal:
    """The rows of a train part; of one on the disk, as many as there can be texts."""
    if isinstance(train, Signal):
        return train
    if len(train) <= most:
        return train.take(np.arange(len(train)))
    order = numpy_generator(seed, "distil", "rows", name).permutation(len(train))
    return train.take(np.sort(order[:most]))


Vectors = Sequence[Sequence[np.ndarray]]
"""Of each teacher, of each group of texts: (texts, dim) float32."""


def encode_lessons(
    teachers: Mapping[str, Encoder],
    lessons: Sequence[Lessons],
    folder: Path,
    *,
    kept: Sequence[str],
    progress: Progress = silent,
) -> Vectors:
    """The vectors that teachers give, kept in a folder so that a job that is begun again has them.

    Args:
        teachers: by name; the first models that the lessons' prompts are of.
        lessons: texts.
        folder: for files `vectors-TEACHER-GROUP.npy`.
        kept: names of those that are asked; the others give nothing.
        progress: opens bars.
    """
    found = []
    for number, (name, teacher) in enumerate(teachers.items()):
        parts = []
        for group, lesson in enumerate(lessons if name in kept else ()):
            path = folder / f"vectors-{number}-{group}.npy"
            if not path.is_file():
                prompt, shown = lesson.prompts[number], _named(progress, f"encode {name}")
                teacher.encode(lesson.texts, prompt=prompt, precision="auto", out=path, progress=shown)
            parts.append(np.load(path, mmap_mode="r"))
        found.append(parts)
    return found


def _named(progress: Progress, name: str) -> Progress:
    def named(description: str, *, total: int, unit: str = "items") -> Any:
        del description
        return progress(name, total=total, unit=unit)

    return named


def student_lessons(
    vectors: Vectors, weights: Sequence[float], lessons: Sequence[Lessons], student: Encoder | None, prompt: int
) -> list[np.ndarray]:
    """What the student is to give for each group of texts.

    Args:
        vectors: of the teachers.
        weights: of the teachers.
        lessons: texts.
        student: whose dimensions and space the vectors are brought to; None leaves them as they are.
        prompt: which of the lessons' prompts is the student's.
    """
    joined = [joined_vectors(parts, weights) for parts in zip(*vectors)]
    if student is None:
        return joined
    chosen = _sample(joined)
    if joined[0].shape[1] > student.dim:
        axes = principal_axes(np.concatenate([part[rows] for part, rows in zip(joined, chosen)]), student.dim)
        joined = [np.asarray(part @ axes, dtype=np.float32) for part in joined]
    began = [
        student.encode([lesson.texts[int(row)] for row in rows], prompt=lesson.prompts[prompt])
        for lesson, rows in zip(lessons, chosen)
    ]
    matrix = turn(np.concatenate([part[rows] for part, rows in zip(joined, chosen)]), np.concatenate(began))
    return [np.asarray(part @ matrix, dtype=np.float32) for part in joined]


def _sample(parts: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Rows of each part, spread evenly, about as many as are looked at in all."""
    total = sum(map(len, parts))
    return [np.unique(np.linspace(0, len(p) - 1, max(2, SAMPLE * len(p) // total)).astype(np.int64)) for p in parts]


class Wanted:
    """A teacher that gives known vectors of known texts, whatever their role.

    Args:
        texts: distinct.
        vectors: (texts, dim).
    """

    similarity_name = "cosine"

    def __init__(self, texts: Sequence[str], vectors: np.ndarray) -> None:
        self.places = {text: place for place, text in enumerate(texts)}
        self.vectors = vectors

    def encode_query(
        self, texts: Sequence[str], *, prompt_name: str | None = None, progress: Progress | None = None
    ) -> np.ndarray:
        """Rows of `texts`."""
        del prompt_name, progress
        return np.asarray(self.vectors[[self.places[text] for text in texts]], dtype=np.float32)

    encode_document = encode_query

    def fingerprint(self) -> str:
        """Of the texts; the folder that the vectors are kept in knows whose they are."""
        return hash_json([list(self.places), list(self.vectors.shape)])


def training_tasks(
    lessons: Sequence[Lessons], wanted: Sequence[np.ndarray], objective: Any, *, prompt: int, seed: int
) -> list[TrainingTask]:
    """One task a group of texts: two texts a row, which have nothing to do with each other.

    Args:
        lessons: texts.
        wanted: what the student is to give.
        objective: follows a teacher.
        prompt: which of the lessons' prompts is the student's.
        seed: of which texts share a row.
    """
    tasks = []
    for lesson, vectors in zip(lessons, wanted):
        order = numpy_generator(seed, "distil", "rows", lesson.name).permutation(len(lesson.texts))
        texts = [lesson.texts[place] for place in order]
        half = -(-len(texts) // 2)
        rows = {"anchor": texts[:half], "positive": (texts[half:] + texts[:1])[:half]}
        tasks.append(
            TrainingTask(
                name=lesson.name,
                signal=Pairs.of(rows),
                objective=objective,
                query_prompt=lesson.prompts[prompt],
                document_prompt=lesson.prompts[prompt],
                teacher=Wanted(lesson.texts, vectors),
            )
        )
    return tasks
