"""Mean pooling over the square root of the length, so that long texts get longer vectors."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn

from accord.core.spec import Described

__all__ = ["MeanSqrt", "mean_sqrt"]


def mean_sqrt(tokens: Float[Tensor, "batch length dim"], mask: Tensor) -> Float[Tensor, "batch dim"]:
    r"""The sum over the root of the count: :math:`\sum_t m_t h_t / \sqrt{\sum_t m_t}`.

    Also known as: mean_sqrt_len_tokens.

    Reference: Cer et al. (2018), arXiv:1803.11175, section 3.1.

    Args:
        tokens: (batch, length, dim) token vectors.
        mask: (batch, length), nonzero on tokens that count.

    Returns:
        (batch, dim); zeros where no token counts.

    >>> import torch
    >>> mean_sqrt(torch.ones(1, 4, 1), torch.ones(1, 4))
    tensor([[2.]])
    """
    weights = mask.bool().unsqueeze(-1).to(tokens.dtype)
    wide = tokens.float() if tokens.dtype.itemsize < 4 else tokens
    return (wide * weights).sum(1) / weights.to(wide.dtype).sum(1).clamp(min=1e-9).sqrt()


class MeanSqrt(Described, nn.Module):
    """:func:`mean_sqrt` as a module."""

    def forward(self, tokens: Tensor, mask: Tensor, positions: Tensor | None = None) -> Tensor:
        """See :func:`mean_sqrt`; positions are not used."""
        del positions
        return mean_sqrt(tokens, mask)
