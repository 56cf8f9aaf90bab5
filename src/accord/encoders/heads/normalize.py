"""Unit length."""

from __future__ import annotations

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from accord.core.spec import Described

__all__ = ["Normalize"]


class Normalize(Described, nn.Module):
    """Divide each vector by its Euclidean length; a zero vector stays zero.

    >>> import torch
    >>> Normalize()(torch.tensor([[3.0, 4.0]]))
    tensor([[0.6000, 0.8000]])
    """

    def forward(self, vectors: Float[Tensor, "batch dim"]) -> Float[Tensor, "batch dim"]:
        """Vectors of unit length."""
        return F.normalize(vectors, p=2.0, dim=-1)
