"""A linear map whose change has low rank."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

__all__ = ["LoRALinear", "folded_weight"]


def folded_weight(
    weight: Float[Tensor, "outer inner"],
    down: Float[Tensor, "rank inner"],
    up: Float[Tensor, "outer rank"],
    scale: float,
) -> Float[Tensor, "outer inner"]:
    r"""The weight :math:`W + s B A` of one plain linear map.

    Also known as: merging an adapter, `merge_and_unload`.

    Reference: Hu et al. (2021), arXiv:2106.09685, eq. 3.

    Args:
        weight: W.
        down: A.
        up: B.
        scale: s.

    Returns:
        Computed in float64, in the type of `weight`.

    >>> folded_weight(torch.zeros(2, 2), torch.tensor([[1.0, 2.0]]), torch.tensor([[1.0], [0.0]]), scale=0.5).tolist()
    [[0.5, 1.0], [0.0, 0.0]]
    """
    return (weight.double() + scale * (up.double() @ down.double())).to(weight.dtype)


class LoRALinear(nn.Module):
    r"""The map :math:`W x + b + s B A\, \mathrm{dropout}(x)`; W and b stay as they were.

    Also known as: LoRA layer, low-rank update.

    Reference: Hu et al. (2021), arXiv:2106.09685, eq. 3; s with `rslora` is that of Kalajdzievski (2023),
    arXiv:2312.03732, theorem 3.2.

    Args:
        base: the linear map to adapt; its weights no longer take part in training.
        rank: rows of A, columns of B.
        alpha: s is alpha / rank.
        dropout: of what A sees, while training.
        rslora: s is alpha / sqrt(rank) instead.
        generator: draws A, uniform within 1 / sqrt(inner); B starts as zeros, so that nothing changes at first.
    """

    def __init__(
        self,
        base: nn.Linear,
        *,
        rank: int,
        alpha: float,
        dropout: float = 0.0,
        rslora: bool = False,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        self.base = base.requires_grad_(False)
        self.scale = alpha / (math.sqrt(rank) if rslora else rank)
        self.dropout = nn.Dropout(dropout)
        bound = 1 / math.sqrt(base.in_features)
        drawn = torch.rand(rank, base.in_features, generator=generator) * 2 * bound - bound
        self.down = nn.Parameter(drawn.to(base.weight))
        self.up = nn.Parameter(base.weight.new_zeros(base.out_features, rank))
        self.train(base.training)

    @property
    def in_features(self) -> int:
        """Dimensions in."""
        return self.base.in_features

    @property
    def out_features(self) -> int:
        """Dimensions out."""
        return self.base.out_features

    def forward(self, x: Float[Tensor, "... inner"]) -> Float[Tensor, "... outer"]:
        """The adapted map."""
        return self.base(x) + self.scale * F.linear(F.linear(self.dropout(x), self.down), self.up)

    @torch.no_grad()
    def fold(self) -> nn.Linear:
        """The plain linear map that does the same."""
        self.base.weight.copy_(folded_weight(self.base.weight, self.down, self.up, self.scale))
        return self.base
