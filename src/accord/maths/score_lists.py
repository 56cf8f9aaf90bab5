"""Score lists of unequal length as a padded matrix: which places count, their distribution, how likely an order is."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from accord.core.errors import InputError

__all__ = ["counted_places", "list_log_softmax", "mean_over_lists", "order_log_likelihood", "pairs_in_order"]


def counted_places(
    scores: Float[Tensor, "queries list"], ignore: Bool[Tensor, "queries list"] | None = None
) -> Bool[Tensor, "queries list"]:
    """True where a list has a document that counts.

    Raises:
        InputError: no list has two of them, so that nothing can be compared.

    >>> counted_places(torch.zeros(2, 2), torch.tensor([[False, False], [False, True]])).tolist()
    [[True, True], [True, False]]
    """
    counted = torch.ones_like(scores, dtype=torch.bool) if ignore is None else ~ignore
    if not bool((counted.sum(1) > 1).any()):
        raise InputError(
            f"None of the {len(scores)} lists of this batch has two documents that count: there is nothing to compare. "
            "Give queries negatives of their own."
        )
    return counted


def list_log_softmax(
    scores: Float[Tensor, "queries list"], counted: Bool[Tensor, "queries list"]
) -> Float[Tensor, "queries list"]:
    """Log-probabilities over the places of each list that count; 0 at the others.

    >>> list_log_softmax(torch.zeros(1, 3), torch.tensor([[True, True, False]]))
    tensor([[-0.6931, -0.6931,  0.0000]])
    """
    lowest = torch.finfo(scores.dtype).min
    return scores.masked_fill(~counted, lowest).log_softmax(dim=1).masked_fill(~counted, 0.0)


def order_log_likelihood(
    scores: Float[Tensor, "queries list"],
    order: Float[Tensor, "queries list"],
    counted: Bool[Tensor, "queries list"],
) -> Float[Tensor, "queries list"]:
    r"""How likely each document is to be drawn before all that stand below it in a given order.

    .. math:: \log \frac{e^{s_i}}{e^{s_i} + \sum_{j: y_j < y_i} e^{s_j}}

    Without ties the sum over i is the log-likelihood of the order under the model of Plackett and Luce. Documents
    that tie do not compete.

    Args:
        scores: what the model says.
        order: larger stands higher.
        counted: which places count.

    Returns:
        Nats, at most 0; 0 at places that do not count or have nothing below them.

    >>> order_log_likelihood(torch.zeros(1, 2), torch.tensor([[1.0, 0.0]]), torch.tensor([[True, True]]))
    tensor([[-0.6931,  0.0000]])
    """
    below = (order[:, :, None] > order[:, None, :]) & counted[:, None, :]  # (queries, i, j)
    itself = torch.eye(scores.shape[1], dtype=torch.bool, device=scores.device)
    lowest = torch.finfo(scores.dtype).min
    rivals = scores[:, None, :].expand_as(below).masked_fill(~(below | itself), lowest)
    return (scores - rivals.logsumexp(dim=2)).masked_fill(~counted, 0.0)


def mean_over_lists(values: Float[Tensor, " queries"], counted: Bool[Tensor, "queries list"]) -> Float[Tensor, ""]:
    """Mean over the lists in which two documents or more count.

    >>> mean_over_lists(torch.tensor([2.0, 9.0]), torch.tensor([[True, True], [True, False]]))
    tensor(2.)
    """
    return values[counted.sum(1) > 1].mean()


def pairs_in_order(
    labels: Float[Tensor, "queries list"], counted: Bool[Tensor, "queries list"]
) -> Bool[Tensor, "queries k l"]:
    """True where document k of a list has a higher grade than document l, and both count.

    Raises:
        InputError: no list has two grades, so that there is no order.

    >>> pairs_in_order(torch.tensor([[1.0, 0.0]]), torch.tensor([[True, True]])).tolist()
    [[[False, True], [False, False]]]
    """
    better = (labels[:, :, None] > labels[:, None, :]) & counted[:, :, None] & counted[:, None, :]
    if not bool(better.any()):
        raise InputError(
            f"Within each of the {len(labels)} lists of this batch all documents have one grade: there is no order to "
            "learn. Give queries negatives, or grades (`pos_scores`, `neg_scores`)."
        )
    return better
