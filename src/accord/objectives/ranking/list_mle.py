"""ListMLE: make the order of the grades the likeliest one."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from accord.core.checks import check_positive
from accord.core.spec import Described
from accord.maths.score_lists import counted_places, mean_over_lists, order_log_likelihood, pairs_in_order

__all__ = ["ListMLE", "list_mle"]


def list_mle(
    list_scores: Float[Tensor, "queries list"],
    labels: Float[Tensor, "queries list"],
    *,
    ignore: Bool[Tensor, "queries list"] | None = None,
    temperature: float = 1.0,
    position_aware: bool = False,
) -> Float[Tensor, ""]:
    r"""Negative log-likelihood of drawing the documents of a list in the order of their grades.

    .. math:: -\operatorname{mean}_i \sum_k w_k
              \log \frac{e^{s_{ik}/\tau}}{e^{s_{ik}/\tau} + \sum_{l: y_{il} < y_{ik}} e^{s_{il}/\tau}}

    with w = 1. Position-aware, :math:`w_k \propto 2^{n - r_k} - 1` for the document with rank r of n, and the weights
    of a list sum to 1: mistakes at the top cost most.

    Also known as: ListMLELoss, Plackett-Luce likelihood; position-aware PListMLELoss, p-ListMLE.

    Reference: Xia et al. (2008), "Listwise Approach to Learning to Rank" (ICML); position-aware as in Lan et
    al. (2014), "Position-Aware ListMLE" (UAI).

    Differs from the paper: documents of one grade do not compete, so that their order in the data is of no account;
    without ties it is the paper's loss.

    Args:
        list_scores: each query with its own documents.
        labels: grades; only their order counts.
        ignore: True where there is no document, or one that must not count.
        temperature: > 0, in units of the score; about 0.05 for cosines.
        position_aware: let the top of the order weigh most.

    Returns:
        Nats, at least 0.

    Raises:
        InputError: no list with two documents of different grades.

    >>> list_mle(torch.zeros(1, 3), torch.tensor([[2.0, 1.0, 0.0]]))
    tensor(1.7918)
    """
    counted = counted_places(list_scores, ignore)
    pairs_in_order(labels, counted)
    surprise = -order_log_likelihood(list_scores / temperature, labels, counted)
    if position_aware:
        above = (labels[:, None, :] > labels[:, :, None]) & counted[:, None, :]
        left = (counted.sum(1, keepdim=True) - 1 - above.sum(2)).clamp(max=60)  # n - rank, and ranks start at 1
        weights = (torch.exp2(left.to(surprise)) - 1).masked_fill(~counted, 0.0)
        surprise = surprise * weights / weights.sum(1, keepdim=True).clamp(min=1e-10)
    return mean_over_lists(surprise.sum(1), counted)


class ListMLE(Described, nn.Module):
    """:func:`list_mle` as a module.

    Args:
        temperature: > 0, in units of the score; about 0.05 for cosines.
        position_aware: let the top of the order weigh most.
    """

    def __init__(self, *, temperature: float = 1.0, position_aware: bool = False) -> None:
        super().__init__()
        check_positive("temperature", temperature)
        self.temperature = temperature
        self.position_aware = position_aware

    def forward(
        self,
        list_scores: Float[Tensor, "queries list"],
        labels: Float[Tensor, "queries list"],
        ignore: Bool[Tensor, "queries list"] | None = None,
    ) -> Float[Tensor, ""]:
        """The loss of one batch."""
        return list_mle(
            list_scores, labels, ignore=ignore, temperature=self.temperature, position_aware=self.position_aware
        )
