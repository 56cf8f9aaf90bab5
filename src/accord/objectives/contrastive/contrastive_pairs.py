"""Contrastive pairs: what belongs together comes near, what does not keeps a distance."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from accord.core.checks import check_finite, check_positive
from accord.core.errors import InputError
from accord.core.spec import Described

__all__ = ["ContrastivePairs", "contrastive_pairs"]


def contrastive_pairs(
    pair_scores: Float[Tensor, " n"],
    labels: Float[Tensor, " n"],
    *,
    margin: float = 0.5,
    best: float = 1.0,
    hard: bool = False,
) -> Float[Tensor, ""]:
    r"""Half the squared distance of pairs that belong together, and how far the others come inside a margin.

    .. math:: \operatorname{mean}_i\; \tfrac12 y_i d_i^2 + \tfrac12 (1 - y_i) \max(0,\; m - d_i)^2, \qquad d_i = b - s_i

    With `hard` only the hard pairs of a batch count: those with y = 1 that are farther apart than the nearest pair with
    y = 0, and those with y = 0 that are nearer than the farthest pair with y = 1.

    Also known as: ContrastiveLoss, pairwise margin loss; with `hard` OnlineContrastiveLoss.

    Reference: Hadsell et al. (2006), "Dimensionality Reduction by Learning an Invariant Mapping" (CVPR), eq. 4.

    Differs from the paper: 1 marks what belongs together; any score, so the distance is what it lacks to the best one.

    Args:
        pair_scores: (n) one score a pair.
        labels: (n) 1 for pairs that belong together, 0 for those that do not; between them both terms count in part.
        margin: > 0, in units of the score.
        best: the score of a pair that could not be nearer: 1 for cosines, 0 for minus a distance.
        hard: only the hard pairs of each batch; labels of at least 0.5 then count as 1, others as 0.

    Returns:
        At least 0.

    Raises:
        InputError: a label outside [0, 1].

    >>> contrastive_pairs(torch.tensor([0.9, 0.8]), torch.tensor([1.0, 0.0]))
    tensor(0.0250)
    """
    if bool(((labels < 0) | (labels > 1)).any()):
        raise InputError(
            f"Gold scores of contrastive pairs must lie in [0, 1]. Got {labels.min():g} to {labels.max():g}: rescale "
            "them, or choose `CoSENT`, which reads their order only."
        )
    distances = best - pair_scores
    labels = (labels >= 0.5).to(distances) if hard else labels
    losses = (labels * distances.square() + (1 - labels) * F.relu(margin - distances).square()) / 2
    if not hard:
        return losses.mean()
    right, wrong = distances[labels == 1].detach(), distances[labels == 0].detach()
    if not len(right) or not len(wrong):
        return losses.mean()
    chosen = torch.where(labels == 1, distances > wrong.min(), distances < right.max())
    return losses.masked_fill(~chosen, 0.0).sum() / chosen.sum().clamp(min=1)


class ContrastivePairs(Described, nn.Module):
    """:func:`contrastive_pairs` as a module.

    Args:
        margin: > 0, in units of the score.
        best: the score of a pair that could not be nearer: 1 for cosines, 0 for minus a distance.
        hard: only the hard pairs of each batch.
    """

    def __init__(self, *, margin: float = 0.5, best: float = 1.0, hard: bool = False) -> None:
        super().__init__()
        check_positive("margin", margin)
        check_finite("best", best)
        self.margin = margin
        self.best = best
        self.hard = hard

    def forward(self, pair_scores: Float[Tensor, " n"], labels: Float[Tensor, " n"]) -> Float[Tensor, ""]:
        """The loss of one batch."""
        return contrastive_pairs(pair_scores, labels, margin=self.margin, best=self.best, hard=self.hard)
