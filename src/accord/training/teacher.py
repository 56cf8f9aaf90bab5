"""A frozen teacher beside the model in training: its vectors or scores of each text, computed once."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from typing import cast

import numpy as np
import torch
from torch import Tensor

from accord.core.errors import InputError
from accord.core.types import Encodes, Scores
from accord.data.signals import Pairs, Ranked, Scored, Signal
from accord.objectives.base import TEACHER
from accord.training.fields import MAX_RANKED_NEGATIVES, QUERY_COLUMNS, Roles, signal_fields

__all__ = ["Teacher", "teacher_identity", "teacher_kind", "teacher_of"]

Pair = tuple[str, str]

LARGEST_HALF = 65_504.0


class Teacher(ABC):
    """What fills the `teacher_*` fields of a batch."""

    def __init__(self, wanted: Sequence[str]) -> None:
        self.wanted = [name.removeprefix(TEACHER) for name in wanted]

    @abstractmethod
    def fields(self, roles: Roles, device: torch.device) -> dict[str, Tensor]:
        """The wanted fields of a batch, without gradients."""


class TeachingEncoder(Teacher):
    """An encoder that teaches by its vectors, held in float16.

    Args:
        model: with its own prompts for queries and documents, and its own similarity.
        wanted: names of fields.
        signal: whose texts to encode at the start; rows that are read as they come are encoded batch by batch.
    """

    def __init__(self, model: Encodes, wanted: Sequence[str], signal: object) -> None:
        super().__init__(wanted)
        self.model = model
        self.kind = getattr(model, "similarity_name", "cosine")
        self.numbers: dict[bool, dict[str, int]] = {True: {}, False: {}}
        self.vectors: dict[bool, np.ndarray] = {}
        if isinstance(signal, Signal):
            for is_query in (True, False):
                names = [name for name in signal.text_columns if (name in QUERY_COLUMNS) == is_query]
                texts = list(dict.fromkeys(text for name in names for text in signal.texts(name).to_pylist()))
                if texts:
                    self.numbers[is_query] = {text: number for number, text in enumerate(texts)}
                    self.vectors[is_query] = _half(self._encode(texts, is_query))

    def fields(self, roles: Roles, device: torch.device) -> dict[str, Tensor]:
        """The wanted fields of a batch, by the teacher's own similarity."""
        rows = [self._rows(texts, number < roles.queries) for number, texts in enumerate(roles.texts)]
        vectors = [torch.from_numpy(part).to(device) for part in rows]
        found = signal_fields(roles, vectors, self.wanted, kind=self.kind)
        return {TEACHER + name: value for name, value in found.items()}

    def _rows(self, texts: Sequence[str], is_query: bool) -> np.ndarray:
        known = self.numbers[is_query]
        if all(text in known for text in texts):
            return self.vectors[is_query][[known[text] for text in texts]].astype(np.float32)
        return _half(self._encode(texts, is_query)).astype(np.float32)

    def _encode(self, texts: Sequence[str], is_query: bool) -> np.ndarray:
        return np.asarray(self.model.encode_query(texts) if is_query else self.model.encode_document(texts))


