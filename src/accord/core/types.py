"""The few types that rooms hand to each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np

if TYPE_CHECKING:
    import torch

    from accord.core.progress import Progress

__all__ = ["Embeddings", "Encodes", "Ragged", "Ranks", "Scores", "View"]


@dataclass(frozen=True, order=True)
class View:
    """One way to look at an encoder: after `layer` layers, in the first `dim` dimensions, for one aspect.

    `width` leaves only so many inner units of each layer's feed-forward part. ``View()`` is the whole model.

    >>> View(layer=3, dim=128)
    View(layer=3, dim=128, aspect='', width=None)
    """

    layer: int | None = None
    dim: int | None = None
    aspect: str = ""
    width: int | None = None


@dataclass(frozen=True)
class Embeddings:
    """What one forward pass gives: every requested view, and, when asked for, what lies below them.

    Args:
        pooled: a (batch, dim) tensor a view.
        tokens: (batch, length, dim) token vectors of the last layer.
        mask: (batch, length), True where a token is real.
        hidden: the hidden states of each layer, the token table's output first.
        logits: scores of a head, where the encoder has one.
    """

    pooled: Mapping[View, torch.Tensor]
    tokens: torch.Tensor | None = None
    mask: torch.Tensor | None = None
    hidden: Sequence[torch.Tensor] = ()
    logits: torch.Tensor | None = None


@dataclass(frozen=True)
class Ragged:
    """Rows of unequal length in two flat arrays: row i is ``values[offsets[i]:offsets[i + 1]]``.

    >>> ragged = Ragged.of([[1, 2, 3], [], [4]])
    >>> len(ragged), ragged.lengths.tolist(), ragged[2].tolist()
    (3, [3, 0, 1], [4])
    """

    values: np.ndarray
    offsets: np.ndarray
    lengths: np.ndarray = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "lengths", np.diff(self.offsets))

    @classmethod
    def of(cls, rows: Sequence[Sequence[int]], dtype: type = np.int32) -> Ragged:
        """Build from a list of rows."""
        offsets = np.zeros(len(rows) + 1, dtype=np.int64)
        np.cumsum([len(row) for row in rows], out=offsets[1:])
        values = np.fromiter((v for row in rows for v in row), dtype=dtype, count=int(offsets[-1]))
        return cls(values, offsets)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, index: int) -> np.ndarray:
        return self.values[self.offsets[index] : self.offsets[index + 1]]


class Encodes(Protocol):
    """What evaluation and retrieval need of an encoder, in the words of sentence-transformers."""

    def encode_query(
        self, texts: Sequence[str], *, prompt_name: str | None = None, progress: Progress | None = None
    ) -> np.ndarray:
        """Rows for queries, (n, dim) float32."""
        ...

    def encode_document(
        self, texts: Sequence[str], *, prompt_name: str | None = None, progress: Progress | None = None
    ) -> np.ndarray:
        """Rows for documents, (n, dim) float32."""
        ...


@runtime_checkable
class Ranks(Protocol):
    """What comes with a search of its own, such as one over codes, and ranks documents by it."""

    def rank_texts(
        self,
        queries: Sequence[str],
        documents: Sequence[str],
        k: int,
        *,
        order: np.ndarray,
        leave_out: np.ndarray | None = None,
        prompts: tuple[str | None, str | None] = (None, None),
    ) -> np.ndarray:
        """(queries, k) numbers of documents, best first and -1 for none; ties go to the larger `order`.

        `leave_out` is a document that each query may not find, -1 for none; `prompts` are names for queries and for
        documents.
        """
        ...


class Scores(Protocol):
    """What reads two texts together and says how well they go together: a cross-encoder, or any reranker."""

    def score(self, left: Sequence[str], right: Sequence[str], *, progress: Progress | None = None) -> np.ndarray:
        """One score a pair, (n,) float32, higher for the better; (n, labels) where the model has several."""
        ...
