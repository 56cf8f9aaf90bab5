"""RankNet: of two documents of a list, the one with the higher grade should score higher."""

from __future__ import annotations

import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn

from accord.core.checks import check_positive
from accord.core.spec import Described
from accord.maths.score_lists import counted_places, pairs_in_order

__all__ = ["RankNet", "rank_net"]


def rank_net(
    list_scores: Float[Tensor, "queries list"],
    labels: Float[Tensor, "queries list"],
    *,
    ignore: Bool[Tensor, "queries list"] | None = None,
    temperature: float = 1.0,
) -> Float[Tensor, ""]:
    r"""Mean surprise that the better of two documents is the better one.

    .. math:: \operatorname{mean}_{i,\; y_{ik} > y_{il}} \log\bigl(1 + e^{-(s_{ik} - s_{il}) / \tau}\bigr)

    Also known as: RankNetLoss, pairwise logistic loss; a Bradley-Terry model of the scores.

    Reference: Burges et al. (2005), "Learning to Rank using Gradient Descent" (ICML), eq. 3.

    Differs from the paper: documents of equal grade are no pair.

    Args:
        list_scores: each query with its own documents.
        labels: grades; only their order counts.
        ignore: True where there is no document, or one that must not count.
        temperature: > 0, in units of the score; about 0.05 for cosines.

    Returns:
        Nats, at least 0; 0.6931 when all scores are equal.

    Raises:
        InputError: no list with two documents of different grades.

    >>> rank_net(torch.zeros(1, 3), torch.tensor([[1.0, 0.0, 0.0]]))
    tensor(0.6931)
    """
    better = pairs_in_order(labels, counted_places(list_scores, ignore))
    differences = (list_scores[:, :, None] - list_scores[:, None, :]) / temperature
    return F.softplus(-differences[better]).mean()


class RankNet(Described, nn.Module):
    """:func:`rank_net` as a module.

    Args:
        temperature: > 0, in units of the score; about 0.05 for cosines.
    """

    def __init__(self, *, temperature: float = 1.0) -> None:
        super().__init__()
        check_positive("temperature", temperature)
        self.temperature = temperature

    def forward(
        self,
        list_scores: Float[Tensor, "queries list"],
        labels: Float[Tensor, "queries list"],
        ignore: Bool[Tensor, "queries list"] | None = None,
    ) -> Float[Tensor, ""]:
        """The loss of one batch."""
        return rank_net(list_scores, labels, ignore=ignore, temperature=self.temperature)
