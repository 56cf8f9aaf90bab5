"""A task's pairs of texts for a cross-encoder: texts tokenised once, batches as chunks of pairs of like length."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from accord.core.errors import InputError
from accord.core.random import numpy_generator
from accord.data.class_numbers import class_name, class_numbers
from accord.data.drawing import draw
from accord.data.signals import Labelled, Pairs, Ranked, Signal
from accord.data.streams import Stream
from accord.encoders.base import Batch
from accord.encoders.pairs.cross_encoder import CrossEncoder
from accord.encoders.pairs.tokens import Texts
from accord.maths.packing import token_batches
from accord.objectives.base import contract
from accord.training.base import PreparedBatch
from accord.training.fields import Roles, list_positives
from accord.training.pair_fields import Lists, check_pair_fit, lists_of, pair_fields
from accord.training.settings import TrainingTask
from accord.training.teacher import teacher_kind, teacher_of

__all__ = ["TaskPairs"]


@dataclass(frozen=True)
class PairBatch(PreparedBatch):
    """A batch of pairs ready for the cross-encoder.

    Args:
        lists: which pairs are scored.
        gather: (pairs) where each pair's row lies among the rows of all chunks, one after another.
        classes: (pairs) class numbers, where the task has them.
    """

    lists: Lists
    gather: np.ndarray
    classes: np.ndarray | None


class TaskPairs:
    """The pairs of one task for a cross-encoder.

    Pairs and lists are compared with documents of other queries of the batch too: `random_negatives` of the task, drawn
    anew for each batch from the seed. Where the rows bring a teacher's scores of their lists, none are added.

    Args:
        task: what to learn.
        model: whose tokenizer to use.
        batch: examples a batch.
        seed: of the order of rows and of the documents drawn.

    Raises:
        InputError: an objective that asks for what the signal or the model cannot provide, or prompts.
    """

    def __init__(self, task: TrainingTask, model: CrossEncoder, *, batch: int, seed: int) -> None:
        where = f"Task `{task.name}`"
        signal = task.signal
        kind = signal.kind if isinstance(signal, Stream) else type(signal)
        self.asked = contract(task.objective)
        taught = teacher_kind(task.teacher)
        columns = tuple(signal.names)
        check_pair_fit(self.asked, kind, where=where, labels=model.labels, columns=columns, teacher=taught)
        if task.query_prompt or task.document_prompt:
            raise InputError(f"{where}: a cross-encoder takes no prompts. Leave `prompts` out.")
        self.task = task
        self.model = model
        self.seed = seed
        self.listed = issubclass(kind, (Pairs, Ranked))
        self.positives = list_positives(self.asked)
        by_data = "teacher_list_scores" in self.asked.names and task.teacher is None
        self.extra = task.random_negatives if self.listed and not by_data else 0
        if issubclass(kind, Pairs) and not self.extra and not any(name.startswith("negative") for name in columns):
            raise InputError(
                f"{where}: pairs without negatives teach a cross-encoder nothing. Set `random_negatives`, or add a "
                "column `negative`."
            )
        self.teacher = teacher_of(task.teacher, self.asked.taught, signal)
        self.stream = draw(
            signal, batch, seed=seed, name=task.name, weights=task.weights, classes=task.classes, by_label=False
        )
        self.known: tuple[Texts, dict[str, int]] | None = None
        self.truncated = 0
        if isinstance(signal, Signal):
            self._tokenise_all(signal)
        self.numbers = self._class_numbers(signal, kind, where) if "logits" in self.asked.names else None

    def _class_numbers(self, signal: Signal | Stream, kind: type[Signal], where: str) -> dict[str, int]:
        """Number of each class of the task; rows on the disk tell their labels, and number their scores from 0."""
        labels = self.model.labels
        if isinstance(signal, Stream):
            found = signal.describe().get("labels") if issubclass(kind, Labelled) else range(len(labels))
            return class_numbers(found or (), labels, where=where)
        return class_numbers(signal.column(_class_column(kind)), labels, where=where)

    def _tokenise_all(self, signal: Signal) -> None:
        """Ids of every distinct text; counts the task's own pairs that are cut."""
        texts = dict.fromkeys(text for name in signal.text_columns for text in signal.texts(name).to_pylist())
        self.known = (self.model.pair_tokens.texts(list(texts)), {text: n for n, text in enumerate(texts)})
        lists = lists_of(signal, epoch=0, positives=self.positives, extra=0)
        found, left, right = self._rows(lists)
        self.truncated = int(self.model.pair_tokens.lengths(found, left, right)[1].sum())

    def batch(self, index: int, chunk_tokens: int) -> PairBatch:
        """The batch with this number, ready for the cross-encoder."""
        rows = self.stream.rows(index)
        signal = self.task.signal.take(rows)
        generator = numpy_generator(self.seed, "negatives", self.task.name, index)
        epoch = int(index // self.stream.batches_per_epoch)
        lists = lists_of(signal, epoch=epoch, positives=self.positives, extra=self.extra, generator=generator)
        texts, left, right = self._rows(lists)
        lengths, _ = self.model.pair_tokens.lengths(texts, left, right)
        groups = token_batches(lengths, chunk_tokens)
        place = np.empty(len(left), dtype=np.int64)
        place[np.concatenate(groups)] = np.arange(len(left))
        chunks = [self.model.pair_tokens.collate(texts, left[group], right[group]) for group in groups]
        return PairBatch(
            chunks=chunks,
            costs=[chunk.input_ids.numel() for chunk in chunks],
            examples=len(rows),
            tokens=int(lengths.sum()),
            lists=lists,
            gather=place,
            classes=self._classes(signal),
        )

    def forward(self, chunk: Batch) -> Tensor:
        """Raw scores (pairs of the chunk, labels), with gradients."""
        return self.model(chunk.to(self.model.device))

    def fields(self, batch: PairBatch, outputs: Tensor) -> dict[str, Tensor]:
        """What the objective asks for, from the scores of all chunks."""
        scores = outputs[torch.from_numpy(batch.gather).to(outputs.device)]
        found = pair_fields(batch.lists, scores, self.asked.names, batch.classes)
        return found if self.teacher is None else found | self.teacher.fields(self._taught(batch), outputs.device)

    def _taught(self, batch: PairBatch) -> Roles:
        """What the teacher looks at: the lists, or each scored pair as a row of its own."""
        if "teacher_pair_scores" not in self.asked.names:
            return batch.lists.roles
        return replace(batch.lists.roles, texts=batch.lists.sides, lists=None)

    def _rows(self, lists: Lists) -> tuple[Texts, np.ndarray, np.ndarray]:
        """Texts, and the rows of both sides of each scored pair among them."""
        sides = lists.sides
        if self.known is not None:
            texts, numbers = self.known
        else:
            numbers = {text: n for n, text in enumerate(dict.fromkeys(text for side in sides for text in side))}
            texts = self.model.pair_tokens.texts(list(numbers))
        left, right = (_numbers(side, numbers) for side in sides)
        return texts, left, right

    def _classes(self, signal: Signal) -> np.ndarray | None:
        """Class numbers of the rows of a batch.

        Raises:
            InputError: a row on the disk is of a class that the model does not have.
        """
        if self.numbers is None:
            return None
        words = [class_name(value) for value in signal.column(_class_column(type(signal)))]
        unknown = next((word for word in words if word not in self.numbers), None)
        if unknown is not None:
            raise InputError(f"Task `{self.task.name}`: the class {unknown!r} is none of {', '.join(self.numbers)}.")
        return np.array([self.numbers[word] for word in words], dtype=np.int64)


def _class_column(kind: type[Signal]) -> str:
    return "label" if issubclass(kind, Labelled) else "score"


def _numbers(texts: Sequence[str], numbers: dict[str, int]) -> np.ndarray:
    return np.fromiter((numbers[text] for text in texts), dtype=np.int64, count=len(texts))
