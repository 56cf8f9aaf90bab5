"""Supervised contrastive loss: an example must be nearer to its own class than to the rest of the batch."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from accord.core.checks import check_positive
from accord.core.errors import InputError
from accord.core.spec import Described

__all__ = ["SupCon", "sup_con"]


def sup_con(scores: Float[Tensor, "n n"], labels: Int[Tensor, " n"], *, temperature: float = 0.1) -> Float[Tensor, ""]:
    r"""Mean log-probability of an example's own class among all other examples of the batch.

    .. math:: \frac{1}{|I|} \sum_{i \in I} \frac{-1}{|P(i)|} \sum_{p \in P(i)}
              \log \frac{e^{s_{ip}/\tau}}{\sum_{a \ne i} e^{s_{ia}/\tau}}

    where P(i) holds the other examples of i's class and I the examples for which it is not empty.

    Also known as: SupConLoss, supervised NT-Xent, L_out^sup.

    Reference: Khosla et al. (2020), arXiv:2004.11362, eq. 2.

    Differs from the paper: one view an example, so classes with a single member in the batch are left out of the mean;
    scores may be any similarity.

    Args:
        scores: (n, n) scores of all examples with each other; the diagonal is not read.
        labels: (n) class numbers.
        temperature: > 0, in units of the score.

    Returns:
        Nats, at least 0.

    Raises:
        InputError: no class with two members, or a single class: nothing to learn from.

    >>> sup_con(torch.zeros(4, 4), torch.tensor([0, 0, 1, 1]))
    tensor(1.0986)
    """
    n = len(labels)
    itself = torch.eye(n, dtype=torch.bool, device=scores.device)
    same = (labels[:, None] == labels[None, :]) & ~itself
    positives = same.sum(1)
    if not bool(positives.any()):
        raise InputError(
            f"No class has two members in this batch of {n}: the loss has no positives. Use a larger batch."
        )
    if bool((same | itself).all()):
        raise InputError(f"All {n} examples of this batch are of one class: the loss has no negatives.")
    logits = (scores / temperature).masked_fill(itself, -torch.inf)
    log_probability = logits - logits.logsumexp(dim=1, keepdim=True)
    anchors = positives > 0
    per_anchor = log_probability.masked_fill(~same, 0.0).sum(1)[anchors] / positives[anchors]
    return -per_anchor.mean()


class SupCon(Described, nn.Module):
    """:func:`sup_con` as a module.

    Args:
        temperature: > 0.
    """

    def __init__(self, *, temperature: float = 0.1) -> None:
        super().__init__()
        check_positive("temperature", temperature)
        self.temperature = temperature

    def forward(self, scores: Float[Tensor, "n n"], labels: Int[Tensor, " n"]) -> Float[Tensor, ""]:
        """The loss of one batch."""
        return sup_con(scores, labels, temperature=self.temperature)
