"""Texts with hidden tokens: batches for objectives that predict tokens, at their places or from a text's vector."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from accord.compression.elastic.base import Drawn
from accord.core.errors import InputError
from accord.core.types import Ragged
from accord.data.drawing import Batches
from accord.data.signals import Unlabelled
from accord.encoders.language import LanguageModel, TiedLanguageModel, tie_head
from accord.encoders.text.transformer import Batch, TextEncoder
from accord.objectives.base import contract, unwrapped
from accord.training.base import PreparedBatch
from accord.training.fields import token_form
from accord.training.masking import Masking, mask_text
from accord.training.settings import TrainingTask
from accord.training.texts import TaskTexts
from accord.training.views import ViewChunk, split_chunk

__all__ = ["HEADS", "TaskTokens", "TokenBatch", "TokenChunk", "token_logits"]

RATE = 0.15
HEADS = {"places vocabulary": "places", "n vocabulary": "texts"}
"""Form of the logits -> kind of the head that gives them."""


@dataclass(frozen=True)
class TokenChunk:
    """Some texts with hidden tokens.

    Args:
        batch: padded.
        places: row times length plus column of each hidden token; None where the texts' vectors are read.
    """

    batch: Batch
    places: Tensor | None

    def to(self, device: torch.device | str) -> TokenChunk:
        """The same chunk on another device."""
        return TokenChunk(self.batch.to(device), None if self.places is None else self.places.to(device))


@dataclass(frozen=True)
class TokenBatch(PreparedBatch):
    """A batch of texts with hidden tokens.

    Args:
        labels: the tokens to predict, in the order of the chunks.
        rows: for each of them, its row of the logits.
        drawn: the sizes that the step looks at, where there are several.
    """

    labels: np.ndarray
    rows: np.ndarray
    drawn: Drawn | None = None


class TaskTokens:
    """The texts of one task, with tokens hidden anew at each visit.

    What is hidden depends on the seed, the text and the number of the batch, so that runs repeat and resume, and chunks
    may be of any size. The encoder gets a head of the kind that the objective needs.

    Args:
        task: what to learn; `rate`, `random` and `kept` of its objective say how to hide.
        encoder: a transformer.
        batch: examples a batch.
        seed: of the order of rows, of what is hidden and of a new head.
        stream: as for :class:`~accord.training.texts.TaskTexts`.

    Raises:
        InputError: rows that are no texts alone, or an encoder that cannot predict tokens.
    """

    def __init__(
        self, task: TrainingTask, encoder: Any, *, batch: int, seed: int, stream: Batches | None = None
    ) -> None:
        form = token_form(contract(task.objective))
        assert form is not None
        self.kind = HEADS[form]
        if not isinstance(encoder, TextEncoder):
            raise InputError(
                f"Task `{task.name}`: {type(unwrapped(task.objective)).__name__} hides tokens, which a static model "
                "does not read in their context. Take a transformer."
            )
        self.texts = TaskTexts(task, encoder, batch=batch, seed=seed, stream=stream)
        self.truncated = self.texts.truncated
        self.task = task
        self.sizes = self.texts.sizes
        if self.sizes is not None and self.sizes.narrow:
            raise InputError(
                f"Task `{task.name}`: hidden tokens are predicted at the whole width. Leave the width out of the sizes."
            )
        self.encoder = encoder
        self.masking = _masking(task, encoder, self.texts.stream.seed)
        self.model = TiedLanguageModel(encoder, seed=seed)
        tie_head(encoder, self.kind, seed=seed)

    @property
    def signal(self) -> Unlabelled:
        """The rows."""
        assert isinstance(self.texts.signal, Unlabelled)
        return self.texts.signal

    def batch(self, index: int, chunk_tokens: int) -> TokenBatch:
        """The batch with this number, ready for the encoder."""
        return self.assemble(self.texts.stream.rows(index), index, chunk_tokens)

    def assemble(self, rows: np.ndarray, index: int, chunk_tokens: int, *, epoch: int = 0) -> TokenBatch:
        """Some rows as the batch with this number, ready for the encoder; the number is what masks change with."""
        del epoch
        texts = self.signal.take(rows).column("text")
        numbers, first = np.unique(self.texts.text_rows(0, texts, index, query=True), return_index=True)
        words = [texts[k] for k in first]
        found = [self._hide(number, text, index) for number, text in zip(numbers, words)]
        offsets = np.cumsum([0, *(len(ids) for ids, _ in found)])
        hidden = Ragged(np.concatenate([ids for ids, _ in found]), offsets)
        groups = self.texts.chunks(numbers, chunk_tokens)
        order = np.concatenate(groups)
        labels = [self._labels(int(numbers[k]), found[k][1]) for k in order]
        chunks = [self._chunk(hidden, group, [found[k][1] for k in group], numbers) for group in groups]
        flat = np.concatenate(labels)
        counts = [len(part) for part in labels]
        rows_of = np.arange(len(flat)) if self.kind == "places" else np.repeat(np.arange(len(order)), counts)
        drawn = None if self.sizes is None else self.sizes.at(index)
        return TokenBatch(
            chunks=chunks if drawn is None else [ViewChunk(chunk, drawn.views) for chunk in chunks],
            drawn=drawn,
            costs=[chunk.batch.input_ids.numel() for chunk in chunks],
            examples=len(rows),
            tokens=int(self.texts.ids.lengths[numbers].sum()),
            labels=flat,
            rows=rows_of,
        )

    def forward(self, chunk: TokenChunk | ViewChunk) -> Tensor:
        """(hidden places or texts of the chunk, vocabulary) raw scores, with gradients; of all sizes side by side."""
        return token_logits(self.model, chunk, device=self.encoder.device)

    def fields(self, batch: TokenBatch, outputs: Tensor) -> dict[str, Any]:
        """What the objective asks for, from the raw scores of all chunks."""
        if self.sizes is None or batch.drawn is None:
            return self._fields(batch, outputs)
        width = outputs.shape[1] // len(batch.drawn.views)
        return self.sizes.fields(batch.drawn, outputs, lambda logits: self._fields(batch, logits), width=width)

    def _fields(self, batch: TokenBatch, logits: Tensor) -> dict[str, Tensor]:
        labels = torch.from_numpy(batch.labels).to(logits.device)
        if self.kind == "texts":
            rows = torch.from_numpy(batch.rows).to(logits.device)
            labels = torch.zeros_like(logits).index_put((rows, labels), logits.new_ones(()))
        return {"logits": logits, "labels": labels}

    def _hide(self, number: int, text: str, visit: int) -> tuple[np.ndarray, np.ndarray]:
        """Ids of a text with tokens hidden, and their places."""
        skip = int(self.texts.prompt_tokens[number])
        return mask_text(self.texts.ids[number], self.masking, text=text, visit=visit, skip=skip)

    def _labels(self, number: int, places: np.ndarray) -> np.ndarray:
        """What stood at the hidden places; where vectors are read, each ordinary token of the text once."""
        ids = self.texts.ids[number].astype(np.int64)
        if self.kind == "places":
            return ids[places]
        return np.intersect1d(ids[int(self.texts.prompt_tokens[number]) :], self.masking.ordinary)

    def _chunk(
        self, hidden: Ragged, group: np.ndarray, places: Sequence[np.ndarray], numbers: np.ndarray
    ) -> TokenChunk:
        prompt = int(self.texts.prompt_tokens[numbers[group[0]]])
        batch = self.encoder.collate(hidden, group, prompt_tokens=prompt)
        if self.kind == "texts":
            return TokenChunk(batch, None)
        length = batch.input_ids.shape[1]
        flat = np.concatenate([row * length + part for row, part in enumerate(places)])
        return TokenChunk(batch, torch.from_numpy(flat))


def token_logits(model: LanguageModel, chunk: TokenChunk | ViewChunk, *, device: torch.device | str) -> Tensor:
    """(hidden places or texts, vocabulary) raw scores of a chunk; those of several views side by side.

    Args:
        model: predicts tokens.
        chunk: texts with hidden tokens.
        device: of the model.
    """
    inner, views = split_chunk(chunk)
    there = inner.to(device)
    if there.places is None:
        return model.of_texts(there.batch, views)
    return model.at_places(there.batch, there.places, views)


def _masking(task: TrainingTask, encoder: TextEncoder, seed: int) -> Masking:
    """How the task's objective wants tokens to be hidden.

    Raises:
        InputError: a tokenizer without a mask token.
    """
    objective, tokenizer = unwrapped(task.objective), encoder.tokenizer
    rate = float(getattr(objective, "rate", RATE))
    if rate and tokenizer.mask_token_id is None:
        raise InputError(
            f"Task `{task.name}`: the tokenizer of this model has no mask token to hide others behind. Take a model "
            "that was trained with one, such as a BERT."
        )
    return Masking(
        rate=rate,
        random=float(getattr(objective, "random", 0.0)),
        kept=float(getattr(objective, "kept", 0.0)),
        mask=tokenizer.mask_token_id or 0,
        ordinary=np.setdiff1d(np.arange(len(tokenizer)), tokenizer.all_special_ids),
        seed=seed,
    )
