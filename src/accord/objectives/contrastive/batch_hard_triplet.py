"""Batch-hard triplets: an example must be nearer to the farthest of its class than to the nearest of any other."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from accord.core.checks import check_at_least, check_choice
from accord.core.spec import Described
from accord.maths.similarity import SIMILARITIES
from accord.maths.triplets import class_distances, class_masks

__all__ = ["BatchHardTriplet", "batch_hard_triplet"]


def batch_hard_triplet(
    embeddings: Float[Tensor, "n dim"],
    labels: Int[Tensor, " n"],
    *,
    margin: float | None = 0.2,
    similarity: str = "cosine",
) -> Float[Tensor, ""]:
    r"""The triplet loss of each example with its hardest positive and its hardest negative in the batch.

    .. math:: \operatorname{mean}_i \max\Bigl(0,\; m + \max_{p:\,y_p = y_i} d_{ip} - \min_{n:\,y_n \ne y_i} d_{in}\Bigr)

    Without a margin the outer maximum is smooth: :math:`\log(1 + e^{\dots})`.

    Also known as: BatchHardTripletLoss; without a margin BatchHardSoftMarginTripletLoss.

    Reference: Hermans et al. (2017), arXiv:1703.07737, eq. 5; the soft margin as in its section 2.

    Differs from the paper: examples that are alone in their class are left out of the mean.

    Args:
        embeddings: (n, dim) vectors.
        labels: (n) class numbers.
        margin: at least 0, in units of the distance; None for the soft margin.
        similarity: what minus the distance is: "cosine", "dot" or "euclidean".

    Returns:
        At least 0.

    Raises:
        InputError: no class with two members, or a single class.

    >>> batch_hard_triplet(torch.eye(3)[[0, 0, 1, 1]], torch.tensor([0, 0, 1, 1]), margin=1.5)
    tensor(0.5000)
    """
    right, wrong = class_masks(labels)
    distances = class_distances(embeddings, similarity)
    anchors = right.any(1)
    farthest = distances.masked_fill(~right, -torch.inf)[anchors].amax(1)
    nearest = distances.masked_fill(~wrong, torch.inf)[anchors].amin(1)
    gap = farthest - nearest
    return (F.softplus(gap) if margin is None else F.relu(gap + margin)).mean()


class BatchHardTriplet(Described, nn.Module):
    """:func:`batch_hard_triplet` as a module.

    Args:
        margin: at least 0, in units of the distance; None for the soft margin.
        similarity: what minus the distance is: "cosine", "dot" or "euclidean".
    """

    def __init__(self, *, margin: float | None = 0.2, similarity: str = "cosine") -> None:
        super().__init__()
        if margin is not None:
            check_at_least("margin", margin, 0)
        check_choice("similarity", similarity, SIMILARITIES)
        self.margin = margin
        self.similarity = similarity

    def forward(self, embeddings: Float[Tensor, "n dim"], labels: Int[Tensor, " n"]) -> Float[Tensor, ""]:
        """The loss of one batch."""
        return batch_hard_triplet(embeddings, labels, margin=self.margin, similarity=self.similarity)
