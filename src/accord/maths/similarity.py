"""Scores between two sets of vectors, as matrices or row by row: cosine, dot product, negative Euclidean distance."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from accord.core.checks import check_choice

__all__ = ["SIMILARITIES", "list_similarity", "pairwise_similarity", "similarity"]

SIMILARITIES = ("cosine", "dot", "euclidean")


def similarity(
    left: Float[Tensor, "n dim"], right: Float[Tensor, "m dim"], *, kind: str = "cosine"
) -> Float[Tensor, "n m"]:
    """Score every row of `left` with every row of `right`.

    Args:
        left: (n, dim) vectors.
        right: (m, dim) vectors.
        kind: "cosine" (in [-1, 1]; 0 for a zero vector), "dot" or "euclidean" (minus the distance).

    Returns:
        (n, m) scores, larger is nearer.

    Raises:
        InputError: an unknown kind.

    >>> similarity(torch.tensor([[3.0, 4.0]]), torch.tensor([[6.0, 8.0], [4.0, -3.0]])).round(decimals=4)
    tensor([[1., 0.]])
    """
    check_choice("kind", kind, SIMILARITIES)
    if kind == "cosine":
        return F.normalize(left, dim=-1) @ F.normalize(right, dim=-1).T
    if kind == "dot":
        return left @ right.T
    return -torch.cdist(left, right)


def pairwise_similarity(
    left: Float[Tensor, "n dim"], right: Float[Tensor, "n dim"], *, kind: str = "cosine"
) -> Float[Tensor, " n"]:
    """Score row i of `left` with row i of `right`.

    Args:
        left: (n, dim) vectors.
        right: (n, dim) vectors.
        kind: as for :func:`similarity`.

    Returns:
        (n,) scores, larger is nearer.

    Raises:
        InputError: an unknown kind.

    >>> pairwise_similarity(torch.eye(2), torch.tensor([[2.0, 0.0], [2.0, 0.0]]))
    tensor([1., 0.])
    """
    check_choice("kind", kind, SIMILARITIES)
    if kind == "cosine":
        return (F.normalize(left, dim=-1) * F.normalize(right, dim=-1)).sum(-1)
    if kind == "dot":
        return (left * right).sum(-1)
    return -(left - right).norm(dim=-1)


def list_similarity(
    left: Float[Tensor, "n dim"], lists: Float[Tensor, "n list dim"], *, kind: str = "cosine"
) -> Float[Tensor, "n list"]:
    """Score row i of `left` with every vector of list i.

    Args:
        left: (n, dim) vectors.
        lists: (n, list, dim) vectors.
        kind: as for :func:`similarity`.

    Returns:
        (n, list) scores, larger is nearer.

    Raises:
        InputError: an unknown kind.

    >>> list_similarity(torch.eye(2), torch.tensor([[[2.0, 0.0], [0.0, 1.0]], [[3.0, 0.0], [0.0, 4.0]]]))
    tensor([[1., 0.],
            [0., 1.]])
    """
    check_choice("kind", kind, SIMILARITIES)
    if kind == "cosine":
        return torch.einsum("nd,nld->nl", F.normalize(left, dim=-1), F.normalize(lists, dim=-1))
    if kind == "dot":
        return torch.einsum("nd,nld->nl", left, lists)
    return -(left[:, None] - lists).norm(dim=-1)
