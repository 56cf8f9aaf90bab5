"""Texts whose tokens are compared with a teacher's: hidden states of both models over the same tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from accord.compression.distil.layer_pairs import layer_pairs
from accord.core.errors import InputError
from accord.core.types import Ragged, View
from accord.data.drawing import draw
from accord.data.signals import Signal
from accord.encoders.base import Tokens
from accord.encoders.text.layers import usable_positions
from accord.encoders.text.transformer import Batch, TextEncoder
from accord.maths.packing import token_batches
from accord.objectives.base import TEACHER, contract, unwrapped
from accord.training.base import PreparedBatch
from accord.training.fields import check_fit
from accord.training.settings import TrainingTask
from accord.training.teacher import teacher_kind

__all__ = ["FeatureBatch", "TaskFeatures"]

WIDTHS = ("embeddings", "tokens", "hidden")
"""What a row of the outputs holds of a model, in this order, as far as the objective asks for it."""


@dataclass(frozen=True)
class FeatureBatch(PreparedBatch):
    """A batch of texts, ready for student and teacher.

    Args:
        gather: where the tokens of each text, one after another, lie among the rows of all chunks.
        owners: number of the text of each of them.
        starts: place of the first token of each text among them.
    """

    gather: np.ndarray
    owners: np.ndarray
    starts: np.ndarray


class TaskFeatures:
    """The texts of one task for a student and a teacher that read the same tokens.

    A chunk goes through both, the teacher without gradients and without dropout. Its output has a row a real token: the
    layers that the objective compares, one beside the other, the student's first; the vector of a text stands in the
    row of its first token. So the loss is taken over all tokens of the batch, whatever the chunks and the number of
    processes, and gradient caching stays exact; with it the teacher reads each chunk twice.

    Args:
        task: what to learn; `layers` of its objective says which layers go together.
        encoder: the student, a transformer.
        batch: examples a batch.
        seed: of the order of rows.

    Raises:
        InputError: rows that are no texts alone, a static model, a teacher with another tokenizer or fewer positions,
            or one that is the student itself.
    """

    def __init__(self, task: TrainingTask, encoder: Any, *, batch: int, seed: int) -> None:
        where, signal = f"Task `{task.name}`", task.signal
        self.asked = contract(task.objective)
        kind = type(signal) if isinstance(signal, Signal) else signal.kind
        check_fit(self.asked, kind, where=where, columns=tuple(signal.names), teacher=teacher_kind(task.teacher))
        if task.prompt_dropout:
            raise InputError(
                f"{where}: {type(task.objective).__name__} keeps every prompt. Leave `prompt_dropout` out."
            )
        self.task = task
        self.encoder = _transformer(encoder, "student", where)
        self.teacher = None if task.teacher is None else _transformer(task.teacher, "teacher", where)
        self.stream = draw(signal, batch, seed=seed, name=task.name, weights=task.weights, classes=task.classes)
        self.truncated = 0
        self.known: tuple[Tokens, dict[str, int]] | None = None
        if isinstance(signal, Signal):
            self.known = self._tokenise(signal)
        if self.teacher is not None:
            _check_teacher(self.encoder, self.teacher, signal.take(np.arange(min(16, len(signal)))), where)
            self.teacher.to(self.encoder.device).eval()
        deep = self.encoder.num_layers if self.teacher is None else self.teacher.num_layers
        pairs = layer_pairs(getattr(unwrapped(task.objective), "layers", None), self.encoder.num_layers, deep)
        self.own_layers, self.teacher_layers = ([pair[side] for pair in pairs] for side in (0, 1))
        asked = set(self.asked.names)
        self.own_wanted = [name for name in WIDTHS if name in asked]
        self.teacher_wanted = [name for name in WIDTHS if TEACHER + name in asked]

    def batch(self, index: int, chunk_tokens: int) -> FeatureBatch:
        """The batch with this number, ready for both models."""
        rows = self.stream.rows(index)
        signal = self.task.signal.take(rows)
        tokens, numbers = self.known or self._tokenise(signal)
        found = np.unique([numbers[text] for text in signal.column("text")])
        lengths = tokens.ids.lengths[found]
        groups = token_batches(lengths, chunk_tokens)
        order = np.concatenate(groups)
        starts = np.cumsum(lengths) - lengths
        begins = np.empty_like(starts)
        begins[order] = np.cumsum(lengths[order]) - lengths[order]
        chunks = [self._collate(tokens.ids, found[group], tokens.prompt_tokens) for group in groups]
        return FeatureBatch(
            chunks=chunks,
            costs=[chunk.input_ids.numel() for chunk in chunks],
            examples=len(rows),
            tokens=int(lengths.sum()),
            gather=np.repeat(begins - starts, lengths) + np.arange(lengths.sum()),
            owners=np.repeat(np.arange(len(lengths)), lengths),
            starts=starts,
        )

    def forward(self, chunk: Batch) -> Tensor:
        """(real tokens of the chunk, width of both models) what the objective compares; gradients to the student."""
        chunk = chunk.to(self.encoder.device)
        parts = [_features(self.encoder, chunk, self.own_wanted, self.own_layers)]
        if self.teacher is not None:
            with torch.no_grad():
                parts.append(_features(self.teacher, chunk, self.teacher_wanted, self.teacher_layers))
        return torch.cat([part.float() for part in parts], dim=1)

    def fields(self, batch: FeatureBatch, outputs: Tensor) -> dict[str, Tensor]:
        """What the objective asks for, from the rows of all chunks."""
        outputs = outputs[torch.from_numpy(batch.gather).to(outputs.device)]
        width = _width(self.encoder, self.own_wanted, len(self.own_layers))
        found = self._split(self.encoder, outputs[:, :width], self.own_wanted, self.own_layers, batch)
        if self.teacher is not None:
            taught = self._split(
                self.teacher, outputs[:, width:].detach(), self.teacher_wanted, self.teacher_layers, batch
            )
            found |= {TEACHER + name: value for name, value in taught.items()}
        if "owners" in self.asked.names:
            found["owners"] = torch.from_numpy(batch.owners).to(outputs.device)
        return found

    def _tokenise(self, signal: Signal) -> tuple[Tokens, dict[str, int]]:
        """Ids of all distinct texts, and the number of each."""
        texts = list(dict.fromkeys(signal.column("text")))
        tokens = self.encoder.tokenize(texts, prompt=self.task.query_prompt)
        self.truncated += tokens.truncated
        return tokens, {text: number for number, text in enumerate(texts)}

    def _collate(self, ids: Ragged, rows: np.ndarray, prompt_tokens: int) -> Batch:
        return self.encoder.collate(ids, rows, prompt_tokens=prompt_tokens)

    @staticmethod
    def _split(
        model: TextEncoder, rows: Tensor, wanted: Sequence[str], layers: Sequence[int], batch: FeatureBatch
    ) -> dict[str, Tensor]:
        """The fields of one model from its part of the rows."""
        widths = [_width(model, [name], len(layers)) for name in wanted]
        found = dict(zip(wanted, rows.split(widths, dim=1)))
        if "embeddings" in found:
            found["embeddings"] = found["embeddings"][torch.from_numpy(batch.starts).to(rows.device)]
        if "hidden" in found:
            found["hidden"] = torch.stack(found["hidden"].chunk(len(layers), dim=1))
        return found


def _width(model: TextEncoder, wanted: Sequence[str], layers: int) -> int:
    """Columns that a model's part of a row has."""
    hidden = model.backbone.config.hidden_size
    widths = {"embeddings": model.dim, "tokens": hidden, "hidden": layers * hidden}
    return sum(widths[name] for name in wanted)


