"""How wrong the order of some scores is beside gold ones, smoothly."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from accord.core.errors import InputError

__all__ = ["wrong_orders"]


def wrong_orders(
    scores: Float[Tensor, " n"], labels: Float[Tensor, " n"], *, temperature: float = 1.0
) -> Float[Tensor, ""]:
    r"""Every two scores that stand in the wrong order, by how much, in one smooth maximum.

    .. math:: \log\Bigl(1 + \sum_{y_i > y_j} e^{(s_j - s_i) / \tau}\Bigr)

    Args:
        scores: (n) predicted.
        labels: (n) gold; only their order counts.
        temperature: > 0, in units of the score.

    Returns:
        Nats, at least 0.

    Raises:
        InputError: all gold scores are equal, so that no order is wrong or right.

    >>> wrong_orders(torch.tensor([0.5, 0.5]), torch.tensor([1.0, 0.0]))
    tensor(0.6931)
    """
    higher = labels[:, None] > labels[None, :]  # (n, n): i should score above j
    if not bool(higher.any()):
        raise InputError(f"All {len(labels)} gold scores of this batch are equal: there is no order to learn.")
    differences = (scores[None, :] - scores[:, None]) / temperature
    wrong = differences.masked_select(higher)
    return torch.cat([wrong.new_zeros(1), wrong]).logsumexp(dim=0)
