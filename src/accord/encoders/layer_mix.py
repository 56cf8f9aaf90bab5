"""A learned mean of the layers: token vectors from all hidden states rather than from the last one."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from accord.core.checks import check_at_least
from accord.core.errors import InputError
from accord.core.spec import Described

__all__ = ["LayerMix"]


class LayerMix(Described, nn.Module):
    r"""Token vectors averaged over layers: :math:`\sum_l w_l h_l / \sum_l w_l` for the layers from `start` on.

    Also known as: WeightedLayerPooling, scalar mix.

    Reference: Peters et al. (2018), arXiv:1802.05365, eq. 1.

    Differs from the paper: weights are divided by their sum instead of going through a softmax, and there is no common
    factor.

    Args:
        layers: of the backbone.
        start: the first hidden state that counts; 0 is the token table's output.

    Raises:
        InputError: a start beyond the layers.

    >>> mix = LayerMix(2, start=1)
    >>> mix([torch.tensor([9.0]), torch.tensor([1.0]), torch.tensor([3.0])])
    tensor([2.], grad_fn=<DivBackward0>)
    """

    def __init__(self, layers: int, *, start: int = 4) -> None:
        super().__init__()
        check_at_least("layers", layers, 1)
        check_at_least("start", start, 0)
        if start > layers:
            raise InputError(f"`start` must be at most {layers}, the layers of the model. Got {start} instead.")
        self.layers = layers
        self.start = start
        self.weights = nn.Parameter(torch.ones(layers + 1 - start))

    def forward(self, hidden: Sequence[Tensor]) -> Tensor:
        """The mean of the hidden states given, the token table's output first; fewer than all for a model cut short.

        Where all that are given lie below `start`, the last one is returned.
        """
        kept = hidden[self.start :]
        if not len(kept):
            return hidden[-1]
        weights = self.weights[: len(kept)]
        return torch.tensordot(weights, torch.stack(list(kept)), dims=1) / weights.sum()

    def cut(self, layers: int) -> LayerMix | None:
        """The mix of a model with fewer layers; None where it would be that model's last hidden state."""
        if layers < self.start:
            return None
        shorter = LayerMix(layers, start=self.start).to(self.weights.device)
        shorter.weights.data.copy_(self.weights.data[: len(shorter.weights)])
        return shorter
