"""Dropout whose masks are drawn fast on the CPU, where torch draws them one number at a time."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

__all__ = ["FastDropout", "fast_dropout", "use_fast_dropout"]

LEVELS = 1 << 16


def fast_dropout(values: Tensor, p: float) -> Tensor:
    """Zero each number with probability p and scale the others by 1 / (1 - p).

    Equal states of torch's global generator give equal masks, so what repeats dropout by seeding it still does: one
    draw from it seeds a fast generator that fills the mask.

    Also known as: inverted dropout.

    Reference: Srivastava et al. (2014), Journal of Machine Learning Research 15, section 4.

    Differs from the paper: p is rounded to 1 / 65,536, and scaling is done in training.

    Args:
        values: of any shape, on any device; away from the CPU torch draws the mask.
        p: in [0, 1].

    Returns:
        As `values`; themselves where p is 0.
    """
    dropped = round(p * LEVELS)
    if not dropped:
        return values
    if values.device.type != "cpu" or dropped == LEVELS:
        return nn.functional.dropout(values, p)
    seed = int(torch.randint(2**63 - 1, ()))
    words = np.random.SFC64(seed).random_raw(-(-values.numel() // 4))
    levels = torch.from_numpy(words.view(np.int16)[: values.numel()]).view(values.shape)
    kept = levels >= dropped - LEVELS // 2
    return values * kept.to(values.dtype).mul_(LEVELS / (LEVELS - dropped))


class FastDropout(nn.Dropout):
    """Dropout as `torch.nn.Dropout`, by :func:`fast_dropout`.

    Args:
        p: in [0, 1).
    """

    def __init__(self, p: float = 0.5) -> None:
        super().__init__(p)

    def forward(self, input: Tensor) -> Tensor:
        """The values, thinned while training."""
        return fast_dropout(input, self.p) if self.training else input


def use_fast_dropout(backbone: nn.Module) -> None:
    """Put :class:`FastDropout` in the place of every `torch.nn.Dropout`, in place; it has no weights to lose."""
    for owner in list(backbone.modules()):
        for name, child in list(owner.named_children()):
            if type(child) is nn.Dropout and not child.inplace:
                setattr(owner, name, FastDropout(child.p).train(child.training))
