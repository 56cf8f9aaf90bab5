"""Cross-entropy: each pair belongs to one of several classes."""

from __future__ import annotations

import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from accord.core.checks import check_fraction
from accord.core.errors import InputError
from accord.core.spec import Described

__all__ = ["CrossEntropy", "cross_entropy"]


def cross_entropy(
    logits: Float[Tensor, "n classes"], labels: Int[Tensor, " n"], *, smoothing: float = 0.0
) -> Float[Tensor, ""]:
    r"""Mean cross-entropy of the softmax over classes.

    .. math:: -\frac1n \sum_i \sum_c q_{ic} \log \mathrm{softmax}_c(z_i)

    with q equal to 1 on the right class; `smoothing` spreads that share of it evenly over all classes.

    Also known as: softmax loss, negative log-likelihood, CrossEntropyLoss.

    Reference: Bowman et al. (2015), arXiv:1508.05326, section 4, for pairs of sentences; Szegedy et al. (2016),
    arXiv:1512.00567, section 7, for the smoothing.

    Differs from the paper: nothing.

    Args:
        logits: raw scores, one a class.
        labels: class numbers.
        smoothing: in [0, 1].

    Returns:
        Nats, at least 0; log(classes) when all scores are equal.

    Raises:
        InputError: a class number that has no column.

    >>> import torch
    >>> cross_entropy(torch.zeros(2, 3), torch.tensor([0, 2]))
    tensor(1.0986)
    """
    classes = logits.shape[1]
    lowest, highest = int(labels.min()), int(labels.max())
    if not 0 <= lowest <= highest < classes:
        raise InputError(f"`labels` must be class numbers from 0 to {classes - 1}. Got {lowest} to {highest}.")
    return F.cross_entropy(logits, labels, label_smoothing=smoothing)


class CrossEntropy(Described, nn.Module):
    """:func:`cross_entropy` as a module.

    Args:
        smoothing: share of each label that is spread over all classes, in [0, 1].
    """

    def __init__(self, *, smoothing: float = 0.0) -> None:
        super().__init__()
        check_fraction("smoothing", smoothing)
        self.smoothing = smoothing

    def forward(self, logits: Float[Tensor, "n classes"], labels: Int[Tensor, " n"]) -> Float[Tensor, ""]:
        """The loss of one batch."""
        return cross_entropy(logits, labels, smoothing=self.smoothing)
