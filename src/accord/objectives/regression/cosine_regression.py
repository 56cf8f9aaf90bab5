"""Cosine regression: the score of a pair must be its gold score."""

from __future__ import annotations

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from accord.core.checks import check_positive
from accord.core.errors import InputError
from accord.core.spec import Described

__all__ = ["CosineRegression", "cosine_regression"]


def cosine_regression(
    pair_scores: Float[Tensor, " n"], labels: Float[Tensor, " n"], *, top: float = 1.0
) -> Float[Tensor, ""]:
    r"""Mean squared difference between scores and gold scores.

    .. math:: \frac1n \sum_i (s_i - y_i / t)^2

    Also known as: CosineSimilarityLoss, regression objective, mean squared error.

    Reference: Reimers & Gurevych (2019), arXiv:1908.10084, section 3 (regression objective function).

    Differs from the paper: gold scores are brought to the range of a cosine here, by what the best pair has.

    Args:
        pair_scores: (n) one score a pair, in [-1, 1] for cosines.
        labels: (n) gold scores, in [-top, top].
        top: > 0, the gold score of a pair that could not be nearer: 5 for scores from 0 to 5.

    Returns:
        At least 0.

    Raises:
        InputError: a gold score that is larger than `top`.

    >>> cosine_regression(torch.tensor([0.5, 1.0]), torch.tensor([5.0, 5.0]), top=5.0)
    tensor(0.1250)
    """
    if bool((labels.abs() > top).any()):
        raise InputError(
            f"Gold scores reach {labels.abs().max():g}, and no score does: `top` is {top:g}. Set it to the largest "
            "gold score there is, or choose `CoSENT`, which reads their order only."
        )
    return F.mse_loss(pair_scores, labels / top)


class CosineRegression(Described, nn.Module):
    """:func:`cosine_regression` as a module.

    Args:
        top: > 0, the gold score of a pair that could not be nearer.
    """

    def __init__(self, *, top: float = 1.0) -> None:
        super().__init__()
        check_positive("top", top)
        self.top = top

    def forward(self, pair_scores: Float[Tensor, " n"], labels: Float[Tensor, " n"]) -> Float[Tensor, ""]:
        """The loss of one batch."""
        return cosine_regression(pair_scores, labels, top=self.top)
