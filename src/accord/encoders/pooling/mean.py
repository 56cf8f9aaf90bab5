"""Mean pooling: the average of a text's token vectors."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn

from accord.core.spec import Described

__all__ = ["Mean", "mean"]


def mean(tokens: Float[Tensor, "batch length dim"], mask: Tensor) -> Float[Tensor, "batch dim"]:
    r"""The average of the tokens that count: :math:`\sum_t m_t h_t / \sum_t m_t`.

    Sums are taken in float32 at least.

    Also known as: mean_tokens, average pooling.

    Reference: Reimers and Gurevych (2019), arXiv:1908.10084, section 3.

    Args:
        tokens: (batch, length, dim) token vectors.
        mask: (batch, length), nonzero on tokens that count.

    Returns:
        (batch, dim); zeros where no token counts.

    >>> import torch
    >>> mean(torch.tensor([[[1.0], [3.0], [9.0]]]), torch.tensor([[1, 1, 0]]))
    tensor([[2.]])
    """
    weights = mask.bool().unsqueeze(-1).to(tokens.dtype)
    wide = tokens.float() if tokens.dtype.itemsize < 4 else tokens
    return (wide * weights).sum(1) / weights.to(wide.dtype).sum(1).clamp(min=1e-9)


class Mean(Described, nn.Module):
    """:func:`mean` as a module."""

    def forward(self, tokens: Tensor, mask: Tensor, positions: Tensor | None = None) -> Tensor:
        """See :func:`mean`; positions are not used."""
        del positions
        return mean(tokens, mask)
