"""Max pooling: the largest value of each dimension over a text's tokens."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn

from accord.core.spec import Described

__all__ = ["Max", "maximum"]


def maximum(tokens: Float[Tensor, "batch length dim"], mask: Tensor) -> Float[Tensor, "batch dim"]:
    """The largest value of each dimension over the tokens that count.

    Also known as: max_tokens, max-over-time.

    Reference: Conneau et al. (2017), arXiv:1705.02364, section 3.2.

    Args:
        tokens: (batch, length, dim) token vectors.
        mask: (batch, length), nonzero on tokens that count; at least one in each row.

    Returns:
        (batch, dim).

    >>> import torch
    >>> maximum(torch.tensor([[[1.0], [3.0], [9.0]]]), torch.tensor([[1, 1, 0]]))
    tensor([[3.]])
    """
    return tokens.masked_fill(~mask.bool().unsqueeze(-1), float("-inf")).amax(1)


class Max(Described, nn.Module):
    """:func:`maximum` as a module."""

    def forward(self, tokens: Tensor, mask: Tensor, positions: Tensor | None = None) -> Tensor:
        """See :func:`maximum`; positions are not used."""
        del positions
        return maximum(tokens, mask)
