"""Triplet: a query must score its positive above each of its own negatives by a margin."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn

from accord.core.checks import check_at_least
from accord.core.spec import Described
from accord.maths.score_lists import counted_places

__all__ = ["Triplet", "triplet"]


def triplet(
    list_scores: Float[Tensor, "queries list"],
    *,
    ignore: Bool[Tensor, "queries list"] | None = None,
    margin: float | None = 0.2,
    hardest: bool = False,
) -> Float[Tensor, ""]:
    r"""How far each negative comes nearer than a margin to the positive of its query.

    .. math:: \operatorname{mean}_{i,\,k} \max(0,\; m - s_{i0} + s_{ik})

    over the negatives k of query i, or over the highest one alone where `hardest`. Without a margin the maximum is
    smooth: :math:`\log(1 + e^{s_{ik} - s_{i0}})`.

    Also known as: TripletLoss, hinge or margin ranking loss; soft-margin triplet.

    Reference: Schroff et al. (2015), arXiv:1503.03832, section 3.1; the soft margin of Hermans et al. (2017),
    arXiv:1703.07737, section 2.

    Differs from the paper: any score instead of a squared distance; a distance is a score with a minus sign.

    Args:
        list_scores: column 0 is the positive, the others are negatives of the same query.
        ignore: True where there is no document, or one that must not count.
        margin: at least 0, in units of the score; None for the soft margin.
        hardest: of each query's negatives only the one that scores highest.

    Returns:
        At least 0; 0 when every positive wins by the margin.

    Raises:
        InputError: no query has a negative.

    >>> triplet(torch.tensor([[0.9, 0.8, 0.1]]), margin=0.2)
    tensor(0.0500)
    """
    wrong = counted_places(list_scores, ignore)[:, 1:]
    risen = list_scores[:, 1:] - list_scores[:, :1]
    if hardest:
        some = wrong.any(1)
        risen = risen.masked_fill(~wrong, -torch.inf)[some].amax(1)
    else:
        risen = risen[wrong]
    return (F.softplus(risen) if margin is None else F.relu(risen + margin)).mean()


class Triplet(Described, nn.Module):
    """:func:`triplet` as a module.

    Args:
        margin: at least 0, in units of the score; None for the soft margin.
        hardest: of each query's negatives only the one that scores highest.
    """

    def __init__(self, *, margin: float | None = 0.2, hardest: bool = False) -> None:
        super().__init__()
        if margin is not None:
            check_at_least("margin", margin, 0)
        self.margin = margin
        self.hardest = hardest

    def forward(
        self, list_scores: Float[Tensor, "queries list"], ignore: Bool[Tensor, "queries list"] | None = None
    ) -> Float[Tensor, ""]:
        """The loss of one batch."""
        return triplet(list_scores, ignore=ignore, margin=self.margin, hardest=self.hardest)
