"""Short trainings of single tasks, kept by what decides them, and what they changed of the weights."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save
from torch import Tensor

from accord.core.progress import Progress, silent
from accord.core.random import numpy_generator
from accord.core.spec import to_spec
from accord.core.storage import atomic_file, hash_json
from accord.data.signals import Labelled, Signal
from accord.data.streams import Stream
from accord.recipes.training_tasks import Loaded
from accord.training import Settings, TrainingTask, train
from accord.training.adapters import LoRA
from accord.training.teacher import teacher_identity
from accord.training.turns import least_examples

__all__ = ["Expert", "Experts", "TaskVectors", "halves", "task_identity"]

log = logging.getLogger(__name__)

PIECE = 65_536
"""Weights that task vectors are gone through by at a time."""


@dataclass(frozen=True)
class Expert:
    """One short training.

    Args:
        task: number of the task.
        half: of its rows, 0 or 1.
        path: of its weights.
    """

    task: int
    half: int
    path: Path


def task_identity(task: TrainingTask) -> dict[str, Any]:
    """Everything of a task that decides what is learned, as plain values."""
    plain = ("name", "weight", "loss_weight", "query_prompt", "document_prompt", "per_label", "classes", "weights")
    return {
        **{name: getattr(task, name) for name in plain},
        "prompt_dropout": task.prompt_dropout,
        "random_negatives": task.random_negatives,
        "rows": task.signal.fingerprint(),
        "objective": to_spec(task.objective) if not isinstance(task.objective, str) else task.objective,
        "teacher": None if task.teacher is None else teacher_identity(task.teacher),
    }


def halves(signal: Signal | Stream, *, seed: int, name: str) -> list[Signal | Stream]:
    """The rows in two random parts without a common row, each with half of every label; all of them where they are few.

    Args:
        signal: rows of a task.
        seed: of the draw.
        name: of the task.
    """
    rows = len(signal)
    if rows < 4 * least_examples(signal):
        return [signal]
    order = numpy_generator(seed, "halves", name).permutation(rows)
    if isinstance(signal, Labelled):
        _, labels = np.unique(np.asarray(signal.column("label")), return_inverse=True)
        order = order[np.argsort(labels[order], kind="stable")]
    parts = [np.sort(order[k::2]) for k in range(2)]
    return [signal.select(part) if isinstance(signal, Stream) else signal.take(part) for part in parts]


class Experts:
    """Trains every task alone, once on each half of its rows, from the same weights; what a folder holds is read.

    Args:
        encoder: the model to start from, changed and put back.
        tasks: with their training rows.
        settings: of the joint training; each expert takes its optimiser, batch size and schedule.
        sizes: examples a batch of each task.
        steps: of each training.
        folder: where weights are kept.
        adapter: that is trained in place of the whole model; it is folded in.
    """

    def __init__(
        self,
        encoder: Loaded,
        tasks: Sequence[TrainingTask],
        settings: Settings,
        *,
        sizes: Sequence[int],
        steps: int,
        folder: Path,
        adapter: LoRA | None = None,
    ) -> None:
        self.encoder = encoder
        self.tasks = tasks
        self.folder = folder
        self.adapter = adapter
        alone = {"steps": steps, "batches": "homogeneous", "may_idle": True, "early_stopping": None, "average": None}
        alone |= {"balance": None} if "balance" in settings.__dataclass_fields__ else {}
        self.settings = [replace(settings, **alone, batch=size) for size in sizes]
        self.start = {name: tensor.detach().clone() for name, tensor in encoder.state_dict().items()}
        self.parts = [halves(task.signal, seed=settings.seed, name=task.name) for task in tasks]
        model = encoder.fingerprint()
        self.all = [
            Expert(number, half, self._path(number, half, model))
            for number in range(len(tasks))
            for half in range(len(self.parts[number]))
        ]

    def _path(self, number: int, half: int, model: str) -> Path:
        identity = {
            "model": model,
            "task": task_identity(self.tasks[number]),
            "half": [half, len(self.parts[number])],
            "settings": self.settings[number].describe(),
            "adapter": to_spec(self.adapter),
        }
        return self.folder / f"{self.tasks[number].name}-{half + 1}-{hash_json(identity)[:16]}.safetensors"

    @property
    def missing(self) -> list[Expert]:
        """Those that are still to be trained."""
        return [one for one in self.all if not one.path.is_file()]

    def train(self, *, progress: Progress = silent) -> None:
        """Train what is missing; each is kept as soon as it is done."""
        for one in self.missing:
            task = self.tasks[one.task]
            run = f"{task.name}, half {one.half + 1}" if len(self.parts[one.task]) > 1 else task.name
            self.encoder.load_state_dict(self.start)
            adapter = None if self.adapter is None else self.adapter.attach(self.encoder, seed=self.settings[0].seed)
            try:
                alone = replace(task, signal=self.parts[one.task][one.half], weight=1.0)
                train(self.encoder, [alone], self.settings[one.task], run=run, progress=progress)
            except BaseException:
                if adapter is not None:
                    adapter.remove()
                raise
            if adapter is not None:
                adapter.fold()
            weights = {name: t.detach().cpu().contiguous().clone() for name, t in self.encoder.state_dict().items()}
            with atomic_file(one.path) as handle:
                handle.write(save(weights))
        self.restore()

    def restore(self) -> None:
        """Put the starting weights back."""
        self.encoder.load_state_dict(self.start)

    def put(self, one: Expert) -> None:
        """Put an expert's weights into the model."""
        self.encoder.load_state_dict(load_file(one.path))

    def between(self, a: Expert, b: Expert, share: float) -> None:
        """Put the weights at `share` of the way from one expert to another into the model."""
        left, right = load_file(a.path), load_file(b.path)
        mixed = {n: torch.lerp(t, right[n], share) if t.is_floating_point() else t for n, t in left.items()}
        self.encoder.load_state_dict(mixed)


class TaskVectors:
    """What each expert changed, a tensor at a time: memory holds one tensor of every expert.

    Args:
        start: weights that all of them started from.
        paths: of the experts' weights.
    """

    def __init__(self, start: Mapping[str, Tensor], paths: Sequence[Path]) -> None:
        self.start = start
        self.paths = list(paths)
        self.names = [name for name, tensor in start.items() if tensor.is_floating_point()]

    def tensors(self) -> Iterator[tuple[str, np.ndarray]]:
        """Name and changes, (experts, ...) float32, of each tensor."""
        handles = [safe_open(path, "pt") for path in self.paths]
        for name in self.names:
            base = self.start[name].float().cpu()
            yield name, torch.stack([handle.get_tensor(name).float() - base for handle in handles]).numpy()

    def pieces(self) -> Iterator[tuple[str, np.ndarray]]:
        """Name and changes, (experts, at most 65,536), of runs of weights."""
        for name, changes in self.tensors():
            flat = changes.reshape(len(changes), -1)
            for first in range(0, flat.shape[1], PIECE):
                yield name, flat[:, first : first + PIECE]

    def __iter__(self) -> Iterator[np.ndarray]:
        """The changes of :meth:`pieces`."""
        return (changes for _, changes in self.pieces())
