"""Which tokens count: padding and prompts left out."""

from __future__ import annotations

from jaxtyping import Bool, Int
from torch import Tensor

__all__ = ["kept_tokens", "positions"]


def positions(mask: Tensor) -> Int[Tensor, "batch length"]:
    """The position of each real token in its text, from 1; 0 on padding, left or right.

    >>> import torch
    >>> positions(torch.tensor([[0, 1, 1], [1, 1, 0]])).tolist()
    [[0, 1, 2], [1, 2, 0]]
    """
    real = mask.bool().long()
    return real.cumsum(1) * real


def kept_tokens(mask: Tensor, *, prompt_tokens: int = 0) -> Bool[Tensor, "batch length"]:
    """True on the real tokens past the first `prompt_tokens` of each text.

    Args:
        mask: (batch, length), nonzero where a token is real; padding may stand on either side.
        prompt_tokens: tokens to leave out at the start of each text.

    >>> import torch
    >>> kept_tokens(torch.tensor([[0, 1, 1], [1, 1, 0]]), prompt_tokens=1).tolist()
    [[False, False, True], [False, True, False]]
    """
    return mask.bool() if prompt_tokens == 0 else positions(mask) > prompt_tokens
