"""Pair distillation: the score of a pair must be the teacher's."""

from __future__ import annotations

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from accord.core.checks import check_positive
from accord.core.spec import Described

__all__ = ["PairMSE", "pair_mse"]


def pair_mse(
    pair_scores: Float[Tensor, " n"], teacher_pair_scores: Float[Tensor, " n"], *, temperature: float = 1.0
) -> Float[Tensor, ""]:
    r"""Mean squared difference between scores and the teacher's.

    .. math:: \frac1n \sum_i (s_i / \tau - t_i)^2

    Also known as: MSELoss of cross-encoders, pointwise distillation.

    Reference: Hinton et al. (2015), arXiv:1503.02531, section 2.1 (matching logits).

    Differs from the paper: scores of pairs take the place of logits of classes.

    Args:
        pair_scores: (n) one score a pair.
        teacher_pair_scores: (n) the same pairs, scored by the teacher.
        temperature: > 0; units of the score that one unit of the teacher's is worth.

    Returns:
        At least 0.

    >>> pair_mse(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 4.0]))
    tensor(2.)
    """
    return F.mse_loss(pair_scores / temperature, teacher_pair_scores.to(pair_scores))


class PairMSE(Described, nn.Module):
    """:func:`pair_mse` as a module.

    Args:
        temperature: > 0; units of the score that one unit of the teacher's is worth.
    """

    def __init__(self, *, temperature: float = 1.0) -> None:
        super().__init__()
        check_positive("temperature", temperature)
        self.temperature = temperature

    def forward(self, pair_scores: Float[Tensor, " n"], teacher_pair_scores: Float[Tensor, " n"]) -> Float[Tensor, ""]:
        """The loss of one batch."""
        return pair_mse(pair_scores, teacher_pair_scores, temperature=self.temperature)
