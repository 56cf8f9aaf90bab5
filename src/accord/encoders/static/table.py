"""A vector a token, and the mean over the tokens of a text."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from accord.core.errors import InputError

__all__ = ["TokenTable"]


class TokenTable(nn.Module):
    r"""The mean over the tokens :math:`t` of a text, :math:`\frac{1}{n} \sum_t w_t E_{m(t)}`.

    Also known as: static embeddings, bag of words, embedding bag, model2vec.

    Reference: Tulkens & van Dongen (2024), Model2Vec; weights after Arora et al. (2017), A simple but tough-to-beat
    baseline for sentence embeddings, algorithm 1.

    Args:
        embeddings: E, (rows, dim); trained.
        weights: w, (tokens); fixed. All 1 when not given.
        mapping: m, (tokens), the row of each token, where several share one; the token's own number when not given.

    Raises:
        InputError: shapes that do not fit each other, or a mapping to rows that are not there.

    >>> table = TokenTable(torch.tensor([[1.0, 0.0], [0.0, 1.0]]))
    >>> table(torch.tensor([0, 1, 1, 1]), torch.tensor([0, 4, 4])).tolist()
    [[0.25, 0.75], [0.0, 0.0], [0.0, 0.0]]
    """

    def __init__(
        self,
        embeddings: Tensor | np.ndarray,
        *,
        weights: Tensor | np.ndarray | None = None,
        mapping: Tensor | np.ndarray | None = None,
    ) -> None:
        super().__init__()
        numbers = torch.as_tensor(embeddings).detach().to(torch.float32, copy=True)
        if numbers.ndim != 2 or 0 in numbers.shape:
            raise InputError(f"`embeddings` must be (rows, dim), none of them 0. Got the shape {tuple(numbers.shape)}.")
        self.embeddings = nn.Parameter(numbers)
        self.weights: Tensor | None
        self.mapping: Tensor | None
        self.register_buffer("weights", None if weights is None else torch.as_tensor(weights).float().clone())
        self.register_buffer("mapping", None if mapping is None else torch.as_tensor(mapping).long().clone())
        for name, given in (("weights", self.weights), ("mapping", self.mapping)):
            if given is not None and (given.ndim != 1 or len(given) == 0):
                raise InputError(f"`{name}` must hold one number a token. Got the shape {tuple(given.shape)} instead.")
        if self.mapping is not None and not (self.mapping.min() >= 0 and self.mapping.max() < len(numbers)):
            raise InputError(
                f"`mapping` must lie in [0, {len(numbers)}), the rows of the table. "
                f"Got {int(self.mapping.min())} to {int(self.mapping.max())} instead."
            )

    @property
    def dim(self) -> int:
        """Columns of the table."""
        return self.embeddings.shape[1]

    @property
    def tokens(self) -> int:
        """How many token numbers have a vector."""
        limits = [len(part) for part in (self.weights, self.mapping) if part is not None]
        return min(limits if self.mapping is not None else [*limits, len(self.embeddings)])

    def forward(self, ids: Int[Tensor, " tokens"], offsets: Int[Tensor, " texts"]) -> Float[Tensor, "texts dim"]:
        """One vector a text; zeros for a text without tokens.

        Args:
            ids: token numbers of all texts, one after another.
            offsets: where each text begins.
        """
        if not len(offsets):
            return self.embeddings.new_zeros(0, self.dim)
        rows = ids if self.mapping is None else self.mapping[ids]
        if self.weights is None:
            return F.embedding_bag(rows, self.embeddings, offsets, mode="mean")
        sums = F.embedding_bag(rows, self.embeddings, offsets, mode="sum", per_sample_weights=self.weights[ids])
        ends = torch.cat([offsets[1:], offsets.new_tensor([len(ids)])])
        return sums / (ends - offsets).clamp(min=1)[:, None]

    def folded(self) -> Tensor:
        """(tokens, dim): the vector of each token, weight and mapping applied."""
        rows = self.embeddings if self.mapping is None else self.embeddings[self.mapping]
        rows = rows[: self.tokens]
        return rows if self.weights is None else rows * self.weights[: self.tokens, None]
