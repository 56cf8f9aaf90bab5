"""A task's texts, tokenised once for the whole run, and its batches as chunks of tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from accord.compression.elastic.base import Drawn, ElasticObjective
from accord.core.random import numpy_generator
from accord.core.types import Ragged
from accord.data.drawing import Batches, draw
from accord.data.signals import Labelled, Signal
from accord.encoders.static import Bags, StaticEncoder
from accord.encoders.text.transformer import Batch, TextEncoder
from accord.maths.packing import token_batches
from accord.objectives.base import contract, unwrapped
from accord.training.base import PreparedBatch
from accord.training.fields import QUERY_COLUMNS, Roles, check_fit, list_positives, roles_of, signal_fields
from accord.training.settings import TrainingTask
from accord.training.teacher import teacher_kind, teacher_of
from accord.training.views import ViewChunk, sizes_of, vectors_of

__all__ = ["TaskTexts", "with_label_targets"]


@dataclass(frozen=True)
class TextBatch(PreparedBatch):
    """A batch of texts ready for the encoder.

    Args:
        roles: texts and labels.
        gather: for each role, where its rows lie among the rows of all chunks, one after another.
        drawn: the sizes that the step looks at, where there are several.
    """

    roles: Roles
    gather: Sequence[np.ndarray]
    drawn: Drawn | None = None


class TaskTexts:
    """The texts of one task for a text encoder, tokenised once.

    Args:
        task: what to learn.
        encoder: whose tokenizer to use.
        batch: examples a batch.
        seed: of the order of rows.
        stream: where the numbers of rows come from, when the task's rows are part of something larger.

    Raises:
        InputError: an objective that asks for what the signal cannot provide.
    """

    def __init__(
        self,
        task: TrainingTask,
        encoder: TextEncoder | StaticEncoder,
        *,
        batch: int,
        seed: int,
        stream: Batches | None = None,
    ) -> None:
        self.asked = contract(task.objective)
        signal = task.signal
        assert isinstance(signal, Signal), "streams have a reader of their own"
        columns, taught = tuple(signal.names), teacher_kind(task.teacher)
        check_fit(self.asked, type(signal), where=f"Task `{task.name}`", columns=columns, teacher=taught)
        self.task = task
        self.signal = signal
        self.encoder = encoder
        labelled = isinstance(signal, Labelled)
        labels = None
        if labelled:
            names, labels = np.unique(np.asarray(signal.column("label")), return_inverse=True)
            self.task = with_label_targets(task, encoder, names.tolist())
        self.labels = labels
        self.stream = stream or draw(
            signal,
            batch,
            seed=seed,
            name=task.name,
            weights=task.weights,
            classes=task.classes,
            per_label=task.per_label,
        )
        self.batches_per_epoch = max(1, len(signal) // min(batch, len(signal)))
        self.rows: dict[tuple[str, str], int] = {}
        self.truncated = 0
        self.ids, self.prompt_tokens = self._tokenise()
        self.positives = list_positives(self.asked)
        self.sizes = sizes_of(self.task.objective, encoder, seed=self.stream.seed, name=task.name)
        self.teacher = teacher_of(task.teacher, self.asked.taught, signal)

    def _tokenise(self) -> tuple[Ragged, np.ndarray]:
        """Ids of every distinct (prompt, text), and how many tokens of each are its prompt."""
        parts: list[Ragged] = []
        prompt_tokens: list[np.ndarray] = []
        for prompt, texts in self._texts_by_prompt().items():
            for text in texts:
                self.rows[(prompt, text)] = len(self.rows)
            tokens = self.encoder.tokenize(texts, prompt=prompt)
            self.truncated += tokens.truncated
            prompt_tokens.append(np.full(len(texts), tokens.prompt_tokens))
            parts.append(tokens.ids)
        starts = np.cumsum([0, *(int(p.offsets[-1]) for p in parts)])
        offsets = np.concatenate([[0], *(p.offsets[1:] + s for p, s in zip(parts, starts))])
        ids = Ragged(np.concatenate([p.values for p in parts]), offsets.astype(np.int64))
        return ids, np.concatenate(prompt_tokens)

    def _texts_by_prompt(self) -> dict[str, list[str]]:
        found: dict[str, dict[str, None]] = {}
        for name in self.signal.text_columns:
            prompt = self.task.query_prompt if self._is_query(name) else self.task.document_prompt
            bare = [""] if prompt and self.task.prompt_dropout else []
            for known in [found.setdefault(put, {}) for put in (prompt, *bare)]:
                for value in self.signal.column(name):
                    for text in [value] if isinstance(value, str) else value or ():
                        known[text] = None
        return {prompt: list(texts) for prompt, texts in found.items()}

    @staticmethod
    def _is_query(column: str) -> bool:
        return column in QUERY_COLUMNS

    def batch(self, index: int, chunk_tokens: int) -> TextBatch:
        """The batch with this number, ready for the encoder."""
        return self.assemble(self.stream.rows(index), index, chunk_tokens, epoch=index // self.batches_per_epoch)

    def assemble(self, rows: np.ndarray, index: int, chunk_tokens: int, *, epoch: int = 0) -> TextBatch:
        """Some rows as the batch with this number, ready for the encoder."""
        roles = roles_of(self.signal.take(rows), epoch=epoch, positives=self.positives)
        if self.labels is not None:
            roles = replace(roles, labels=self.labels[rows])
        wanted = [
            self.text_rows(number, texts, index, query=number < roles.queries)
            for number, texts in enumerate(roles.texts)
        ]
        kept, inverse = self._fold(wanted)
        groups = self.chunks(kept, chunk_tokens)
        place = np.empty(len(kept), dtype=np.int64)
        place[np.concatenate(groups)] = np.arange(len(kept))
        bounds = np.cumsum([len(part) for part in wanted])[:-1]
        chunks = [self._collate(kept[group]) for group in groups]
        drawn = None if self.sizes is None else self.sizes.at(index)
        return TextBatch(
            roles=roles,
            chunks=chunks if drawn is None else [ViewChunk(chunk, drawn.views) for chunk in chunks],
            drawn=drawn,
            costs=[chunk.input_ids.numel() for chunk in chunks],
            gather=np.split(place[inverse], bounds),
            examples=len(rows),
            tokens=int(self.ids.lengths[kept].sum()),
        )

    def forward(self, chunk: Any) -> Tensor:
        """Vectors (rows of the chunk, dim), with gradients; those of several sizes side by side."""
        return vectors_of(self.encoder, chunk)

    def fields(self, batch: TextBatch, outputs: Tensor) -> dict[str, Any]:
        """What the objective asks for, from the vectors of all chunks."""
        taught = {} if self.teacher is None else self.teacher.fields(batch.roles, outputs.device)
        mask = getattr(unwrapped(self.task.objective), "mask", ())

        def fields(vectors: Tensor) -> dict[str, Tensor]:
            rows = [vectors[torch.from_numpy(place).to(vectors.device)] for place in batch.gather]
            kind = self.encoder.similarity_name
            return signal_fields(batch.roles, rows, self.asked.names, mask=mask, kind=kind) | taught

        if self.sizes is None or batch.drawn is None:
            return fields(outputs)
        return self.sizes.fields(batch.drawn, outputs, fields)

    def _fold(self, wanted: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """Rows to encode, and where each wanted row lies among them: equal texts of one role are encoded once.

        A text in two roles is encoded for each, so that dropout tells its two vectors apart.
        """
        role = np.repeat(np.arange(len(wanted)), [len(part) for part in wanted])
        keys, inverse = np.unique(role * len(self.rows) + np.concatenate(wanted), return_inverse=True)
        return keys % len(self.rows), inverse

    def chunks(self, rows: np.ndarray, chunk_tokens: int) -> list[np.ndarray]:
        """Positions in `rows` by chunk: like lengths together, and one prompt a chunk."""
        prompts = self.prompt_tokens[rows]
        chunks = []
        for count in np.unique(prompts):
            members = np.flatnonzero(prompts == count)
            chunks += [members[group] for group in token_batches(self.ids.lengths[rows[members]], chunk_tokens)]
        return chunks

    def _collate(self, rows: np.ndarray) -> Batch | Bags:
        return self.encoder.collate(self.ids, rows, prompt_tokens=int(self.prompt_tokens[rows[0]]))

    def text_rows(self, role: int, texts: Sequence[str], index: int, *, query: bool) -> np.ndarray:
        """Where the ids of the texts of a role lie in the batch with this number, with or without their prompt."""
        prompt = self.task.query_prompt if query else self.task.document_prompt
        prompts = [prompt] * len(texts)
        if prompt and self.task.prompt_dropout:
            coins = numpy_generator(self.stream.seed, "prompts", self.task.name, index, role).random(len(texts))
            prompts = ["" if coin < self.task.prompt_dropout else prompt for coin in coins]
        return np.fromiter((self.rows[key] for key in zip(prompts, texts)), dtype=np.int64, count=len(texts))


def with_label_targets(
    task: TrainingTask, encoder: TextEncoder | StaticEncoder, labels: Sequence[object]
) -> TrainingTask:
    """The task itself, or, where its objective awaits vectors of the labels, with those that the encoder gives now.

    Args:
        task: what to learn.
        encoder: before training.
        labels: all of them, in the order of their numbers; they are encoded as documents.
    """
    objective: Any = unwrapped(task.objective)
    if not getattr(objective, "awaits_labels", False):
        return task
    vectors = encoder.encode([str(label) for label in labels], prompt=task.document_prompt)
    made = objective.with_labels(vectors)
    method = task.objective.method if isinstance(task.objective, ElasticObjective) else None
    return replace(task, objective=made if method is None else method.of(made))
