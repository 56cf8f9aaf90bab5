"""Position-weighted mean pooling: later tokens, which have seen more in a decoder, weigh more."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn

from accord.core.spec import Described

__all__ = ["Weighted", "weighted_mean"]


def weighted_mean(
    tokens: Float[Tensor, "batch length dim"], mask: Tensor, positions: Tensor | None = None
) -> Float[Tensor, "batch dim"]:
    r"""Token t weighs as much as its position: :math:`\sum_t t\, m_t h_t / \sum_t t\, m_t`.

    Also known as: weightedmean, SGPT pooling.

    Reference: Muennighoff (2022), arXiv:2202.08904, eq. 2.

    Args:
        tokens: (batch, length, dim) token vectors.
        mask: (batch, length), nonzero on tokens that count.
        positions: (batch, length) position of each token in its text, from 1. Counted along the mask when not given; a
            left-out prompt still takes up positions, so give them then.

    Returns:
        (batch, dim); zeros where no token counts.

    >>> import torch
    >>> weighted_mean(torch.tensor([[[3.0], [6.0], [9.0]]]), torch.tensor([[1, 1, 0]]))
    tensor([[5.]])
    """
    real = mask.bool()
    where = real.long().cumsum(1) if positions is None else positions
    wide = tokens.float() if tokens.dtype.itemsize < 4 else tokens
    weights = (where * real).unsqueeze(-1).to(wide.dtype)
    return (wide * weights).sum(1) / weights.sum(1).clamp(min=1e-9)


class Weighted(Described, nn.Module):
    """:func:`weighted_mean` as a module."""

    def forward(self, tokens: Tensor, mask: Tensor, positions: Tensor | None = None) -> Tensor:
        """See :func:`weighted_mean`."""
        return weighted_mean(tokens, mask, positions)
