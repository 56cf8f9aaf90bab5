"""LambdaLoss: order the documents of a list, and let each pair weigh by what swapping it does to the nDCG."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from accord.core.checks import check_at_least, check_choice, check_positive
from accord.core.errors import InputError
from accord.core.spec import Described
from accord.maths.score_lists import counted_places, pairs_in_order

__all__ = ["LambdaLoss", "lambda_loss"]

WEIGHTS = ("ndcg_loss1", "ndcg_loss2", "lambda_rank", "ndcg_loss2++")


def lambda_loss(
    list_scores: Float[Tensor, "queries list"],
    labels: Float[Tensor, "queries list"],
    *,
    ignore: Bool[Tensor, "queries list"] | None = None,
    weights: str = "ndcg_loss2++",
    top: int | None = None,
    temperature: float = 1.0,
    mu: float = 10.0,
) -> Float[Tensor, ""]:
    r"""Mean surprise that the better of two documents is the better one, weighted by what it means to the nDCG.

    .. math:: \operatorname{mean}_{i,\,k,\,l} w_{kl} \log_2\bigl(1 + e^{-(s_{ik} - s_{il}) / \tau}\bigr)

    over pairs with :math:`y_{ik} > y_{il}`. With ranks r by score, gains :math:`G = (2^y - 1) / \mathrm{maxDCG}` and
    discounts :math:`D(r) = \log_2(1 + r)`, w is

    - ndcg_loss1: :math:`G_k / D(r_k)`, over all pairs;
    - ndcg_loss2: :math:`|1/D(|r_k - r_l|) - 1/D(|r_k - r_l| + 1)| \; |G_k - G_l|`;
    - lambda_rank: :math:`|1/D(r_k) - 1/D(r_l)| \; |G_k - G_l|`;
    - ndcg_loss2++: the third plus :math:`\mu` times the second.

    Also known as: LambdaLoss framework, LambdaRank, LambdaMART's gradient.

    Reference: Wang et al. (2018), "The LambdaLoss Framework for Ranking Metric Optimization" (CIKM), with the
    truncation of its eq. 18; LambdaRank: Burges et al. (2006).

    Differs from the paper: a mean over the pairs of a batch instead of a sum, as in allRank and sentence-transformers;
    a document is no pair with itself.

    Args:
        list_scores: each query with its own documents.
        labels: grades, at least 0; a step of 1 doubles the gain.
        ignore: True where there is no document, or one that must not count.
        weights: what a pair weighs.
        top: of nDCG@top: pairs that lie below it altogether do not count; None for the whole list.
        temperature: > 0, in units of the score; about 0.05 for cosines.
        mu: share of the tighter bound in ndcg_loss2++, at least 0.

    Returns:
        Bits, at least 0.

    Raises:
        InputError: a grade below 0, or no list with two documents of different grades.

    >>> lambda_loss(torch.zeros(1, 2), torch.tensor([[1.0, 0.0]]), weights="lambda_rank")
    tensor(0.3691)
    """
    counted = counted_places(list_scores, ignore)
    if bool((labels < 0)[counted].any()):
        raise InputError(
            f"LambdaLoss reads grades of at least 0, and a label is {labels[counted].min():g}. Scores of a teacher are "
            "for `ListKL`, `MarginMSE` or `ListNet`."
        )
    better = pairs_in_order(labels, counted)
    ranks = _ranks(list_scores.detach(), counted)
    gains = _gains(labels.to(list_scores).masked_fill(~counted, 0.0), top)
    if weights == "ndcg_loss1":
        itself = torch.eye(list_scores.shape[1], dtype=torch.bool, device=labels.device)
        better = counted[:, :, None] & counted[:, None, :] & ~itself
    if top is not None:
        better = better & ((ranks[:, :, None] <= top) | (ranks[:, None, :] <= top))
    differences = (list_scores[:, :, None] - list_scores[:, None, :]) / temperature
    weighted = _pair_weights(gains, ranks, weights, mu) * F.softplus(-differences) / math.log(2)
    return weighted[better].sum() / better.sum().clamp(min=1)


def _ranks(scores: Tensor, counted: Bool[Tensor, "queries list"]) -> Int[Tensor, "queries list"]:
    """Ranks by score from 1, the higher the smaller; places that do not count come last."""
    order = scores.masked_fill(~counted, -torch.inf).argsort(dim=1, descending=True, stable=True)
    return order.argsort(dim=1) + 1


def _gains(grades: Tensor, top: int | None) -> Tensor:
    """Gains over the greatest DCG that the list can have."""
    gains = torch.exp2(grades) - 1
    best = gains.sort(dim=1, descending=True).values
    places = torch.arange(1, grades.shape[1] + 1, device=grades.device)
    greatest = (best / torch.log2(1.0 + places))[:, :top].sum(1, keepdim=True)
    return gains / greatest.clamp(min=1e-10)


def _pair_weights(gains: Tensor, ranks: Tensor, weights: str, mu: float) -> Tensor:
    """(queries, k, l): what each pair weighs."""
    discount = 1 / torch.log2(1.0 + ranks).to(gains)
    if weights == "ndcg_loss1":
        return (gains * discount)[:, :, None].expand(-1, -1, gains.shape[1])
    spread = (gains[:, :, None] - gains[:, None, :]).abs()
    lambda_rank = (discount[:, :, None] - discount[:, None, :]).abs()
    if weights == "lambda_rank":
        return lambda_rank * spread
    apart = (ranks[:, :, None] - ranks[:, None, :]).abs().clamp(min=1)
    tighter = (1 / torch.log2(1.0 + apart) - 1 / torch.log2(2.0 + apart)).to(gains)
    return (tighter if weights == "ndcg_loss2" else lambda_rank + mu * tighter) * spread


class LambdaLoss(Described, nn.Module):
    """:func:`lambda_loss` as a module.

    Args:
        weights: what a pair weighs: "ndcg_loss1", "ndcg_loss2", "lambda_rank" or "ndcg_loss2++".
        top: of nDCG@top; None for the whole list.
        temperature: > 0, in units of the score; about 0.05 for cosines.
        mu: share of the tighter bound in ndcg_loss2++, at least 0.
    """

    def __init__(
        self, *, weights: str = "ndcg_loss2++", top: int | None = None, temperature: float = 1.0, mu: float = 10.0
    ) -> None:
        super().__init__()
        check_choice("weights", weights, WEIGHTS)
        if top is not None:
            check_at_least("top", top, 1)
        check_positive("temperature", temperature)
        check_at_least("mu", mu, 0)
        self.weights = weights
        self.top = top
        self.temperature = temperature
        self.mu = mu

    def forward(
        self,
        list_scores: Float[Tensor, "queries list"],
        labels: Float[Tensor, "queries list"],
        ignore: Bool[Tensor, "queries list"] | None = None,
    ) -> Float[Tensor, ""]:
        """The loss of one batch."""
        return lambda_loss(
            list_scores,
            labels,
            ignore=ignore,
            weights=self.weights,
            top=self.top,
            temperature=self.temperature,
            mu=self.mu,
        )