def _features(model: TextEncoder, chunk: Batch, wanted: Sequence[str], layers: Sequence[int]) -> Tensor:
    """(real tokens, width) of a chunk: what is wanted of the model, side by side."""
    deep = (View(layer=0),) if "hidden" in wanted else ()  # the hidden states come along with an earlier view
    found = model(chunk, views=(View(), *deep))
    real = chunk.attention_mask.bool()
    assert found.tokens is not None
    parts: list[Tensor] = []
    if "embeddings" in wanted:
        first = real.cumsum(1)[real] == 1
        pooled = found.pooled[View()]
        parts.append(pooled.new_zeros(int(real.sum()), pooled.shape[1]).index_put((first.nonzero()[:, 0],), pooled))
    if "tokens" in wanted:
        parts.append(found.tokens[real])
    if "hidden" in wanted:
        parts += [found.hidden[layer][real] for layer in layers]
    return torch.cat([part.float() for part in parts], dim=1)


def _transformer(model: object, role: str, where: str) -> TextEncoder:
    """The text encoder itself; what only remembers its vectors is looked through.

    Raises:
        InputError: no transformer.
    """
    found = model if isinstance(model, TextEncoder) else getattr(model, "model", model)
    if not isinstance(found, TextEncoder):
        raise InputError(
            f"{where}: the objective compares hidden states, and the {role} is a {type(found).__name__}, which has "
            "none. Take a transformer that makes vectors."
        )
    return found


def _check_teacher(student: TextEncoder, teacher: TextEncoder, signal: Signal, where: str) -> None:
    """See that a teacher can read the student's tokens.

    Raises:
        InputError: the student itself, another tokenizer, or fewer positions.
    """
    if teacher is student:
        raise InputError(f"{where}: the teacher is the model that is trained. Pass a copy, or another model.")
    texts = signal.column("text")
    first, second = (
        (model.tokenizer.get_vocab(), model.tokenizer(texts, truncation=True, max_length=64)["input_ids"])
        for model in (student, teacher)
    )
    if first != second:
        raise InputError(
            f"{where}: student and teacher cut texts into other tokens ({_tokenizer(student)}, {_tokenizer(teacher)}), "
            "so their hidden states do not lie side by side. Take a teacher with the student's tokenizer, or distil "
            "vectors or scores (`VectorDistillation`, `BatchKL`)."
        )
    limit = usable_positions(teacher.backbone)
    if limit is not None and student.max_length > limit:
        raise InputError(
            f"{where}: the student reads {student.max_length} tokens of a text and the teacher can read {limit}. Set "
            f"the student's `max_length` to {limit} or less."
        )


def _tokenizer(model: TextEncoder) -> str:
    return f"{type(model.tokenizer).__name__} of {len(model.tokenizer)} tokens"
