"""Binary cross-entropy: each pair by itself is right or wrong, or right with a given probability."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from accord.core.checks import check_positive
from accord.core.errors import InputError
from accord.core.spec import Described

__all__ = ["BinaryCrossEntropy", "binary_cross_entropy"]


def binary_cross_entropy(
    pair_scores: Float[Tensor, " n"], labels: Float[Tensor, " n"], *, positive_weight: float = 1.0
) -> Float[Tensor, ""]:
    r"""Mean cross-entropy between the sigmoid of a score and a label in [0, 1].

    .. math:: -\frac1n \sum_i w\, y_i \log \sigma(s_i) + (1 - y_i) \log(1 - \sigma(s_i))

    Also known as: log loss, pointwise reranking loss, BinaryCrossEntropyLoss.

    Reference: Nogueira & Cho (2019), arXiv:1901.04085, section 3.

    Differs from the paper: soft labels; positives may count more than negatives.

    Args:
        pair_scores: raw scores, before any sigmoid.
        labels: 1 for right, 0 for wrong, or a probability between.
        positive_weight: w > 0; the number of negatives for each positive balances the two.

    Returns:
        Nats, at least 0; log 2 when all scores are 0 and w is 1.

    Raises:
        InputError: a label outside [0, 1].

    >>> binary_cross_entropy(torch.tensor([0.0, 0.0]), torch.tensor([1.0, 0.0]))
    tensor(0.6931)
    """
    lowest, highest = float(labels.min()), float(labels.max())
    if not 0 <= lowest <= highest <= 1:
        raise InputError(
            f"`labels` must lie in [0, 1]. Got {lowest:g} to {highest:g}. Bring the scores to [0, 1], or choose an "
            "objective for scores of any size."
        )
    weight = torch.as_tensor(positive_weight, dtype=pair_scores.dtype, device=pair_scores.device)
    return F.binary_cross_entropy_with_logits(pair_scores, labels.to(pair_scores.dtype), pos_weight=weight)


class BinaryCrossEntropy(Described, nn.Module):
    """:func:`binary_cross_entropy` as a module.

    Args:
        positive_weight: how much a positive counts, beside 1 for a negative; > 0.
    """

    def __init__(self, *, positive_weight: float = 1.0) -> None:
        super().__init__()
        check_positive("positive_weight", positive_weight)
        self.positive_weight = positive_weight

    def forward(self, pair_scores: Float[Tensor, " n"], labels: Float[Tensor, " n"]) -> Float[Tensor, ""]:
        """The loss of one batch."""
        return binary_cross_entropy(pair_scores, labels, positive_weight=self.positive_weight)
