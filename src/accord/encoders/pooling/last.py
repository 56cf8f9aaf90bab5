"""Last-token pooling: the vector of the last token, which in a decoder has seen all others."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from accord.core.spec import Described

__all__ = ["Last", "last"]


def last(tokens: Float[Tensor, "batch length dim"], mask: Tensor) -> Float[Tensor, "batch dim"]:
    """The last token that counts, wherever the padding stands.

    Also known as: lasttoken, eos pooling.

    Reference: Wang et al. (2024), arXiv:2401.00368, section 3.2.

    Args:
        tokens: (batch, length, dim) token vectors.
        mask: (batch, length), nonzero on tokens that count.

    Returns:
        (batch, dim); zeros where no token counts.

    >>> import torch
    >>> last(torch.tensor([[[1.0], [3.0], [9.0]]] * 2), torch.tensor([[1, 1, 0], [0, 1, 1]]))
    tensor([[3.],
            [9.]])
    """
    real = mask.bool()
    place = tokens.shape[1] - 1 - real.int().flip(1).argmax(1)
    found = tokens[torch.arange(len(tokens), device=tokens.device), place]
    return found.masked_fill(~real.any(1, keepdim=True), 0)


class Last(Described, nn.Module):
    """:func:`last` as a module."""

    def forward(self, tokens: Tensor, mask: Tensor, positions: Tensor | None = None) -> Tensor:
        """See :func:`last`; positions are not used."""
        del positions
        return last(tokens, mask)
