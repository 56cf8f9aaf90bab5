"""Batch-all triplets: every triplet of a labelled batch that still costs something."""

from __future__ import annotations

import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from accord.core.checks import check_at_least, check_choice
from accord.core.spec import Described
from accord.maths.similarity import SIMILARITIES
from accord.maths.triplets import class_distances, class_masks

__all__ = ["BatchAllTriplet", "batch_all_triplet"]


def batch_all_triplet(
    embeddings: Float[Tensor, "n dim"], labels: Int[Tensor, " n"], *, margin: float = 0.2, similarity: str = "cosine"
) -> Float[Tensor, ""]:
    r"""The mean of all triplet losses of a batch that are not 0.

    .. math:: \frac1{|A|} \sum_{(i,p,n) \in A} \bigl(m + d_{ip} - d_{in}\bigr), \qquad
              A = \{(i,p,n): y_p = y_i \ne y_n,\; m + d_{ip} > d_{in}\}

    Also known as: BatchAllTripletLoss, batch-all with non-zero averaging.

    Reference: Hermans et al. (2017), arXiv:1703.07737, eq. 6 and the mean over non-zero terms of its section 3.

    Differs from the paper: nothing.

    Args:
        embeddings: (n, dim) vectors.
        labels: (n) class numbers.
        margin: at least 0, in units of the distance.
        similarity: what minus the distance is: "cosine", "dot" or "euclidean".

    Returns:
        At least 0; 0 when every triplet keeps the margin.

    Raises:
        InputError: no class with two members, or a single class.

    >>> batch_all_triplet(torch.eye(3)[[0, 0, 1, 1]], torch.tensor([0, 0, 1, 1]), margin=1.5)
    tensor(0.5000)
    """
    right, wrong = class_masks(labels)
    distances = class_distances(embeddings, similarity)
    anchors, positives = right.nonzero(as_tuple=True)
    losses = F.relu(distances[anchors, positives][:, None] - distances[anchors] + margin)
    losses = losses.masked_fill(~wrong[anchors], 0.0)  # (pairs of a class, n)
    return losses.sum() / (losses > 0).sum().clamp(min=1)


class BatchAllTriplet(Described, nn.Module):
    """:func:`batch_all_triplet` as a module.

    Args:
        margin: at least 0, in units of the distance.
        similarity: what minus the distance is: "cosine", "dot" or "euclidean".
    """

    def __init__(self, *, margin: float = 0.2, similarity: str = "cosine") -> None:
        super().__init__()
        check_at_least("margin", margin, 0)
        check_choice("similarity", similarity, SIMILARITIES)
        self.margin = margin
        self.similarity = similarity

    def forward(self, embeddings: Float[Tensor, "n dim"], labels: Int[Tensor, " n"]) -> Float[Tensor, ""]:
        """The loss of one batch."""
        return batch_all_triplet(embeddings, labels, margin=self.margin, similarity=self.similarity)
