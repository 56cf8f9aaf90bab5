"""The weighted mean of models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor

from accord.core.errors import InputError
from accord.merging.base import Contract, MergeMethod, PerExpert, Piece, per_expert

__all__ = ["Linear", "linear"]


def linear(experts: Sequence[Tensor], weights: Sequence[float], *, normalize: bool = True) -> Tensor:
    r"""The weighted mean :math:`\sum_i w_i \theta_i / \sum_i w_i`, or the sum without the division.

    Args:
        experts: (N,) tensors of equal shape.
        weights: (N,) of any sign.
        normalize: divide by the sum of the weights.

    Returns:
        A tensor of an expert's shape.

    >>> linear([torch.tensor([0.0]), torch.tensor([4.0])], [1, 3])
    tensor([3.])
    """
    share = sum(weights) if normalize else 1.0
    total = experts[0] * (weights[0] / share)
    for expert, weight in zip(experts[1:], weights[1:]):
        total = torch.add(total, expert, alpha=weight / share)
    return total


class Linear(MergeMethod):
    r"""The weighted mean of models.

    .. math:: \theta = \frac{\sum_i w_i \theta_i}{\sum_i w_i}

    Also known as: model soup, weight averaging, checkpoint averaging; FedAvg with weights that count examples.

    Reference: Wortsman et al. (2022), Model soups, arXiv:2203.05482, section 2.

    Differs from the paper: any weights; the paper's soups weigh all models equally.

    Args:
        weights: w, of any sign.
        normalize: divide by the sum of the weights.

    Raises:
        InputError: normalised weights that sum to zero.

    >>> from accord.merging import merge_state_dicts
    >>> merge_state_dicts(Linear([1, 3]), [{"w": torch.zeros(1)}, {"w": torch.ones(1)}])["w"]
    tensor([0.7500])
    """

    contract: ClassVar = Contract(base="unused")
    name: ClassVar = "linear"

    def __init__(self, weights: PerExpert = 1.0, *, normalize: bool = True) -> None:
        self.weights = weights
        self.normalize = normalize
        total = weights if isinstance(weights, (int, float)) else sum(weights)
        if normalize and abs(total) < 1e-12:
            raise InputError("`weights` sum to zero, and `normalize` divides by the sum. Set `normalize: false`.")

    def merge(self, piece: Piece, surveys: Sequence[Any]) -> Tensor:
        """The mean of the rows."""
        del surveys
        weights = per_expert("weights", self.weights, len(piece.experts))
        return linear(piece.experts, weights, normalize=self.normalize)
