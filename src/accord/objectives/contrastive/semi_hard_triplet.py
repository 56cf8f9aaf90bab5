"""Semi-hard triplets: each pair of a class against the nearest example of another class that lies beyond it."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from accord.core.checks import check_at_least, check_choice
from accord.core.spec import Described
from accord.maths.similarity import SIMILARITIES
from accord.maths.triplets import class_distances, class_masks

__all__ = ["SemiHardTriplet", "semi_hard_triplet"]


def semi_hard_triplet(
    embeddings: Float[Tensor, "n dim"], labels: Int[Tensor, " n"], *, margin: float = 0.2, similarity: str = "cosine"
) -> Float[Tensor, ""]:
    r"""The triplet loss of each pair of a class with the nearest negative that is farther away than the positive.

    .. math:: \operatorname{mean}_{i,\,p} \max(0,\; m + d_{ip} - d_{in}), \qquad
              n = \operatorname*{arg\,min}_{y_n \ne y_i,\; d_{in} > d_{ip}} d_{in}

    Where no negative lies beyond the positive, the farthest one stands in.

    Also known as: BatchSemiHardTripletLoss, FaceNet loss.

    Reference: Schroff et al. (2015), arXiv:1503.03832, section 3.2.

    Differs from the paper: plain instead of squared distances; pairs without a semi-hard negative take the farthest
    one, as TensorFlow Addons and sentence-transformers do.

    Args:
        embeddings: (n, dim) vectors.
        labels: (n) class numbers.
        margin: at least 0, in units of the distance.
        similarity: what minus the distance is: "cosine", "dot" or "euclidean".

    Returns:
        At least 0.

    Raises:
        InputError: no class with two members, or a single class.

    >>> semi_hard_triplet(torch.eye(3)[[0, 0, 1, 1]], torch.tensor([0, 0, 1, 1]), margin=1.5)
    tensor(0.5000)
    """
    right, wrong = class_masks(labels)
    distances = class_distances(embeddings, similarity)
    sorted_wrong = distances.masked_fill(~wrong, torch.inf).sort(dim=1, stable=True).values
    beyond = torch.searchsorted(sorted_wrong.detach().contiguous(), distances.detach().contiguous(), right=True)
    nearest = sorted_wrong.gather(1, beyond.clamp(max=len(labels) - 1))
    farthest = distances.masked_fill(~wrong, -torch.inf).amax(1, keepdim=True)
    negative = torch.where(nearest.isfinite(), nearest, farthest)
    return F.relu(distances[right] - negative[right] + margin).mean()


class SemiHardTriplet(Described, nn.Module):
    """:func:`semi_hard_triplet` as a module.

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
        return semi_hard_triplet(embeddings, labels, margin=self.margin, similarity=self.similarity)
