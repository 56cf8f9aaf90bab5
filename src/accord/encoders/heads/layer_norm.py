"""Layer normalisation of the pooled vector."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn

from accord.core.checks import check_at_least
from accord.core.spec import Described

__all__ = ["LayerNorm"]


class LayerNorm(Described, nn.Module):
    """Subtract the mean over dimensions, divide by the deviation, then scale and shift each dimension.

    Reference: Ba et al. (2016), arXiv:1607.06450, eq. 4.

    Args:
        dimension: of the vectors.

    >>> import torch
    >>> LayerNorm(2)(torch.tensor([[1.0, 3.0]])).round(decimals=3).tolist()
    [[-1.0, 1.0]]
    """

    def __init__(self, dimension: int) -> None:
        super().__init__()
        check_at_least("dimension", dimension, 1)
        self.dimension = dimension
        self.norm = nn.LayerNorm(dimension)

    def forward(self, vectors: Float[Tensor, "batch dim"]) -> Float[Tensor, "batch dim"]:
        """Normalised vectors."""
        return self.norm(vectors)