class TeachingScorer(Teacher):
    """A cross-encoder that teaches by its scores of pairs.

    Args:
        model: one score a pair.
        wanted: names of fields.
        signal: whose pairs to score at the start; rows that are read as they come are scored batch by batch.
    """

    def __init__(self, model: Scores, wanted: Sequence[str], signal: object) -> None:
        super().__init__(wanted)
        self.model = model
        self.known: dict[Pair, float] = {}
        if isinstance(signal, Signal):
            pairs = list(dict.fromkeys(_pairs_of(signal, listed="list_scores" in self.wanted)))
            self.known = dict(zip(pairs, self._score(pairs)))

    def fields(self, roles: Roles, device: torch.device) -> dict[str, Tensor]:
        """The wanted fields of a batch; places behind the end of a list hold zeros."""
        queries, docs = roles.texts[0], roles.documents
        found: dict[str, Tensor] = {}
        if "pair_scores" in self.wanted:
            found["teacher_pair_scores"] = self._tensor(list(zip(queries, docs)), device)
        if "list_scores" in self.wanted and roles.lists is not None:
            rows, places = np.nonzero(roles.lists >= 0)
            numbers = roles.lists[rows, places]
            full = torch.zeros(roles.lists.shape, device=device)
            pairs = [(queries[i], docs[j]) for i, j in zip(rows.tolist(), numbers.tolist())]
            full[torch.from_numpy(rows), torch.from_numpy(places)] = self._tensor(pairs, device)
            found["teacher_list_scores"] = full
        return found

    def _tensor(self, pairs: Sequence[Pair], device: torch.device) -> Tensor:
        missing = [pair for pair in dict.fromkeys(pairs) if pair not in self.known]
        here = dict(zip(missing, self._score(missing))) if missing else {}
        scores = [here[pair] if pair in here else self.known[pair] for pair in pairs]
        return torch.tensor(scores, dtype=torch.float32, device=device)

    def _score(self, pairs: Sequence[Pair]) -> list[float]:
        scores = np.asarray(self.model.score([left for left, _ in pairs], [right for _, right in pairs]))
        if scores.ndim != 1:
            raise InputError(
                f"The teacher gives {scores.shape[1]} scores a pair: distilling takes a model with one. Name another."
            )
        return scores.astype(np.float32).tolist()


def teacher_kind(teacher: object) -> str | None:
    """Which kind of teacher it is: "encoder", "cross-encoder", or None without one.

    Raises:
        InputError: something that neither encodes nor scores.
    """
    if teacher is None:
        return None
    if callable(getattr(teacher, "encode_query", None)) and callable(getattr(teacher, "encode_document", None)):
        return "encoder"
    if callable(getattr(teacher, "score", None)):
        return "cross-encoder"
    raise InputError(
        "`teacher` must be an encoder (`encode_query`, `encode_document`) or a cross-encoder (`score`). "
        f"Got {type(teacher).__name__} instead."
    )


def teacher_of(teacher: object, wanted: Sequence[str], signal: object) -> Teacher | None:
    """What fills some `teacher_*` fields for a task, its texts encoded or scored; None where there is no teacher.

    Args:
        teacher: an encoder, a cross-encoder or None.
        wanted: names of `teacher_*` fields.
        signal: the rows of the task.
    """
    kind = teacher_kind(teacher)
    if kind is None or not wanted:
        return None
    if kind == "encoder":
        return TeachingEncoder(cast(Encodes, teacher), wanted, signal)
    return TeachingScorer(cast(Scores, teacher), wanted, signal)


def teacher_identity(teacher: object) -> str:
    """What tells one teacher from another: the hash of its weights where it knows it, else its class."""
    fingerprint: Callable[[], str] | None = getattr(teacher, "fingerprint", None)
    return type(teacher).__name__ if fingerprint is None else fingerprint()


def _half(vectors: np.ndarray) -> np.ndarray:
    """In float16 where its range allows, else in float32."""
    return vectors.astype(np.float16 if np.abs(vectors).max(initial=0.0) <= LARGEST_HALF else np.float32)


def _pairs_of(signal: Signal, *, listed: bool) -> Iterable[Pair]:
    """All pairs of texts that batches of a signal may ask the score of."""
    if isinstance(signal, Scored):
        yield from zip(signal.column("text1"), signal.column("text2"))
    elif isinstance(signal, Pairs):
        columns = signal.text_columns[1:] if listed else ("positive",)
        for name in columns:
            yield from zip(signal.column("anchor"), signal.column(name))
    elif isinstance(signal, Ranked):
        rows = zip(signal.column("query"), signal.column("pos"), signal.column("neg"))
        for query, right, wrong in rows:
            yield from ((query, text) for text in (*right, *(wrong[:MAX_RANKED_NEGATIVES] if listed else ())))
