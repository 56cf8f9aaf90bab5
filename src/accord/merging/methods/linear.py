"""The weighted mean of models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from torch import Tensor

from accord.maths.consensus import weighted_sum
from accord.merging.base import Contract, MergeMethod, PerExpert, Piece, check_weights, expert_shares

__all__ = ["Linear"]


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
    linear: ClassVar = True

    def __init__(self, weights: PerExpert = 1.0, *, normalize: bool = True) -> None:
        check_weights(weights, normalize=normalize)
        self.weights = weights
        self.normalize = normalize

    def merge(self, piece: Piece, surveys: Sequence[Any]) -> Tensor:
        """The mean of the rows."""
        del surveys
        shares = expert_shares(self.weights, len(piece.experts), normalize=self.normalize)
        return weighted_sum(piece.experts, shares)
