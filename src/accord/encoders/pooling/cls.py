"""CLS pooling: the vector of the first token."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from accord.core.spec import Described

__all__ = ["Cls", "cls"]


def cls(tokens: Float[Tensor, "batch length dim"], mask: Tensor) -> Float[Tensor, "batch dim"]:
    """The first token that counts, wherever the padding stands.

    Also known as: cls_token, first-token pooling.

    Reference: Devlin et al. (2019), arXiv:1810.04805, section 3.

    Args:
        tokens: (batch, length, dim) token vectors.
        mask: (batch, length), nonzero on tokens that count.

    Returns:
        (batch, dim); the first token of the row where none counts.

    >>> import torch
    >>> cls(torch.tensor([[[1.0], [3.0], [9.0]]]), torch.tensor([[0, 1, 1]]))
    tensor([[3.]])
    """
    first = mask.bool().int().argmax(1)
    return tokens[torch.arange(len(tokens), device=tokens.device), first]


class Cls(Described, nn.Module):
    """:func:`cls` as a module."""

    def forward(self, tokens: Tensor, mask: Tensor, positions: Tensor | None = None) -> Tensor:
        """See :func:`cls`; positions are not used."""
        del positions
        return cls(tokens, mask)
