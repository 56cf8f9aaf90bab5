"""A task whose rows stay on the disk: texts are read and tokenised a batch at a time."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from torch import Tensor

from accord.data.drawing import draw
from accord.data.signals import Labelled
from accord.data.streams import Stream
from accord.encoders.language import TiedLanguageModel, tie_head
from accord.encoders.static import StaticEncoder
from accord.encoders.text.transformer import Batch, TextEncoder
from accord.objectives.base import contract
from accord.training.base import PreparedBatch
from accord.training.fields import check_fit, token_form
from accord.training.settings import TrainingTask
from accord.training.teacher import teacher_kind
from accord.training.texts import TaskTexts, TextBatch, with_label_targets
from accord.training.tokens import HEADS, TaskTokens, TokenBatch, TokenChunk, token_logits
from accord.training.views import ViewChunk, sizes_of, vectors_of

__all__ = ["TaskStream"]


@dataclass(frozen=True)
class StreamBatch(PreparedBatch):
    """A batch with the texts that it came from.

    Args:
        texts: the rows of the batch alone, tokenised.
        inner: the batch as they made it.
    """

    texts: TaskTexts | TaskTokens
    inner: TextBatch | TokenBatch


class TaskStream:
    """The rows of a :class:`~accord.data.streams.Stream` for a text encoder; memory holds a window of rows.

    The k-th batch is a function of the seed and k, as of rows in memory; so runs repeat and resume as they do.

    Args:
        task: what to learn; its signal is a stream.
        encoder: whose tokenizer to use.
        batch: examples a batch.
        seed: of the order of rows.
        ahead: read and tokenise the next batch while this one is trained; pays where an accelerator trains.

    Raises:
        InputError: an objective that asks for what the stream cannot provide.
    """

    def __init__(
        self, task: TrainingTask, encoder: TextEncoder | StaticEncoder, *, batch: int, seed: int, ahead: bool = False
    ) -> None:
        signal = task.signal
        assert isinstance(signal, Stream)
        where, taught = f"Task `{task.name}`", teacher_kind(task.teacher)
        asked = contract(task.objective)
        check_fit(asked, signal.kind, where=where, columns=tuple(signal.names), teacher=taught)
        self.task = task
        self.encoder = encoder
        self.signal = signal
        self.seed = seed
        self.stream = draw(
            signal,
            batch,
            seed=seed,
            name=task.name,
            weights=task.weights,
            classes=task.classes,
            per_label=task.per_label,
        )
        self.truncated = 0
        self.form = token_form(asked)
        self.model = TiedLanguageModel(encoder, seed=seed)
        if self.form is not None:
            tie_head(encoder, HEADS[self.form], seed=seed)
        sizes_of(task.objective, encoder, seed=seed, name=task.name)  # what does not fit is said before the first step
        self._numbers = _class_numbers(signal)
        if self._numbers:
            self.task = with_label_targets(task, encoder, list(self._numbers))
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="accord-stream") if ahead else None
        self._next: tuple[int, Future[TaskTexts | TaskTokens]] | None = None

    def batch(self, index: int, chunk_tokens: int) -> StreamBatch:
        """The batch with this number, ready for the encoder."""
        texts = self._take(index)
        self.truncated += texts.truncated
        rows = np.arange(len(texts.signal))
        inner = texts.assemble(rows, index, chunk_tokens, epoch=int(index // self.stream.batches_per_epoch))
        return StreamBatch(
            chunks=inner.chunks,
            costs=inner.costs,
            examples=inner.examples,
            tokens=inner.tokens,
            texts=texts,
            inner=inner,
        )

    def forward(self, chunk: Batch | TokenChunk | ViewChunk) -> Tensor:
        """Vectors (rows of the chunk, dim), or raw scores of tokens where some are hidden; with gradients."""
        if self.form is not None and not isinstance(chunk, Batch):
            return token_logits(self.model, chunk, device=self.encoder.device)
        return vectors_of(self.encoder, chunk)

    def fields(self, batch: StreamBatch, outputs: Tensor) -> dict[str, Any]:
        """What the objective asks for, from the vectors of all chunks."""
        return batch.texts.fields(batch.inner, outputs)  # type: ignore[arg-type] -- it made the batch

    def _take(self, index: int) -> TaskTexts | TaskTokens:
        """The rows of a batch, read before or now; the next ones are sent for."""
        if self._reader is None:
            return self._read(index)
        ready, self._next = self._next, None
        texts = ready[1].result() if ready is not None and ready[0] == index else self._read(index)
        self._next = (index + 1, self._reader.submit(self._read, index + 1))
        return texts

    def _read(self, index: int) -> TaskTexts | TaskTokens:
        part = self.signal.take(self.stream.rows(index))
        task = replace(self.task, signal=part)
        if self.form is not None:
            return TaskTokens(task, self.encoder, batch=len(part), seed=self.seed, stream=self.stream)
        texts = TaskTexts(task, self.encoder, batch=len(part), seed=self.seed, stream=self.stream)
        if self._numbers:
            texts.labels = np.array([self._numbers[label] for label in part.column("label")])
        return texts


def _class_numbers(signal: Stream) -> Mapping[str, int]:
    """Number of each label of the whole stream; empty where it has none."""
    labels = signal.describe().get("labels", {}) if issubclass(signal.kind, Labelled) else {}
    return {label: number for number, label in enumerate(sorted(labels))}
