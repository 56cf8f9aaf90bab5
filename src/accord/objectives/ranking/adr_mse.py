"""ADR-MSE: smooth ranks of the scores must be the ranks of the grades."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from accord.core.checks import check_positive
from accord.core.spec import Described
from accord.maths.score_lists import counted_places, pairs_in_order

__all__ = ["ADRMSE", "adr_mse"]


def adr_mse(
    list_scores: Float[Tensor, "queries list"],
    labels: Float[Tensor, "queries list"],
    *,
    ignore: Bool[Tensor, "queries list"] | None = None,
    temperature: float = 1.0,
) -> Float[Tensor, ""]:
    r"""Squared error of approximate ranks, less the farther down.

    .. math:: \operatorname{mean}_{i,\,k} \frac{(r_{ik} - \hat r_{ik})^2}{\log_2(1 + r_{ik})}, \qquad
              \hat r_{ik} = 1 + \sum_{l \ne k} \sigma\Bigl(\frac{s_{il} - s_{ik}}{\tau}\Bigr)

    where r is the rank by grade, a shared one for documents that tie.

    Also known as: ADRMSELoss, approximate discounted rank mean squared error.

    Reference: Schlatt et al. (2024), "Rank-DistiLLM", arXiv:2405.07920.

    Differs from the paper: documents of one grade share the mean of their ranks, as in sentence-transformers.

    Args:
        list_scores: each query with its own documents.
        labels: grades, or a teacher's scores; only their order counts.
        ignore: True where there is no document, or one that must not count.
        temperature: > 0, in units of the score; about 0.05 for cosines.

    Returns:
        Squared ranks, at least 0.

    Raises:
        InputError: no list with two documents of different grades.

    >>> adr_mse(torch.zeros(1, 2), torch.tensor([[1.0, 0.0]])).round(decimals=4)
    tensor(0.2039)
    """
    counted = counted_places(list_scores, ignore)
    pairs_in_order(labels, counted)
    beside = counted[:, None, :]
    above = ((labels[:, None, :] > labels[:, :, None]) & beside).sum(2)
    level = ((labels[:, None, :] == labels[:, :, None]) & beside).sum(2)
    ranks = (above + (level + 1) / 2).to(list_scores)
    itself = torch.eye(list_scores.shape[1], dtype=torch.bool, device=list_scores.device)
    beaten = torch.sigmoid((list_scores[:, None, :] - list_scores[:, :, None]) / temperature)
    approximate = 1 + beaten.masked_fill(~beside | itself, 0.0).sum(2)
    return ((ranks - approximate).square() / torch.log2(1 + ranks))[counted].mean()


class ADRMSE(Described, nn.Module):
    """:func:`adr_mse` as a module.

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
        return adr_mse(list_scores, labels, ignore=ignore, temperature=self.temperature)
